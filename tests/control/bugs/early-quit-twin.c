/* twin: early-quit
 *
 * SIGPIPE is ignored: write() fails with EPIPE, and the parent knows that the reader has enough. */
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

    if (pipe(ends) == -1 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
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
