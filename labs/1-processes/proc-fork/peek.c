/* proc-fork, peek: P asks the kernel for a piece of its child's memory.
 *
 * usage: peek [work=N]
 *
 * P    forks C, waits until C has set its `answer`, and reads it with process_vm_readv(2).
 * C    (P.1) sets its `answer`, says so by a byte through a pipe, and sleeps until P lets it go.
 *
 * Processes do not share memory by themselves, but the kernel can see all of it, and gives it to
 * whoever may ask: a debugger, for example. What is asked is the permission to trace the other one
 * (ptrace(2), "Ptrace access mode checking"): usually, to be of the same user. */
#define _GNU_SOURCE /* process_vm_readv() */
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int answer;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void be_looked_at(int say, int let_go)
{
    char byte;

    answer = 42;
    if (write(say, "", 1) == -1) /* "it is there" */
        fail("write");
    if (read(let_go, &byte, 1) == -1) /* end of file: P has seen it */
        fail("read");
    _exit(0);
}

int main(int argc, char *argv[])
{
    int work = 0, seen = 0, said[2], go[2];
    struct iovec here = {&seen, sizeof seen}, there = {(void *)&answer, sizeof answer};
    pid_t child;
    char byte;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "work=%d", &work) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (pipe(said) == -1 || pipe(go) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        if (close(said[0]) == -1 || close(go[1]) == -1)
            fail("close");
        be_looked_at(said[1], go[0]);
    default: /* P */
        break;
    }
    if (close(said[1]) == -1 || close(go[0]) == -1)
        fail("close");
    if (read(said[0], &byte, 1) != 1)
        fail("read");
    if (process_vm_readv(child, &here, 1, &there, 1, 0) == -1) /* the same address, in C */
        fail("process_vm_readv");
    printf("At %p: %d in P, %d in C.\n", (const void *)&answer, answer, seen);
    if (close(go[1]) == -1) /* C sees end of file */
        fail("close");
    if (wait(NULL) == -1)
        fail("wait");
    return 0;
}
