/* Processes that wait for each other. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "parts.h"

enum { PIPE_BYTES = 65536 };

static void put(int fd, size_t size)
{
    char *bytes = calloc(1, size);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        check(n > 0, "write");
        done += (size_t)n;
    }
    free(bytes);
}

static void get(int fd, size_t size)
{
    char bytes[4096];
    while (size > 0) {
        ssize_t n = read(fd, bytes, size < sizeof bytes ? size : sizeof bytes);
        check(n > 0, "read");
        size -= (size_t)n;
    }
}

/* Two processes, a pipe each way: out and in. */
static pid_t pair(int *out_fd, int *in_fd)
{
    int down[2], up[2];
    make_pipe(down);
    make_pipe(up);
    pid_t child = make_child();
    *out_fd = child ? down[1] : up[1];
    *in_fd = child ? up[0] : down[0];
    close(child ? down[0] : down[1]);
    close(child ? up[1] : up[0]);
    return child;
}

static void swap(size_t size)
{
    int out_fd, in_fd;
    pid_t child = pair(&out_fd, &in_fd);
    put(out_fd, size);
    get(in_fd, size);
    if (child == 0)
        _exit(0);
    reap(child);
}

/* guilty: both write first, more than a pipe takes. */
static void both_write(void)
{
    swap(PIPE_BYTES + 1);
}

/* innocent: both write first, and it fits. */
static void both_write_less(void)
{
    swap(PIPE_BYTES);
}

/* guilty: both read first. */
static void both_read(void)
{
    int out_fd, in_fd;
    pid_t child = pair(&out_fd, &in_fd);
    get(in_fd, 1);
    put(out_fd, 1);
    if (child == 0)
        _exit(0);
    reap(child);
}

/* innocent: they take turns. */
static void turns(void)
{
    int out_fd, in_fd;
    pid_t child = pair(&out_fd, &in_fd);
    for (int i = 0; i < 20; i++) {
        if (child)
            put(out_fd, 1);
        get(in_fd, 1);
        if (!child)
            put(out_fd, 1);
    }
    if (child == 0)
        _exit(0);
    reap(child);
}

/* guilty: the parent waits for the end of a child that cannot get rid of its output. */
static void wait_first(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[0]);
        put(p[1], 2 * PIPE_BYTES);
        _exit(0);
    }
    close(p[1]);
    reap(child);
    get(p[0], 2 * PIPE_BYTES);
}

/* innocent: the parent drains, then waits. */
static void drain_first(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[0]);
        put(p[1], 2 * PIPE_BYTES);
        _exit(0);
    }
    close(p[1]);
    get(p[0], 2 * PIPE_BYTES);
    reap(child);
}

/* guilty: two FIFOs, opened in opposite order. */
static void fifo_order(void)
{
    check(mkfifo("one", 0600) == 0 && mkfifo("two", 0600) == 0, "mkfifo");
    pid_t child = make_child();
    if (child == 0) {
        open("two", O_WRONLY);
        open("one", O_RDONLY);
        _exit(0);
    }
    open("one", O_WRONLY);
    open("two", O_RDONLY);
    reap(child);
}

/* guilty, although killed from without: a deadlock that a watchdog ends. */
static void watched(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        read_to_end(p[0]); /* holds p[1] itself */
        _exit(0);
    }
    close(p[0]);
    close(p[1]);
    struct timespec moment = {.tv_nsec = 80 * 1000 * 1000};
    nanosleep(&moment, NULL);
    kill(child, SIGKILL);
    reap(child);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"both-write", both_write},
        {"both-write-less", both_write_less},
        {"both-read", both_read},
        {"turns", turns},
        {"wait-first", wait_first},
        {"drain-first", drain_first},
        {"fifo-order", fifo_order},
        {"watched", watched},
        {0},
    };
    return run_mode(modes, argc, argv);
}
