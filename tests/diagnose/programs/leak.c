/* Descriptors that children get without need. */
#include <fcntl.h>

#include "parts.h"

static int data[2], work[2];

/* A child that works, and what it does with data[1] before. */
static void worker(void (*prepare)(void))
{
    make_pipe(data);
    make_pipe(work);
    pid_t child = make_child();
    if (child == 0) {
        close(work[1]);
        close(data[0]);
        prepare();
        hear(work[0]);
        _exit(0);
    }
    say(data[1], "mine");
    say(work[1], "x");
    reap(child);
}

static void keep(void)
{
}

static void close_it(void)
{
    close(data[1]);
}

static void use_it(void)
{
    say(data[1], "hers");
}

/* guilty: the child never uses data[1]. */
static void unused(void)
{
    worker(keep);
}

/* guilty: the child keeps the write end of the pipe it reads from, which goes well for a fixed
 * size. */
static void own_write_end(void)
{
    make_pipe(work);
    pid_t child = make_child();
    if (child == 0) {
        hear(work[0]);
        _exit(0);
    }
    say(work[1], "x");
    reap(child);
}

/* innocent */
static void closed(void)
{
    worker(close_it);
}

/* innocent */
static void used(void)
{
    worker(use_it);
}

/* innocent: a pipe that nobody writes to tells by its end of file that the holder has died. */
static void liveness(void)
{
    int alive[2];
    make_pipe(alive);
    make_pipe(work);
    pid_t child = make_child();
    if (child == 0) {
        close(alive[0]);
        close(work[1]);
        hear(work[0]);
        _exit(0);
    }
    close(alive[1]);
    say(work[1], "x");
    read_to_end(alive[0]);
    reap(child);
}

/* ---- across exec ---- */

static void run_true(void)
{
    pid_t child = make_child();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    reap(child);
}

/* guilty: a pipe end goes along. */
static void pipe_across(void)
{
    make_pipe(data);
    say(data[1], "x");
    run_true();
}

/* guilty: so does a copy of it. */
static void pipe_across_dup(void)
{
    make_pipe(data);
    say(data[1], "x");
    check(fcntl(data[1], F_DUPFD, 30) == 30 && close(data[1]) == 0 && close(data[0]) == 0, "fcntl");
    run_true();
}

/* innocent */
static void cloexec(void)
{
    check(pipe2(data, O_CLOEXEC) == 0, "pipe2");
    say(data[1], "x");
    run_true();
}

/* worth knowing, no more: a regular file. */
static void file_across(void)
{
    int fd = open("/etc/passwd", O_RDONLY);
    check(fd >= 0, "open");
    run_true();
}

/* innocent: what goes along is used. */
static void given(void)
{
    make_pipe(data);
    pid_t child = make_child();
    if (child == 0) {
        close(data[0]);
        check(dup2(data[1], 7) == 7 && close(data[1]) == 0, "dup2");
        execl("/bin/sh", "sh", "-c", "echo hello >&7", (char *)NULL);
        _exit(127);
    }
    close(data[1]);
    read_to_end(data[0]);
    reap(child);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"unused", unused},
        {"own-write-end", own_write_end},
        {"closed", closed},
        {"used", used},
        {"liveness", liveness},
        {"pipe-across", pipe_across},
        {"pipe-across-dup", pipe_across_dup},
        {"cloexec", cloexec},
        {"file-across", file_across},
        {"given", given},
        {0},
    };
    return run_mode(modes, argc, argv);
}
