/* Threads without end. */
/* EXPECT: exit 0 */
/* SAYS: pthread_create EAGAIN */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(void)
{
    pthread_t thread;
    int code;
    while ((code = pthread_create(&thread, NULL, idle, NULL)) == 0)
        continue;
    printf("pthread_create %s\n", strerrorname_np(code));
    return 0;
}
