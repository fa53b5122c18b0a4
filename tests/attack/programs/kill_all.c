/* Signals to everybody it can name: itself only excepted. */
/* EXPECT: exit 0 */
/* SAYS: everybody ESRCH */
/* SAYS: end */
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "attack.h"

int main(void)
{
    signal(SIGTERM, SIG_IGN);
    for (int pid = 1; pid <= 4096; pid++)
        if (pid != getpid()) {
            union sigval value = {.sival_int = 1};
            kill(pid, SIGKILL);
            killpg(pid, SIGKILL);
            sigqueue(pid, SIGSTOP, value);
            syscall(SYS_tgkill, pid, pid, SIGKILL);
            setpriority(PRIO_PROCESS, (id_t)pid, 19);
        }
    kill(getppid(), SIGKILL);
    kill(getppid(), SIGSTOP);
    kill(0, SIGTERM);
    SAY("everybody", kill(-1, SIGKILL));
    puts("end");
    return 0;
}
