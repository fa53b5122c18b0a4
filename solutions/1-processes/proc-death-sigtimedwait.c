/* proc-death: a solution that waits for signals, and a thread that turns `stop` into one.
 *
 * usage: proc-death [program=KIND] [stop=HOW] [die=WHEN] [grace=MS] */
#define _GNU_SOURCE /* pipe2(), and what you may need */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the program argv[0], a path, in a child, and comes back as soon as it has ended.
 * - It is left alone until `stop` becomes readable (that is what poll(2) calls POLLIN or POLLHUP;
 *   nothing is read from it). Then it gets SIGTERM; and if it has not ended `grace` milliseconds
 *   later, SIGKILL. It gets no other signals, and none when it has been waited for.
 * - *status is what waitpid(2) says of it. No other child is waited for.
 * - When the caller dies, at any instruction, the program dies as well: the kernel kills it, or it
 *   does not even begin.
 * - Nothing is asked again and again: the only wait with a time limit is that for `grace`.
 * Returns 0, or -1 when fork() failed. */
static pthread_t waiter;

/* A thread: tells the one that waits for signals when `stop` is readable. */
static void *watch_stop(void *stop)
{
    if (poll(stop, 1, -1) > 0)
        pthread_kill(waiter, SIGUSR2);
    return NULL;
}

static _Noreturn void be_child(char *const argv[], pid_t parent, const sigset_t *mask)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(127);
    execv(argv[0], argv);
    _exit(127);
}

static int supervise(char *const argv[], int stop, int grace, int *status)
{
    struct pollfd watched = {.fd = stop, .events = POLLIN};
    struct timespec limit = {grace / 1000, grace % 1000 * 1000000L};
    sigset_t both, before;
    pthread_t thread;
    pid_t parent = getpid(), pid;

    waiter = pthread_self();
    sigemptyset(&both);
    sigaddset(&both, SIGCHLD);
    sigaddset(&both, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &both, &before);
    if ((pid = fork()) == 0)
        be_child(argv, parent, &before);
    if (pid == -1 || pthread_create(&thread, NULL, watch_stop, &watched) != 0)
        return pthread_sigmask(SIG_SETMASK, &before, NULL), -1;
    if (sigwaitinfo(&both, NULL) == SIGUSR2) {
        kill(pid, SIGTERM);
        if (sigtimedwait(&both, NULL, &limit) == -1)
            kill(pid, SIGKILL);
    }
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return waitpid(pid, status, 0) == -1 ? -1 : 0;
}

/* Fixed from here on. */
struct report {
    int returned, status;
};

static const char *kind = "short", *stop_how = "never", *die_when = "never";
static int grace = 200, ledger[2];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void read_arguments(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "program=", 8) == 0)
            kind = argv[i] + 8;
        else if (strncmp(argv[i], "stop=", 5) == 0)
            stop_how = argv[i] + 5;
        else if (strncmp(argv[i], "die=", 4) == 0)
            die_when = argv[i] + 4;
        else if (sscanf(argv[i], "grace=%d", &grace) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
}

static int be_the_program(const char *how)
{
    if (strcmp(how, "short") == 0)
        return 3;
    if (strcmp(how, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static void start_elder(void)
{
    siginfo_t info;
    pid_t elder = fork();

    if (elder == 0)
        _exit(77);
    if (elder == -1 || waitid(P_PID, (id_t)elder, &info, WEXITED | WNOWAIT) == -1)
        fail("elder");
}

/* Standard input; or a pipe: one that says nothing, or one that has ended already. */
static int make_stop(void)
{
    int p[2];

    if (strcmp(stop_how, "stdin") == 0)
        return STDIN_FILENO;
    if (pipe2(p, O_CLOEXEC) == -1)
        fail("pipe2");
    if (strcmp(stop_how, "now") == 0)
        close(p[1]);
    return p[0];
}

static void die(void)
{
    kill(getpid(), SIGKILL);
}

static _Noreturn void be_supervisor(char *self)
{
    char name[16] = "", *program[] = {self, "program", name, NULL};
    struct report report = {0};
    int stop;

    snprintf(name, sizeof name, "%s", kind);
    start_elder();
    stop = make_stop();
    if (strcmp(die_when, "fork") == 0)
        pthread_atfork(NULL, die, NULL); /* in the parent, as soon as there is a child */
    if (write(ledger[1], "go", 2) == -1)
        fail("write");
    report.returned = supervise(program, stop, grace, &report.status);
    if (write(ledger[1], &report, sizeof report) == -1)
        fail("write");
    _exit(0);
}

int main(int argc, char *argv[])
{
    pid_t supervisor;
    char byte;

    if (argc == 3 && strcmp(argv[1], "program") == 0)
        return be_the_program(argv[2]);
    read_arguments(argc, argv);
    if (pipe2(ledger, O_CLOEXEC) == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
        fail("prctl"); /* orphans come to P */
    if ((supervisor = fork()) == -1)
        fail("fork");
    if (supervisor == 0)
        be_supervisor(argv[0]);
    if (strcmp(die_when, "asleep") == 0 && read(STDIN_FILENO, &byte, 1) != -1)
        kill(supervisor, SIGKILL);
    while (wait(NULL) != -1 || errno == EINTR)
        ;
    return 0;
}
