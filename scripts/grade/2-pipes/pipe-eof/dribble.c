/* Runs a program and feeds it with care: each line of our standard input is passed on only when
 * the program and its children are asleep, and while they are asleep its children get a signal.
 * Before the first line they get SIGNALS of them, one by one: however often a call was interrupted,
 * it is not the end.
 *
 * usage: dribble PROGRAM [late] ARGUMENT...
 *
 * With "late" there are no signals; instead the children are stopped before the last line, so that
 * it, and the end of file, come while nobody can read. Then they may go on.
 *
 * Exit status: 0 when it ended, 3 when somebody used processor time instead of sleeping (then it is
 * killed in the end), 2 when we failed ourselves. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES_MAX = 64, CHILDREN_MAX = 32, SIGNALS = 12 };

void settle_watch(int pipe_fd); /* settle.c */
bool settle(void);
int settle_children(pid_t parent, pid_t *out, int most);
void settle_stopped(pid_t pid);

static pid_t learner;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void signal_consumers(int sig)
{
    pid_t child[CHILDREN_MAX];
    int count = settle_children(learner, child, CHILDREN_MAX);

    for (int i = 0; i < count; i++)
        kill(child[i], sig);
    for (int i = 0; i < count && sig == SIGSTOP; i++)
        settle_stopped(child[i]);
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
    settle_watch(p[1]);
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

/* Returns false when somebody spins. */
static bool feed(int feed_fd, char *lines[], int count, bool is_late)
{
    bool is_quiet;

    is_quiet = settle();
    for (int i = 1; i < SIGNALS && is_quiet && !is_late; i++) {
        signal_consumers(SIGUSR1);
        is_quiet = settle();
    }
    for (int i = 0; i < count; i++) {
        if (is_late && i == count - 1)
            signal_consumers(SIGSTOP);
        pass_on(feed_fd, lines[i]);
        if (!is_late) {
            signal_consumers(SIGUSR1);
            settle();
        }
    }
    close(feed_fd);
    is_quiet = settle();
    if (is_late)
        signal_consumers(SIGCONT);
    return is_quiet;
}

int main(int argc, char *argv[])
{
    char *lines[LINES_MAX] = {NULL};
    int count = 0, feed_fd;
    bool is_quiet, is_late = argc > 2 && strcmp(argv[2], "late") == 0;
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
    is_quiet = feed(feed_fd, lines, count, is_late);
    if (!is_quiet)
        kill(learner, SIGKILL);
    if (waitpid(learner, NULL, 0) == -1)
        fail("waitpid");
    return is_quiet ? 0 : 3;
}
