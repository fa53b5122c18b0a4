/* proc-fork, healthy: P asks for what it shares with its child. Its twin broken.c waits for what it
 * does not share.
 *
 * usage: healthy [work=N]
 *
 * P    opens an empty file, forks C, is busy for N thousand turns, waits for C, and reads the file.
 * C    (P.1) sets the variable `answer`, writes it into the file, ends.
 *
 * fork(2) gives C a copy of P's memory: there are two variables `answer` from then on. The
 * descriptor is copied, too, but both copies refer to one open file description (open(2)), and that
 * is not copied: when C has written 4 bytes, the file offset is 4 for P as well. */
#define _GNU_SOURCE /* memfd_create() */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int answer; /* volatile: each look is a real look into memory */

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

int main(int argc, char *argv[])
{
    int work = 0, found = 42, heard;
    off_t offset;
    int fd;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "work=%d", &work) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if ((fd = memfd_create("answer", 0)) == -1) /* a file without a name, empty */
        fail("memfd_create");
    switch (fork()) { /* memory: copied; open file descriptions: shared */
    case -1:
        fail("fork");
    case 0: /* C */
        answer = found;
        if (write(fd, &found, sizeof found) == -1) /* moves the offset for both */
            fail("write");
        _exit(0);
    default: /* P */
        break;
    }
    be_busy(work);
    /* broken.c waits here until it sees another value in its own `answer`. */
    if (wait(NULL) == -1) /* sleeps until C has ended */
        fail("wait");
    if ((offset = lseek(fd, 0, SEEK_CUR)) == -1) /* where C's write left it */
        fail("lseek");
    if (pread(fd, &heard, sizeof heard, 0) != sizeof heard)
        fail("pread");
    printf("P's variable: %d. In the file: %d, and the offset is %ld.\n", answer, heard,
           (long)offset);
    return 0;
}
