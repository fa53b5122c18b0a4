/* The command waits before exec: what it starts with is written down before its first event. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/probe.h"
#include "trace/tracer_parts.h"

static void record_fd(struct tracer *t, const struct probe_fd *fd, int same_as)
{
    char link[48], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)t->command, fd->fd);
    ssize_t size = readlink(link, path, sizeof path);
    uint32_t length = size > 0 ? (uint32_t)size : 0;
    struct blob_in blob = {.kept = length, .length = length, .bytes = path};
    const uint64_t args[6] = {(uint64_t)fd->fd, fd->flags, (uint64_t)fd->offset,
                              fd->mode,         fd->ino,   fd->dev};
    record_point(t, EVENT_FD, t->command, args, same_as, &blob);
}

/* Descriptors that are close-on-exec are ours (the handshake) or nobody's: gone before the command
 * begins. */
static bool is_inherited(const struct probe_fd *fd)
{
    return !(fd->flags & O_CLOEXEC);
}

static int first_same(pid_t pid, const struct probe_fd *fds, ssize_t index)
{
    for (ssize_t i = 0; i < index; i++)
        if (is_inherited(&fds[i]) && fds[i].ino == fds[index].ino &&
            probe_same_file(pid, fds[i].fd, pid, fds[index].fd) == 1)
            return fds[i].fd;
    return fds[index].fd;
}

void begin_record(struct tracer *t)
{
    struct probe_process now = {0};
    probe_process(t->command, &now);
    record_start(t, t->command, NULL, 0, 0, &now);
    struct probe_fd *fds = NULL;
    ssize_t count = probe_fds(t->command, &fds);
    for (ssize_t i = 0; i < count; i++)
        if (is_inherited(&fds[i]))
            record_fd(t, &fds[i], first_same(t->command, fds, i));
    free(fds);
}
