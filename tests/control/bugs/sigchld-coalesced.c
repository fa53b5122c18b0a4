/* bug: sigchld-coalesced
 * shows as: deadlock
 * needs: both children end before the parent's handler has run for the first
 * depth: 1
 * budget: 50 schedules
 *
 * SIGCHLD does not queue: two children that end while it is blocked give one signal, and one
 * call of the handler. A handler that reaps one child per call leaves the other a zombie, and
 * the parent waits for a signal that does not come again. Twin: sigchld-coalesced-twin.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 2

static volatile sig_atomic_t reaped;

static void on_child(int sig)
{
    int saved = errno;

    (void)sig;
    if (waitpid(-1, NULL, WNOHANG) > 0)
        reaped++;
    errno = saved;
}

static void die(const char *what)
{
    perror(what);
    while (wait(NULL) > 0) {
    }
    _exit(2);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigset_t blocked, before;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    if (sigaction(SIGCHLD, &action, NULL) == -1 || sigprocmask(SIG_BLOCK, &blocked, &before) == -1)
        die("sigaction");
    for (int i = 0; i < CHILDREN; i++)
        switch (fork()) {
        case -1: die("fork"); break;
        case 0: _exit(0);
        }
    while (reaped < CHILDREN)
        sigsuspend(&before);
    return 0;
}
