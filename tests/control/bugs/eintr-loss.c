/* bug: eintr-loss
 * shows as: exit 1
 * needs: the child's signal arrives while the parent waits in read()
 * depth: 1
 * budget: 50 schedules
 *
 * A child says by a signal that it has begun, and then sends its record through a pipe. The
 * handler is set without SA_RESTART: when the parent is in read() already, read() returns -1
 * with EINTR, and the parent takes this for the end. Twin: eintr-loss-twin.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD 4

static volatile sig_atomic_t has_begun;

static void on_begun(int sig)
{
    (void)sig;
    has_begun = 1;
}

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static int receive(int fd)
{
    char record[RECORD];
    size_t done = 0;
    ssize_t n;

    while (done < RECORD) {
        n = read(fd, record + done, RECORD - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done == RECORD && memcmp(record, "done", RECORD) == 0;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_begun};
    int ends[2], status, is_received;
    pid_t child;

    if (pipe(ends) == -1 || sigaction(SIGUSR1, &action, NULL) == -1)
        die("pipe");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0:
        if (kill(getppid(), SIGUSR1) == -1 || write(ends[1], "done", RECORD) != RECORD)
            die("child");
        _exit(0);
    }
    close(ends[1]);
    is_received = receive(ends[0]);
    while (waitpid(child, &status, 0) == -1)
        if (errno != EINTR)
            die("waitpid");
    if (status != 0)
        return 2;
    if (!is_received)
        fprintf(stderr, "no record\n");
    return is_received ? 0 : 1;
}
