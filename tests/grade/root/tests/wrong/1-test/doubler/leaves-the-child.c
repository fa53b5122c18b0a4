/* wrong: not-reaped — does not wait for its child. */
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

int main(void)
{
    int p[2];

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
    return 0;
}
