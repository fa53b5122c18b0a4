/* pipe-capacity, measure: counts how many records an empty pipe takes that nobody reads.
 *
 * usage: measure [bytes=N]
 *
 * P    writes records of N bytes into a pipe with O_NONBLOCK, until one does not fit as a whole.
 *
 * A non-blocking write says EAGAIN instead of sleeping. One of more than PIPE_BUF bytes takes what
 * fits before that (pipe(7)). */
#define _GNU_SOURCE /* pipe2, F_GETPIPE_SZ */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char *argv[])
{
    static char record[65536];
    unsigned size = 2049, whole = 0;
    int p[2], capacity, bytes;
    ssize_t n;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size < 1 || size > sizeof record || pipe2(p, O_NONBLOCK) == -1)
        fail("pipe2");
    memset(record, 'x', size);
    while ((n = write(p[1], record, size)) == (ssize_t)size)
        whole++;
    if (n == -1 && errno != EAGAIN) /* it is full */
        fail("write");
    if ((capacity = fcntl(p[1], F_GETPIPE_SZ)) == -1)
        fail("F_GETPIPE_SZ");
    if (ioctl(p[0], FIONREAD, &bytes) == -1) /* bytes that are inside */
        fail("FIONREAD");
    printf("%u records of %u bytes: %d bytes of %d, and it is full\n", whole, size, bytes,
           capacity);
    return 0;
}
