/* Parent and child answer each other's signals, blocked but for sigsuspend. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
    (void)sig;
    got++;
}

static void await(int count, const sigset_t *open)
{
    while (got < count)
        sigsuspend(open);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, open;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &open);
    sigaction(SIGUSR1, &action, NULL);
    pid_t parent = getpid(), child = fork();
    for (int i = 1; i <= 3; i++) {
        if (child == 0) {
            await(i, &open);
            kill(parent, SIGUSR1);
        } else {
            kill(child, SIGUSR1);
            await(i, &open);
        }
    }
    if (child == 0)
        _exit(got);
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 3 ? 0 : 1;
}
