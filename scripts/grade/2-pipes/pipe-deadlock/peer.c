/* The other side of an exchange: runs a program with a pipe to its descriptor 0 and one from its
 * descriptor 1, and has habits.
 *
 * usage: peer PROGRAM HABIT [capacity=C] send=N receive=M seed=S
 *
 * HABIT  writes-first  M bytes to the program, then reads N
 *        reads-first   the other way round
 *        dribbles      a few bytes in turn, each time when the program is asleep; then writes, then reads
 *        hangs-up      reads N, then stops the program, writes M and closes the pipe; lets it go on
 *        breaks-off    reads N, writes half of M and closes the pipe
 *
 * The program's own message is made from S, ours from 8 bytes of our standard input.
 * Exit status: 0 all is well; 3 somebody used processor time instead of sleeping; 4 the program did not
 * get our message; 5 we did not get its message; 2 we failed ourselves. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 200 * 1000 * 1000, LOOKS_ENOUGH = 100, WATCHED_MAX = 64 };
enum { EXIT_SPIN = 3, EXIT_NOT_GOT, EXIT_NOT_SENT };

static bool is_spinning, has_ended;
static pid_t learner;
static unsigned capacity;
static size_t theirs_size, ours_size; /* bytes of the messages */
static unsigned char *expected, *theirs, *ours;
static size_t received, sent;
static int from_fd, to_fd; /* our ends */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* A process that we watch, with its files in /proc: opened once, read often. */
struct watched {
    pid_t pid;
    int status_fd, wchan_fd;
};

/* How much the others have done so far, and whether all of them sleep at this moment. */
struct look {
    bool is_asleep; /* by their state */
    bool is_parked; /* and by the place where they sleep */
    unsigned long switches;
    long long cpu_ns;
};

static struct watched watched[WATCHED_MAX];
static int watched_count;

static int open_proc(pid_t pid, const char *what)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_watched(pid_t pid)
{
    for (int i = 0; i < watched_count; i++)
        if (watched[i].pid == pid)
            return true;
    return false;
}

/* Adds processes of our session that have come since. Process 1 only looks on. */
static void find_processes(void)
{
    const struct dirent *entry;
    DIR *proc = opendir("/proc");

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        pid_t pid = atoi(entry->d_name);

        if (pid <= 1 || pid == getpid() || getsid(pid) != getsid(0) || is_watched(pid) ||
            watched_count == WATCHED_MAX)
            continue;
        watched[watched_count++] =
            (struct watched){pid, open_proc(pid, "status"), open_proc(pid, "wchan")};
    }
    if (proc != NULL)
        closedir(proc);
}

static bool read_again(int fd, char *text, size_t room)
{
    ssize_t size = fd == -1 ? -1 : pread(fd, text, room - 1, 0);

    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

static const char *field(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    return at == NULL ? "" : at + strlen(name);
}

/* The state alone may deceive: a process that only asks whether it must wait is in state S for a moment,
 * too. The place where it sleeps, wchan, is 0 as long as it is on a processor or queued for one; where
 * the kernel does not tell, it is always 0. proc(5). */
static bool look_at(const struct watched *w, struct look *look)
{
    char status[4096], place[64];
    struct timespec cpu;
    clockid_t clock;
    char state;

    if (!read_again(w->status_fd, status, sizeof status))
        return false; /* gone */
    state = *field(status, "\nState:\t");
    look->switches += strtoul(field(status, "\nvoluntary_ctxt_switches:\t"), NULL, 10) +
                      strtoul(field(status, "\nnonvoluntary_ctxt_switches:\t"), NULL, 10);
    if (state != 'S' && state != 'Z' && state != 'X')
        look->is_asleep = false;
    if (state == 'S' && (!read_again(w->wchan_fd, place, sizeof place) || strcmp(place, "0") == 0))
        look->is_parked = false;
    if (clock_getcpuclockid(w->pid, &clock) == 0 && clock_gettime(clock, &cpu) == 0)
        look->cpu_ns += cpu.tv_sec * 1000000000LL + cpu.tv_nsec;
    return true;
}

static struct look look_around(void)
{
    struct look look = {.is_asleep = true, .is_parked = true};

    find_processes();
    for (int i = watched_count - 1; i >= 0; i--) {
        if (look_at(&watched[i], &look))
            continue;
        close(watched[i].status_fd);
        close(watched[i].wchan_fd);
        watched[i] = watched[--watched_count];
    }
    return look;
}

/* Comes back when nobody else can move until we do something: all sleep, and none has run between two
 * looks. Or when the others have used SPIN_NS of processor time meanwhile: then somebody spins. */
static void settle(void)
{
    const struct timespec pause = {0, 200000};
    struct look first = look_around(), before = first, now;

    for (int quiet = 0; !is_spinning; before = now) {
        nanosleep(&pause, NULL);
        now = look_around();
        quiet = before.is_asleep && now.is_asleep && before.switches == now.switches ? quiet + 1 : 0;
        if (quiet > 0 && (now.is_parked || quiet == LOOKS_ENOUGH))
            return;
        is_spinning = now.cpu_ns - first.cpu_ns > SPIN_NS;
    }
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

/* Moves up to `most` bytes more; fewer only when the program has closed its end. */
static void receive(size_t most)
{
    while (most > 0 && received < theirs_size) {
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
    while (most > 0 && sent < ours_size) {
        size_t want = most < ours_size - sent ? most : ours_size - sent;
        ssize_t n = write(to_fd, ours + sent, want);

        if (n == -1)
            return; /* EPIPE: the program does not read any more */
        sent += (size_t)n;
        most -= (size_t)n;
    }
}

static void tell_digest(void)
{
    uint64_t got = digest(theirs, received);

    if (write(to_fd, &got, sizeof got) == -1 && errno != EPIPE)
        fail("write");
}

static void dribble(void)
{
    static const size_t pieces[] = {1, 3, 1, 4096, 4097, 2};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0] && !is_spinning; i++) {
        send_some(pieces[i]);
        settle();
        receive(pieces[i] < 4096 ? pieces[i] : 5000);
        settle();
    }
}

/* Everything, and the end of file, comes while the program cannot look. */
static void send_to_stopped(void)
{
    int status;

    if (is_spinning || kill(learner, SIGSTOP) == -1 ||
        waitpid(learner, &status, WUNTRACED) == -1 || !WIFSTOPPED(status)) {
        has_ended = !is_spinning;
        return;
    }
    send_some(SIZE_MAX);
    tell_digest();
    close(to_fd);
    kill(learner, SIGCONT);
}

static void follow(const char *habit)
{
    settle();
    if (strcmp(habit, "dribbles") == 0)
        dribble();
    if (strcmp(habit, "writes-first") == 0 || strcmp(habit, "dribbles") == 0) {
        send_some(SIZE_MAX);
        settle();
        receive(SIZE_MAX);
        tell_digest();
        return;
    }
    receive(SIZE_MAX);
    settle();
    if (strcmp(habit, "hangs-up") == 0) {
        send_to_stopped();
    } else if (strcmp(habit, "breaks-off") == 0) {
        send_some(ours_size / 2);
        close(to_fd);
        settle();
    } else {
        send_some(SIZE_MAX);
        tell_digest();
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
}

static void read_arguments(int argc, char *argv[])
{
    unsigned long value;
    uint64_t secret = 0, seed = 0;

    for (int i = 3; i < argc; i++) {
        if (sscanf(argv[i], "capacity=%lu", &value) == 1)
            capacity = (unsigned)value;
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
    if (is_spinning)
        kill(learner, SIGKILL);
    if (received == theirs_size && read(from_fd, &said, sizeof said) == -1)
        fail("read");
    if (!has_ended && waitpid(learner, NULL, 0) == -1)
        fail("waitpid");
    if (is_spinning)
        return EXIT_SPIN;
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
