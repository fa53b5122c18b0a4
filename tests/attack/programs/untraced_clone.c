/* A child that the tracer would not be told of. */
/* EXPECT: exit 0 */
/* SAYS: clone EPERM */
/* SAYS: clone3 ENOSYS */
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "attack.h"

int main(void)
{
    struct clone_args args = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    SAY("clone", syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0));
    SAY("clone3", syscall(SYS_clone3, &args, sizeof args));
    return 0;
}
