/* bug: late-handler
 * shows as: deadlock
 * needs: the child ends before the parent has set its handler
 * depth: 1
 * budget: 40 schedules
 *
 * The parent sets its handler for SIGCHLD after fork(). A child that has ended by then has sent
 * its SIGCHLD to nobody, for the default is to ignore it; the parent waits for another. Twin:
 * late-handler-twin.c. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void on_child(int sig)
{
    (void)sig;
    is_over = 1;
}

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

/* From here on SIGCHLD comes only inside sigsuspend(). */
static void expect_child(sigset_t *before)
{
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    if (sigaction(SIGCHLD, &action, NULL) == -1 || sigprocmask(SIG_BLOCK, &blocked, before) == -1)
        die("sigaction");
}

int main(void)
{
    sigset_t before;
    int status;
    pid_t child;

    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0: _exit(0);
    }
    expect_child(&before);
    while (!is_over)
        sigsuspend(&before);
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
