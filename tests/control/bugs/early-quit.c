/* bug: early-quit
 * shows as: signal SIGPIPE
 * needs: the reader has read the first line and is gone before the parent writes the second
 * depth: 1
 * budget: 90 schedules
 *
 * A reader that wants the first line only, like head -n 1. When it has gone, the parent's next
 * write() is a SIGPIPE, which kills; when it has not, the line goes into the pipe and nobody
 * notices. Twin: early-quit-twin.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void read_line(int fd)
{
    char byte = 0;

    while (byte != '\n')
        if (read(fd, &byte, 1) != 1)
            die("read");
}

/* Returns 0 when the reader wants no more. */
static int write_line(int fd)
{
    if (write(fd, "x\n", 2) == 2)
        return 1;
    if (errno != EPIPE)
        die("write");
    return 0;
}

int main(void)
{
    int ends[2], status;
    pid_t reader;

    if (pipe(ends) == -1)
        die("pipe");
    switch (reader = fork()) {
    case -1: die("fork"); break;
    case 0:
        close(ends[1]);
        read_line(ends[0]);
        _exit(0);
    }
    close(ends[0]);
    for (int i = 0; i < 2 && write_line(ends[1]); i++) {
    }
    close(ends[1]);
    if (waitpid(reader, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
