/* Calls that a handler interrupts. The signal comes from a timer, again and again until a call was
 * interrupted. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "parts.h"

static timer_t timer;

static void on_signal(int sig)
{
    (void)sig;
}

static void expect(int sig, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig};
    struct itimerspec soon = {.it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000};
    sigaction(sig, &action, NULL);
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    check(timer_settime(timer, 0, &soon, NULL) == 0, "timer_settime");
}

static void expect_no_more(void)
{
    struct itimerspec never = {0};
    check(timer_settime(timer, 0, &never, NULL) == 0, "timer_settime");
}

/* A child that speaks only when the gate opens. */
static pid_t slow_speaker(int *in_fd, int *gate_fd)
{
    int data[2], gate[2];
    make_pipe(data);
    make_pipe(gate);
    pid_t child = make_child();
    if (child == 0) {
        char byte;
        close(data[0]);
        close(gate[1]);
        if (read(gate[0], &byte, 1) == 1)
            check(write(data[1], "late", 4) == 4, "write");
        _exit(0);
    }
    close(data[1]);
    close(gate[0]);
    *in_fd = data[0];
    *gate_fd = gate[1];
    return child;
}

/* Reads until it is interrupted. */
static void be_interrupted(int fd)
{
    char byte;
    ssize_t n = read(fd, &byte, 1);
    check(n == -1 && errno == EINTR, "EINTR");
}

/* guilty: an error, any error, is the end. */
static void gives_up(void)
{
    int in_fd, gate_fd;
    pid_t child = slow_speaker(&in_fd, &gate_fd);
    expect(SIGUSR1, 0);
    be_interrupted(in_fd);
    (void)child;
    exit(1);
}

/* guilty: -1 is not greater than 0, so it must be the end of file. */
static void takes_for_eof(void)
{
    int in_fd, gate_fd;
    pid_t child = slow_speaker(&in_fd, &gate_fd);
    expect(SIGUSR1, 0);
    be_interrupted(in_fd);
    close(in_fd);
    expect_no_more();
    close(gate_fd);
    reap(child);
}

static void loop(int flags)
{
    int in_fd, gate_fd, interruptions = 0;
    char bytes[8];
    ssize_t n;
    pid_t child = slow_speaker(&in_fd, &gate_fd);
    expect(SIGUSR1, flags);
    if (flags & SA_RESTART)
        say(gate_fd, "x");
    while ((n = read(in_fd, bytes, sizeof bytes)) != 0) {
        check(n > 0 || errno == EINTR, "read");
        if (n < 0 && ++interruptions == 2)
            say(gate_fd, "x");
    }
    close(in_fd);
    expect_no_more();
    reap(child);
}

/* innocent: calls again. */
static void retries(void)
{
    loop(0);
}

/* innocent: the kernel calls again. */
static void restarts(void)
{
    loop(SA_RESTART);
}

static void stop_by(int sig)
{
    int in_fd, gate_fd;
    pid_t child = slow_speaker(&in_fd, &gate_fd);
    expect(sig, 0);
    be_interrupted(in_fd);
    close(in_fd);
    expect_no_more();
    close(gate_fd);
    reap(child);
    exit(3);
}

/* innocent: SIGTERM asks it to stop. */
static void stops_on_request(void)
{
    stop_by(SIGTERM);
}

/* innocent: SIGALRM is its time limit. */
static void has_a_limit(void)
{
    stop_by(SIGALRM);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"gives-up", gives_up},
        {"takes-for-eof", takes_for_eof},
        {"retries", retries},
        {"restarts", restarts},
        {"stops", stops_on_request},
        {"limit", has_a_limit},
        {0},
    };
    return run_mode(modes, argc, argv);
}
