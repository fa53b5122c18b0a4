/* Does what its argument says, for scripts/grade/1-test/standing.lua: something that a standing
 * check forbids, or all as it should be. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int start_child(void)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) == -1)
        return -1;
    child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ends[0]);
    return ends[1];
}

int main(int argc, char *argv[])
{
    const char *how = argc > 1 ? argv[1] : "well";
    siginfo_t info;
    char byte;
    int fd, ends[2];

    dup2(0, 100); /* a mark: from here ... */
    if (strcmp(how, "leaks") == 0)
        fd = open("/", O_RDONLY);
    else if (strcmp(how, "closes") == 0)
        close(0);
    dup2(1, 100); /* ... to here */
    if (strcmp(how, "hangs") == 0)
        return pipe(ends) == -1 || read(ends[0], &byte, 1) == -1;
    fd = start_child();
    if (strcmp(how, "orphan") == 0)
        return fd == -1;
    close(fd);
    if (strcmp(how, "zombie") == 0)
        return waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
    if (strcmp(how, "sleeps") == 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    return wait(NULL) == -1;
}
