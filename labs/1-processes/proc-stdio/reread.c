/* proc-stdio, reread: a child that reads nothing makes its parent read lines twice.
 *
 * usage: reread [lines=N]
 *
 * P    makes a file of N lines and reads it line by line. For each line it forks a child and waits
 *      for it. It gives up when it has seen more lines than there are.
 * P.i  does nothing, and ends by exit().
 *
 * fgets() has read more than a line, and keeps the rest in its buffer. exit(3) is careful: what it
 * has read and not used, it gives back, by moving the file offset (fflush(3), "input streams"). But
 * the offset is shared with P (open(2)), whose own buffer still holds these lines. */
#define _GNU_SOURCE /* memfd_create() */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int make_file(int lines)
{
    int fd = memfd_create("lines", 0);

    if (fd == -1)
        fail("memfd_create");
    for (int line = 1; line <= lines; line++)
        if (dprintf(fd, "line %d\n", line) < 0) /* no FILE, no buffer: a write(2) each */
            fail("dprintf");
    if (lseek(fd, 0, SEEK_SET) == -1)
        fail("lseek");
    return fd;
}

static void do_nothing_in_a_child(void)
{
    switch (fork()) {
    case -1:
        fail("fork");
    case 0:      /* P.i */
        exit(0); /* gives back what its copy of the buffer holds: moves P's offset. _exit() would
                    not */
    default:     /* P */
        break;
    }
    if (wait(NULL) == -1)
        fail("wait");
}

int main(int argc, char *argv[])
{
    int lines = 3, seen = 0;
    char line[64];
    FILE *in;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "lines=%d", &lines) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (lines > 20)
        lines = 20; /* a process for each */
    if ((in = fdopen(make_file(lines), "r")) == NULL)
        fail("fdopen");
    while (seen <= 2 * lines && fgets(line, sizeof line, in) != NULL) {
        seen++;
        do_nothing_in_a_child();
    }
    printf("%d lines in the file, %d lines read\n", lines, seen);
    return 0;
}
