/* bug: late-sibling
 * shows as: deadlock
 * needs: the worker ends before the parent looks for it, between pipe() and close()
 * depth: 1
 * budget: 30 schedules
 *
 * A worker takes one job and ends; the parent starts the next when it notices. When it notices
 * while it has a pipe to the reader open, the new worker inherits the write end. The parent
 * closes its own copy, the worker's stays: the reader waits for end of file, the parent for the
 * reader, and the worker for a job from the parent. Twin: late-sibling-twin.c. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int jobs[2], data[2] = {-1, -1};

static pid_t start_worker(void)
{
    char job;
    pid_t worker = fork();

    if (worker == 0) {
        close(jobs[1]);
        _exit(read(jobs[0], &job, 1) == -1 ? 2 : 0);
    }
    return worker;
}

static pid_t start_reader(void)
{
    char byte;
    pid_t reader = fork();

    if (reader == 0) {
        close(jobs[1]);
        close(data[1]);
        while (read(data[0], &byte, 1) > 0) {
        }
        _exit(0);
    }
    return reader;
}

/* What could not be made: all ends are closed, so that every child comes to its end. */
static int refused(const char *what)
{
    perror(what);
    close(jobs[1]);
    close(data[1]);
    while (wait(NULL) > 0) {
    }
    return 2;
}

int main(void)
{
    pid_t worker, reader;

    if (pipe(jobs) == -1)
        return refused("pipe");
    if ((worker = start_worker()) == -1 || write(jobs[1], "j", 1) != 1)
        return refused("worker");
    if (pipe(data) == -1 || (reader = start_reader()) == -1)
        return refused("reader");
    if (waitpid(worker, NULL, WNOHANG) == worker && (worker = start_worker()) == -1)
        return refused("next worker");
    if (write(data[1], "d", 1) != 1)
        return refused("write");
    close(data[1]);
    if (waitpid(reader, NULL, 0) == -1)
        return refused("waitpid");
    close(jobs[1]);
    return waitpid(worker, NULL, 0) == worker ? 0 : 2;
}
