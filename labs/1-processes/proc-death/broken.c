/* proc-death, broken: a supervisor that asks whether its child is dead. Its twin healthy.c is told.
 *
 * usage: broken [work=N]
 *
 * P    starts C, asks whether C is there, 2000 times at most, and then how it ended.
 * C    (P.1) is busy for N thousand turns, and is killed.
 *
 * kill(pid, 0) sends nothing; it tells whether there is a process of that number (kill(2)). A
 * zombie is one. It stays until P waits for it, and P will do that only when it is gone. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 2000 };

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

/* Comes back when the process is dead; or when we are tired of asking. */
static void wait_for_death(pid_t pid)
{
    int asked = 0;

    while (kill(pid, 0) == 0 && asked < PATIENCE) /* a zombie counts */
        asked++;
    printf("asked %d times\n", asked);
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
