/* twin: lost-signal
 *
 * SIGUSR1 is blocked from before fork() on, and comes only inside sigsuspend(), which lets it in
 * and waits in one step. */
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
    sigset_t blocked, before;
    int status;
    pid_t child;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    if (sigaction(SIGUSR1, &action, NULL) == -1 || sigprocmask(SIG_BLOCK, &blocked, &before) == -1)
        die("sigaction");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0:
        if (kill(getppid(), SIGUSR1) == -1)
            die("kill");
        _exit(0);
    }
    while (!flag)
        sigsuspend(&before);
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
