/* Runs that end badly, or not at all. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "parts.h"

static volatile int never;

/* crash */
static void null_pointer(void)
{
    *(volatile int *)(intptr_t)never = 1;
}

/* crash, of a child */
static void aborts(void)
{
    pid_t child = make_child();
    if (child == 0)
        abort();
    reap(child);
}

/* no crash: somebody else sent it. */
static void is_killed(void)
{
    int p[2];
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[1]);
        read_to_end(p[0]);
        _exit(0);
    }
    kill(child, SIGSEGV);
    reap(child);
}

/* no crash: it sent the signal to itself, on purpose */
static void kills_itself(void)
{
    pid_t child = make_child();
    if (child == 0)
        kill(getpid(), SIGSEGV);
    reap(child);
}

/* crash: raised, as abort() does */
static void raises(void)
{
    pid_t child = make_child();
    if (child == 0)
        raise(SIGSEGV);
    reap(child);
}

/* no crash: a status that looks like one. */
static void looks_killed(void)
{
    exit(139);
}

/* spin: without any call */
static void computes(void)
{
    while (!never)
        ;
}

/* spin: by calls */
static void polls(void)
{
    int p[2];
    char byte;
    make_pipe(p);
    check(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    while (read(p[0], &byte, 1) < 0)
        ;
}

/* slow: it sleeps too long. */
static void sleeps(void)
{
    struct timespec hour = {.tv_sec = 3600};
    nanosleep(&hour, NULL);
}

/* slow: it gets on, by small steps. */
static void dawdles(void)
{
    struct timespec moment = {.tv_nsec = 150 * 1000 * 1000};
    for (;;) {
        say(1, "x");
        nanosleep(&moment, NULL);
    }
}

/* flood */
static void floods(void)
{
    for (;;)
        say(1, "x");
}

/* left behind: the command ends, a child stays. */
static void leaves(void)
{
    pid_t child = make_child();
    if (child != 0)
        return;
    setsid();
    sleeps();
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"null-pointer", null_pointer},
        {"aborts", aborts},
        {"is-killed", is_killed},
        {"kills-itself", kills_itself},
        {"raises", raises},
        {"looks-killed", looks_killed},
        {"computes", computes},
        {"polls", polls},
        {"sleeps", sleeps},
        {"dawdles", dawdles},
        {"floods", floods},
        {"leaves", leaves},
        {0},
    };
    return run_mode(modes, argc, argv);
}
