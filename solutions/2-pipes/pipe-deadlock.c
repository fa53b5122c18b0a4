/* pipe-deadlock: a solution with non-blocking descriptors and poll(2).
 *
 * usage: pipe-deadlock [send=N] [receive=M] [seed=S]   (reads descriptor 0, writes descriptor 1) */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* Moves what can be moved in both directions, until all of it has been moved. */
static int move_all(struct pollfd *to, const char *out, size_t n, struct pollfd *from, char *in,
                    size_t m)
{
    while (n > 0 || m > 0) {
        struct pollfd watch[2] = {*to, *from};
        ssize_t size;

        watch[0].fd = n > 0 ? to->fd : -1; /* a negative fd is not watched */
        watch[1].fd = m > 0 ? from->fd : -1;
        if (poll(watch, 2, -1) == -1 && errno != EINTR)
            return -1;
        if (n > 0 && (size = write(to->fd, out, n)) > 0) {
            out += size;
            n -= (size_t)size;
        } else if (n > 0 && errno != EAGAIN && errno != EINTR) {
            return -1;
        }
        if (m > 0 && (size = read(from->fd, in, m)) > 0) { /* whatever poll said: read() knows */
            in += size;
            m -= (size_t)size;
        } else if (m > 0 && (size == 0 || (errno != EAGAIN && errno != EINTR))) {
            return -1;
        }
    }
    return 0;
}

/* Sends out[0 .. n-1] to out_fd and receives in[0 .. m-1] from in_fd, both at the same time:
 * whatever the peer does first, and whatever the pipes hold, each byte moves as soon as it can.
 * - One thread, no other process. It sleeps when nothing can move.
 * - It reads no byte beyond m: what follows is not its business.
 * - It leaves both descriptors open, and with the flags they had (see fcntl(2), F_SETFL).
 * Returns 0; -1 when there is an error, or end of file before m bytes. */
static int exchange(int out_fd, const void *out, size_t n, int in_fd, void *in, size_t m)
{
    struct pollfd to = {.fd = out_fd, .events = POLLOUT}, from = {.fd = in_fd, .events = POLLIN};
    int out_flags = fcntl(out_fd, F_GETFL), in_flags = fcntl(in_fd, F_GETFL), result;

    if (out_flags == -1 || in_flags == -1)
        return -1;
    if (fcntl(out_fd, F_SETFL, out_flags | O_NONBLOCK) == -1 ||
        fcntl(in_fd, F_SETFL, in_flags | O_NONBLOCK) == -1)
        return -1;
    result = move_all(&to, out, n, &from, in, m);
    fcntl(out_fd, F_SETFL, out_flags); /* the flags are shared with whoever has the same end open */
    fcntl(in_fd, F_SETFL, in_flags);
    return result;
}

/* Fixed from here on. After the messages, each side tells what it got: a digest of 8 bytes. */
static uint64_t digest(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u; /* FNV-1a */
    return sum;
}

static void make_message(unsigned char *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(seed >> 56);
    }
}

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

int main(int argc, char *argv[])
{
    unsigned long n = 100000, m = 100000, seed = 1;
    unsigned char *out, *in;
    uint64_t mine, theirs;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "send=%lu", &n) != 1 && sscanf(argv[i], "receive=%lu", &m) != 1 &&
            sscanf(argv[i], "seed=%lu", &seed) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    out = malloc(n + 1);
    in = malloc(m + 1);
    if (out == NULL || in == NULL)
        fail("malloc");
    make_message(out, n, seed);
    if (exchange(STDOUT_FILENO, out, n, STDIN_FILENO, in, m) == -1) {
        fprintf(stderr, "no exchange\n");
        return 1;
    }
    mine = digest(in, m);
    if (write(STDOUT_FILENO, &mine, sizeof mine) != sizeof mine || close(STDOUT_FILENO) == -1)
        fail("write");
    if (read(STDIN_FILENO, &theirs, sizeof theirs) != sizeof theirs)
        fail("read");
    fprintf(stderr, "sent %lu bytes, received %lu: %s\n", n, m,
            theirs == digest(out, n) ? "the peer has them all" : "the peer has something else");
    free(out);
    free(in);
    return 0;
}
