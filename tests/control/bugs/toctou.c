/* bug: toctou
 * shows as: exit 1
 * needs: both look for the file before either creates it
 * depth: 2
 * budget: 30 schedules
 *
 * Who creates the file "owner" is the owner. Each process looks whether it is there, and creates
 * it if not: both may look before either has created it (time of check, time of use), and there
 * are two owners. Twin: toctou-twin.c. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int won[2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static int is_owner(void)
{
    int fd;

    if (access("owner", F_OK) == 0)
        return 0;
    if ((fd = open("owner", O_WRONLY | O_CREAT, 0600)) == -1)
        die("open");
    close(fd);
    return 1;
}

static void compete(void)
{
    if (is_owner() && write(won[1], "w", 1) != 1)
        die("write");
    _exit(0);
}

int main(void)
{
    int status, result = 0, owners = 0;
    char byte;

    unlink("owner");
    if (pipe(won) == -1)
        die("pipe");
    for (int i = 0; i < 2; i++)
        switch (fork()) {
        case -1:
            perror("fork");
            wait(NULL);
            return 2;
        case 0: compete();
        }
    close(won[1]);
    while (read(won[0], &byte, 1) == 1)
        owners++;
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    if (result == 0 && owners != 1) {
        fprintf(stderr, "%d owners\n", owners);
        result = 1;
    }
    return result;
}
