/* pipe-deadlock, looking: C looks first, and then does what is right for what it saw. Its twins:
 * healthy.c, broken.c.
 *
 * usage: looking [bytes=N]
 *
 * P    writes N bytes into pipe 1, then reads N bytes from pipe 2.
 * C    (P.1) looks whether there is something in pipe 1. If so it reads first, as in healthy.c; if
 *      not it writes first, as in broken.c.
 *
 * What C saw is true only while it looks. If P writes a moment later, C writes all the same, and
 * each sleeps until the other reads. Which of the two happens depends on who moves first. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES_MAX = 1 << 20 };

static char message[BYTES_MAX];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void send_message(int fd, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(fd, message + sent, size - sent); /* sleeps while the pipe is full */

        if (n == -1)
            fail("write");
        sent += (size_t)n;
    }
}

static void receive_message(int fd, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = read(fd, message + got, size - got); /* sleeps while the pipe is empty */

        if (n == -1)
            fail("read");
        if (n == 0)
            return;
        got += (size_t)n;
    }
}

static int has_bytes(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    if (poll(&look, 1, 0) == -1) /* 0: looks, and does not wait */
        fail("poll");
    return look.revents & POLLIN;
}

int main(int argc, char *argv[])
{
    int to_c[2], to_p[2];
    unsigned size = 65537;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size > BYTES_MAX)
        size = BYTES_MAX;
    if (pipe(to_c) == -1 || pipe(to_p) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        if (close(to_c[1]) == -1 || close(to_p[0]) == -1)
            fail("close");
        if (has_bytes(to_c[0])) { /* P was here already */
            receive_message(to_c[0], size);
            send_message(to_p[1], size);
        } else { /* P may come at any moment */
            send_message(to_p[1], size);
            receive_message(to_c[0], size);
        }
        _exit(0);
    default: /* P */
        if (close(to_c[0]) == -1 || close(to_p[1]) == -1)
            fail("close");
        send_message(to_c[1], size);
        receive_message(to_p[0], size);
        break;
    }
    if (wait(NULL) == -1)
        fail("wait");
    printf("%u bytes each way\n", size);
    return 0;
}
