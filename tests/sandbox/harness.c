#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"

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

static void run(struct outcome *o, const struct sandbox_options *options, int read_fd,
                uint64_t limit_ns)
{
    struct sandbox *s;
    struct target target;
    o->rc = sandbox_open(&s, &target, options, &o->e);
    if (o->rc < 0)
        return;
    close(options->stdio[1]);
    struct drain d = {.fd = read_fd, .outcome = o};
    o->rc = sandbox_wait(s, &target, limit_ns, &o->status, take_some, &d, &o->e);
    sandbox_close(s);
    take_some(&d);
}

void outcome_of(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns)
{
    int fds[2];
    *o = (struct outcome){0};
    struct sandbox_options with_stdio = *options;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe2(fds, O_CLOEXEC) < 0 || null < 0)
        die("pipe: %s", strerror(errno));
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    with_stdio.stdio[0] = null;
    with_stdio.stdio[1] = with_stdio.stdio[2] = fds[1];
    buf_puts(&o->out, "");
    run(o, &with_stdio, fds[0], limit_ns);
    if (o->rc < 0 && fcntl(fds[1], F_GETFD) >= 0)
        close(fds[1]);
    close(fds[0]);
    close(null);
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

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_names(struct buf *out, const char *path)
{
    char *names[4096];
    size_t count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return;
    for (struct dirent *entry; count < 4096 && (entry = readdir(folder)) != NULL;)
        names[count++] = xstrdup(entry->d_name);
    closedir(folder);
    qsort(names, count, sizeof *names, compare);
    buf_printf(out, "%s:", path);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, " %s", names[i]);
        free(names[i]);
    }
    buf_putc(out, '\n');
}

static void put_file(struct buf *out, const char *path)
{
    buf_printf(out, "%s:\n", path);
    file_read(out, path, 1 << 20, NULL);
}

char *world_state(void)
{
    struct buf out = {0};
    put_names(&out, "/proc/self/fd");
    put_file(&out, "/proc/thread-self/children");
    put_file(&out, "/proc/self/mountinfo");
    put_names(&out, "/dev/shm");
    put_file(&out, "/proc/sysvipc/shm");
    put_file(&out, "/proc/sysvipc/msg");
    put_file(&out, "/proc/sysvipc/sem");
    return buf_take(&out);
}
