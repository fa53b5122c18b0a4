/* pipe-eof: a solution with all pipes made first, and a consumer that polls.
 *
 * usage: pipe-eof [consumers=N] <lines    (a line "I text" sends the text to consumer I) */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void finish(int index, unsigned long sum); /* a consumer's last words */

enum { PIPES_MAX = 16 };

/* The sum of all bytes until end of file. A read may bring fewer bytes than there are to come, and
 * may be interrupted by a signal: neither is the end. Nor is silence: there is no time limit. */
static unsigned long consume(int in)
{
    struct pollfd watch = {.fd = in, .events = POLLIN};
    unsigned long sum = 0;

    fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
    for (;;) {
        unsigned char byte[512];
        ssize_t n = read(in, byte, sizeof byte);

        if (n == 0)
            return sum;
        if (n == -1 && errno == EAGAIN)
            poll(&watch, 1, -1); /* POLLIN or POLLHUP or EINTR: the next read() tells */
        for (ssize_t i = 0; i < n; i++)
            sum += byte[i];
    }
}

/* Was forked when all n pipes were there, and keeps one end of one. */
static _Noreturn void be_consumer(int index, int n, int p[][2])
{
    for (int i = 0; i < n; i++) {
        close(p[i][1]);
        if (i != index)
            close(p[i][0]);
    }
    finish(index, consume(p[index][0]));
}

/* Starts n consumers. child[i] is the process of consumer i, feed[i] the write end of its pipe.
 * Consumer i calls consume() on the read end, then finish(). Of these n pipes, it holds the read
 * end of its own, and nothing else; P holds one write end of each, and nothing else.
 * Returns 0; -1 when a pipe or a process could not be made. */
static int start_consumers(int n, int feed[], pid_t child[])
{
    int p[PIPES_MAX][2];

    for (int i = 0; i < n; i++)
        if (pipe(p[i]) == -1)
            return -1;
    for (int i = 0; i < n; i++) {
        feed[i] = p[i][1];
        child[i] = fork();
        if (child[i] == 0)
            be_consumer(i, n, p);
        if (child[i] == -1)
            return -1;
    }
    for (int i = 0; i < n; i++)
        close(p[i][0]);
    return 0;
}

/* Fixed from here on. */
enum { CONSUMERS_MAX = 16 };
static int sums[2];
struct report {
    long index;
    unsigned long sum;
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void on_signal(int sig)
{
    (void)sig; /* its only effect: a call that sleeps ends with EINTR */
}

_Noreturn void finish(int index, unsigned long sum)
{
    struct report report = {index, sum};

    _exit(write(sums[1], &report, sizeof report) == sizeof report ? 0 : 2);
}

static void pass_on(const char *line, ssize_t size, const int feed[], int consumers)
{
    char *text;
    long index = strtol(line, &text, 10);
    const char *end = line + size;

    if (text == line || *text++ != ' ' || index < 0 || index >= consumers)
        return;
    while (text < end) {
        ssize_t n = write(feed[index], text, (size_t)(end - text));

        if (n == -1)
            return; /* EPIPE: this consumer has gone */
        text += n;
    }
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_signal};
    int consumers = 2, feed[CONSUMERS_MAX];
    pid_t child[CONSUMERS_MAX];
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "consumers=%d", &consumers) != 1 || consumers > CONSUMERS_MAX)
            return 2;
    if (pipe(sums) == -1 || sigaction(SIGUSR1, &action, NULL) == -1)
        fail("pipe, sigaction");
    if (start_consumers(consumers, feed, child) == -1)
        fail("start_consumers");
    signal(SIGPIPE, SIG_IGN);
    while ((size = getline(&line, &room, stdin)) > 0)
        pass_on(line, size, feed, consumers);
    free(line);
    for (int i = 0; i < consumers; i++) {
        struct report report;
        int status;

        close(feed[i]); /* for consumer i, this is the end; the others have time */
        if (waitpid(child[i], &status, 0) == -1 || status != 0)
            return 1;
        if (read(sums[0], &report, sizeof report) != sizeof report)
            fail("read");
        printf("consumer %ld: sum %lu\n", report.index, report.sum);
    }
    return 0;
}
