/* Ways to wait. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "parts.h"

static int data[2], gate[2];

/* A child that answers when the gate opens, and a data[0] that does not block. */
static pid_t answerer(void)
{
    make_pipe(data);
    make_pipe(gate);
    pid_t child = make_child();
    if (child == 0) {
        close(data[0]);
        close(gate[1]);
        hear(gate[0]);
        say(data[1], "x");
        _exit(0);
    }
    close(data[1]);
    close(gate[0]);
    check(fcntl(data[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    return child;
}

static void ask(int most, void (*between)(void))
{
    char byte;
    pid_t child = answerer();
    for (int i = 0; read(data[0], &byte, 1) < 0 && errno == EAGAIN; i++) {
        if (i == most)
            say(gate[1], "x");
        between();
    }
    reap(child);
}

static void nothing(void)
{
}

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 100 * 1000};
    nanosleep(&moment, NULL);
}

static void wait_for_it(void)
{
    poll(&(struct pollfd){.fd = data[0], .events = POLLIN}, 1, 1000);
}

/* guilty (the gate opens late enough for the proof) */
static void spins(void)
{
    ask(100, nothing);
}

/* guilty */
static void naps(void)
{
    ask(60, nap);
}

/* guilty: the same with children. */
static void asks_for_child(void)
{
    pid_t child = answerer();
    for (int i = 0; waitpid(child, NULL, WNOHANG) == 0; i++) {
        if (i == 100)
            say(gate[1], "x");
    }
}

/* innocent: looks once, then waits. */
static void polls(void)
{
    ask(0, wait_for_it);
}

/* innocent: every look brings something. */
static void drains(void)
{
    char byte;
    int p[2];
    make_pipe(p);
    check(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    for (int i = 0; i < 200; i++) {
        say(p[1], "x");
        hear(p[0]);
        check(read(p[0], &byte, 1) == -1 && errno == EAGAIN, "EAGAIN");
    }
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"spins", spins}, {"naps", naps},     {"asks-for-child", asks_for_child},
        {"polls", polls}, {"drains", drains}, {0},
    };
    return run_mode(modes, argc, argv);
}
