/* wrong: handler-called — leaves SIGPIPE alone when the caller handles it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Returns false when nobody reads any more. */
static bool send_all(int to, const char *bytes, size_t size)
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

    sigaction(SIGPIPE, NULL, &before);
    if (before.sa_handler == SIG_DFL)
        sigaction(SIGPIPE, &ignore, NULL);
    for (int i = 0; i < n; i++)
        if (!is_gone[i] && !(is_gone[i] = !send_all(to[i], bytes, size)))
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

static int receivers = 3, messages = 4, deaf = NEVER, leave_before[RECEIVERS_MAX];
static size_t size = 1000;
static bool has_sockets;
static int reports[2];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void report(int who, int got, uint64_t digest)
{
    struct report report = {who, got, digest};

    if (write(reports[1], &report, sizeof report) != sizeof report)
        fail("report");
}

static void on_pipe(int sig)
{
    (void)!write(reports[1], &sig, sizeof sig); /* to be seen */
}

static void on_usr1(int sig)
{
    (void)sig; /* its only effect: a call that sleeps comes back */
}

static _Noreturn void receive(int who, int in)
{
    uint64_t digest = 14695981039346656037u;
    unsigned char bytes[4096];
    int got = 0;
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            digest = (digest ^ bytes[i]) * 1099511628211u; /* FNV-1a */
        got += (int)n;
    }
    report(who, got, digest);
    _exit(0);
}

/* Comes back when it is to listen after all. */
static void be_deaf(void)
{
    char tug = ' ';

    while (read(STDIN_FILENO, &tug, 1) == 1 && tug != 'r')
        if (tug == 'i')
            kill(getppid(), SIGUSR1);
    if (tug != 'r')
        _exit(0);
}

static pid_t start(int who, int to[])
{
    int p[2];
    pid_t child;

    if ((has_sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, p) : pipe(p)) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0: /* P.i */
        for (int older = 0; older < who; older++)
            close(to[older]);
        close(p[1]);
        signal(SIGPIPE, SIG_DFL);
        if (who == deaf)
            be_deaf();
        receive(who, p[0]);
    default: /* P */
        break;
    }
    close(p[0]);
    to[who] = p[1];
    return child;
}

static void set_host(const char *how)
{
    struct sigaction action = {.sa_handler = on_pipe, .sa_flags = SA_NODEFER};
    sigset_t pipe_only;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (strcmp(how, "handler") == 0)
        sigaction(SIGPIPE, &action, NULL);
    else if (strcmp(how, "blocked") == 0)
        sigprocmask(SIG_BLOCK, &pipe_only, NULL);
    else if (strcmp(how, "default") != 0)
        fprintf(stderr, "what is host=%s?\n", how);
}

static void send_messages(const int to[], const pid_t child[])
{
    bool is_gone[RECEIVERS_MAX] = {false};
    unsigned char *message = malloc(size + 1);

    if (message == NULL)
        fail("malloc");
    for (int k = 0; k < messages; k++) {
        uint64_t gone = 0;

        for (int i = 0; i < receivers; i++)
            if (leave_before[i] == k) {
                kill(child[i], SIGKILL);
                waitpid(child[i], NULL, 0); /* its read end has been closed, for certain */
            }
        for (size_t i = 0; i < size; i++)
            message[i] = (unsigned char)(i * 31 + (size_t)k * 7 + i / 251);

        int reached = fan_out(to, is_gone, receivers, message, size);

        for (int i = 0; i < receivers; i++)
            gone |= (uint64_t)is_gone[i] << i;
        report(-1, reached, gone);
    }
    free(message);
}

int main(int argc, char *argv[])
{
    struct sigaction on_tug = {.sa_handler = on_usr1}; /* without SA_RESTART */
    const char *host = "default";
    int to[RECEIVERS_MAX], who, k;
    pid_t child[RECEIVERS_MAX];
    struct report said;
    sigset_t none;

    memset(leave_before, NEVER, sizeof leave_before);
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "leave=%d@%d", &who, &k) == 2 && who >= 0 && who < RECEIVERS_MAX)
            leave_before[who] = k;
        else if (strcmp(argv[i], "sockets") == 0)
            has_sockets = true;
        else if (strncmp(argv[i], "host=", 5) == 0)
            host = argv[i] + 5;
        else if (sscanf(argv[i], "receivers=%d", &receivers) != 1 &&
                 sscanf(argv[i], "messages=%d", &messages) != 1 &&
                 sscanf(argv[i], "size=%zu", &size) != 1 && sscanf(argv[i], "deaf=%d", &deaf) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (receivers > RECEIVERS_MAX || pipe(reports) == -1 || sigaction(SIGUSR1, &on_tug, NULL) == -1)
        fail("pipe-sigpipe");
    for (int i = 0; i < receivers; i++)
        child[i] = start(i, to);
    set_host(host);
    send_messages(to, child);
    for (int i = 0; i < receivers; i++)
        close(to[i]);
    while (wait(NULL) != -1)
        ;
    close(reports[1]);
    while (read(reports[0], &said, sizeof said) == sizeof said)
        if (said.who == -1)
            printf("a message has reached %d of %d\n", said.got, receivers);
        else
            printf("receiver %d got %d bytes\n", said.who, said.got);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* if a SIGPIPE is pending, it comes now */
    return 0;
}
