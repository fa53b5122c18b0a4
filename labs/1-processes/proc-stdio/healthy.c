/* proc-stdio, healthy: what was printed before the fork comes out once. In its twin broken.c it
 * comes out twice.
 *
 * usage: healthy [lines=N]
 *
 * P    prints N lines, empties the stdio buffer, forks C, waits for C, prints a last line.
 * C    (P.1) prints one line, and ends.
 *
 * Standard output is a pipe here, so stdio collects what is printed until the buffer is full
 * (setvbuf(3)). The buffer is memory of P: a fork copies it, as all memory. fflush(3) hands the
 * bytes to the kernel before: there is nothing left to be copied. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char *argv[])
{
    int lines = 3;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "lines=%d", &lines) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    for (int line = 1; line <= lines; line++)
        printf("line %d\n", line); /* into the buffer */
    if (fflush(stdout) == EOF)     /* write(2): now the kernel has them */
        fail("fflush");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        printf("C was here\n");
        exit(0); /* writes out C's buffer */
    default:     /* P */
        break;
    }
    if (wait(NULL) == -1)
        fail("wait");
    printf("P was here\n");
    return 0; /* as exit(0): writes out P's buffer */
}
