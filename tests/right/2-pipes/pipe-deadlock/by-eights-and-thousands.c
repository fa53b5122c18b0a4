/* right: 8 bytes at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int exchange(int out_fd, const void *out, size_t n, int in_fd, void *in, size_t m)
{
    int out_flags = fcntl(out_fd, F_GETFL), in_flags = fcntl(in_fd, F_GETFL);
    size_t sent = 0, got = 0;
    size_t piece = 8;
    int result = 0;

    fcntl(out_fd, F_SETFL, out_flags | O_NONBLOCK);
    fcntl(in_fd, F_SETFL, in_flags | O_NONBLOCK);
    while (result == 0 && (sent < n || got < m)) {
        struct pollfd watch[2] = {{.fd = sent < n ? out_fd : -1, .events = POLLOUT},
                                  {.fd = got < m ? in_fd : -1, .events = POLLIN}};
        ssize_t size;

        if (poll(watch, 2, -1) == -1)
            continue;
        piece = 1008 - piece;
        if (sent < n) {
            size = write(out_fd, (const char *)out + sent, n - sent < piece ? n - sent : piece);
            if (size >= 0)
                sent += (size_t)size;
            else if (errno != EAGAIN)
                result = -1;
        }
        if (got < m) {
            size = read(in_fd, (char *)in + got, m - got < piece ? m - got : piece);
            if (size > 0)
                got += (size_t)size;
            else if (size == 0 || errno != EAGAIN)
                result = -1;
        }
    }
    fcntl(out_fd, F_SETFL, out_flags);
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
