/* proc-stdio, broken: what was printed before the fork comes out twice. In its twin healthy.c it
 * comes out once.
 *
 * usage: broken [lines=N]
 *
 * P    prints N lines, forks C, waits for C, prints a last line.
 * C    (P.1) prints one line, and ends.
 *
 * Standard output is a pipe here, so stdio collects what is printed until the buffer is full
 * (setvbuf(3)). The buffer is memory of P: a fork copies it, as all memory. When C ends, exit(3)
 * writes out the copy with the same lines; when P ends, the original. */
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
    /* healthy.c calls fflush(stdout) here. */
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
