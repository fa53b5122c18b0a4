/* pipe-chain, broken: a pipeline whose end never comes. Its twin is healthy.c.
 *
 * usage: broken [lines=N]
 *
 * P       makes two pipes and three stages, and collects the stages.
 * gen     (P.1) writes N lines, one after the other.
 * filter  (P.2) makes capitals of them.
 * drain   (P.3) reads them until end of file.
 *
 * All stages are connected as they should be. But P keeps its write end of the second pipe, and
 * drain inherits it: when gen and filter have ended, drain still waits for more, and P for drain. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096 };

static unsigned lines = 60;

static _Noreturn void fail(const char *what)
{
    perror(what);
    _exit(1);
}

static _Noreturn void gen(void)
{
    static char line[SIZE];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (unsigned i = 0; i < lines; i++)
        if (write(STDOUT_FILENO, line, sizeof line) == -1)
            fail("gen");
    _exit(0);
}

static _Noreturn void filter(void)
{
    char line[SIZE];
    ssize_t n;

    while ((n = read(STDIN_FILENO, line, sizeof line)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            line[i] = (char)toupper((unsigned char)line[i]);
        if (write(STDOUT_FILENO, line, (size_t)n) == -1)
            fail("filter");
    }
    _exit(0);
}

static _Noreturn void drain(void)
{
    char line[SIZE];

    while (read(STDIN_FILENO, line, sizeof line) > 0) /* 0: no write end is left */
        ;
    _exit(0);
}

/* Moves a descriptor to where the stage expects it: two numbers, one end; the old number goes. */
static void move(int fd, int to)
{
    if (dup2(fd, to) == -1 || close(fd) == -1)
        fail("dup2");
}

int main(int argc, char *argv[])
{
    int first[2], second[2];

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "lines=%u", &lines) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (pipe(first) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* gen */
        close(first[0]);
        move(first[1], STDOUT_FILENO);
        gen();
    default: /* P */
        break;
    }
    close(first[1]); /* P does not write: only gen does */
    if (pipe(second) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* filter */
        close(second[0]);
        move(first[0], STDIN_FILENO);
        move(second[1], STDOUT_FILENO);
        filter();
    default: /* P */
        break;
    }
    close(first[0]); /* P does not read: only filter does */
    /* healthy.c closes second[1] here. */
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* drain */
        move(second[0], STDIN_FILENO);
        drain();
    default: /* P */
        break;
    }
    close(second[0]); /* P does not read: only drain does */
    while (wait(NULL) != -1)
        ;
    return 0;
}
