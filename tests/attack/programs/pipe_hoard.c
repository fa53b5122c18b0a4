/* Pipes made as large as they get, and filled: their memory counts against the user, not the
 * program. */
/* EXPECT: exit 0 */
/* SAYS: first EPERM */
/* SAYS: pipe EMFILE */
#include <fcntl.h>

#include "attack.h"

int main(void)
{
    static char block[65536];
    int fds[2], rc;
    rc = pipe(fds);
    SAY("first", rc < 0 ? rc : fcntl(fds[0], F_SETPIPE_SZ, 1 << 20));
    while ((rc = pipe2(fds, O_NONBLOCK)) == 0)
        while (write(fds[1], block, sizeof block) > 0)
            continue;
    SAY("pipe", rc);
    return 0;
}
