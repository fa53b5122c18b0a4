/* Makes files that would run as their owner. */
/* EXPECT: exit 0 */
/* SAYS: create EPERM */
/* SAYS: chmod EPERM */
/* SAYS: fchmod EPERM */
/* SAYS: mknod EPERM */
/* SAYS: device EPERM */
/* SAYS: plain ok */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attack.h"

int main(void)
{
    SAY("create", open("/tmp/a", O_CREAT | O_WRONLY, 04755));
    SAY("plain", open("/tmp/b", O_CREAT | O_WRONLY, 0755));
    SAY("chmod", chmod("/tmp/b", 04755));
    SAY("fchmod", fchmod(open("/tmp/b", O_RDONLY), 02755));
    SAY("mknod", mknod("/tmp/c", S_IFREG | 04755, 0));
    SAY("device", mknod("/tmp/d", S_IFCHR | 0666, makedev(1, 3)));
    return 0;
}
