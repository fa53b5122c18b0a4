/* A second thread calls exec while the first reads: the first is gone, the number stays. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int ends[2];

static void *run(void *program)
{
    char *const argv[] = {program, "again", NULL};
    execv(program, argv);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char byte;
    if (argc > 1)
        return write(1, "", 0) == 0 ? 0 : 1;
    if (pipe(ends) < 0)
        return 1;
    pthread_create(&thread, NULL, run, argv[0]);
    return read(ends[0], &byte, 1) == 1 ? 2 : 3;
}
