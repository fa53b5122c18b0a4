/* Two children send signals to a parent that reads from a pipe, with and without SA_RESTART. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t usr1, usr2;

static void on_signal(int sig)
{
    if (sig == SIGUSR1)
        usr1++;
    else
        usr2++;
}

int main(void)
{
    int ends[2];
    struct sigaction plain = {.sa_handler = on_signal};
    struct sigaction restarting = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &plain, NULL);
    sigaction(SIGUSR2, &restarting, NULL);
    if (pipe(ends) < 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            kill(getppid(), i ? SIGUSR1 : SIGUSR2);
            if (write(ends[1], "xy", 2) != 2)
                _exit(1);
            _exit(0);
        }
    }
    close(ends[1]);
    char byte;
    int bytes = 0;
    for (;;) {
        ssize_t n = read(ends[0], &byte, 1);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        bytes += n == 1;
    }
    while (wait(NULL) > 0 || errno == EINTR) {
    }
    return bytes == 4 && usr1 == 1 && usr2 == 1 ? 0 : 1;
}
