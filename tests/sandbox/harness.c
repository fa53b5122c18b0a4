#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"

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

typedef int opener(struct sandbox **out, struct target *target,
                   const struct sandbox_options *options, struct err *e);

/* Takes stdio[1]. */
static void run(struct outcome *o, const struct sandbox_options *options, int read_fd,
                uint64_t limit_ns, opener *open_it)
{
    struct sandbox *s;
    struct target target;
    o->rc = open_it(&s, &target, options, &o->e);
    close(options->stdio[1]);
    if (o->rc < 0)
        return;
    struct drain d = {.fd = read_fd, .outcome = o};
    o->rc = sandbox_wait(s, &target, limit_ns, &o->status, take_some, &d, &o->e);
    sandbox_close(s);
    take_some(&d);
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
                       opener *open_it)
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
    run(o, &complete, fds[0], limit_ns, open_it);
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
    outcome_by(o, options, limit_ns, sandbox_open);
}

void outcome_of_bare(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns)
{
    outcome_by(o, options, limit_ns, sandbox_bare_open);
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
