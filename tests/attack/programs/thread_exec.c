/* A thread that is not the first becomes another program. */
/* EXPECT: exit 3 */
#include <pthread.h>
#include <unistd.h>

static void *become(void *arg)
{
    execl("/bin/sh", "sh", "-c", "exit 3", NULL);
    return arg;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, become, NULL);
    for (;;)
        pause();
}
