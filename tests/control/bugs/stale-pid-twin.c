/* twin: stale-pid
 *
 * A daemon locks the pid file for as long as it lives; the kernel takes the lock off when it
 * dies, however it dies. The next one waits for the lock: the number in the file decides
 * nothing. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int quit[2], ready[2];

/* Says "r" when it is ready; ends when `quit` is closed. */
static void serve(void)
{
    char byte;
    int fd = open("daemon.pid", O_WRONLY | O_CREAT, 0600);

    if (fd == -1 || flock(fd, LOCK_EX) == -1 || ftruncate(fd, 0) == -1)
        _exit(2);
    close(quit[1]);
    if (dprintf(fd, "%d\n", (int)getpid()) < 0 || write(ready[1], "r", 1) != 1)
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
    return second == 'r' ? 0 : 2;
}
