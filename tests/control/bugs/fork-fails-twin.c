/* twin: fork-fails
 *
 * What fork() returns is looked at: without both helpers the program says so, waits for the one
 * that is there, and ends with status 2. */
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
        switch (fork()) {
        case -1:
            perror("fork");
            wait(NULL);
            return 2;
        case 0: help();
        }
    for (int i = 0; i < HELPERS; i++)
        if (read(results[0], &byte, 1) != 1)
            die("read");
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    return result;
}
