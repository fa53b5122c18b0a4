/* Parents and what becomes of their children. */
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "parts.h"

/* The subject here is a process that lives on while time passes. */
static void live_on(void)
{
    struct timespec moment = {.tv_nsec = 30 * 1000 * 1000};
    nanosleep(&moment, NULL);
}

static pid_t dead_child(void)
{
    pid_t child = make_child();
    if (child == 0)
        _exit(7);
    see_end_of(child);
    return child;
}

/* guilty: never asks. */
static void never_waits(void)
{
    dead_child();
    live_on();
}

/* guilty: five of them. */
static void never_waits_for_many(void)
{
    for (int i = 0; i < 5; i++)
        dead_child();
    live_on();
}

/* guilty: asks only at the end, after a rest. */
static void waits_at_the_end(void)
{
    pid_t children[3];
    for (int i = 0; i < 3; i++)
        children[i] = dead_child();
    live_on();
    for (int i = 0; i < 3; i++)
        reap(children[i]);
}

/* innocent: several are dead at once, and collected at once. */
static void waits_for_all(void)
{
    for (int i = 0; i < 5; i++) {
        pid_t child = make_child();
        if (child == 0)
            _exit(i);
    }
    while (wait(NULL) > 0)
        ;
    live_on();
}

/* innocent: reads the answer to its end, then waits. */
static void reads_then_waits(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        say(p[1], "answer");
        _exit(0);
    }
    close(p[1]);
    see_end_of(child);
    read_to_end(p[0]);
    reap(child);
}

static void collect(int sig)
{
    (void)sig;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* innocent: a handler collects while the parent sleeps. */
static void handler(void)
{
    struct sigaction action = {.sa_handler = collect};
    sigaction(SIGCHLD, &action, NULL);
    for (int i = 0; i < 3; i++) {
        pid_t child = make_child();
        if (child == 0)
            _exit(0);
    }
    for (int i = 0; i < 4; i++)
        live_on();
}

/* innocent: says in advance that it will not ask. */
static void ignores(void)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        pid_t child = make_child();
        if (child == 0)
            _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    live_on();
}

/* ---- orphans ---- */

/* A child that goes on when its parent is gone: fd reads end of file then. */
static void orphan(void (*first)(void), void (*then)(void))
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child != 0)
        return;
    close(p[1]);
    if (first)
        first();
    read_to_end(p[0]);
    then();
    _exit(0);
}

/* guilty */
static void outlives(void)
{
    orphan(NULL, live_on);
}

static void work_on(void)
{
    int fd = open("/dev/null", O_WRONLY);
    for (int i = 0; i < 100; i++)
        say(fd, "still here\n");
}

/* guilty */
static void outlives_busily(void)
{
    orphan(NULL, work_on);
}

static void own_session(void)
{
    check(setsid() > 0, "setsid");
}

/* innocent: a daemon. */
static void daemonised(void)
{
    orphan(own_session, live_on);
}

/* innocent: it ends as soon as its parent has. */
static void nothing(void)
{
}

static void follows(void)
{
    orphan(NULL, nothing);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"never-waits", never_waits},
        {"never-waits-for-many", never_waits_for_many},
        {"waits-at-the-end", waits_at_the_end},
        {"waits-for-all", waits_for_all},
        {"reads-then-waits", reads_then_waits},
        {"handler", handler},
        {"ignores", ignores},
        {"outlives", outlives},
        {"outlives-busily", outlives_busily},
        {"daemonised", daemonised},
        {"follows", follows},
        {0},
    };
    return run_mode(modes, argc, argv);
}
