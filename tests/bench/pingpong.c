/* Two processes and two pipes: one byte there and back, N times. What costs most to trace: four
 * small calls a round trip and nothing in between.
 *
 * Usage: pingpong N */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int is_fine, const char *what)
{
    if (!is_fine) {
        perror(what);
        exit(1);
    }
}

static void answer(int in_fd, int out_fd)
{
    char byte;
    while (read(in_fd, &byte, 1) == 1)
        must(write(out_fd, &byte, 1) == 1, "write");
    _exit(0);
}

int main(int argc, char **argv)
{
    long trips = argc > 1 ? atol(argv[1]) : 100000;
    int there[2], back[2];
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    switch (fork()) {
    case -1: must(0, "fork"); break;
    case 0:
        close(there[1]);
        close(back[0]);
        answer(there[0], back[1]);
        break;
    default: break;
    }
    close(there[0]);
    close(back[1]);
    char byte = 'x';
    for (long i = 0; i < trips; i++)
        must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "round trip");
    close(there[1]);
    must(wait(NULL) > 0, "wait");
    return 0;
}
