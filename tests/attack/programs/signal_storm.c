/* A timer signal every microsecond. */
/* EXPECT: timeout */
#include <signal.h>
#include <sys/time.h>

static void on_alarm(int signal)
{
    (void)signal;
}

int main(void)
{
    struct itimerval often = {.it_interval = {.tv_usec = 1}, .it_value = {.tv_usec = 1}};
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &often, NULL);
    for (;;)
        continue;
}
