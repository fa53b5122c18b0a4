/* Leaves an object of each kind, and a daemon that uses them. */
/* EXPECT: exit 0 */
/* SAYS: segment ok */
/* SAYS: semaphores ok */
/* SAYS: queue ok */
/* SAYS: shm_open ok */
/* SAYS: mq_open ok */
/* SAYS: abstract ok */
/* SAYS: fifo ok */
/* SAYS: lock ok */
#include <fcntl.h>
#include <mqueue.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "attack.h"

int main(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0" ATTACK_NAME};
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + sizeof ATTACK_NAME;
    SAY("segment", shmget(ATTACK_KEY, 4096, IPC_CREAT | 0666));
    SAY("semaphores", semget(ATTACK_KEY, 1, IPC_CREAT | 0666));
    SAY("queue", msgget(ATTACK_KEY, IPC_CREAT | 0666));
    SAY("shm_open", shm_open("/" ATTACK_NAME, O_CREAT | O_RDWR, 0666));
    SAY("mq_open", mq_open("/" ATTACK_NAME, O_CREAT | O_RDWR, 0666, NULL));
    SAY("abstract", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, size));
    SAY("fifo", mkfifo("/tmp/" ATTACK_NAME, 0666));
    SAY("lock", flock(open("/proc/self/exe", O_RDONLY), LOCK_EX));
    if (fork() == 0) {
        setsid();
        for (;;)
            pause();
    }
    return 0;
}
