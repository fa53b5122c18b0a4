/* Writers whose reader goes away. */
#include <errno.h>
#include <signal.h>

#include "parts.h"

static int data[2];

/* A reader that takes one byte, ends in its own way, and has ended when this returns. */
static pid_t reader(void (*end)(void))
{
    make_pipe(data);
    pid_t child = make_child();
    if (child == 0) {
        close(data[1]);
        hear(data[0]);
        end();
    }
    close(data[0]);
    say(data[1], "x");
    see_end_of(child);
    return child;
}

static void end_well(void)
{
    _exit(0);
}

static void end_badly(void)
{
    abort();
}

/* guilty: it started the reader, and dies with it. */
static void in_charge(void)
{
    reader(end_well);
    say(data[1], "more");
}

/* guilty: as a sibling of a reader that crashes. P only starts and waits. */
static void reader_crashes(void)
{
    make_pipe(data);
    pid_t child = make_child();
    if (child == 0) {
        close(data[1]);
        hear(data[0]);
        end_badly();
    }
    close(data[0]);
    pid_t writer = make_child();
    if (writer == 0) {
        for (;;)
            say(data[1], "and so on\n");
    }
    close(data[1]);
    reap(writer);
    reap(child);
}

/* innocent: ignores SIGPIPE, sees EPIPE, stops. */
static void handles_epipe(void)
{
    signal(SIGPIPE, SIG_IGN);
    pid_t child = reader(end_well);
    check(write(data[1], "more", 4) == -1 && errno == EPIPE, "EPIPE");
    close(data[1]);
    reap(child);
}

/* innocent: the same bytes once more, as stdio does at exit. */
static void retries_once(void)
{
    signal(SIGPIPE, SIG_IGN);
    pid_t child = reader(end_well);
    check(write(data[1], "more", 4) == -1 && errno == EPIPE, "EPIPE");
    check(write(data[1], "more", 4) == -1 && errno == EPIPE, "EPIPE");
    reap(child);
}

static void ignore(int times)
{
    signal(SIGPIPE, SIG_IGN);
    pid_t child = reader(end_well);
    for (int i = 0; i < times; i++) {
        char line[24];
        snprintf(line, sizeof line, "line %d\n", i);
        if (write(data[1], line, strlen(line)) < 0)
            continue; /* the mistake */
    }
    reap(child);
}

/* guilty: goes on to the next line. */
static void ignores_epipe(void)
{
    ignore(2);
}

/* guilty: for ever, more or less. */
static void ignores_epipe_always(void)
{
    ignore(40);
}

/* innocent: a stage of a pipeline dies because the next one had enough. */
static void enough(void)
{
    make_pipe(data);
    pid_t writer = make_child();
    if (writer == 0) {
        close(data[0]);
        for (;;)
            say(data[1], "and so on\n");
    }
    pid_t taker = make_child();
    if (taker == 0) {
        close(data[1]);
        hear(data[0]);
        _exit(0);
    }
    close(data[0]);
    close(data[1]);
    reap(taker);
    reap(writer);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"in-charge", in_charge},
        {"reader-crashes", reader_crashes},
        {"handles-epipe", handles_epipe},
        {"retries-once", retries_once},
        {"ignores-epipe", ignores_epipe},
        {"ignores-epipe-always", ignores_epipe_always},
        {"enough", enough},
        {0},
    };
    return run_mode(modes, argc, argv);
}
