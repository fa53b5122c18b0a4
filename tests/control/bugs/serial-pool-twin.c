/* twin: serial-pool
 *
 * The parent hands out all jobs before it waits for a result. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 2

static int jobs[WORKERS][2], results[2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void work(int me)
{
    char job;

    for (int i = 0; i < WORKERS; i++)
        close(jobs[i][1]);
    while (read(jobs[me][0], &job, 1) == 1) {
        job++;
        if (write(results[1], &job, 1) != 1)
            die("write");
    }
    _exit(0);
}

static void hand_out(int worker)
{
    if (write(jobs[worker][1], "j", 1) != 1)
        die("write");
}

static void collect(void)
{
    char result;

    if (read(results[0], &result, 1) != 1 || result != 'j' + 1)
        die("read");
}

static void run_jobs(void)
{
    for (int i = 0; i < WORKERS; i++)
        hand_out(i);
    for (int i = 0; i < WORKERS; i++)
        collect();
}

int main(void)
{
    int status, workers, result = 0;

    if (pipe(jobs[0]) == -1 || pipe(jobs[1]) == -1 || pipe(results) == -1)
        die("pipe");
    for (workers = 0; workers < WORKERS; workers++) {
        pid_t pid = fork();
        if (pid == 0)
            work(workers);
        if (pid == -1) {
            perror("fork");
            result = 2;
            break;
        }
    }
    if (workers == WORKERS)
        run_jobs();
    for (int i = 0; i < WORKERS; i++)
        close(jobs[i][1]);
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    return result;
}
