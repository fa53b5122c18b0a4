#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"
#include "trace/recording.h"

enum { KEEP = 64 << 10 };

struct drain {
    int fd;
    struct outcome *outcome;
};

/* Until the pipe is empty, or half a megabyte is taken: a flood must not keep us from the clock. */
static bool take_some(void *arg)
{
    struct drain *d = arg;
    char block[65536];
    ssize_t n;
    for (int i = 0; i < 8 && (n = read(d->fd, block, sizeof block)) > 0; i++) {
        size_t room = d->outcome->out.len < KEEP ? KEEP - d->outcome->out.len : 0;
        buf_put(&d->outcome->out, block, (size_t)n < room ? (size_t)n : room);
        d->outcome->out_size += (uint64_t)n;
    }
    return true;
}

/* How a run is made: takes stdio[1]. */
typedef void runner(struct outcome *o, const struct sandbox_options *options, struct drain *d,
                    uint64_t limit_ns);

static void run_by(struct outcome *o, struct drain *d, struct sandbox *s, struct target *target,
                   uint64_t limit_ns)
{
    o->rc = sandbox_wait(s, target, limit_ns, &o->status, take_some, d, &o->e);
    sandbox_close(s);
}

static void run(struct outcome *o, const struct sandbox_options *options, struct drain *d,
                uint64_t limit_ns)
{
    struct sandbox *s;
    struct target target;
    o->rc = sandbox_open(&s, &target, options, &o->e);
    close(options->stdio[1]);
    if (o->rc == 0)
        run_by(o, d, s, &target, limit_ns);
}

static void run_bare(struct outcome *o, const struct sandbox_options *options, struct drain *d,
                     uint64_t limit_ns)
{
    struct sandbox *s;
    struct target target;
    o->rc = sandbox_bare_open(&s, &target, options, &o->e);
    close(options->stdio[1]);
    if (o->rc == 0)
        run_by(o, d, s, &target, limit_ns);
}

struct traced {
    struct outcome *outcome;
    struct sandbox *sandbox;
    struct drain *drain;
    int memory; /* what sandbox_watch said */
};

static enum trace_answer on_tick(void *arg)
{
    struct traced *t = arg;
    take_some(t->drain);
    t->memory = sandbox_watch(t->sandbox, &t->outcome->e);
    return t->memory < 0 ? TRACE_STOP_FLOODED : TRACE_GO_ON;
}

static void trace_it(struct traced *t, struct target *target, struct recorder *recorder,
                     uint64_t limit_ns)
{
    struct outcome *o = t->outcome;
    struct tracer *tracer;
    struct tracer_result result;
    const struct tracer_options options = {
        .limit_ns = limit_ns, .ends_with_command = true, .on_tick = on_tick, .arg = t};
    o->rc = tracer_new(&tracer, target, recorder, &options, &o->e);
    if (o->rc < 0)
        return;
    o->rc = tracer_run(tracer, &result, &o->e);
    tracer_free(tracer);
    if (o->rc < 0)
        return;
    o->status = result.wait_status;
    o->steps = result.steps;
    if (t->memory < 0)
        o->rc = t->memory;
    else if (result.end == TRACE_TIMEOUT)
        o->rc = -ETIMEDOUT;
    else if (result.end != TRACE_ENDED)
        o->rc = err_set(&o->e, EIO, "the tracer ended the run: %d", (int)result.end);
}

static void run_traced(struct outcome *o, const struct sandbox_options *options, struct drain *d,
                       uint64_t limit_ns)
{
    struct traced t = {.outcome = o, .drain = d};
    struct sandbox_options complete = *options;
    struct target target;
    struct recorder *recorder;
    complete.is_traced = true;
    o->rc = recorder_open_fd(&recorder, memfd_create("recording", MFD_CLOEXEC), &o->e);
    if (o->rc == 0)
        o->rc = sandbox_open(&t.sandbox, &target, &complete, &o->e);
    close(options->stdio[1]);
    if (o->rc < 0)
        return;
    trace_it(&t, &target, recorder, limit_ns);
    sandbox_close(t.sandbox);
    recorder_close(recorder, NULL);
}

/* Processes with `mark` in their environment, as they got it. */
static uint32_t count_marked(const char *mark)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        struct buf text = {0};
        char *path = xasprintf("/proc/%s/environ", entry->d_name);
        if (isdigit((unsigned char)entry->d_name[0]) && file_read(&text, path, 4096, NULL) == 0)
            count += text.len && memmem(text.data, text.len, mark, strlen(mark)) != NULL;
        free(path);
        buf_fini(&text);
    }
    if (folder)
        closedir(folder);
    return count;
}

static void outcome_by(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns,
                       runner *run_it)
{
    static unsigned count;
    int fds[2];
    *o = (struct outcome){0};
    struct sandbox_options complete = *options;
    char *mark = xasprintf("IPCLAB_MARK=%d.%u", (int)getpid(), count++);
    char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", mark, NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe2(fds, O_CLOEXEC) < 0 || null < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
        die("pipe: %s", strerror(errno));
    complete.stdio[0] = null;
    complete.stdio[1] = complete.stdio[2] = fds[1];
    complete.env = complete.env ? complete.env : env;
    buf_puts(&o->out, "");
    struct drain d = {.fd = fds[0], .outcome = o};
    run_it(o, &complete, &d, limit_ns);
    take_some(&d);
    char byte;
    ssize_t n;
    while ((n = read(fds[0], &byte, 1)) > 0)
        continue;
    o->is_held = n != 0;
    o->alive = count_marked(mark);
    close(fds[0]);
    close(null);
    free(mark);
}

void outcome_of(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns)
{
    outcome_by(o, options, limit_ns, run);
}

void outcome_of_bare(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns)
{
    outcome_by(o, options, limit_ns, run_bare);
}

void outcome_of_traced(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns)
{
    outcome_by(o, options, limit_ns, run_traced);
}

void outcome_fini(struct outcome *o)
{
    buf_fini(&o->out);
}

const char *programs_folder(void)
{
    static char *folder;
    if (!folder) {
        folder = xstrdup(paths_program());
        *strrchr(folder, '/') = '\0';
    }
    return folder;
}

/* Lines of a file, or names in a folder, that hold a word. */
static void put_lines(struct buf *out, const char *path, const char *word)
{
    struct buf text = {0};
    if (file_read(&text, path, 1 << 20, NULL) == 0 && text.len)
        for (char *rest = text.data, *line; (line = strsep(&rest, "\n")) != NULL;)
            if (strstr(line, word))
                buf_printf(out, "%s: %s\n", path, line);
    buf_fini(&text);
}

static void put_names(struct buf *out, const char *path, const char *word)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        if (strstr(entry->d_name, word))
            buf_printf(out, "%s: %s\n", path, entry->d_name);
    if (folder)
        closedir(folder);
}

char *world_state(void)
{
    struct buf out = {0};
    char key[16];
    snprintf(key, sizeof key, "%d", ATTACK_KEY);
    put_names(&out, "/proc/self/fd", "");
    put_lines(&out, "/proc/thread-self/children", "");
    put_lines(&out, "/proc/self/mountinfo", "");
    put_names(&out, "/dev/shm", ATTACK_NAME);
    put_names(&out, "/dev/mqueue", ATTACK_NAME);
    put_lines(&out, "/proc/net/unix", ATTACK_NAME);
    put_lines(&out, "/proc/sysvipc/shm", key);
    put_lines(&out, "/proc/sysvipc/msg", key);
    put_lines(&out, "/proc/sysvipc/sem", key);
    return buf_take(&out);
}

void need_namespaces(void)
{
    struct sandbox_tier tier;
    sandbox_probe(&tier);
    if (tier.has_namespaces && tier.has_proc)
        return;
    printf("skipped: %s\n", tier.why.text);
    exit(77);
}
