/* wrong: one-read — reads the record in a loop, and the length at once. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORD_MAX = 65536 };

struct log {
    int fd;         /* write end of the pipe that all writers share */
    size_t largest; /* nobody writes a record of more bytes than this */
    int token[2];   /* a pipe with one byte in it, if there is need for one; otherwise -1, -1 */
};

/* Reads size bytes, or fewer if the file ends before; -1 when there is an error. */
static ssize_t read_all(int fd, void *bytes, size_t size)
{
    size_t got = 0;

    for (ssize_t n = 1; got < size && n != 0; got += n > 0 ? (size_t)n : 0)
        if ((n = read(fd, (char *)bytes + got, size - got)) == -1 && errno != EINTR)
            return -1;
    return (ssize_t)got;
}

/* Writes a record: its length n as a uint32_t, then its n bytes (1 to log->largest).
 * Whoever reads the pipe finds each record in one piece, whatever the other writers do.
 * - When no record with its length is larger than PIPE_BUF, it leaves in one call, and that is all.
 * - Otherwise there is a token. Only who has taken it out of its pipe may write, however small his
 *   record is: another one may be in the middle of a large one. He puts it back.
 * A signal may interrupt any call that sleeps. Returns 0; -1 when there is an error. */
static int log_record(const struct log *log, const void *bytes, size_t n)
{
    static char record[sizeof(uint32_t) + RECORD_MAX];
    uint32_t length = (uint32_t)n;
    size_t size = sizeof length + n, done = 0;
    char token;

    memcpy(record, &length, sizeof length);
    memcpy(record + sizeof length, bytes, n);
    while (log->token[0] != -1 && read(log->token[0], &token, 1) != 1)
        if (errno != EINTR)
            return -1;
    for (ssize_t now = 0; done < size && (now != -1 || errno == EINTR);)
        if ((now = write(log->fd, record + done, size - done)) > 0)
            done += (size_t)now;
    if (log->token[1] != -1 && write(log->token[1], &token, 1) != 1)
        return -1;
    return done == size ? 0 : -1;
}

/* Reads the next record into bytes[], which has room for RECORD_MAX. The pipe may bring it in any
 * pieces, the length as well. Returns its length; 0 at the end of the file; -1 when the file ends
 * in the middle of a record, or when there is an error. */
static ssize_t next_record(int fd, void *bytes)
{
    uint32_t length;
    ssize_t got = read(fd, &length, sizeof length);

    if (got != sizeof length)
        return got == 0 ? 0 : -1;
    return read_all(fd, bytes, length) == (ssize_t)length ? (ssize_t)length : -1;
}

/* Fixed from here on. */
enum { WRITERS_MAX = 8 };

static int writers = 3, records = 6, sip = 4096, cut, reports[2];
static struct log shared = {.largest = 3000, .token = {-1, -1}};

static void on_usr1(int sig)
{
    (void)sig; /* its only effect: a call that sleeps comes back */
}

static _Noreturn void write_records(int who)
{
    static unsigned char bytes[RECORD_MAX];

    for (int k = 0; k < records; k++) {
        size_t large = shared.largest - (size_t)(who * 5 + k) % shared.largest;
        size_t size = (who + k) % 2 == 1 && large > 3000 ? 3000 : large;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)('a' + ((size_t)who * 5 + (size_t)k * 3 + i + i / 89) % 26);
        if (log_record(&shared, bytes, size) == -1)
            _exit(1);
    }
    _exit(0);
}

/* Passes on a sip for each byte of standard input, then all the rest, unless it is to be cut. */
static _Noreturn void pump(int in, int out, const pid_t child[])
{
    char bytes[4096], step = ' ';
    ssize_t n = 1;

    while (n > 0) {
        if (step != '\0' && read(STDIN_FILENO, &step, 1) != 1)
            step = '\0';
        for (int i = 0; step == 's' && i <= writers; i++)
            kill(i < writers ? child[i] : getppid(), SIGUSR1);
        if (step == 's')
            continue;
        if (step == '\0' && cut)
            break;
        n = read(in, bytes, step == '\0' ? sizeof bytes : (size_t)sip);
        if (n > 0 && write(out, bytes, (size_t)n) != n)
            break;
    }
    _exit(0);
}

/* What next_record() brings, told to the kernel: its result, and a digest. */
static void read_records(int in)
{
    static unsigned char bytes[RECORD_MAX];
    uint32_t report[2] = {1, 0};

    while ((int32_t)report[0] > 0) {
        report[0] = (uint32_t)next_record(in, bytes);
        report[1] = 2166136261u;
        for (int32_t i = 0; i < (int32_t)report[0]; i++)
            report[1] = (report[1] ^ bytes[i]) * 16777619u; /* FNV-1a */
        printf("a record of %d bytes\n", (int32_t)report[0]);
        if (write(reports[1], report, sizeof report) == -1)
            err(2, "report");
    }
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_usr1}; /* without SA_RESTART */
    int to_pump[2], to_us[2];
    pid_t child[WRITERS_MAX + 1];

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "writers=%d", &writers) != 1 &&
            sscanf(argv[i], "records=%d", &records) != 1 &&
            sscanf(argv[i], "largest=%zu", &shared.largest) != 1 &&
            sscanf(argv[i], "sip=%d", &sip) != 1)
            cut |= strcmp(argv[i], "cut") == 0;
    if (writers > WRITERS_MAX || shared.largest > RECORD_MAX || sip > 4096 || pipe(reports) == -1 ||
        pipe(to_pump) == -1 || pipe(to_us) == -1 || sigaction(SIGUSR1, &action, NULL) == -1 ||
        fcntl(to_pump[1], F_SETPIPE_SZ, 4096) == -1 || /* one slot */
        (shared.largest + sizeof(uint32_t) > PIPE_BUF &&
         (pipe(shared.token) == -1 || write(shared.token[1], "t", 1) != 1)))
        err(2, "pipe-atomic");
    shared.fd = to_pump[1];
    for (int i = 0; i <= writers; i++) { /* P.1, P.2 ...: the writers, then the pump */
        if ((child[i] = fork()) > 0)
            continue;
        if (child[i] == -1)
            err(2, "fork");
        if (i == writers && close(to_pump[1]) == 0)
            pump(to_pump[0], to_us[1], child);
        close(to_pump[0]);
        close(to_us[1]);
        write_records(i);
    }
    close(to_pump[0]);
    close(to_pump[1]);
    close(to_us[1]);
    read_records(to_us[0]);
    while (wait(NULL) != -1 || errno == EINTR)
        ;
    return 0;
}
