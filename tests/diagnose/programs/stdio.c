/* What stdio holds when a process forks. */
#include "parts.h"

/* guilty: the classic. */
static void before_fork(void)
{
    printf("before\n");
    pid_t child = make_child();
    if (child == 0)
        exit(0);
    reap(child);
}

/* guilty: three children, and each side has more to say. */
static void before_forks(void)
{
    printf("before, ");
    for (int i = 0; i < 3; i++) {
        pid_t child = make_child();
        if (child == 0) {
            printf("child %d\n", i);
            exit(0);
        }
        reap(child);
    }
    printf("parent\n");
}

/* innocent: the same words, but each has said them itself. */
static void after_fork(void)
{
    pid_t child = make_child();
    printf("hello\n");
    if (child == 0)
        exit(0);
    reap(child);
    printf("parent\n");
}

/* innocent: flushed in time. */
static void flushed(void)
{
    printf("before\n");
    fflush(stdout);
    pid_t child = make_child();
    printf("hello\n");
    if (child == 0)
        exit(0);
    reap(child);
}

/* innocent: the child leaves the buffer alone. */
static void left_alone(void)
{
    printf("before\n");
    pid_t child = make_child();
    if (child == 0)
        _exit(0);
    reap(child);
}

int main(int argc, char **argv)
{
    static const struct mode modes[] = {
        {"before-fork", before_fork}, {"before-forks", before_forks}, {"after-fork", after_fork},
        {"flushed", flushed},         {"left-alone", left_alone},     {0},
    };
    return run_mode(modes, argc, argv);
}
