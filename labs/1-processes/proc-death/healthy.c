/* proc-death, healthy: a supervisor that is told when its child is dead. Its twin broken.c asks.
 *
 * usage: healthy [work=N]
 *
 * P    starts C, sleeps until C is dead, and then asks how it ended.
 * C    (P.1) is busy for N thousand turns, and is killed.
 *
 * A pidfd (pidfd_open(2)) is a descriptor of one process, not of a number. It becomes readable when
 * that process ends: nobody has to look. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void be_killed(int thousands)
{
    for (volatile long turn = 0; turn < 1000L * thousands; turn++)
        ;
    kill(getpid(), SIGKILL); /* nothing that it could still do: no handler, no exit() */
    _exit(1);
}

/* Comes back when the process is dead. */
static void wait_for_death(pid_t pid)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

    if (end.fd == -1)
        fail("pidfd_open");
    if (poll(&end, 1, -1) == -1) /* sleeps */
        fail("poll");
    close(end.fd);
}

int main(int argc, char *argv[])
{
    int work = 0, status;
    pid_t pid;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "work=%d", &work) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    switch (pid = fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        be_killed(work);
    default: /* P */
        break;
    }
    wait_for_death(pid);
    if (waitpid(pid, &status, 0) == -1) /* takes the zombie away: from now on `pid` is nobody */
        fail("waitpid");
    if (kill(pid, 0) == -1) /* or somebody else, who has got the same number */
        perror("kill");
    printf("signal %d\n", WTERMSIG(status));
    return 0;
}
