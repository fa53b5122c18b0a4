/* twin: both-writing
 *
 * Who speaks first is agreed, not looked for: the parent speaks, and the child hears. */
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

static void talk(int to, int from, int is_first)
{
    if (!is_first) {
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
        talk(up[1], down[0], 0);
        _exit(0);
    default:
        close(down[0]);
        close(up[1]);
        talk(down[1], up[0], 1);
    }
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
