/* proc-stdio, lost: the end of the output is nowhere.
 *
 * usage: lost [lines=N]
 *
 * P    prints N lines, and ends by _exit().
 *
 * printf() has reported success each time. _exit(2) ends the process at once; that stdio writes out
 * what it still holds is done by exit(3). A signal that kills has the same effect. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    int lines = 3;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "lines=%d", &lines) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    for (int line = 1; line <= lines; line++)
        printf("line %d\n", line); /* into the buffer; to the kernel when that is full */
    _exit(0);                      /* the rest of the buffer goes with the memory */
}
