#include "sandbox/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"

static const int absent[] = {
    SCMP_SYS(clone3),         SCMP_SYS(openat2),           SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(memfd_secret),
};

static const int forbidden[] = {
    /* other places */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    /* watching and being watched */
    SCMP_SYS(ptrace),
    SCMP_SYS(seccomp),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark),
    SCMP_SYS(process_madvise),
    /* the machine itself */
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(reboot),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    /* keyrings belong to no namespace */
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
};

static const uint64_t clone_flags[] = {
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNS,    CLONE_NEWIPC, CLONE_NEWNET,
    CLONE_NEWUTS,  CLONE_NEWCGROUP, CLONE_UNTRACED, CLONE_PTRACE,
};

/* Calls that can set a mode: which argument it is, and what must be in the flags before it (the
 * mode of an open that creates nothing is noise). */
enum { TMPFILE = O_TMPFILE & ~O_DIRECTORY };
static const struct {
    int call;
    unsigned argument;
    uint32_t flag; /* 0: none */
} modes[] = {
    {SCMP_SYS(chmod), 1, 0},        {SCMP_SYS(fchmod), 1, 0},       {SCMP_SYS(fchmodat), 2, 0},
    {SCMP_SYS(creat), 1, 0},        {SCMP_SYS(mknod), 1, 0},        {SCMP_SYS(mknodat), 2, 0},
    {SCMP_SYS(open), 2, O_CREAT},   {SCMP_SYS(openat), 3, O_CREAT}, {SCMP_SYS(open), 2, TMPFILE},
    {SCMP_SYS(openat), 3, TMPFILE},
};

/* Calls that this architecture never had have negative numbers: nothing to refuse. */
static int refuse_when(scmp_filter_ctx c, int error, int call, unsigned count,
                       const struct scmp_arg_cmp *when)
{
    return call < 0 ? 0
                    : seccomp_rule_add_array(c, SCMP_ACT_ERRNO((uint32_t)error), call, count, when);
}

static int refuse(scmp_filter_ctx c, int error, int call, struct scmp_arg_cmp when)
{
    return refuse_when(c, error, call, 1, &when);
}

static int refuse_both(scmp_filter_ctx c, int error, int call, struct scmp_arg_cmp when,
                       struct scmp_arg_cmp and_when)
{
    const struct scmp_arg_cmp both[] = {when, and_when};
    return refuse_when(c, error, call, 2, both);
}

/* The kernel takes these arguments as 32 bits and ignores what is above. */
static int refuse_equal(scmp_filter_ctx c, int error, int call, unsigned argument, uint32_t value)
{
    return refuse(c, error, call, SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value));
}

static int add_calls(scmp_filter_ctx c)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof absent / sizeof *absent; i++)
        rc = refuse_when(c, ENOSYS, absent[i], 0, NULL);
    for (size_t i = 0; rc == 0 && i < sizeof forbidden / sizeof *forbidden; i++)
        rc = refuse_when(c, EPERM, forbidden[i], 0, NULL);
    for (size_t i = 0; rc == 0 && i < sizeof clone_flags / sizeof *clone_flags; i++)
        rc = refuse(c, EPERM, SCMP_SYS(clone),
                    SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, clone_flags[i], clone_flags[i]));
    return rc;
}

/* Only AF_UNIX (1), AF_INET (2) and AF_INET6 (10). AF_VSOCK would reach the machine's hypervisor.
 */
static int add_families(scmp_filter_ctx c, int call)
{
    int rc = refuse(c, EAFNOSUPPORT, call, SCMP_CMP32(0, SCMP_CMP_GT, AF_INET6));
    for (uint32_t family = 0; rc == 0 && family < AF_INET6; family++)
        if (family != AF_UNIX && family != AF_INET)
            rc = refuse_equal(c, EAFNOSUPPORT, call, 0, family);
    return rc;
}

static int refuse_mode(scmp_filter_ctx c, size_t i, uint64_t bit)
{
    struct scmp_arg_cmp mode = SCMP_CMP64(modes[i].argument, SCMP_CMP_MASKED_EQ, bit, bit);
    uint64_t flag = modes[i].flag;
    if (!flag)
        return refuse(c, EPERM, modes[i].call, mode);
    return refuse_both(c, EPERM, modes[i].call,
                       SCMP_CMP64(modes[i].argument - 1, SCMP_CMP_MASKED_EQ, flag, flag), mode);
}

/* A set-user-id file in a writable mount would outlive the sandbox. */
static int add_modes(scmp_filter_ctx c)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof modes / sizeof *modes; i++) {
        rc = refuse_mode(c, i, S_ISUID);
        if (rc == 0)
            rc = refuse_mode(c, i, S_ISGID);
    }
    return rc;
}

static int add_rules(scmp_filter_ctx c)
{
    int rc = add_calls(c);
    if (rc == 0)
        rc = refuse_equal(c, EPERM, SCMP_SYS(prctl), 0, PR_SET_SECCOMP);
    if (rc == 0)
        rc = refuse_equal(c, EPERM, SCMP_SYS(ioctl), 1, TIOCSTI);
    if (rc == 0)
        rc = refuse_equal(c, EPERM, SCMP_SYS(ioctl), 1, TIOCLINUX);
    if (rc == 0)
        rc = add_families(c, SCMP_SYS(socket));
    if (rc == 0)
        rc = add_families(c, SCMP_SYS(socketpair));
    if (rc == 0)
        rc = add_modes(c);
    /* prlimit(2) asks whose user the target is, not in which namespace: a CPU limit would kill
     * init. */
    if (rc == 0)
        rc = refuse_both(c, EPERM, SCMP_SYS(prlimit64), SCMP_CMP64(0, SCMP_CMP_NE, 0),
                         SCMP_CMP64(2, SCMP_CMP_NE, 0));
    /* Pipe memory is counted for all of a user's processes, in every namespace: pipe(7). */
    if (rc == 0)
        rc = refuse_both(c, EPERM, SCMP_SYS(fcntl),
                         SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, F_SETPIPE_SZ),
                         SCMP_CMP32(2, SCMP_CMP_GT, 256 << 10));
    return rc;
}

/* libseccomp before 2.6 exports to a descriptor only. */
static int export(scmp_filter_ctx c, struct buf *out)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    int rc = fd < 0 ? -errno : seccomp_export_bpf(c, fd);
    char block[4096];
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = -errno;
    for (ssize_t n; rc == 0 && (n = fd_read_full(fd, block, sizeof block)) != 0;) {
        if (n < 0)
            rc = (int)n;
        else
            buf_put(out, block, (size_t)n);
    }
    fd_close(&fd);
    return rc;
}

static struct buf program;
static int program_error;

static void make_program(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_ALLOW);
    program_error =
        c ? seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : -ENOMEM;
    if (program_error == 0)
        program_error = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (program_error == 0)
        program_error = add_rules(c);
    if (program_error == 0)
        program_error = export(c, &program);
    seccomp_release(c);
}

const void *refuse_program(size_t *instructions, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_program);
    if (program_error < 0) {
        err_sys(e, -program_error, "make the sandbox's filter");
        return NULL;
    }
    *instructions = program.len / sizeof(struct sock_filter);
    return program.data;
}
