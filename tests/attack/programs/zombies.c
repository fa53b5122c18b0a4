/* Never waits for its children. */
/* EXPECT: exit 0 */
/* SAYS: fork EAGAIN */
#include "attack.h"

int main(void)
{
    pid_t pid;
    while ((pid = fork()) > 0)
        continue;
    if (pid == 0)
        _exit(0);
    SAY("fork", pid);
    return 0;
}
