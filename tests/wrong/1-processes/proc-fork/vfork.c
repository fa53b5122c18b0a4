/* wrong: shares-memory — vfork() lends P's memory to the child, and what the function changes stays changed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct result {
    int exit_code; /* what function() returned, 0 to 255; -1 when a signal killed the child */
    int signal;    /* the signal that killed the child; 0 when none did */
};

static int run_child(int (*function)(void *), void *argument, struct result *result)
{
    int status;
    pid_t pid = vfork();

    if (pid == -1)
        return -1;
    if (pid == 0)
        _exit(function(argument));
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return 0;
}

/* Fixed from here on. */
enum { ELDER_CODE = 77, UNTOUCHED = -77 };

struct greeting {
    int number;
    pid_t pid;
};
struct report {
    int number, returned, error, exit_code, signal, calls;
};

static int calls; /* how often work() was called, in this process */
static int hello[2], ledger[2];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int work(void *argument)
{
    const int *how = argument;
    struct greeting self = {how[1], getpid()};
    char byte;

    calls++;
    if (write(hello[1], &self, sizeof self) == -1)
        fail("write");
    while (read(STDIN_FILENO, &byte, 1) == -1 && errno == EINTR)
        ;
    if (*how < 0) {
        signal(-*how, SIG_DFL);
        kill(self.pid, -*how);
    }
    return *how;
}

static void on_usr1(int sig)
{
    (void)sig;
}

static void say_goodbye(void)
{
    struct greeting self = {-1, getpid()};

    if (write(hello[1], &self, sizeof self) == -1)
        perror("write");
}

/* A child that has ended, and that nobody has waited for. */
static pid_t start_elder(void)
{
    siginfo_t info;
    pid_t elder = fork();

    if (elder == -1)
        fail("fork");
    if (elder == 0)
        _exit(ELDER_CODE);
    if (waitid(P_PID, (id_t)elder, &info, WEXITED | WNOWAIT) == -1)
        fail("waitid");
    return elder;
}

static void report_on(int number, int how)
{
    int order[2] = {how, number};
    struct result result = {UNTOUCHED, UNTOUCHED};
    struct report report = {.number = number};

    errno = 0;
    report.returned = run_child(work, order, &result);
    report.error = report.returned == 0 ? 0 : errno;
    report.exit_code = result.exit_code;
    report.signal = result.signal;
    report.calls = calls;
    if (write(ledger[1], &report, sizeof report) == -1)
        fail("write");
    printf("%d: returned %d, exit code %d, signal %d\n", number, report.returned, report.exit_code,
           report.signal);
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_usr1}; /* no SA_RESTART: calls are interrupted */
    int status;
    pid_t elder;

    if (pipe(hello) == -1 || pipe(ledger) == -1)
        fail("pipe");
    if (sigaction(SIGUSR1, &action, NULL) == -1 || atexit(say_goodbye) != 0)
        fail("sigaction");
    elder = start_elder();
    for (int i = 1; i < argc; i++)
        report_on(i, atoi(argv[i]));
    if (waitpid(elder, &status, 0) != elder || WEXITSTATUS(status) != ELDER_CODE)
        fail("the elder is gone");
    return 0;
}
