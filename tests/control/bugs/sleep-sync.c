/* bug: sleep-sync
 * shows as: exit 1
 * needs: the parent's sleep ends before the child has written its result
 * depth: 1
 * budget: 30 schedules
 *
 * "After ten milliseconds the child will have finished." Nothing says so: on a busy machine the
 * child has not even begun. Twin: sleep-sync-twin.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    wait(NULL);
    _exit(2);
}

static void compute(void)
{
    int result = 42, fd = open("result", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd == -1 || write(fd, &result, sizeof result) != sizeof result)
        die("result");
}

static int has_result(void)
{
    int result = 0, fd = open("result", O_RDONLY);

    if (fd == -1 && errno != ENOENT)
        die("open");
    return fd != -1 && read(fd, &result, sizeof result) == sizeof result && result == 42;
}

int main(void)
{
    int status, is_there;
    pid_t child;

    unlink("result");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0: compute(); _exit(0);
    }
    usleep(10000);
    is_there = has_result();
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    if (status != 0)
        return 2;
    if (!is_there)
        fprintf(stderr, "no result\n");
    return is_there ? 0 : 1;
}
