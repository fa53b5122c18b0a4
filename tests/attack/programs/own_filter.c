/* A filter of its own would answer calls before the tracer sees them. */
/* EXPECT: exit 0 */
/* SAYS: listener EPERM */
/* SAYS: filter EPERM */
/* SAYS: strict EPERM */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "attack.h"

int main(void)
{
    struct sock_filter listen = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = 1, .filter = &listen};
    SAY("listener",
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    SAY("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    SAY("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0));
    return 0;
}
