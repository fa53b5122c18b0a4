/* proc-zombie, healthy: a parent that collects its children. Its twin broken.c does not.
 *
 * usage: healthy [children=N]
 *
 * P    starts N children, watches until each has ended, then collects every exit status.
 * P.i  ends at once, with exit status i.
 *
 * waitid(2) with WNOWAIT looks at a child that has ended and leaves it as it is. So after the first
 * loop all N children have ended, and all N are zombies: the kernel keeps the exit status of each
 * until its parent asks. The second loop asks, and they vanish one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 40 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int argument_children(int argc, char *argv[])
{
    int children = 20;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "children=%d", &children) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    return children < 1 || children > CHILDREN_MAX ? CHILDREN_MAX : children;
}

/* What P does for the rest of its life. */
static void live_on(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

int main(int argc, char *argv[])
{
    int children = argument_children(argc, argv);
    pid_t child[CHILDREN_MAX];

    for (int i = 0; i < children; i++) {
        switch (child[i] = fork()) {
        case -1:
            fail("fork");
        case 0: /* P.i */
            _exit(i);
        default: /* P */
            break;
        }
    }
    for (int i = 0; i < children; i++) {
        siginfo_t info;

        /* sleeps until the child has ended, and leaves it there */
        if (waitid(P_PID, (id_t)child[i], &info, WEXITED | WNOWAIT) == -1)
            fail("waitid");
    }
    for (int i = 0; i < children; i++) {
        int status;

        if (waitpid(child[i], &status, 0) == -1) /* takes the status: now it is gone */
            fail("waitpid");
        printf("child %d: exit status %d\n", i + 1, WEXITSTATUS(status));
    }
    live_on();
    return 0;
}
