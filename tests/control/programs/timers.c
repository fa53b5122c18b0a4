/* A sleep, a poll with a time limit, an alarm and an interval timer. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

int main(void)
{
    int ends[2];
    struct sigaction action = {.sa_handler = on_alarm};
    sigset_t blocked, open;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, &open);
    sigaction(SIGALRM, &action, NULL);
    if (pipe(ends) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    struct pollfd watched = {.fd = ends[0], .events = POLLIN};
    int early = poll(&watched, 1, 1000);
    alarm(20);
    while (alarms < 1)
        sigsuspend(&open);
    struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
    setitimer(ITIMER_REAL, &often, NULL);
    while (alarms < 3)
        sigsuspend(&open);
    often = (struct itimerval){0};
    setitimer(ITIMER_REAL, &often, NULL);
    while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return early >= 0 && status == 0 ? 0 : 1;
}
