/* Files in memory that nobody maps: as many as there are descriptors, each as large as a file may
 * be. */
/* EXPECT: exit 0 */
/* SAYS: memfd_create EMFILE */
#include <signal.h>
#include <sys/mman.h>

#include "attack.h"

int main(void)
{
    static char block[1 << 20];
    int fd;
    signal(SIGXFSZ, SIG_IGN);
    while ((fd = memfd_create("x", 0)) >= 0)
        while (write(fd, block, sizeof block) > 0)
            continue;
    SAY("memfd_create", fd);
    return 0;
}
