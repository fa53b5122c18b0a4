/* philosophers N: each takes the fork on the left, then that on the right, and puts both back. A
 * fork is a pipe with one byte in it. All that can be seen is which of its two neighbours has each
 * fork first: 2^N ways, less the one in which everybody has the right one first, which is a circle
 * that cannot be. Of the 2^N - 1 that are left, one is the deadlock. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 8 };

static int forks[MOST][2];

static void take(int i)
{
    char byte;
    if (read(forks[i][0], &byte, 1) != 1)
        _exit(1);
}

static void put(int i)
{
    if (write(forks[i][1], "f", 1) != 1)
        _exit(1);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 3, status, bad = 0;
    pid_t children[MOST];
    if (n < 2 || n > MOST)
        return 2;
    for (int i = 0; i < n; i++) {
        if (pipe(forks[i]) < 0)
            return 1;
        put(i);
    }
    for (int i = 0; i < n; i++) {
        if ((children[i] = fork()) != 0)
            continue;
        take(i);
        take((i + 1) % n);
        put((i + 1) % n);
        put(i);
        _exit(0);
    }
    for (int i = 0; i < n; i++)
        if (waitpid(children[i], &status, 0) == children[i])
            bad |= status;
    return bad ? 1 : 0;
}
