/* pipe-capacity: feed several receivers, and never wait for one of them alone.
 *
 * usage: pipe-capacity [receivers=N] [records=R] [size=S] [capacity=C] [slow=I] [leaves] <sips
 * try:   ./pipe-capacity      (press Enter, a Enter, b Enter, Ctrl-D)
 *
 * P    sends R records of S bytes to each receiver, over a pipe each.
 * P.i  the receivers. At the first byte of standard input all but the slow one begin to read, and
 *      read to the end. The slow one takes a sip for each further byte: 1000 bytes for 'a', 2000
 *      for 'b' ...; when standard input ends, it reads all the rest. Or else it leaves.
 *
 * As it stands P falls asleep as soon as pipe 0 is full, and the others get nothing. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sends more of a record: bytes[*sent .. size-1], as many of them as the pipe takes at once, and
 * adds their number to *sent. Never sleeps, whatever the pipe holds and whatever its capacity.
 * Returns 1 when the record is complete; 0 when the pipe is full before that: the caller comes
 * again with the same record; -1 when there is an error (EPIPE: nobody reads).
 * It leaves the descriptor with the flags it had: they belong to all who share this end of the
 * pipe, and those want to sleep. It opens nothing that stays open. Nobody else writes meanwhile. */
static int try_send(int fd, const char *bytes, size_t size, size_t *sent)
{
    ssize_t n = write(fd, bytes + *sent, size - *sent); /* TODO: this one sleeps */

    if (n == -1)
        return -1;
    *sent += (size_t)n;
    return *sent == size;
}

/* All these pipes are full: sleeps until one of them has room again, or has lost its readers. */
static void wait_for_room(const int full[], int n)
{
    (void)full; /* TODO */
    (void)n;
}

/* Fixed from here on. */
enum { RECEIVERS_MAX = 8, SIP = 1000 };

static int receivers = 2, records = 40, capacity, slow, is_leaving, reports[2], gate[2];
static size_t size = 2049;

struct outlet {
    int fd, done; /* records that are complete */
    size_t sent;  /* bytes of the one that is not */
    char *record;
};

static void make_record(struct outlet *to, int who)
{
    for (size_t i = 0; i < size; i++)
        to->record[i] = (char)('a' + ((size_t)who * 7 + (size_t)to->done * 3 + i + i / 97) % 26);
}

static _Noreturn void receive(int who, int in)
{
    char bytes[4096], sip;
    ssize_t n;

    if (who == slow)
        (void)!read(STDIN_FILENO, &sip, 1);
    close(gate[1]);
    (void)!read(gate[0], &sip, 1); /* until the slow one has closed its end, too */
    while (who == slow && read(STDIN_FILENO, &sip, 1) == 1)
        for (int left = (sip - 'a' + 1) * SIP; left > 0; left -= (int)n)
            if ((n = read(in, bytes, left < 4096 ? (size_t)left : sizeof bytes)) <= 0)
                _exit(1);
    while ((who != slow || !is_leaving) && read(in, bytes, sizeof bytes) > 0)
        ;
    _exit(0);
}

static void start(int who, struct outlet *outlets)
{
    int p[2];

    if (pipe(p) == -1 || (capacity > 0 && fcntl(p[1], F_SETPIPE_SZ, capacity) == -1))
        err(2, "pipe");
    switch (fork()) {
    case -1:
        err(2, "fork");
    case 0: /* P.1, P.2 ... */
        for (int older = 0; older < who; older++)
            close(outlets[older].fd);
        close(p[1]);
        receive(who, p[0]);
    default: /* P */
        break;
    }
    close(p[0]);
    outlets[who] = (struct outlet){.fd = p[1], .record = malloc(size)};
    make_record(&outlets[who], who);
}

/* Sends what it can to one receiver. Returns as try_send(), 1 when all records are complete. */
static int serve(struct outlet *to, int who)
{
    int result;

    while ((result = try_send(to->fd, to->record, size, &to->sent)) == 1) {
        to->sent = 0;
        if (++to->done == records)
            break;
        make_record(to, who);
    }
    int report[4] = {who, result, to->done, (int)to->sent}; /* for the kernel to see */
    if (write(reports[1], report, sizeof report) == -1 ||
        read(reports[0], report, sizeof report) == -1)
        err(2, "report");
    return result;
}

int main(int argc, char *argv[])
{
    struct outlet outlets[RECEIVERS_MAX];
    int full[RECEIVERS_MAX], busy;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "receivers=%d", &receivers) != 1 &&
            sscanf(argv[i], "size=%zu", &size) != 1 &&
            sscanf(argv[i], "records=%d", &records) != 1 &&
            sscanf(argv[i], "capacity=%d", &capacity) != 1 &&
            sscanf(argv[i], "slow=%d", &slow) != 1)
            is_leaving |= strcmp(argv[i], "leaves") == 0;
    if (receivers > RECEIVERS_MAX || pipe(reports) == -1 || pipe(gate) == -1)
        err(2, "pipe-capacity");
    for (int i = 0; i < receivers; i++)
        start(i, outlets);
    close(gate[0]);
    close(gate[1]);
    signal(SIGPIPE, SIG_IGN);
    do {
        busy = 0;
        for (int i = 0; i < receivers; i++) {
            int result = outlets[i].fd == -1 ? 1 : serve(&outlets[i], i);

            if (result == 0) {
                full[busy++] = outlets[i].fd;
            } else if (outlets[i].fd != -1) {
                printf("receiver %d: %d records\n", i, outlets[i].done);
                close(outlets[i].fd);
                outlets[i].fd = -1;
            }
        }
        if (busy > 0)
            wait_for_room(full, busy);
    } while (busy > 0);
    while (wait(NULL) != -1)
        ;
    return 0;
}
