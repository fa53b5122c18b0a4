/* Tries to get into other namespaces, mounts and roots. */
/* EXPECT: exit 0 */
/* SAYS: user namespace EPERM */
/* SAYS: mount namespace EPERM */
/* SAYS: clone EPERM */
/* SAYS: clone3 ENOSYS */
/* SAYS: setns EPERM */
/* SAYS: mount EPERM */
/* SAYS: umount EPERM */
/* SAYS: open_tree EPERM */
/* SAYS: fsopen EPERM */
/* SAYS: chroot EPERM */
/* SAYS: pivot_root EPERM */
/* SAYS: handle EPERM */
/* SAYS: root EINVAL */
/* SAYS: hostname EPERM */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "attack.h"

int main(void)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    SAY("user namespace", unshare(CLONE_NEWUSER));
    SAY("mount namespace", unshare(CLONE_NEWNS));
    SAY("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    SAY("clone3", syscall(SYS_clone3, &args, sizeof args));
    SAY("setns", setns(open("/proc/1/ns/pid", O_RDONLY), 0));
    SAY("mount", mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
    SAY("umount", umount2("/usr", MNT_DETACH));
    SAY("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    SAY("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    SAY("chroot", chroot("/tmp"));
    SAY("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
    SAY("handle", syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
    SAY("root", setuid(0));
    SAY("hostname", sethostname("x", 1));
    return 0;
}
