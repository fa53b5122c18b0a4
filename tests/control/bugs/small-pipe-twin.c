/* twin: small-pipe
 *
 * The child hears before it speaks: one of the two always reads, whatever a pipe holds. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 20000

static char message[SIZE], answer[SIZE];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void speak(int fd)
{
    if (write(fd, message, SIZE) != SIZE)
        die("write");
}

static void hear(int fd)
{
    ssize_t n;

    for (size_t done = 0; done < SIZE; done += (size_t)n)
        if ((n = read(fd, answer + done, SIZE - done)) <= 0)
            die("read");
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
        hear(down[0]);
        speak(up[1]);
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    speak(down[1]);
    hear(up[0]);
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
