/* bug: small-pipe
 * shows as: deadlock
 * needs: fault: small pipe (the capacity of both below 20000 bytes)
 * depth: 0
 * budget: 60 schedules
 *
 * Parent and child each write a message of 20000 bytes, and then read the other's. It works
 * because a pipe holds 65536 bytes; a user who has many pipes gets smaller ones (pipe(7), pipe-
 * user-pages-soft), and then both wait for room. Twin: small-pipe-twin.c. */
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
        speak(up[1]);
        hear(down[0]);
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
