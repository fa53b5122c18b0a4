/* System V segments until there are no more. */
/* EXPECT: exit 0 */
/* SAYS: shmget ENOSPC */
#include <sys/shm.h>

#include "attack.h"

int main(void)
{
    int id;
    while ((id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600)) >= 0)
        memset(shmat(id, NULL, 0), 1, 1 << 20);
    SAY("shmget", id);
    return 0;
}
