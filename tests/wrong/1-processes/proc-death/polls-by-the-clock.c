/* wrong: sleep — wakes every 10 ms to see whether anything has happened. */
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
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void be_child(char *const argv[], pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(127); /* it was dead before we asked */
    execv(argv[0], argv);
    _exit(127);
}

static int supervise(char *const argv[], int stop, int grace, int *status)
{
    struct pollfd both[] = {{.events = POLLIN}, {.fd = stop, .events = POLLIN}};
    pid_t parent = getpid(), pid = fork();

    if (pid == -1)
        return -1;
    if (pid == 0)
        be_child(argv, parent);
    both[0].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    while (poll(both, 2, 10) == 0)
        ;
    if (both[0].revents == 0) {
        kill(pid, SIGTERM);
        if (poll(both, 1, grace) == 0)
            kill(pid, SIGKILL);
    }
    close(both[0].fd);
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
