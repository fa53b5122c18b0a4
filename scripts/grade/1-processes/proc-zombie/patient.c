/* Runs a program and ends its jobs one by one: each byte of our standard input is passed on only
 * when the program and all its jobs are asleep.
 *
 * usage: patient PROGRAM [children=N] ARGUMENT...
 *
 * With children=N the program can have at most N children at a time: its next fork() fails.
 *
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end), 2 when we failed ourselves. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 4096 };

void settle_watch(int pipe_fd); /* settle.c */
bool settle(void);

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void set_limit(rlim_t processes, bool is_for_good)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit) == -1)
        fail("getrlimit");
    limit.rlim_cur = processes < limit.rlim_max ? processes : limit.rlim_max;
    if (is_for_good)
        limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_NPROC, &limit) == -1)
        fail("setrlimit");
}

/* RLIMIT_NPROC counts all processes of the user, so we try which limit lets us have one more. */
static rlim_t limit_for_one(void)
{
    for (rlim_t enough = 1; enough < PROCESSES_MAX; enough++) {
        pid_t child;

        set_limit(enough, false);
        if ((child = fork()) == 0)
            _exit(0);
        if (child == -1)
            continue;
        waitpid(child, NULL, 0);
        return enough;
    }
    fail("RLIMIT_NPROC");
}

static pid_t start(char *argv[], int *feed_fd)
{
    unsigned children = 0;
    rlim_t one = 0;
    int p[2];
    pid_t child;

    if (argv[1] != NULL && sscanf(argv[1], "children=%u", &children) == 1) {
        one = limit_for_one();
        argv[1] = argv[0];
        argv++;
    }
    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (one > 0)
            set_limit(one + children, true);
        if (dup2(p[0], STDIN_FILENO) == -1)
            fail("dup2");
        execv(argv[0], argv);
        fail(argv[0]);
    default:
        break;
    }
    close(p[0]);
    *feed_fd = p[1];
    settle_watch(p[1]);
    return child;
}

int main(int argc, char *argv[])
{
    bool is_quiet = true;
    int feed_fd;
    pid_t child;
    char byte;

    if (argc < 2)
        return 2;
    child = start(argv + 1, &feed_fd);
    signal(SIGPIPE, SIG_IGN);
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        is_quiet = settle();
        if (write(feed_fd, &byte, 1) == -1)
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
