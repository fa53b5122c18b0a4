/* proc-fork, order: who is first after a fork?
 *
 * usage: order [work=N]
 *
 * P    forks 50 times. Each time it is busy for N thousand turns, writes a P into a file, and waits
 *      for the child.
 * P.i  writes a C into the same file, and ends.
 *
 * Parent and child have one open file description, so one offset: no letter overwrites another, and
 * the file tells in which order they came. Nothing in fork(2) promises any. */
#define _GNU_SOURCE /* memfd_create() */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 50 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void be_busy(int thousands)
{
    for (volatile long turn = 0; turn < 1000L * thousands; turn++)
        ;
}

static void race(int fd, int work)
{
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* P.i */
        if (write(fd, "C", 1) == -1)
            fail("write");
        _exit(0);
    default: /* P */
        break;
    }
    be_busy(work);
    if (write(fd, "P", 1) == -1)
        fail("write");
    if (wait(NULL) == -1)
        fail("wait");
}

int main(int argc, char *argv[])
{
    char letters[2 * ROUNDS];
    int work = 0, child_first = 0, fd;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "work=%d", &work) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if ((fd = memfd_create("letters", 0)) == -1)
        fail("memfd_create");
    for (int round = 0; round < ROUNDS; round++)
        race(fd, work);
    if (pread(fd, letters, sizeof letters, 0) != sizeof letters)
        fail("pread");
    for (int round = 0; round < ROUNDS; round++)
        child_first += letters[2 * round] == 'C';
    printf("%.*s\nThe child was first in %d of %d rounds.\n", 2 * ROUNDS, letters, child_first,
           ROUNDS);
    return 0;
}
