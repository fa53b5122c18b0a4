#include "run/series.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "run/run_parts.h"
#include "trace/spawn.h"
#include "trace/template.h"

enum { OUTPUT_KEPT = 64 * 1024, DEPTH_MAX = 16 };

struct series {
    const struct run_options *options; /* of series_open; borrowed */
    struct sandbox *sandbox;
    struct template *template;
    pid_t pid;    /* of the template */
    int stdio[3]; /* memory files; -1 without a sandbox */
    cpu_set_t before;
    bool is_pinned;
};

/* ---- descriptors 0 to 2 ---- */

static int make_stdio(struct series *s, struct err *e)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    for (int i = 0; i < 3; i++) {
        s->stdio[i] = memfd_create(names[i], MFD_CLOEXEC);
        if (s->stdio[i] < 0)
            return err_sys(e, errno, "make the program's descriptors");
        if (i > 0)
            fcntl(s->stdio[i], F_SETFL, O_APPEND);
    }
    const struct run_options *o = s->options;
    if (o->stdin_size && fd_write_full(s->stdio[0], o->stdin_bytes, o->stdin_size) < 0)
        return err_sys(e, errno, "write the program's input");
    return 0;
}

/* The offset belongs to the open file description that all copies share. */
static void rewind_stdio(struct series *s)
{
    if (s->stdio[0] < 0)
        return;
    lseek(s->stdio[0], 0, SEEK_SET);
    for (int i = 1; i < 3; i++)
        if (ftruncate(s->stdio[i], 0) == 0)
            lseek(s->stdio[i], 0, SEEK_SET);
}

static void take_output(int fd, size_t most, struct buf *kept, uint64_t *total)
{
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    *kept = (struct buf){0};
    *total = size > 0 ? (uint64_t)size : 0;
    size_t wanted = *total < most ? (size_t)*total : most;
    char block[4096];
    for (size_t at = 0; at < wanted;) {
        size_t piece = wanted - at < sizeof block ? wanted - at : sizeof block;
        ssize_t n = pread(fd, block, piece, (off_t)at);
        if (n <= 0)
            break;
        buf_put(kept, block, (size_t)n);
        at += (size_t)n;
    }
}

/* ---- private folders ---- */

static void empty_folder(int parent_fd, const char *name, int depth)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) == 0 || depth == DEPTH_MAX)
            continue;
        empty_folder(dirfd(folder), entry->d_name, depth + 1);
        unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
    }
    closedir(folder);
}

/* Seen through the template's own root directory. */
static void empty_folders(const struct series *s)
{
    static const char *const folders[] = {"tmp", "dev/shm", "dev/mqueue"};
    char path[64];
    if (!s->sandbox)
        return;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "/proc/%d/root/%s", (int)s->pid, folders[i]);
        empty_folder(AT_FDCWD, path, 0);
    }
}

/* ---- the template ---- */

static int start_target(struct series *s, struct target *target, struct err *e)
{
    const struct run_options *o = s->options;
    if (!o->sandbox) {
        struct spawn_options plain = {.argv = o->argv, .stdio = {-1, -1, -1}, .is_stepped = true};
        return spawn_command(target, &plain, e);
    }
    struct sandbox_options place = *o->sandbox;
    place.argv = o->argv;
    place.is_traced = place.is_stepped = true;
    memcpy(place.stdio, s->stdio, sizeof place.stdio);
    return sandbox_open(&s->sandbox, target, &place, e);
}

static int load(struct series *s, struct err *e)
{
    struct target target = {.pid = -1, .release_fd = -1, .error_fd = -1};
    int rc = start_target(s, &target, e);
    if (rc < 0)
        return rc;
    s->pid = target.pid;
    return template_new(&s->template, &target, e);
}

static void unload(struct series *s)
{
    template_free(s->template);
    s->template = NULL;
    if (s->sandbox)
        sandbox_kill(s->sandbox);
    sandbox_close(s->sandbox);
    s->sandbox = NULL;
}

int series_open(struct series **out, const struct run_options *options, struct err *e)
{
    struct series *s = xcalloc(1, sizeof *s);
    s->options = options;
    s->stdio[0] = s->stdio[1] = s->stdio[2] = -1;
    int rc = run_pin(&s->before, e);
    s->is_pinned = rc == 0;
    if (rc == 0 && options->sandbox)
        rc = make_stdio(s, e);
    if (rc == 0)
        rc = load(s, e);
    if (rc < 0)
        series_close(s);
    else
        *out = s;
    return rc;
}

void series_close(struct series *s)
{
    if (!s)
        return;
    unload(s);
    for (int i = 0; i < 3; i++)
        fd_close(&s->stdio[i]);
    if (s->is_pinned)
        sched_setaffinity(0, sizeof s->before, &s->before);
    free(s);
}

/* ---- one run ---- */

static int run_copy(struct series *s, struct run *r, struct run_result *out, struct err *e)
{
    pid_t copy = template_copy(s->template, e);
    if (copy < 0)
        return (int)copy;
    struct tracer_options options = run_tracer_options(r);
    recorder_meta(r->recorder, "isolation", s->sandbox ? sandbox_isolation(s->sandbox) : "none");
    r->tracer = tracer_new_copy(copy, template_program(s->template),
                                template_beginning(s->template), r->recorder, &options);
    return run_trace(r, out, e);
}

int series_run(struct series *s, struct run_result *out, const struct run_options *options,
               struct err *e)
{
    struct run r = {.options = options, .feed_fd = -1};
    memset(out, 0, sizeof *out);
    rewind_stdio(s);
    int rc = run_open_recording(&r, e);
    if (rc == 0) {
        run_take_control(&r);
        r.sandbox = s->sandbox;
        rc = run_copy(s, &r, out, e);
    }
    size_t kept = options->output_max ? options->output_max : OUTPUT_KEPT;
    rc = run_finish(&r, out, rc, e);
    if (rc == 0) {
        take_output(s->stdio[1], kept, &out->out, &out->out_size);
        take_output(s->stdio[2], kept, &out->err, &out->err_size);
    }
    empty_folders(s);
    return rc;
}
