/* bug: lock-order
 * shows as: deadlock
 * needs: the parent takes token 0 and the child takes token 1, before either takes its second
 * depth: 2
 * budget: 20 schedules
 *
 * Two accounts, each guarded by a token: a pipe that holds one byte. A transfer takes the token
 * it gives from first, then the one it gives to. Two transfers in opposite directions each hold
 * what the other waits for. Twin: lock-order-twin.c. */
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
    take(from);
    take(to);
    /* here the money moves */
    put(to);
    put(from);
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
