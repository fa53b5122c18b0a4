/* bug: both-writing
 * shows as: deadlock
 * needs: both look whether the other has begun to speak, before either begins to write
 * depth: 2
 * budget: 30 schedules
 *
 * Parent and child exchange messages that are larger than a pipe. Who finds that the other
 * speaks already listens first; but both may look, find silence, and begin to write: each pipe
 * fills up, and nobody reads. Looking and acting are two steps. Twin: both-writing-twin.c. */
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 80000 /* a pipe holds 65536 */

static char message[SIZE], answer[SIZE];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void speak(int fd)
{
    ssize_t n;

    for (size_t done = 0; done < SIZE; done += (size_t)n)
        if ((n = write(fd, message + done, SIZE - done)) <= 0)
            die("write");
}

static void hear(int fd)
{
    ssize_t n;

    for (size_t done = 0; done < SIZE; done += (size_t)n)
        if ((n = read(fd, answer + done, SIZE - done)) <= 0)
            die("read");
}

static void talk(int to, int from)
{
    struct pollfd other = {.fd = from, .events = POLLIN};

    if (poll(&other, 1, 0) == 1) {
        hear(from);
        speak(to);
    } else {
        speak(to);
        hear(from);
    }
}

int main(void)
{
    int down[2], up[2], status;
    pid_t child;

    if (pipe(down) == -1 || pipe(up) == -1)
        die("pipe");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0:
        close(down[1]);
        close(up[0]);
        talk(up[1], down[0]);
        _exit(0);
    default:
        close(down[0]);
        close(up[1]);
        talk(down[1], up[0]);
    }
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
