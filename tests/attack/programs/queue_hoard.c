/* Message queues and semaphore sets until there are no more. */
/* EXPECT: exit 0 */
/* SAYS: mq_open EMFILE */
/* SAYS: msgget ENOSPC */
/* SAYS: semget ENOSPC */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "attack.h"

int main(void)
{
    struct mq_attr large = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    char name[32];
    mqd_t queue = 0;
    int id;
    for (int i = 0; queue >= 0; i++) {
        snprintf(name, sizeof name, "/" ATTACK_NAME "-%d", i);
        queue = mq_open(name, O_CREAT | O_RDWR, 0600, &large);
    }
    SAY("mq_open", queue);
    while ((id = msgget(IPC_PRIVATE, IPC_CREAT | 0600)) >= 0)
        continue;
    SAY("msgget", id);
    while ((id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)) >= 0)
        continue;
    SAY("semget", id);
    return 0;
}
