/* wrong: wrong-standard — sends standard error to /dev/null. */
#define _GNU_SOURCE /* pipe2(), dup3(), close_range() */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void be_child(char *const argv[], int in, int out, int tell)
{
    int new_in = fcntl(in, F_DUPFD_CLOEXEC, 3), new_out = fcntl(out, F_DUPFD_CLOEXEC, 3);

    if (new_in != -1 && new_out != -1 && dup2(new_in, STDIN_FILENO) != -1 &&
        dup2(new_out, STDOUT_FILENO) != -1 &&
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) != -1 &&
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != -1)
        execv(argv[0], argv);
    if (write(tell, &errno, sizeof errno) == -1)
        _exit(126);
    _exit(127);
}

static pid_t spawn_clean(char *const argv[], int in, int out)
{
    int p[2], error = 0;
    pid_t pid;

    if (pipe2(p, O_CLOEXEC) == -1)
        return -1;
    if ((pid = fork()) == 0)
        be_child(argv, in, out, p[1]);
    if (pid == -1)
        error = errno;
    close(p[1]); /* the write end is the child's alone */
    if (pid != -1 && read(p[0], &error, sizeof error) > 0)
        waitpid(pid, NULL, 0);
    close(p[0]);
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
