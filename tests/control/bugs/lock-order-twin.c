/* twin: lock-order
 *
 * Every transfer takes the token of the account with the smaller number first: a process that
 * waits for token 1 holds token 0, and one that waits for token 0 holds nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int token[2][2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void take(int account)
{
    char byte;
    if (read(token[account][0], &byte, 1) != 1)
        die("read");
}

static void put(int account)
{
    if (write(token[account][1], "t", 1) != 1)
        die("write");
}

static void transfer(int from, int to)
{
    int first = from < to ? from : to, second = from < to ? to : from;

    take(first);
    take(second);
    /* here the money moves */
    put(second);
    put(first);
}

int main(void)
{
    int status;
    pid_t child;

    for (int i = 0; i < 2; i++) {
        if (pipe(token[i]) == -1)
            die("pipe");
        put(i);
    }
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0: /* the other transfer */ transfer(1, 0); _exit(0);
    default: transfer(0, 1);
    }
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
