/* Runs a program and feeds it with care: each line of our standard input is passed on only when the
 * program and its children are asleep, and while they are asleep its children get a signal.
 *
 * usage: dribble PROGRAM [late] ARGUMENT...
 *
 * With "late" there are no signals; instead the children are stopped before the last line, so that it,
 * and the end of file, come while nobody can read. Then they may go on.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50 * 1000 * 1000, LOOKS_ENOUGH = 100, LINES_MAX = 64, CHILDREN_MAX = 32 };

static bool is_spinning;
static pid_t learner;
static pid_t children[CHILDREN_MAX]; /* of the learner, as of the last look */
static int child_count;
static bool are_stopped; /* the children, by us */

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
    int parent = 0;

    if (read_proc(pid, "status", text, sizeof text) == 0)
        return; /* gone */
    if ((at = strstr(text, "\nState:")) != NULL)
        sscanf(at, "\nState: %c", &state);
    if ((at = strstr(text, "\nvoluntary_ctxt_switches:")) != NULL)
        sscanf(at, "\nvoluntary_ctxt_switches: %lu nonvoluntary_ctxt_switches: %lu", &willing, &forced);
    if ((at = strstr(text, "\nPPid:")) != NULL)
        sscanf(at, "\nPPid: %d", &parent);
    if (parent == learner && are_stopped)
        return;
    if (parent == learner && child_count < CHILDREN_MAX)
        children[child_count++] = atoi(pid);
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
    if (!are_stopped)
        child_count = 0;
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

/* They are asleep. Once the signal has stopped one, the call that it slept in is over: it will look
 * afresh when it goes on. */
static void await_stop(pid_t pid)
{
    char name[16], text[4096];
    const char *state;

    snprintf(name, sizeof name, "%d", pid);
    while (read_proc(name, "status", text, sizeof text) > 0) {
        state = strstr(text, "\nState:\t");
        if (state == NULL || strchr("TtZX", state[8]) != NULL)
            return;
        sched_yield();
    }
}

static void stop_children(void)
{
    for (int i = 0; i < child_count; i++)
        kill(children[i], SIGSTOP);
    for (int i = 0; i < child_count; i++)
        await_stop(children[i]);
    are_stopped = true;
}

static void signal_children(int sig)
{
    for (int i = 0; i < child_count; i++)
        kill(children[i], sig);
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
