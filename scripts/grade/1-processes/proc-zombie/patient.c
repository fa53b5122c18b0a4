/* Runs a program and ends its jobs one by one: each byte of our standard input is passed on only when
 * the program and all its jobs are asleep.
 *
 * usage: patient PROGRAM [children=N] ARGUMENT...
 *
 * With children=N the program can have at most N children at a time: its next fork() fails.
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end, if it does not end by itself), 2 when we failed ourselves. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50 * 1000 * 1000, LOOKS_ENOUGH = 100, PROCESSES_MAX = 4096 };

static bool is_spinning;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* How much the other processes have done so far, and whether all of them sleep at this moment. */
struct look {
    bool is_asleep; /* by their state */
    bool is_parked; /* and by the place where they sleep */
    unsigned long switches;
    long long cpu_ns;
};

static size_t read_proc(const char *pid, const char *what, char *text, size_t room)
{
    char path[64];
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "/proc/%.20s/%s", pid, what);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
        return 0;
    size = read(fd, text, room - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size > 0 ? (size_t)size : 0;
}

/* The state alone may deceive: a process that only asks whether it must wait is in state S for a moment,
 * too. The place where it sleeps, wchan, is 0 as long as it is on a processor or queued for one; where
 * the kernel does not tell, it is always 0. proc(5). */
static bool has_place(const char *pid)
{
    char place[64];

    return read_proc(pid, "wchan", place, sizeof place) > 0 && strcmp(place, "0") != 0;
}

static void look_at(const char *pid, struct look *look)
{
    char text[4096], state = 'X';
    unsigned long willing = 0, forced = 0;
    struct timespec cpu;
    clockid_t clock;
    const char *at;

    if (read_proc(pid, "status", text, sizeof text) == 0)
        return; /* gone */
    if ((at = strstr(text, "\nState:")) != NULL)
        sscanf(at, "\nState: %c", &state);
    if ((at = strstr(text, "\nvoluntary_ctxt_switches:")) != NULL)
        sscanf(at, "\nvoluntary_ctxt_switches: %lu nonvoluntary_ctxt_switches: %lu", &willing, &forced);
    look->switches += willing + forced;
    if (strchr("SZX", state) == NULL)
        look->is_asleep = false;
    if (state == 'S' && !has_place(pid))
        look->is_parked = false;
    if (clock_getcpuclockid(atoi(pid), &clock) == 0 && clock_gettime(clock, &cpu) == 0)
        look->cpu_ns += cpu.tv_sec * 1000000000LL + cpu.tv_nsec;
}

static struct look look_around(void)
{
    struct look look = {.is_asleep = true, .is_parked = true};
    const struct dirent *entry;
    DIR *proc = opendir("/proc");

    if (proc == NULL)
        return look;
    while ((entry = readdir(proc)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != getpid())
            look_at(entry->d_name, &look);
    closedir(proc);
    return look;
}

/* Comes back when nobody else can move until we do something: all sleep, and none has run between two
 * looks. Or when the others have used SPIN_NS of processor time meanwhile: then somebody spins. */
static void settle(void)
{
    struct look first = look_around(), before = first, now;

    for (int quiet = 0; !is_spinning; before = now) {
        sched_yield();
        now = look_around();
        quiet = before.is_asleep && now.is_asleep && before.switches == now.switches ? quiet + 1 : 0;
        if (quiet > 0 && (now.is_parked || quiet == LOOKS_ENOUGH))
            return;
        is_spinning = now.cpu_ns - first.cpu_ns > SPIN_NS;
    }
}

/* Lets this process have at most `most` children: RLIMIT_NPROC counts all processes of the user, so
 * we try which limit allows the first one. setrlimit(2). */
static void limit_children(unsigned most)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit) == -1)
        fail("getrlimit");
    for (rlim_t enough = 1; enough < PROCESSES_MAX; enough++) {
        pid_t child;

        limit.rlim_cur = enough;
        if (setrlimit(RLIMIT_NPROC, &limit) == -1)
            fail("setrlimit");
        child = fork();
        if (child == 0)
            _exit(0);
        if (child == -1)
            continue;
        waitpid(child, NULL, 0);
        limit.rlim_cur = enough + most - 1;
        if (setrlimit(RLIMIT_NPROC, &limit) == -1)
            fail("setrlimit");
        return;
    }
}

static pid_t start(char *argv[], int *feed_fd)
{
    unsigned children;
    int p[2];
    pid_t child;

    if (pipe(p) == -1 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
        fail("pipe");
    switch (child = fork()) {
    case -1:
        fail("fork");
    case 0:
        if (argv[1] != NULL && sscanf(argv[1], "children=%u", &children) == 1) {
            limit_children(children);
            argv[1] = argv[0];
            argv++;
        }
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
