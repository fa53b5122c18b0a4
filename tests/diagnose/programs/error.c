/* Failures, looked at and not. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "parts.h"

static void no_more_descriptors(void)
{
    struct rlimit limit = {3, 3};
    for (int fd = 3; fd < 20; fd++)
        close(fd);
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

/* A fork that the kernel refuses: a thread group of its own cannot share handlers. */
static pid_t failing_fork(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0);
}

/* guilty: reads from a file that could not be opened. */
static void reads_nothing(void)
{
    char byte;
    int fd = open("/no/such/file", O_RDONLY);
    ssize_t n = read(fd, &byte, 1);
    (void)n;
}

/* guilty: uses the numbers that a failed pipe never set. */
static void pipe_unchecked(void)
{
    int p[2] = {17, 18};
    no_more_descriptors();
    int rc = pipe(p);
    (void)rc;
    ssize_t n = write(p[1], "x", 1);
    (void)n;
}

/* guilty: kill(-1) is everybody. (Signal 0 only looks.) */
static void kills_everybody(void)
{
    pid_t child = failing_fork();
    kill(child, 0);
}

/* guilty: waits for the child that was never made. */
static void waits_for_nobody(void)
{
    pid_t child = failing_fork();
    waitpid(child, NULL, 0);
}

/* innocent: tries another name, as everybody who searches a path. */
static void searches(void)
{
    char byte;
    int fd = open("/no/such/file", O_RDONLY);
    if (fd < 0)
        fd = open("/dev/null", O_RDONLY);
    ssize_t n = read(fd, &byte, 1);
    (void)n;
}

/* innocent: cleans up what may be open. */
static void closes_anyway(void)
{
    int fd = open("/no/such/file", O_RDONLY);
    close(fd);
}

/* innocent: a fork that fails is reported, the other children are waited for. */
static void reports(void)
{
    pid_t first = make_child();
    if (first == 0)
        _exit(0);
    pid_t second = failing_fork();
    check(second == -1 && errno == EINVAL, "a failing fork");
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"reads-nothing", reads_nothing},
        {"pipe-unchecked", pipe_unchecked},
        {"kills-everybody", kills_everybody},
        {"waits-for-nobody", waits_for_nobody},
        {"searches", searches},
        {"closes-anyway", closes_anyway},
        {"reports", reports},
        {0},
    };
    return run_mode(modes, argc, argv);
}
