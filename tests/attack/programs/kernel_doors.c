/* Calls that have let programs out of sandboxes, or see more than the program's own. */
/* EXPECT: exit 0 */
/* SAYS: keyctl EPERM */
/* SAYS: add_key EPERM */
/* SAYS: bpf EPERM */
/* SAYS: perf_event_open EPERM */
/* SAYS: userfaultfd EPERM */
/* SAYS: io_uring_setup ENOSYS */
/* SAYS: openat2 ENOSYS */
/* SAYS: fanotify_init EPERM */
/* SAYS: syslog EPERM */
/* SAYS: reboot EPERM */
/* SAYS: settimeofday EPERM */
/* SAYS: limits EPERM */
/* SAYS: priority EACCES */
/* SAYS: dumpable ok */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "attack.h"

int main(void)
{
    struct rlimit more = {.rlim_cur = 1000, .rlim_max = 1000};
    struct timeval now = {0};
    SAY("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    SAY("add_key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
    SAY("bpf", syscall(SYS_bpf, 0, 0, 0));
    SAY("perf_event_open", syscall(SYS_perf_event_open, 0, 0, -1, -1, 0));
    SAY("userfaultfd", syscall(SYS_userfaultfd, 1));
    SAY("io_uring_setup", syscall(SYS_io_uring_setup, 8, 0));
    SAY("openat2", syscall(SYS_openat2, -100, "/", 0, 0));
    SAY("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
    SAY("syslog", syscall(SYS_syslog, 3, 0, 0));
    SAY("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
    SAY("settimeofday", settimeofday(&now, NULL));
    SAY("limits", setrlimit(RLIMIT_NPROC, &more));
    SAY("priority", setpriority(PRIO_PROCESS, 0, -5));
    SAY("dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    return 0;
}
