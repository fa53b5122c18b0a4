/* pipe-sigpipe, healthy: a writer that loses a reader and carries on. Its twin broken.c dies.
 *
 * usage: healthy [leaves=K]
 *
 * P         makes three pipes, starts a reader for each and one writer for all, collects them.
 * C0 C1 C2  (P.1 P.2 P.3) read lines to the end; C1 fails after K lines.
 * W         (P.4) sends four lines to each reader. Before line K it waits until C1 has gone.
 *
 * A write to a pipe that nobody can read any more fails with EPIPE; but first the kernel sends
 * SIGPIPE (write(2)), and that ends a process which has not said otherwise. W has: it ignores the
 * signal, sees EPIPE, and goes on with the other two. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS = 3, LINES = 4, SIZE = 15 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void read_lines(int in, unsigned lines)
{
    char line[SIZE];

    while (lines > 0 && read(in, line, sizeof line) > 0)
        lines--;
    _exit(lines > 0 ? 0 : 1); /* closes the read end: of this pipe, it is the last one */
}

/* Comes back when no read end is left. */
static void wait_for_nobody(int to)
{
    struct pollfd end = {.fd = to, .events = 0};

    if (poll(&end, 1, -1) == -1) /* POLLERR, which is always watched */
        fail("poll");
}

static _Noreturn void write_lines(int to[], unsigned leaves)
{
    static const char line[] = "a line of text\n";
    int left = READERS;

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) /* write() is to tell us, not the signal */
        fail("signal");
    for (unsigned k = 0; k < LINES; k++) {
        if (k == leaves)
            wait_for_nobody(to[1]);
        for (int i = 0; i < READERS; i++) {
            if (to[i] == -1 || write(to[i], line, SIZE) != -1)
                continue;
            if (errno != EPIPE)
                fail("write");
            close(to[i]); /* it is good for nothing else any more */
            to[i] = -1;
            left--;
        }
    }
    printf("W: %d of %d readers have got everything\n", left, READERS);
    exit(0);
}

static int start_reader(int to[], int i, unsigned lines)
{
    int p[2];

    if (pipe(p) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* C0 C1 C2 */
        for (int older = 0; older < i; older++)
            close(to[older]);
        if (close(p[1]) == -1)
            fail("close");
        read_lines(p[0], lines);
    default: /* P */
        break;
    }
    if (close(p[0]) == -1) /* kept, it would be a reader: W would inherit it, and never be told */
        fail("close");
    return p[1];
}

int main(int argc, char *argv[])
{
    unsigned leaves = 1;
    int to[READERS], status;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "leaves=%u", &leaves) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    for (int i = 0; i < READERS; i++)
        to[i] = start_reader(to, i, i == 1 ? leaves : LINES + 1);
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* W */
        write_lines(to, leaves);
    default: /* P */
        break;
    }
    for (int i = 0; i < READERS; i++)
        if (close(to[i]) == -1)
            fail("close");
    while (wait(&status) != -1)
        if (WIFSIGNALED(status))
            printf("P: one of them was killed: %s\n", strsignal(WTERMSIG(status)));
    return 0;
}
