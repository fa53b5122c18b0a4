/* Waits until nobody else can move: compiled into every partner.
 *
 * A partner that acts only then makes certain what would otherwise be luck: that a signal meets a
 * blocked call, that bytes come one by one, that everything is still in the pipe when its writer
 * has gone. What it looks at is all processes of its session but itself. A partner declares what
 * it uses. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

void settle_watch(int pipe_fd);
bool settle(void);
int settle_children(pid_t parent, pid_t *out, int most);
void settle_stopped(pid_t pid);

/* SPIN_NS: far more processor time than any correct program uses, traced as it is, from one byte that
 * it moves, or one process that it makes, to the next, or to its sleep. */
enum { SPIN_NS = 50 * 1000 * 1000, LOOKS_ENOUGH = 100, WATCHED_MAX = 64, PIPES_MAX = 4 };

/* A process that we watch, with its files in /proc: opened once, read often. */
struct watched {
    pid_t pid;
    int status_fd, wchan_fd;
    bool is_stopped; /* by the partner: will do nothing until that lets it go on */
};

/* How much the others have done so far, and whether all of them sleep at this moment. */
struct look {
    bool is_asleep; /* by their state */
    bool is_parked; /* and by the place where they sleep */
    unsigned long switches;
    unsigned long long progress; /* another number when a process or a byte in a pipe is new */
    long long cpu_ns;
};

static struct watched watched[WATCHED_MAX];
static int watched_count;
static unsigned long long watched_ever;
static int pipes[PIPES_MAX], pipe_count;
static bool is_spinning;

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
            (struct watched){pid, open_proc(pid, "status"), open_proc(pid, "wchan"), false};
        watched_ever++;
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

/* The state alone may deceive: a task that only asks whether it must wait is in state S for a
 * moment, too. The place where it sleeps, wchan, is 0 as long as it is on a processor or queued
 * for one; where the kernel does not tell, it is always 0. proc(5). */
static void add_task(struct look *look, const char *status, int wchan_fd)
{
    char state = *field(status, "\nState:\t"), place[64];

    look->switches += strtoul(field(status, "\nvoluntary_ctxt_switches:\t"), NULL, 10) +
                      strtoul(field(status, "\nnonvoluntary_ctxt_switches:\t"), NULL, 10);
    if (state != 'S' && state != 'Z' && state != 'X')
        look->is_asleep = false;
    if (state == 'S' && (!read_again(wchan_fd, place, sizeof place) || strcmp(place, "0") == 0))
        look->is_parked = false;
}

/* The other threads of a process. They are rare, so nothing of them is kept open. */
static void add_threads(struct look *look, pid_t pid)
{
    char path[64], status[4096];
    const struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        pid_t tid = atoi(entry->d_name);
        int status_fd, wchan_fd;

        if (tid <= 0 || tid == pid)
            continue;
        status_fd = open_proc(tid, "status");
        wchan_fd = open_proc(tid, "wchan");
        if (read_again(status_fd, status, sizeof status))
            add_task(look, status, wchan_fd);
        close(status_fd);
        close(wchan_fd);
    }
    if (tasks != NULL)
        closedir(tasks);
}

static bool look_at(const struct watched *w, struct look *look)
{
    char status[4096];
    struct timespec cpu;
    clockid_t clock;

    if (!read_again(w->status_fd, status, sizeof status))
        return false; /* gone */
    if (!w->is_stopped)
        add_task(look, status, w->wchan_fd);
    if (!w->is_stopped && strtoul(field(status, "\nThreads:\t"), NULL, 10) > 1)
        add_threads(look, w->pid);
    if (clock_getcpuclockid(w->pid, &clock) == 0 && clock_gettime(clock, &cpu) == 0)
        look->cpu_ns += cpu.tv_sec * 1000000000LL + cpu.tv_nsec;
    return true;
}

/* How full the pipes are says whether the others get on, as long as we leave them alone. */
static unsigned long long progress_now(void)
{
    unsigned long long sum = watched_ever;

    for (int i = 0; i < pipe_count; i++) {
        int fill = 0;

        if (ioctl(pipes[i], FIONREAD, &fill) == -1)
            fill = -1; /* closed by now */
        sum = sum * 1000003 + (unsigned)fill;
    }
    return sum;
}

static struct look look_around(void)
{
    struct look look = {.is_asleep = true, .is_parked = true};

    find_processes();
    look.progress = progress_now();
    for (int i = watched_count - 1; i >= 0; i--) {
        if (look_at(&watched[i], &look))
            continue;
        close(watched[i].status_fd);
        close(watched[i].wchan_fd);
        watched[i] = watched[--watched_count];
    }
    return look;
}

/* Our end of a pipe to the program or from it: bytes that come or go show that the program gets on. */
void settle_watch(int pipe_fd)
{
    if (pipe_count < PIPES_MAX)
        pipes[pipe_count++] = pipe_fd;
}

/* Comes back when nobody else can move until we do something: all sleep, and none has run between
 * two looks. Returns false when the others use processor time for nothing instead: somebody spins;
 * from then on it does not wait any more. A program that moves its bytes one by one takes long, too,
 * but it gets on. */
bool settle(void)
{
    const struct timespec pause = {0, 200000};
    struct look since = look_around(), before = since, now;

    for (int quiet = 0; !is_spinning; before = now) {
        nanosleep(&pause, NULL);
        now = look_around();
        if (now.progress != since.progress)
            since = now;
        quiet =
            before.is_asleep && now.is_asleep && before.switches == now.switches ? quiet + 1 : 0;
        if (quiet > 0 && (now.is_parked || quiet == LOOKS_ENOUGH))
            return true;
        is_spinning = now.cpu_ns - since.cpu_ns > SPIN_NS;
    }
    return false;
}

/* Fills in up to `most` children of `parent`, as of the last settle(); returns their number. */
int settle_children(pid_t parent, pid_t *out, int most)
{
    char status[4096];
    int count = 0;

    for (int i = 0; i < watched_count && count < most; i++)
        if (read_again(watched[i].status_fd, status, sizeof status) &&
            atoi(field(status, "\nPPid:\t")) == parent)
            out[count++] = watched[i].pid;
    return count;
}

/* SIGSTOP has been sent to a process that was asleep: waits until it has stopped. The call that it
 * slept in is over then, and it will look afresh when it goes on. From now on it counts as asleep.
 */
void settle_stopped(pid_t pid)
{
    char status[4096];

    for (int i = 0; i < watched_count; i++) {
        if (watched[i].pid != pid)
            continue;
        while (read_again(watched[i].status_fd, status, sizeof status) &&
               strchr("TtZX", *field(status, "\nState:\t")) == NULL)
            ;
        watched[i].is_stopped = true;
    }
}
