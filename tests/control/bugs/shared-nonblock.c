/* bug: shared-nonblock
 * shows as: exit 1
 * needs: the helper has set O_NONBLOCK before the worker reads, and no job is there
 * depth: 2
 * budget: 30 schedules
 *
 * A helper takes a job if there is one, and so sets O_NONBLOCK on the pipe of jobs. The flag
 * belongs to the open file description, which it shares with the worker: the worker's read(),
 * which is to wait, says EAGAIN. Twin: shared-nonblock-twin.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int jobs[2];

static void helper(void)
{
    char job;

    if (fcntl(jobs[0], F_SETFL, O_NONBLOCK) == -1)
        _exit(2);
    if (read(jobs[0], &job, 1) == -1)
        _exit(0); /* no job, no help */
    _exit(0);
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
