/* Looks for the host's files, through every name that might lead there. */
/* EXPECT: exit 0 */
/* SAYS: shadow ENOENT */
/* SAYS: above ENOENT */
/* SAYS: home ENOENT */
/* SAYS: secret ENOENT */
/* SAYS: secret through proc ENOENT */
/* SAYS: host's proc ENOENT */
/* SAYS: memory ENOENT */
/* SAYS: core_pattern EACCES */
/* SAYS: descriptors 0 */
#include <fcntl.h>

#include "attack.h"

int main(void)
{
    int count = 0;
    SAY("shadow", open("/etc/shadow", O_RDONLY));
    SAY("above", open("../../../../../../root", O_RDONLY));
    SAY("home", open("/home", O_RDONLY));
    SAY("secret", open("/tmp/" ATTACK_NAME "-secret", O_RDONLY));
    SAY("secret through proc", open("/proc/self/root/tmp/" ATTACK_NAME "-secret", O_RDONLY));
    SAY("host's proc", open("/proc/4194303", O_RDONLY));
    SAY("memory", open("/dev/mem", O_RDONLY));
    SAY("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
    for (int fd = 3; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    printf("descriptors %d\n", count);
    return 0;
}
