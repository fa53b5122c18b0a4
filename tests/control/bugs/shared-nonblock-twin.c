/* twin: shared-nonblock
 *
 * The helper asks with poll() whether a job is there, and leaves the flags alone. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int jobs[2];

static void helper(void)
{
    struct pollfd queue = {.fd = jobs[0], .events = POLLIN};
    char job;

    if (poll(&queue, 1, 0) != 1)
        _exit(0); /* no job, no help */
    _exit(read(jobs[0], &job, 1) == 1 ? 0 : 2);
}

static void worker(void)
{
    char job;

    if (read(jobs[0], &job, 1) != 1) {
        perror("worker");
        _exit(1);
    }
    _exit(0);
}

int main(void)
{
    void (*const roles[])(void) = {helper, worker};
    int status, result = 0;

    if (pipe(jobs) == -1) {
        perror("pipe");
        return 2;
    }
    for (int i = 0; i < 2; i++)
        switch (fork()) {
        case -1:
            perror("fork");
            wait(NULL);
            return 2;
        case 0: roles[i]();
        }
    if (write(jobs[1], "1", 1) != 1 || write(jobs[1], "2", 1) != 1)
        result = 2;
    while (wait(&status) > 0)
        if (status != 0 && result == 0)
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    return result;
}
