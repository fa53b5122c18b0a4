/* bug: fork-fails
 * shows as: deadlock
 * needs: fault: fork fails (EAGAIN or ENOMEM), the first or the second
 * depth: 0
 * budget: 60 schedules
 *
 * The parent starts two helpers and waits for two results. It does not look at what fork()
 * returned: when there is no helper, there is no result, and the parent, which holds the write
 * end itself, does not even see end of file. Twin: fork-fails-twin.c. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPERS 2

static int results[2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void help(void)
{
    if (write(results[1], "r", 1) != 1)
        die("write");
    _exit(0);
}

int main(void)
{
    int status, result = 0;
    char byte;

    if (pipe(results) == -1)
        die("pipe");
    for (int i = 0; i < HELPERS; i++)
        if (fork() == 0)
            help();
    for (int i = 0; i < HELPERS; i++)
        if (read(results[0], &byte, 1) != 1)
            die("read");
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    return result;
}
