/* Stops itself and its group: a killer that waits for a running process waits for ever. */
/* EXPECT: timeout */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    fork();
    kill(0, SIGSTOP);
    return 0;
}
