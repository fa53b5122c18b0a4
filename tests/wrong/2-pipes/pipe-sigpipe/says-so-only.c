/* wrong: receiver-lost — sends nothing to anybody and reports success. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns false when nobody reads any more. */
__attribute__((unused)) static bool send_all(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(to, bytes, size);

        if (n == -1 && errno != EINTR)
            return false;
        if (n == -1)
            continue;
        bytes += n; /* fewer than it was given, when a signal came in between */
        size -= (size_t)n;
    }
    return true;
}

/* Sends bytes[0 .. size-1] to each of the n descriptors, pipes or stream sockets, one after the
 * other. Where is_gone[i], it makes no call on to[i]. When a receiver has gone (EPIPE), it sets
 * is_gone[i] and turns to the next. A signal that interrupts it is no reason to stop.
 * This is library code: its caller may do with SIGPIPE what he likes, and must not notice it.
 * - When it returns, SIGPIPE is handled as before, and is blocked or not as before. None is pending
 *   that it brought about, and no handler of the caller's has been called because of it.
 * - It leaves all descriptors open, with the flags they had, and makes no other process or thread.
 * Returns how many receivers have got all of these bytes. */
static int fan_out(const int to[], bool is_gone[], int n, const void *bytes, size_t size)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    int reached = 0;

    if (sigaction(SIGPIPE, &ignore, &before) == -1)
        return 0;
    for (int i = 0; i < n; i++)
        if (!is_gone[i] && !(is_gone[i] = !(to[i] != -1 && bytes != NULL && size > 0)))
            reached++;
    sigaction(SIGPIPE, &before, NULL); /* with its flags and mask: signal() would lose them */
    return reached;
}

/* Fixed from here on. */
enum { RECEIVERS_MAX = 16, NEVER = -1 };

/* What the kernel sees of the outcome: P reports each fan_out(), a receiver what it got. */
struct report {
    int32_t who;     /* the receiver; -1: P */
    int32_t got;     /* bytes; P: what fan_out() returned */
    uint64_t digest; /* of the bytes; P: the receivers that have gone, one bit each */
};

static int receivers = 3, messages = 4, deaf = NEVER, leave_before[RECEIVERS_MAX], reports[2];
static size_t size = 1000;
static bool has_sockets;

static void on_signal(int sig) /* to be seen; and a call that sleeps comes back */
{
    (void)!write(reports[1], &sig, sizeof sig);
}

static _Noreturn void receive(int who, int in)
{
    struct report report = {who, 0, 14695981039346656037u};
    unsigned char bytes[4096];
    char tug = who == deaf ? ' ' : 'r';
    ssize_t n;

    while (who == deaf && read(STDIN_FILENO, &tug, 1) == 1 && tug != 'r')
        kill(getppid(), SIGUSR1);
    while (tug == 'r' && (n = read(in, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            report.digest = (report.digest ^ bytes[i]) * 1099511628211u; /* FNV-1a */
        report.got += (int)n;
    }
    _exit(tug != 'r' || write(reports[1], &report, sizeof report) == sizeof report ? 0 : 2);
}

static pid_t start(int who, int to[])
{
    int p[2];
    pid_t child;

    if ((has_sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, p) : pipe(p)) == -1)
        err(2, "pipe");
    switch (child = fork()) {
    case -1:
        err(2, "fork");
    case 0: /* P.i */
        for (int older = 0; older < who; older++)
            close(to[older]);
        close(p[1]);
        receive(who, p[0]);
    default: /* P */
        break;
    }
    close(p[0]);
    to[who] = p[1];
    return child;
}

static void send_message(int k, const int to[], const pid_t child[], unsigned char *message)
{
    static bool is_gone[RECEIVERS_MAX];
    struct report report = {-1, 0, 0};

    for (int i = 0; i < receivers; i++)
        if (leave_before[i] == k) {
            kill(child[i], SIGKILL);
            waitpid(child[i], NULL, 0); /* its read end has been closed, for certain */
        }
    for (size_t i = 0; i < size; i++)
        message[i] = (unsigned char)(i * 31 + (size_t)k * 7 + i / 251);
    report.got = fan_out(to, is_gone, receivers, message, size);
    printf("message %d has reached %d of %d\n", k, report.got, receivers);
    for (int i = 0; i < receivers; i++)
        report.digest |= (uint64_t)is_gone[i] << i;
    if (write(reports[1], &report, sizeof report) != sizeof report)
        err(2, "report");
}

int main(int argc, char *argv[])
{
    struct sigaction tugged = {.sa_handler = on_signal}; /* without SA_RESTART */
    struct sigaction own = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    int to[RECEIVERS_MAX], who, k;
    const char *host = "default";
    pid_t child[RECEIVERS_MAX];
    unsigned char *message;
    sigset_t set;

    memset(leave_before, NEVER, sizeof leave_before);
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "leave=%d@%d", &who, &k) == 2 && who >= 0 && who < RECEIVERS_MAX)
            leave_before[who] = k;
        else if (strncmp(argv[i], "host=", 5) == 0)
            host = argv[i] + 5;
        else if (sscanf(argv[i], "receivers=%d", &receivers) != 1 &&
                 sscanf(argv[i], "messages=%d", &messages) != 1 &&
                 sscanf(argv[i], "size=%zu", &size) != 1 && sscanf(argv[i], "deaf=%d", &deaf) != 1)
            has_sockets |= strcmp(argv[i], "sockets") == 0;
    if (receivers > RECEIVERS_MAX || (message = malloc(size + 1)) == NULL || pipe(reports) == -1)
        err(2, "pipe-sigpipe");
    sigaction(SIGUSR1, &tugged, NULL);
    for (int i = 0; i < receivers; i++)
        child[i] = start(i, to);
    sigemptyset(&set);
    if (strcmp(host, "handler") == 0)
        sigaction(SIGPIPE, &own, NULL);
    if (strcmp(host, "blocked") == 0)
        sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (k = 0; k < messages; k++)
        send_message(k, to, child, message);
    for (int i = 0; i < receivers; i++)
        close(to[i]);
    while (wait(NULL) != -1)
        ;
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* if a SIGPIPE is pending, it comes now */
    return 0;
}
