/* bug: stale-pid
 * shows as: exit 1
 * needs: the second daemon looks at the pid file before the first has died
 * depth: 1
 * budget: 170 schedules
 *
 * A restart. A daemon writes its process number into "daemon.pid" and leaves the file behind
 * when it ends. The next one finds the number, and asks with kill(pid, 0) whether that process
 * is there. It is, if it is still ending: the new daemon refuses to run, and in the end there is
 * none. Twin: stale-pid-twin.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int quit[2], ready[2];

static int is_running(void)
{
    char text[16] = "";
    int fd = open("daemon.pid", O_RDONLY);

    if (fd == -1 || read(fd, text, sizeof text - 1) <= 0)
        return 0;
    close(fd);
    return kill(atoi(text), 0) == 0;
}

/* Says "r" when it is ready and "b" when another one runs; ends when `quit` is closed. */
static void serve(void)
{
    char byte;
    int fd;

    if (is_running())
        _exit(write(ready[1], "b", 1) == 1 ? 0 : 2);
    close(quit[1]);
    fd = open("daemon.pid", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd == -1 || dprintf(fd, "%d\n", (int)getpid()) < 0 || write(ready[1], "r", 1) != 1)
        _exit(2);
    _exit(read(quit[0], &byte, 1) == 0 ? 0 : 2);
}

/* Starts a daemon, and asks it to end as soon as it is ready. Returns what it said, or 0. */
static char run_daemon(void)
{
    char answer = 0;
    pid_t pid;

    if (pipe(quit) == -1 || pipe(ready) == -1) {
        perror("pipe");
        return 0;
    }
    if ((pid = fork()) == 0)
        serve();
    close(quit[0]);
    close(ready[1]);
    if (pid == -1)
        perror("fork");
    else if (read(ready[0], &answer, 1) != 1)
        answer = 0;
    close(quit[1]);
    close(ready[0]);
    return answer;
}

int main(void)
{
    char first, second;

    unlink("daemon.pid");
    signal(SIGCHLD, SIG_IGN); /* daemons that end leave no zombie */
    first = run_daemon();
    second = first == 'r' ? run_daemon() : 0;
    while (wait(NULL) > 0) {
    }
    if (second == 'b')
        fprintf(stderr, "no daemon: the second takes the first for alive\n");
    return second == 'r' ? 0 : second == 'b' ? 1 : 2;
}
