/* The command waits before exec: what it starts with is written down before its first event. */
#include "trace/begin.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "trace/tracer_parts.h"

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

static char *link_of(pid_t pid, int fd)
{
    char link[48], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = '\0';
    return xstrdup(path);
}

void begin_probe(struct beginning *out, pid_t pid)
{
    struct probe_fd *fds = NULL;
    ssize_t count = probe_fds(pid, &fds);
    *out = (struct beginning){0};
    probe_process(pid, &out->process);
    out->fds = xcalloc(count > 0 ? (size_t)count + 1 : 1, sizeof *out->fds);
    for (ssize_t i = 0; i < count; i++)
        if (is_inherited(&fds[i]))
            out->fds[out->count++] = (struct begun_fd){
                .fd = fds[i], .same_as = first_same(pid, fds, i), .path = link_of(pid, fds[i].fd)};
    free(fds);
}

void begin_fini(struct beginning *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->fds[i].path);
    free(b->fds);
    *b = (struct beginning){0};
}

static void record_fd(struct tracer *t, const struct begun_fd *begun)
{
    const struct probe_fd *fd = &begun->fd;
    uint32_t length = (uint32_t)strlen(begun->path);
    struct blob_in blob = {.kept = length, .length = length, .bytes = begun->path};
    const uint64_t args[6] = {(uint64_t)fd->fd, fd->flags, (uint64_t)fd->offset,
                              fd->mode,         fd->ino,   fd->dev};
    record_point(t, EVENT_FD, t->command, args, begun->same_as, &blob);
}

void begin_record(struct tracer *t, const struct beginning *known)
{
    struct beginning own = {0};
    if (!known)
        begin_probe(&own, t->command);
    const struct beginning *b = known ? known : &own;
    record_start(t, t->command, NULL, 0, 0, &b->process);
    for (size_t i = 0; i < b->count; i++)
        record_fd(t, &b->fds[i]);
    begin_fini(&own);
}
