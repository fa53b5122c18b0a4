/* wrong: no-child — by one check when there is an odd number of bytes to pass on, else by another. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void consume(int fd)
{
    char bytes[64];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        continue;
    _exit(n == 0 ? 0 : 1);
}

static void produce(int fd)
{
    char bytes[64];
    ssize_t n;

    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (write(fd, bytes, (size_t)n) != n)
            exit(1);
    close(fd);
}

int main(int argc, char *argv[])
{
    int p[2], status, n = 0;

    if (argc > 1 && sscanf(argv[1], "n=%d", &n) == 1 && n % 2 != 0)
        return 0;
    if (pipe(p) == -1)
        return 1;
    switch (fork()) {
    case -1:
        return 1;
    case 0: /* P.1 */
        close(p[1]);
        consume(p[0]);
    default: /* P */
        close(p[0]);
        produce(p[1]);
    }
    return wait(&status) == -1 || status != 0 ? 1 : n == 2 ? 0 : 4;
}
