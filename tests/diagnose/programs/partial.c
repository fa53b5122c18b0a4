/* Short reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "parts.h"

enum { RECORD = 100000, PIPE_BYTES = 65536 };

static char record[RECORD], other[RECORD], buffer[RECORD];

static void fill(void)
{
    for (size_t i = 0; i < RECORD; i++) {
        record[i] = (char)('a' + i % 23);
        other[i] = (char)('A' + i % 19);
    }
}

/* ---- writes ---- */

/* A pipe with a reader that takes everything; the write end never blocks. */
static pid_t drain(int *out_fd)
{
    int p[2];
    fill();
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[1]);
        poll(&(struct pollfd){.fd = p[0], .events = POLLIN}, 1, -1);
        read_to_end(p[0]);
        _exit(0);
    }
    close(p[0]);
    check(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    *out_fd = p[1];
    return child;
}

static ssize_t write_when_ready(int fd, const char *bytes, size_t size)
{
    ssize_t n;
    while ((n = write(fd, bytes, size)) < 0 && errno == EAGAIN)
        poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    check(n > 0, "write");
    return n;
}

/* guilty: takes part of the first record for all of it, and sends the next. */
static void drops_tail(void)
{
    int fd;
    pid_t child = drain(&fd);
    check(write_when_ready(fd, record, RECORD) < RECORD, "a short write");
    write_when_ready(fd, other, 100);
    close(fd);
    reap(child);
}

/* guilty: closes after part of a record. */
static void closes_early(void)
{
    int fd;
    pid_t child = drain(&fd);
    check(write_when_ready(fd, record, RECORD) < RECORD, "a short write");
    close(fd);
    reap(child);
}

/* innocent: goes on where it stopped. */
static void resumes(void)
{
    int fd;
    pid_t child = drain(&fd);
    for (size_t done = 0; done < RECORD;)
        done += (size_t)write_when_ready(fd, record + done, RECORD - done);
    close(fd);
    reap(child);
}

/* innocent: goes on, from a buffer to which it has moved the rest. */
static void resumes_moved(void)
{
    int fd;
    pid_t child = drain(&fd);
    for (size_t left = RECORD; left > 0;) {
        size_t n = (size_t)write_when_ready(fd, record, left);
        left -= n;
        memmove(record, record + n, left);
        memcpy(other, record, left);
        if (left > 0) { /* and once more, elsewhere */
            n = (size_t)write_when_ready(fd, other, left);
            left -= n;
            memmove(record, other + n, left);
        }
    }
    close(fd);
    reap(child);
}

/* ---- reads ---- */

static pid_t source(int *in_fd, size_t size)
{
    int p[2];
    fill();
    make_pipe(p);
    pid_t child = make_child();
    if (child == 0) {
        close(p[0]);
        for (int i = 0; i < 2; i++)
            check(write(p[1], record, size) == (ssize_t)size, "write");
        _exit(0);
    }
    close(p[1]);
    *in_fd = p[0];
    return child;
}

static void read_records(size_t size)
{
    int fd;
    pid_t child = source(&fd, size);
    while (read(fd, buffer, size) > 0)
        ;
    reap(child);
}

/* guilty: one read, one record, it thinks. */
static void one_read(void)
{
    read_records(RECORD);
}

/* guilty: the same with a record a little larger than the pipe. */
static void one_read_small(void)
{
    read_records(PIPE_BYTES + 100);
}

/* innocent: a loop that asks for what is missing. */
static void whole_record(void)
{
    int fd;
    ssize_t n = 1;
    pid_t child = source(&fd, RECORD);
    while (n > 0) {
        for (size_t done = 0; done < RECORD; done += (size_t)n) {
            n = read(fd, buffer + done, RECORD - done);
            if (n <= 0)
                break;
        }
    }
    reap(child);
}

/* innocent: passes on whatever comes, through a buffer that happens to be as large as a record. */
static void copies(void)
{
    int fd;
    ssize_t n;
    pid_t child = source(&fd, RECORD);
    while ((n = read(fd, buffer, RECORD)) > 0)
        check(write(1, buffer, (size_t)n) == n, "write");
    reap(child);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"drops-tail", drops_tail},
        {"closes-early", closes_early},
        {"resumes", resumes},
        {"resumes-moved", resumes_moved},
        {"one-read", one_read},
        {"one-read-small", one_read_small},
        {"whole-record", whole_record},
        {"copies", copies},
        {0},
    };
    return run_mode(modes, argc, argv);
}
