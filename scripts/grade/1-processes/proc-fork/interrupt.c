/* Runs a program whose children end when they have read a byte, and interrupts it while it waits.
 *
 * usage: interrupt PROGRAM ARGUMENT...
 *
 * For each ARGUMENT: when all are asleep, a SIGUSR1 for the program; when all are asleep again, a
 * byte for its child.
 *
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end), 2 when we failed ourselves. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

bool settle(void); /* settle.c */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static pid_t start(char *argv[], int *feed_fd)
{
    int p[2];
    pid_t child;

    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (dup2(p[0], STDIN_FILENO) == -1)
            fail("dup2");
        execv(argv[0], argv);
        fail(argv[0]);
    default:
        break;
    }
    close(p[0]);
    *feed_fd = p[1];
    return child;
}

int main(int argc, char *argv[])
{
    bool is_quiet = true;
    int feed_fd;
    pid_t child;

    if (argc < 2)
        return 2;
    child = start(argv + 1, &feed_fd);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < argc && is_quiet; i++) {
        is_quiet = settle();
        kill(child, SIGUSR1); /* not waited for yet: the number is still its own */
        is_quiet = settle() && is_quiet;
        if (write(feed_fd, "", 1) == -1)
            break; /* nobody wants to hear it */
    }
    close(feed_fd);
    is_quiet = settle() && is_quiet;
    if (!is_quiet)
        kill(child, SIGKILL);
    if (waitpid(child, NULL, 0) == -1)
        fail("waitpid");
    return is_quiet ? 0 : 3;
}
