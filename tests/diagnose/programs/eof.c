/* Readers that wait for an end of file. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "parts.h"

/* guilty: the reader keeps its own copy of the write end. */
static void own_copy(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        read_to_end(p[0]);
        _exit(0);
    }
    close(p[0]);
    say(p[1], "hello");
    close(p[1]);
    reap(child);
}

/* guilty: the parent waits for the reader, and still holds what it reads. */
static void parent_waits(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[1]);
        read_to_end(p[0]);
        _exit(0);
    }
    say(p[1], "hello");
    reap(child);
}

/* guilty: the second child has inherited the write end that the first one reads from. */
static void sibling(void)
{
    int first[2], second[2];
    make_pipe(first);
    pid_t reader = make_child();
    if (reader == 0) {
        close(first[1]);
        read_to_end(first[0]);
        _exit(0);
    }
    make_pipe(second);
    pid_t other = make_child();
    if (other == 0) {
        close(second[1]);
        read_to_end(second[0]);
        _exit(0);
    }
    say(first[1], "hello");
    close(first[1]);
    reap(reader);
    close(second[1]);
    reap(other);
}

/* guilty: as own_copy, by poll. */
static void own_copy_polled(void)
{
    int p[2];
    make_pipe(p);
    struct pollfd ready = {.fd = p[0], .events = POLLIN};
    poll(&ready, 1, -1);
}

/* guilty: a filter's answer is read to its end while the filter still waits for the end of the
 * question. */
static void filter(void)
{
    int to[2], from[2];
    char byte;
    make_pipe(to);
    make_pipe(from);
    pid_t child = make_child();
    if (child == 0) {
        close(to[1]);
        close(from[0]);
        while (read(to[0], &byte, 1) == 1)
            check(write(from[1], &byte, 1) == 1, "write");
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    say(to[1], "hello");
    read_to_end(from[0]); /* to[1] should have been closed before */
    close(to[1]);
    reap(child);
}

/* guilty: nobody else ever opens this FIFO for writing, it is open for both. */
static void fifo(void)
{
    check(mkfifo("fifo", 0600) == 0, "mkfifo");
    int fd = open("fifo", O_RDWR);
    check(fd >= 0, "fifo");
    read_to_end(fd);
}

/* innocent: everybody closes what it does not need. */
static void healthy(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[1]);
        read_to_end(p[0]);
        _exit(0);
    }
    close(p[0]);
    say(p[1], "hello");
    close(p[1]);
    reap(child);
}

/* innocent: the reader waits long for a holder that is busy elsewhere, but comes back. */
static void late_writer(void)
{
    int p[2], gate[2];
    make_pipe(p);
    make_pipe(gate);
    pid_t child = make_child();
    if (child == 0) {
        close(p[1]);
        close(gate[0]);
        say(gate[1], "x");
        close(gate[1]);
        read_to_end(p[0]);
        _exit(0);
    }
    close(gate[1]);
    hear(gate[0]);
    poll(NULL, 0, 60); /* long enough for the kernel to be seen to have the child asleep */
    close(p[1]);
    reap(child);
}

/* innocent: a pipe to itself, filled by a handler: the old way to wait for a signal. */
static int self[2];
static void on_child(int sig)
{
    (void)sig;
    check(write(self[1], "x", 1) == 1, "write");
}

static void self_pipe(void)
{
    char byte;
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    make_pipe(self);
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = make_child();
    if (child == 0) {
        poll(NULL, 0, 60);
        _exit(0);
    }
    check(read(self[0], &byte, 1) == 1, "read");
    reap(child);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"own-copy", own_copy},   {"parent-waits", parent_waits},
        {"sibling", sibling},     {"polled", own_copy_polled},
        {"filter", filter},       {"fifo", fifo},
        {"healthy", healthy},     {"late-writer", late_writer},
        {"self-pipe", self_pipe}, {0},
    };
    return run_mode(modes, argc, argv);
}
