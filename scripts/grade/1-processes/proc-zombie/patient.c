/* Runs a program and ends its jobs one by one: each byte of our standard input is passed on only when
 * the program and all its jobs are asleep.
 *
 * usage: patient PROGRAM [children=N] ARGUMENT...
 *
 * With children=N the program can have at most N children at a time: its next fork() fails.
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end, if it does not end by itself), 2 when we failed ourselves. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 200 * 1000 * 1000, LOOKS_ENOUGH = 100, WATCHED_MAX = 64, PROCESSES_MAX = 4096 };

static bool is_spinning;

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

static void set_limit(rlim_t processes)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit) == -1)
        fail("getrlimit");
    limit.rlim_cur = processes < limit.rlim_max ? processes : limit.rlim_max;
    if (setrlimit(RLIMIT_NPROC, &limit) == -1)
        fail("setrlimit");
}

/* RLIMIT_NPROC counts all processes of the user, so we try which limit lets us have one more. */
static rlim_t limit_for_one(void)
{
    for (rlim_t enough = 1; enough < PROCESSES_MAX; enough++) {
        pid_t child;

        set_limit(enough);
        if ((child = fork()) == 0)
            _exit(0);
        if (child == -1)
            continue;
        waitpid(child, NULL, 0);
        return enough;
    }
    fail("RLIMIT_NPROC");
}

static pid_t start(char *argv[], int *feed_fd)
{
    unsigned children = 0;
    rlim_t one = 0;
    int p[2];
    pid_t child;

    if (argv[1] != NULL && sscanf(argv[1], "children=%u", &children) == 1) {
        one = limit_for_one();
        argv[1] = argv[0];
        argv++;
    }
    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (one > 0)
            set_limit(one + children);
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

int main(int argc, char *argv[])
{
    bool has_ended = false;
    int feed_fd;
    pid_t child;
    char byte;

    if (argc < 2)
        return 2;
    child = start(argv + 1, &feed_fd);
    signal(SIGPIPE, SIG_IGN);
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        settle();
        if (write(feed_fd, &byte, 1) == -1)
            break; /* nobody wants to hear it */
    }
    close(feed_fd);
    settle();
    if (is_spinning && !(has_ended = waitpid(child, NULL, WNOHANG) == child))
        kill(child, SIGKILL);
    if (!has_ended && waitpid(child, NULL, 0) == -1)
        fail("waitpid");
    return is_spinning ? 3 : 0;
}
