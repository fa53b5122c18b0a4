/* Runs a program and feeds it with care: each line of our standard input is passed on only when the
 * program and its children are asleep, and while they are asleep its children get a signal.
 *
 * usage: dribble PROGRAM [late] ARGUMENT...
 *
 * With "late" there are no signals; instead the children are stopped before the last line, so that it,
 * and the end of file, come while nobody can read. Then they may go on.
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end, if it does not end by itself), 2 when we failed ourselves. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 200 * 1000 * 1000, LOOKS_ENOUGH = 100, LINES_MAX = 64, WATCHED_MAX = 64 };

static bool is_spinning;
static pid_t learner;
static pid_t stopped[WATCHED_MAX]; /* by us */
static int stopped_count;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* Stopped by us: will do nothing until we let it go on. */
static bool is_stopped(pid_t pid)
{
    for (int i = 0; i < stopped_count; i++)
        if (stopped[i] == pid)
            return true;
    return false;
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
    if (state != 'S' && state != 'Z' && state != 'X' && !is_stopped(w->pid))
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

static bool is_child(const struct watched *w)
{
    char status[4096];

    return read_again(w->status_fd, status, sizeof status) &&
           atoi(field(status, "\nPPid:\t")) == learner;
}

static void signal_children(int sig)
{
    for (int i = 0; i < watched_count; i++)
        if (is_child(&watched[i]))
            kill(watched[i].pid, sig);
}

/* They are asleep. Once the signal has stopped one, the call that it slept in is over: it will look
 * afresh when it goes on. */
static void stop_children(void)
{
    signal_children(SIGSTOP);
    for (int i = 0; i < watched_count; i++) {
        char status[4096];

        if (!is_child(&watched[i]))
            continue;
        while (read_again(watched[i].status_fd, status, sizeof status) &&
               strchr("TtZX", *field(status, "\nState:\t")) == NULL)
            ;
        stopped[stopped_count++] = watched[i].pid;
    }
}

static pid_t start(char *argv[], int *feed_fd)
{
    int p[2];
    pid_t child;

    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (dup2(p[0], STDIN_FILENO) == -1)
            fail("dup2");
        execv(argv[0], argv);
        fail(argv[0]);
    default:
        break;
    }
    close(p[0]);
    *feed_fd = p[1];
    return child;
}

/* Passes on one line; what it leads to is over when we come back. */
static void pass_on(int feed_fd, const char *line)
{
    size_t size = strlen(line);

    while (size > 0) {
        ssize_t n = write(feed_fd, line, size);

        if (n == -1)
            return; /* nobody wants to hear it */
        line += n;
        size -= (size_t)n;
    }
    settle();
}

static void feed(int feed_fd, char *lines[], int count, bool is_late)
{
    settle();
    for (int i = 0; i < count; i++) {
        if (is_late && i == count - 1)
            stop_children();
        pass_on(feed_fd, lines[i]);
        if (!is_late) {
            signal_children(SIGUSR1);
            settle();
        }
    }
    close(feed_fd);
    settle();
    if (is_late)
        signal_children(SIGCONT);
}

int main(int argc, char *argv[])
{
    char *lines[LINES_MAX] = {NULL};
    int count = 0, feed_fd;
    bool is_late = argc > 2 && strcmp(argv[2], "late") == 0;
    size_t room = 0;

    if (argc < 2)
        return 2;
    while (count < LINES_MAX && getline(&lines[count], &room, stdin) > 0) {
        count++;
        room = 0;
    }
    if (is_late)
        argv[2] = argv[1];
    learner = start(argv + (is_late ? 2 : 1), &feed_fd);
    signal(SIGPIPE, SIG_IGN);
    feed(feed_fd, lines, count, is_late);
    if (is_spinning)
        kill(learner, SIGKILL);
    if (waitpid(learner, NULL, 0) == -1)
        fail("waitpid");
    return is_spinning ? 3 : 0;
}
