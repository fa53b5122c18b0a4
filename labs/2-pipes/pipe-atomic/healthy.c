/* pipe-atomic, healthy: writers that keep their records together. Its twin broken.c mixes them.
 *
 * usage: healthy [bytes=N]
 *
 * P    makes a pipe of one slot, starts four writers, reads what they write, and counts the records
 *      that another writer's bytes have got into.
 * A B C D  (P.1 ... P.4) each write eight records of N bytes, all of one letter, with one write()
 *      for each.
 *
 * A write of up to PIPE_BUF bytes (4096) is atomic: its bytes stay together. A larger one goes in
 * by parts, and whenever it sleeps for room, another writer may come in between (pipe(7)). With a
 * pipe of one slot, each write of more than 4096 bytes sleeps at least once. So the writers take
 * turns: only who has the token writes, and the token is a byte in a second pipe. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITERS = 4, RECORDS = 8, BYTES_MAX = 65536 };

static unsigned size = 4097;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void write_records(int out, char letter, const int token[2], int ready)
{
    static char record[BYTES_MAX];

    memset(record, letter, size);
    close(ready); /* P begins to read when all have done so */
    for (int i = 0; i < RECORDS; i++) {
        char mine;

        if (read(token[0], &mine, 1) != 1) /* there is one token: who has it may write */
            fail("read");
        if (write(out, record, size) != (ssize_t)size)
            fail("write");
        if (write(token[1], &mine, 1) != 1)
            fail("write");
    }
    _exit(0);
}

/* Counts the records in which another letter turns up before their end. */
static unsigned count_torn(int in)
{
    unsigned torn = 0, at = 0, is_torn = 0;
    char bytes[4096], first = ' ';
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (at == 0)
                first = bytes[i];
            is_torn |= bytes[i] != first;
            if (++at < size)
                continue;
            torn += is_torn;
            at = is_torn = 0;
        }
    return torn;
}

int main(int argc, char *argv[])
{
    int p[2], token[2], ready[2];
    char none;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size < 1 || size > BYTES_MAX || pipe(p) == -1 || pipe(token) == -1 || pipe(ready) == -1)
        fail("pipe");
    if (fcntl(p[1], F_SETPIPE_SZ, 4096) == -1) /* one slot: who has more to write must sleep */
        fail("F_SETPIPE_SZ");
    if (write(token[1], "", 1) != 1)
        fail("write");
    for (int i = 0; i < WRITERS; i++)
        switch (fork()) {
        case -1:
            fail("fork");
        case 0: /* A B C D */
            close(p[0]);
            write_records(p[1], (char)('A' + i), token, ready[1]);
        default: /* P */
            break;
        }
    close(p[1]);
    close(ready[1]);
    if (read(ready[0], &none, 1) == -1) /* end of file: all writers are at work */
        fail("read");
    printf("%u of %d records are torn\n", count_torn(p[0]), WRITERS * RECORDS);
    while (wait(NULL) != -1)
        ;
    return 0;
}
