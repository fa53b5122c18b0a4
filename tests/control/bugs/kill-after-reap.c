/* bug: kill-after-reap
 * shows as: exit 1
 * needs: the worker ends, and is reaped, after the parent has looked and before it calls kill()
 * depth: 2
 * budget: 80 schedules
 *
 * The parent sends its worker a signal if it still runs. The handler of SIGCHLD may reap the
 * worker between the test and the kill(): then the number names nobody (ESRCH), or, later, a
 * stranger that got the same one. Twin: kill-after-reap-twin.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t is_running = 1, is_hurried;

static void on_child(int sig)
{
    int saved = errno;

    (void)sig;
    if (waitpid(-1, NULL, WNOHANG) > 0)
        is_running = 0;
    errno = saved;
}

static void on_hurry(int sig)
{
    (void)sig;
    is_hurried = 1;
}

/* A worker that is hurried leaves some of it out. */
static void work(void)
{
    volatile long sum = 0;

    for (int part = 0; part < 1000 && !is_hurried; part++)
        sum = sum + part;
}

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

int main(void)
{
    struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    struct sigaction hurry = {.sa_handler = on_hurry, .sa_flags = SA_RESTART};
    sigset_t blocked, before;
    int result = 0;
    pid_t worker;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    if (sigaction(SIGCHLD, &child, NULL) == -1 || sigaction(SIGUSR1, &hurry, NULL) == -1)
        die("sigaction");
    switch (worker = fork()) {
    case -1: die("fork"); break;
    case 0: work(); _exit(0);
    }
    if (is_running && kill(worker, SIGUSR1) == -1) {
        perror("kill");
        result = 1;
    }
    sigprocmask(SIG_BLOCK, &blocked, &before);
    while (is_running)
        sigsuspend(&before);
    return result;
}
