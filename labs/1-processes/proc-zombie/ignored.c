/* proc-zombie, ignored: a parent that was started with SIGCHLD ignored.
 *
 * usage: ignored [children=N]
 *
 * P    ignores SIGCHLD and executes itself again, as a careless launcher would execute a server.
 *      The second program is innocent: it starts N children and waits for each.
 * P.i  ends at once, with exit status i.
 *
 * No zombie can be seen: when SIGCHLD is ignored, the kernel throws each child away as it ends.
 * With it goes the exit status, and every waitpid() fails with ECHILD (wait(2), NOTES). execve(2)
 * resets handlers to the default, but an ignored signal stays ignored. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 40 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void launch(char *argv[])
{
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR) /* "no zombies, please" */
        fail("signal");
    if (setenv("LAUNCHED", "yes", 1) == -1)
        fail("setenv");
    execv(argv[0], argv); /* SIG_IGN survives */
    fail(argv[0]);
}

static void serve(int children)
{
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
        int status;

        if (waitpid(child[i], &status, 0) == -1) /* sleeps until it is gone: ECHILD */
            printf("child %d: %s\n", i + 1, strerror(errno));
        else
            printf("child %d: exit status %d\n", i + 1, WEXITSTATUS(status));
    }
}

int main(int argc, char *argv[])
{
    int children = 20;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "children=%d", &children) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (children < 1 || children > CHILDREN_MAX)
        children = CHILDREN_MAX;
    if (getenv("LAUNCHED") == NULL)
        launch(argv);
    serve(children);
    return 0;
}
