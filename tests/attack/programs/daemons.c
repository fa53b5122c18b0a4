/* Leaves thirty daemons that hold its stdout and ignore every polite signal. */
/* EXPECT: exit 0 */
/* SAYS: done */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void live_on(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (;;)
        pause();
}

int main(void)
{
    for (int i = 0; i < 30; i++)
        if (fork() == 0) {
            setsid();
            if (fork() == 0)
                live_on();
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    puts("done");
    return 0;
}
