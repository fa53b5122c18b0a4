/* wrong: failure-ignored — tries fork() again and again until it works: there is nobody who would make room. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void finish(int index, unsigned long sum);

static unsigned long consume(int in)
{
    unsigned char bytes[4096];
    unsigned long sum = 0;
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            exit(2);
        for (ssize_t i = 0; i < n; i++)
            sum += bytes[i];
    }
    return sum;
}

static int start_consumers(int n, int feed[], pid_t child[])
{
    for (int i = 0; i < n; i++) {
        int p[2];

        if (pipe(p) == -1)
            return -1;
        while ((child[i] = fork()) == -1)
            ;
        switch (child[i]) {
        case -1:
            return -1;
        case 0:
            for (int older = 0; older < i; older++)
                close(feed[older]);
            close(p[1]);
            finish(i, consume(p[0]));
        default:
            close(p[0]);
            feed[i] = p[1];
            break;
        }
    }
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
