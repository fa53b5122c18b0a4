/* wrong: fork-failure — waits until waitpid() works; when fork() has failed and nobody is there, it never will. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void job(int index);
void ended(int index, int status);

enum { JOBS_MAX = 64 };

static void collect(const pid_t child[], int started)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, 0)) == -1)
        ;
    for (int i = 0; i < started; i++)
        if (pid == child[i])
            ended(i, status);
}

static int run_jobs(int n, int k)
{
    pid_t child[JOBS_MAX];
    int started = 0, running = 0, result = 0;

    signal(SIGCHLD, SIG_DFL);
    while (started < n) {
        if (running == k) {
            collect(child, started);
            running--;
        }
        child[started] = fork();
        if (child[started] == 0)
            job(started);
        if (child[started] == -1) {
            result = -1;
            break;
        }
        started++;
        running++;
    }
    do
        collect(child, started);
    while (--running > 0);
    return result;
}

/* Fixed from here on. Each job reads a byte that says how it ends. The first `gated` ones wait at a
 * gate before that, until the last job has been reported; then all of them end together. */
static int jobs = 6, at_once = 3, gated = -1;
static int gate[2], hello[2], ledger[2];
struct greeting {
    int index;
    pid_t pid;
};
struct report {
    int index, status;
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

_Noreturn void job(int index)
{
    struct greeting self = {index, getpid()};
    unsigned char how = 0;

    if (close(gate[1]) == -1 || close(ledger[1]) == -1 || write(hello[1], &self, sizeof self) == -1)
        _exit(2);
    if (index < gated && read(gate[0], &how, 1) == -1)
        _exit(2);
    if (read(STDIN_FILENO, &how, 1) == -1)
        _exit(2);
    if (how >= 192)
        kill(self.pid, how % 2 == 0 ? SIGKILL : SIGTERM);
    _exit(how);
}

static void open_gate(void)
{
    for (int i = 0; i < gated; i++)
        if (write(gate[1], "", 1) == -1)
            fail("write");
    for (int i = 0; i < jobs; i++) {
        struct greeting other;
        siginfo_t info;

        while (read(hello[0], &other, sizeof other) == -1 && errno == EINTR)
            ;
        while (other.index < gated &&
               waitid(P_PID, (id_t)other.pid, &info, WEXITED | WNOWAIT) == -1 && errno == EINTR)
            ; /* now it is a zombie, and stays one */
    }
}

void ended(int index, int status)
{
    struct report report = {index, status};
    sigset_t sigchld, before;

    if (write(ledger[1], &report, sizeof report) == -1)
        fail("write");
    if (index != jobs - 1)
        return;
    sigemptyset(&sigchld);
    sigaddset(&sigchld, SIGCHLD); /* while blocked, many SIGCHLDs become one: signal(7) */
    sigprocmask(SIG_BLOCK, &sigchld, &before);
    open_gate();
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int main(int argc, char *argv[])
{
    struct report report;
    int result;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "jobs=%d", &jobs) != 1 &&
            sscanf(argv[i], "at_once=%d", &at_once) != 1 &&
            sscanf(argv[i], "gated=%d", &gated) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (gated < 0)
        gated = (at_once < jobs ? at_once : jobs) - 1;
    if (pipe(ledger) == -1 || pipe(gate) == -1 || pipe(hello) == -1)
        fail("pipe");
    result = run_jobs(jobs, at_once);
    if (close(gate[1]) == -1 || close(ledger[1]) == -1)
        fail("close");
    while (read(ledger[0], &report, sizeof report) == sizeof report)
        printf("job %d: %s %d\n", report.index,
               WIFEXITED(report.status) ? "exit status" : "killed by signal",
               WIFEXITED(report.status) ? WEXITSTATUS(report.status) : WTERMSIG(report.status));
    return result == 0 ? 0 : 1;
}
