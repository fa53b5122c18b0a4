/* proc-fdleak: a solution with posix_spawn(3), which has all of it but the swap.
 *
 * usage: proc-fdleak [in=N] [out=N] [high=N] [program=FILE] */
#define _GNU_SOURCE /* pipe2(), dup3(), close_range() */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts the program argv[0], a path, with the arguments argv, in a child.
 * - Its standard input is `in`, its standard output `out`, whichever numbers these have: 0 and 1
 *   among them, in place or swapped. (Never 2, and never both the same.) They may be marked
 *   close-on-exec. Its standard error is the caller's.
 * - No other descriptor is open in the new program, however many the caller has, and however high.
 * - The caller's descriptors stay as they were. At no moment does the caller have one more that is
 *   not close-on-exec: another thread may fork and exec at any time.
 * - Where the program cannot be started, the child does nothing but end: no handler of the caller's
 *   runs, and nothing that it has printed is written.
 * Returns the child's number when the program runs; or -1 with errno set by what failed, fork() or
 * execv(), and then there is no child left. */
extern char **environ;

static pid_t spawn_clean(char *const argv[], int in, int out)
{
    int from = fcntl(in, F_DUPFD_CLOEXEC, 3), to = fcntl(out, F_DUPFD_CLOEXEC, 3);
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int error = from == -1 || to == -1 ? errno : posix_spawn_file_actions_init(&actions);

    if (error == 0) {
        posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(from);
    close(to);
    errno = error;
    return error == 0 ? pid : -1;
}

/* Fixed from here on. */
enum { PARKED = 40 };

struct report {
    int returned, error, answered;
};

static int in = 7, out = 9, high = 60;
static int ledger[2];
static char *program;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void say_goodbye(void)
{
    if (write(ledger[1], "bye", 3) == -1)
        perror("write");
}

/* A pipe whose descriptors are out of the way of all that are to come. */
static void make_pipe(int p[2])
{
    int low[2];

    if (pipe(low) == -1)
        fail("pipe");
    for (int i = 0; i < 2; i++)
        if ((p[i] = fcntl(low[i], F_DUPFD_CLOEXEC, PARKED)) == -1 || close(low[i]) == -1)
            fail("make_pipe");
}

static void read_arguments(int argc, char *argv[])
{
    program = argv[0];
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "program=", 8) == 0)
            program = argv[i] + 8;
        else if (sscanf(argv[i], "in=%d", &in) != 1 && sscanf(argv[i], "out=%d", &out) != 1 &&
                 sscanf(argv[i], "high=%d", &high) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
}

static int help(void)
{
    char bytes[64];
    ssize_t n;

    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (write(STDOUT_FILENO, bytes, (size_t)n) != n)
            return 1;
    return n == 0 ? 0 : 1;
}

/* The helper's answer to a line; its end of file must come when we have closed our end. */
static int talk(int to, int from)
{
    char bytes[64];
    int got = 0;
    ssize_t n;

    if (write(to, "hello\n", 6) != 6 || close(to) == -1)
        fail("talk");
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        got += (int)n;
    return got;
}

int main(int argc, char *argv[])
{
    char *helper[] = {NULL, "helper", NULL};
    struct report report = {0};
    int to[2], from[2];
    pid_t child;

    if (argc > 1 && strcmp(argv[1], "helper") == 0)
        return help();
    read_arguments(argc, argv);
    helper[0] = program;
    make_pipe(ledger);
    make_pipe(to);
    make_pipe(from);
    if (atexit(say_goodbye) != 0 || dup2(STDERR_FILENO, high) == -1 || dup2(ledger[0], 5) == -1)
        fail("dup2"); /* 5 and `high`: two that nobody has marked */
    if (dup3(to[0], in, in < 2 ? O_CLOEXEC : 0) == -1 || close(to[0]) == -1 ||
        dup3(from[1], out, out < 2 ? O_CLOEXEC : 0) == -1 || close(from[1]) == -1)
        fail("dup3");
    printf("waiting in a buffer\n");
    if (write(ledger[1], "go", 2) == -1)
        fail("write");
    errno = 0;
    report.returned = child = spawn_clean(helper, in, out);
    report.error = child == -1 ? errno : 0;
    if (write(ledger[1], "done", 4) == -1 || close(in) == -1 || close(out) == -1)
        fail("close");
    if (child > 0) {
        report.answered = talk(to[1], from[0]);
        waitpid(child, NULL, 0);
    }
    if (write(ledger[1], &report, sizeof report) == -1)
        fail("write");
    return child == -1;
}
