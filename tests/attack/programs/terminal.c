/* Types into the terminal of whoever started the tests. */
/* EXPECT: exit 0 */
/* SAYS: tty ENOENT */
/* SAYS: console ENOENT */
/* SAYS: type EPERM */
/* SAYS: selection EPERM */
/* SAYS: foreground ENOTTY */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "attack.h"

int main(void)
{
    SAY("tty", open("/dev/tty", O_RDWR));
    SAY("console", open("/dev/console", O_RDWR));
    SAY("type", ioctl(0, TIOCSTI, "x"));
    SAY("selection", ioctl(0, TIOCLINUX, "x"));
    SAY("foreground", tcsetpgrp(0, getpgrp()));
    return 0;
}
