/* pipe-capacity, broken: fills a pipe with what "fits into 65536 bytes". Its twin is healthy.c.
 *
 * usage: broken [bytes=N]
 *
 * P    writes records of N bytes, as many as make up 65536 bytes, then tells C to begin.
 * C    (P.1) waits until it is told, then reads until end of file.
 *
 * A pipe has 16 slots of one page, and each holds bytes of one write, or of several if the later
 * ones fit into the rest of its page as a whole (pipe(7), fs/pipe.c). Records of 2049 bytes waste
 * nearly half of each slot: the 17th finds no room, with 32784 bytes in the pipe. P sleeps until
 * C reads, and C waits for P. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXPECTED = 65536 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void write_records(int out, unsigned size)
{
    static char record[EXPECTED];

    memset(record, 'x', size);
    for (unsigned i = 0; i < EXPECTED / size; i++)
        if (write(out, record, size) == -1) /* sleeps while no slot is free */
            fail("write");
}

static void open_gate(int gate)
{
    if (close(gate) == -1) /* the last write end: end of file for who waits there */
        fail("close");
}

static _Noreturn void drain(int gate, int in)
{
    char bytes[4096];
    ssize_t n;

    if (read(gate, bytes, 1) == -1) /* until P opens the gate */
        fail("read");
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        ;
    if (n == -1)
        fail("read");
    _exit(0);
}

int main(int argc, char *argv[])
{
    unsigned size = 2049;
    int p[2], gate[2];

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size < 1 || size > EXPECTED || pipe(p) == -1 || pipe(gate) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        if (close(p[1]) == -1 || close(gate[1]) == -1)
            fail("close");
        drain(gate[0], p[0]);
    default: /* P */
        break;
    }
    if (close(p[0]) == -1 || close(gate[0]) == -1)
        fail("close");
    write_records(p[1], size); /* "65536 bytes fit": healthy.c opens the gate first */
    open_gate(gate[1]);
    if (close(p[1]) == -1)
        fail("close");
    if (wait(NULL) == -1)
        fail("wait");
    return 0;
}
