/* Blocks and ignores whatever can be, and waits. */
/* EXPECT: timeout */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    sigset_t all;
    sigfillset(&all);
    for (int n = 1; n < 65; n++)
        signal(n, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (;;)
        pause();
}
