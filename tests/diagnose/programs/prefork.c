/* A correct prefork server: workers that share one FIFO of jobs and one pipe of answers, a parent
 * that restarts none, drains all answers, stops the workers and collects each. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>

#include "parts.h"

enum { WORKERS = 4, JOBS = 40 };

struct job {
    uint32_t number;
};

static _Noreturn void work(int jobs_fd, int answers_fd)
{
    struct job job;
    ssize_t n;
    while ((n = read(jobs_fd, &job, sizeof job)) == sizeof job) {
        job.number *= job.number;
        check(write(answers_fd, &job, sizeof job) == sizeof job, "write");
    }
    _exit(n == 0 ? 0 : 1);
}

static void start(pid_t *workers, const int jobs[2], const int answers[2])
{
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = make_child();
        if (workers[i] == 0) {
            close(jobs[1]);
            close(answers[0]);
            work(jobs[0], answers[1]);
        }
    }
}

int main(void)
{
    int jobs[2], answers[2], missing = JOBS;
    pid_t workers[WORKERS];
    uint64_t sum = 0;
    struct job job;
    make_pipe(jobs);
    make_pipe(answers);
    start(workers, jobs, answers);
    close(jobs[0]);
    close(answers[1]);
    for (uint32_t i = 0; i < JOBS; i++)
        check(write(jobs[1], &(struct job){i}, sizeof job) == sizeof job, "write");
    close(jobs[1]);
    while (read(answers[0], &job, sizeof job) == sizeof job) {
        sum += job.number;
        missing--;
    }
    for (int i = 0; i < WORKERS; i++) {
        int status;
        check(waitpid(workers[i], &status, 0) == workers[i] && status == 0, "waitpid");
    }
    printf("%llu\n", (unsigned long long)sum);
    return missing != 0;
}
