/* bug: lost-signal
 * shows as: deadlock
 * needs: the signal arrives after the parent has looked at the flag, before it is in pause()
 * depth: 2
 * budget: 40 schedules
 *
 * The parent waits until its child has sent SIGUSR1. Between the test of the flag and pause()
 * there is a moment in which the handler can run: then pause() waits for a signal that has been.
 * Twin: lost-signal-twin.c. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t flag;

static void on_ready(int sig)
{
    (void)sig;
    flag = 1;
}

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_ready, .sa_flags = SA_RESTART};
    int status;
    pid_t child;

    if (sigaction(SIGUSR1, &action, NULL) == -1)
        die("sigaction");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0:
        if (kill(getppid(), SIGUSR1) == -1)
            die("kill");
        _exit(0);
    }
    if (!flag)
        pause();
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
