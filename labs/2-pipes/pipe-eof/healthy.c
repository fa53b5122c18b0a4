/* pipe-eof, healthy: a reader that gets its end of file. Its twin broken.c does not.
 *
 * usage: healthy [bytes=N]
 *
 * P    writes N bytes into a pipe, closes its write end, waits for C.
 * C    (P.1) turns them into capitals and writes them to standard output, until read() returns 0.
 *
 * read() returns 0 when the pipe is empty and no process holds a write end any more (pipe(7)).
 * After the fork there are two: P's and C's copy of it. C never writes, so it closes
 * its copy at once. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n == -1)
            fail("write");
        bytes += n;
        size -= (size_t)n;
    }
}

static _Noreturn void shout(int in)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) > 0) { /* 0: the last write end has been closed */
        for (ssize_t i = 0; i < n; i++)
            bytes[i] = (char)toupper((unsigned char)bytes[i]);
        write_all(STDOUT_FILENO, bytes, (size_t)n);
    }
    if (n == -1)
        fail("read");
    _exit(0);
}

int main(int argc, char *argv[])
{
    static char message[8192];
    unsigned size = 30;
    int p[2];

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size > sizeof message)
        size = sizeof message;
    memset(message, 'x', size);
    if (pipe(p) == -1)
        fail("pipe");
    switch (fork()) { /* C gets copies of both ends */
    case -1:
        fail("fork");
    case 0:                    /* C */
        if (close(p[1]) == -1) /* C only reads: one write end is left, P's */
            fail("close");
        shout(p[0]);
    default: /* P */
        break;
    }
    if (close(p[0]) == -1) /* P only writes */
        fail("close");
    write_all(p[1], message, size);
    if (close(p[1]) == -1) /* "that is all" */
        fail("close");
    if (wait(NULL) == -1)
        fail("wait");
    return 0;
}
