/* The other side of an exchange: runs a program with a pipe to its descriptor 0 and one from its
 * descriptor 1, and has habits.
 *
 * usage: peer PROGRAM HABIT [capacity=C] [nonblock=1] send=N receive=M seed=S
 *
 * HABIT  writes-first   M bytes to the program, then reads N
 *        reads-first    the other way round
 *        dribbles       a few bytes in turn, each when the program is asleep; then as writes-first
 *        half-closes    writes M and all else it has to say, closes this pipe, then reads N
 *        hangs-up       reads N, stops the program, writes M, closes the pipe, lets it go on
 *        breaks-off     reads N, closes this pipe, writes half of M and closes the other
 *        takes-nothing  writes M, never reads, closes both pipes
 *
 * The program's own message is made from S, ours from 8 bytes of our standard input. With nonblock=1
 * its descriptor 0 is non-blocking when it gets it.
 *
 * Exit status: 0 all is well; 3 somebody used processor time instead of sleeping; 4 the program did
 * not get our message; 5 we did not get its message; 2 we failed ourselves. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SPIN = 3, EXIT_NOT_GOT, EXIT_NOT_SENT };

void settle_watch(int pipe_fd); /* settle.c */
bool settle(void);

static bool is_quiet = true; /* so far: nobody has spun */
static bool has_ended;
static pid_t learner;
static unsigned capacity;
static bool is_nonblock;
static bool is_ordered; /* somebody else decides who moves: nobody waits until others are still */
static size_t theirs_size, ours_size; /* bytes of the messages */
static unsigned char *expected, *theirs, *ours;
static size_t received, sent;
static int from_fd, to_fd; /* our ends; from_fd is -1 once we listen no more */

static bool is_still(void)
{
    return is_ordered || settle();
}

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t digest(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static void make_message(unsigned char *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(seed >> 56);
    }
}

/* Moves up to `most` bytes more; fewer only when the program has closed its end, or spins. */
static void receive(size_t most)
{
    while (is_quiet && most > 0 && received < theirs_size) {
        size_t want = most < theirs_size - received ? most : theirs_size - received;
        ssize_t n = read(from_fd, theirs + received, want);

        if (n <= 0)
            return;
        received += (size_t)n;
        most -= (size_t)n;
    }
}

static void send_some(size_t most)
{
    while (is_quiet && most > 0 && sent < ours_size) {
        size_t want = most < ours_size - sent ? most : ours_size - sent;
        ssize_t n = write(to_fd, ours + sent, want);

        if (n == -1)
            return; /* EPIPE: the program does not read any more */
        sent += (size_t)n;
        most -= (size_t)n;
    }
}

static void tell_digest(const unsigned char *bytes, size_t size)
{
    uint64_t told = digest(bytes, size);

    if (is_quiet && write(to_fd, &told, sizeof told) == -1 && errno != EPIPE)
        fail("write");
}

static void dribble(void)
{
    static const size_t pieces[] = {1, 3, 1, 4096, 4097, 2};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0] && is_quiet; i++) {
        send_some(pieces[i]);
        is_quiet = is_still();
        receive(pieces[i] < 4096 ? pieces[i] : 5000);
        is_quiet = is_still();
    }
}

/* Everything, and the end of file, comes while the program cannot look. */
static void send_to_stopped(void)
{
    int status;

    if (!is_quiet || kill(learner, SIGSTOP) == -1 || waitpid(learner, &status, WUNTRACED) == -1 ||
        !WIFSTOPPED(status)) {
        has_ended = is_quiet;
        return;
    }
    send_some(SIZE_MAX);
    tell_digest(theirs, received);
    close(to_fd);
    kill(learner, SIGCONT);
}

/* Says all that it has to say, and closes its pipe, before it reads anything. */
static void half_close(void)
{
    send_some(SIZE_MAX);
    tell_digest(expected, theirs_size);
    is_quiet = is_still(); /* while we have the pipe we can see that it is read */
    close(to_fd);
    is_quiet = is_still();
    receive(SIZE_MAX);
}

static void stop_listening(void)
{
    close(from_fd);
    from_fd = -1;
}

/* Half of what the program waits for is all that it will ever get. */
static void break_off(void)
{
    receive(SIZE_MAX);
    stop_listening();
    is_quiet = is_still();
    send_some(ours_size / 2);
    is_quiet = is_still();
    close(to_fd);
    is_quiet = is_still();
}

static void take_nothing(void)
{
    send_some(SIZE_MAX);
    is_quiet = is_still();
    stop_listening();
    is_quiet = is_still();
    close(to_fd);
}

static void follow(const char *habit)
{
    is_quiet = is_still();
    if (strcmp(habit, "half-closes") == 0)
        return half_close();
    if (strcmp(habit, "breaks-off") == 0)
        return break_off();
    if (strcmp(habit, "takes-nothing") == 0)
        return take_nothing();
    if (strcmp(habit, "dribbles") == 0)
        dribble();
    if (strcmp(habit, "writes-first") == 0 || strcmp(habit, "dribbles") == 0) {
        send_some(SIZE_MAX);
        is_quiet = is_still();
        receive(SIZE_MAX);
        tell_digest(theirs, received);
        return;
    }
    receive(SIZE_MAX);
    is_quiet = is_still();
    if (strcmp(habit, "hangs-up") == 0) {
        send_to_stopped();
    } else {
        send_some(SIZE_MAX);
        tell_digest(theirs, received);
    }
}

static void make_pipe(int p[2])
{
    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    if (capacity > 0 && fcntl(p[0], F_SETPIPE_SZ, capacity) == -1)
        fail("F_SETPIPE_SZ");
}

static void start(char *argv[])
{
    int to[2], from[2];

    make_pipe(to);
    make_pipe(from);
    if (is_nonblock && fcntl(to[0], F_SETFL, O_NONBLOCK) == -1)
        fail("O_NONBLOCK");
    switch (learner = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (dup2(to[0], STDIN_FILENO) == -1 || dup2(from[1], STDOUT_FILENO) == -1)
            fail("dup2");
        execv(argv[0], argv);
        fail(argv[0]);
    default:
        break;
    }
    close(to[0]);
    close(from[1]);
    to_fd = to[1];
    from_fd = from[0];
    settle_watch(to_fd);
    settle_watch(from_fd);
}

static void read_arguments(int argc, char *argv[])
{
    unsigned long value;
    uint64_t secret = 0, seed = 0;

    for (int i = 3; i < argc; i++) {
        if (sscanf(argv[i], "capacity=%lu", &value) == 1)
            capacity = (unsigned)value;
        if (sscanf(argv[i], "nonblock=%lu", &value) == 1)
            is_nonblock = value != 0;
        if (sscanf(argv[i], "ordered=%lu", &value) == 1)
            is_ordered = value != 0;
        if (sscanf(argv[i], "send=%lu", &value) == 1)
            theirs_size = value;
        if (sscanf(argv[i], "receive=%lu", &value) == 1)
            ours_size = value;
        if (sscanf(argv[i], "seed=%lu", &value) == 1)
            seed = value;
    }
    if (read(STDIN_FILENO, &secret, sizeof secret) == -1)
        fail("read");
    expected = malloc(theirs_size + 1);
    theirs = malloc(theirs_size + 1);
    ours = malloc(ours_size + 1);
    if (expected == NULL || theirs == NULL || ours == NULL)
        fail("malloc");
    make_message(expected, theirs_size, seed);
    make_message(ours, ours_size, secret);
}

/* What the program says that it got; SIGKILL when it would never say anything. */
static int judge(void)
{
    uint64_t said = 0;
    if (!is_quiet)
        kill(learner, SIGKILL);
    if (from_fd != -1 && received == theirs_size && read(from_fd, &said, sizeof said) == -1)
        fail("read");
    if (!has_ended && waitpid(learner, NULL, 0) == -1)
        fail("waitpid");
    if (!is_quiet)
        return EXIT_SPIN;
    if (from_fd == -1)
        return 0;
    if (received < theirs_size || memcmp(theirs, expected, theirs_size) != 0)
        return EXIT_NOT_SENT;
    if (sent == ours_size && said != digest(ours, ours_size))
        return EXIT_NOT_GOT;
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc < 3)
        return 2;
    read_arguments(argc, argv);

    const char *habit = argv[2];

    argv[2] = argv[1];
    start(argv + 2);
    signal(SIGPIPE, SIG_IGN);
    follow(habit);
    return judge();
}
