/* Correct, and with more orders that differ than anybody tries: three writers of one pipe. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITERS = 3, RECORDS = 5 };

static void put_records(int fd)
{
    for (int i = 0; i < RECORDS; i++)
        if (write(fd, "r", 1) != 1)
            _exit(2);
    _exit(0);
}

int main(void)
{
    int pair[2], count = 0, made = 0;
    char byte;

    if (pipe(pair) == -1)
        return 2;
    for (; made < WRITERS; made++) {
        pid_t child = fork();
        if (child == -1)
            break;
        if (child == 0)
            put_records(pair[1]);
    }
    close(pair[1]);
    while (read(pair[0], &byte, 1) == 1)
        count++;
    while (wait(NULL) > 0)
        ;
    return made < WRITERS ? 2 : count != WRITERS * RECORDS;
}
