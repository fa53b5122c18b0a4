#include "trace/call_flags.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct flag {
    uint64_t bits;
    const char *name;
};

#define F(name)                 \
    {                           \
        (uint64_t)(name), #name \
    }
#define END     \
    {           \
        0, NULL \
    }

/* Appends the names of the bits that are set, and what is left as a number. */
static void put_flags(struct buf *out, uint64_t flags, const struct flag *names, bool is_first)
{
    for (; names->name; names++) {
        if ((flags & names->bits) != names->bits)
            continue;
        buf_printf(out, "%s%s", is_first ? "" : "|", names->name);
        flags &= ~names->bits;
        is_first = false;
    }
    if (flags)
        buf_printf(out, "%s0x%" PRIx64, is_first ? "" : "|", flags);
    else if (is_first)
        buf_putc(out, '0');
}

/* These four bits differ between architectures: <asm/fcntl.h>. */
static const struct flag open_x86_64[] = {
    {040000, "O_DIRECT"}, {0200000, "O_DIRECTORY"}, {0400000, "O_NOFOLLOW"}, END};
static const struct flag open_aarch64[] = {
    {0200000, "O_DIRECT"}, {040000, "O_DIRECTORY"}, {0100000, "O_NOFOLLOW"}, END};
static const struct flag open_common[] = {{0100, "O_CREAT"},
                                          {0200, "O_EXCL"},
                                          {0400, "O_NOCTTY"},
                                          {01000, "O_TRUNC"},
                                          {02000, "O_APPEND"},
                                          {04000, "O_NONBLOCK"},
                                          {04010000, "O_SYNC"},
                                          {010000, "O_DSYNC"},
                                          {01000000, "O_NOATIME"},
                                          {02000000, "O_CLOEXEC"},
                                          {010000000, "O_PATH"},
                                          {020000000, "O_TMPFILE"},
                                          END};

void flags_open(struct buf *out, uint64_t flags, bool has_mode, enum recording_arch arch)
{
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    uint64_t large = arch == ARCH_AARCH64 ? 0400000 : 0100000; /* O_LARGEFILE: says nothing today */
    if (has_mode) {
        buf_puts(out, modes[flags & 3]);
        flags &= ~(uint64_t)3;
    }
    flags &= ~large;
    const struct flag *own = arch == ARCH_AARCH64 ? open_aarch64 : open_x86_64;
    bool is_first = !has_mode;
    for (; own->name; own++) {
        if (!(flags & own->bits))
            continue;
        buf_printf(out, "%s%s", is_first ? "" : "|", own->name);
        flags &= ~own->bits;
        is_first = false;
    }
    put_flags(out, flags, open_common, is_first);
}

void flags_wait(struct buf *out, uint64_t flags)
{
    static const struct flag names[] = {F(WNOHANG),
                                        F(WUNTRACED),
                                        F(WEXITED),
                                        F(WCONTINUED),
                                        F(WNOWAIT),
                                        {0x80000000, "__WCLONE"},
                                        {0x40000000, "__WALL"},
                                        {0x20000000, "__WNOTHREAD"},
                                        END};
    put_flags(out, (uint32_t)flags, names, true);
}

void flags_clone(struct buf *out, uint64_t flags)
{
    static const struct flag names[] = {F(CLONE_VM),
                                        F(CLONE_FS),
                                        F(CLONE_FILES),
                                        F(CLONE_SIGHAND),
                                        F(CLONE_PIDFD),
                                        F(CLONE_PTRACE),
                                        F(CLONE_VFORK),
                                        F(CLONE_PARENT),
                                        F(CLONE_THREAD),
                                        F(CLONE_NEWNS),
                                        F(CLONE_SYSVSEM),
                                        F(CLONE_SETTLS),
                                        F(CLONE_PARENT_SETTID),
                                        F(CLONE_CHILD_CLEARTID),
                                        F(CLONE_UNTRACED),
                                        F(CLONE_CHILD_SETTID),
                                        F(CLONE_NEWCGROUP),
                                        F(CLONE_NEWUTS),
                                        F(CLONE_NEWIPC),
                                        F(CLONE_NEWUSER),
                                        F(CLONE_NEWPID),
                                        F(CLONE_NEWNET),
                                        F(CLONE_IO),
                                        {0x100000000, "CLONE_CLEAR_SIGHAND"},
                                        {0x200000000, "CLONE_INTO_CGROUP"},
                                        END};
    put_flags(out, flags, names, true);
}

void flags_sigaction(struct buf *out, uint64_t flags)
{
    static const struct flag names[] = {F(SA_NOCLDSTOP),
                                        F(SA_NOCLDWAIT),
                                        F(SA_SIGINFO),
                                        F(SA_ONSTACK),
                                        F(SA_RESTART),
                                        F(SA_NODEFER),
                                        {0x80000000, "SA_RESETHAND"},
                                        END};
    put_flags(out, (uint32_t)flags & ~0x04000000u, names, true); /* SA_RESTORER is libc's own */
}

void flags_poll(struct buf *out, uint64_t events)
{
    static const struct flag names[] = {F(POLLIN),     F(POLLPRI),  F(POLLOUT),   F(POLLERR),
                                        F(POLLHUP),    F(POLLNVAL), F(POLLRDHUP), F(POLLRDNORM),
                                        F(POLLWRNORM), END};
    put_flags(out, events & 0xffff, names, true);
}

void flags_epoll(struct buf *out, uint64_t events)
{
    static const struct flag names[] = {F(EPOLLIN),
                                        F(EPOLLPRI),
                                        F(EPOLLOUT),
                                        F(EPOLLERR),
                                        F(EPOLLHUP),
                                        F(EPOLLRDHUP),
                                        {1u << 28, "EPOLLEXCLUSIVE"},
                                        {1u << 30, "EPOLLONESHOT"},
                                        {1u << 31, "EPOLLET"},
                                        END};
    put_flags(out, (uint32_t)events, names, true);
}

/* ---- requests ---- */

static const struct flag fcntl_requests[] = {F(F_DUPFD),
                                             F(F_GETFD),
                                             F(F_SETFD),
                                             F(F_GETFL),
                                             F(F_SETFL),
                                             F(F_GETLK),
                                             F(F_SETLK),
                                             F(F_SETLKW),
                                             F(F_SETOWN),
                                             F(F_GETOWN),
                                             F(F_SETSIG),
                                             F(F_GETSIG),
                                             {36, "F_OFD_GETLK"},
                                             {37, "F_OFD_SETLK"},
                                             {38, "F_OFD_SETLKW"},
                                             {1024, "F_SETLEASE"},
                                             {1025, "F_GETLEASE"},
                                             {1026, "F_NOTIFY"},
                                             {1027, "F_DUPFD_QUERY"},
                                             {1030, "F_DUPFD_CLOEXEC"},
                                             {1031, "F_SETPIPE_SZ"},
                                             {1032, "F_GETPIPE_SZ"},
                                             {1033, "F_ADD_SEALS"},
                                             {1034, "F_GET_SEALS"},
                                             END};

static const struct flag ioctl_requests[] = {F(FIOCLEX),
                                             F(FIONCLEX),
                                             F(FIONBIO),
                                             F(FIOASYNC),
                                             F(FIONREAD),
                                             F(TCGETS),
                                             F(TCSETS),
                                             F(TCSETSW),
                                             F(TCSETSF),
                                             F(TIOCGWINSZ),
                                             F(TIOCSWINSZ),
                                             F(TIOCGPGRP),
                                             F(TIOCSPGRP),
                                             F(TIOCSCTTY),
                                             F(TIOCNOTTY),
                                             F(TIOCGPTN),
                                             F(TIOCSPTLCK),
                                             {0x5441, "TIOCGPTPEER"},
                                             {0x802c542a, "TCGETS2"},
                                             {0x40049409, "FICLONE"},
                                             END};

static const struct flag prctl_requests[] = {F(PR_SET_PDEATHSIG),
                                             F(PR_GET_PDEATHSIG),
                                             F(PR_GET_DUMPABLE),
                                             F(PR_SET_DUMPABLE),
                                             F(PR_SET_NAME),
                                             F(PR_GET_NAME),
                                             F(PR_GET_SECCOMP),
                                             F(PR_SET_SECCOMP),
                                             F(PR_CAPBSET_READ),
                                             F(PR_CAPBSET_DROP),
                                             F(PR_SET_TIMERSLACK),
                                             F(PR_SET_MM),
                                             F(PR_SET_CHILD_SUBREAPER),
                                             F(PR_GET_CHILD_SUBREAPER),
                                             F(PR_SET_NO_NEW_PRIVS),
                                             F(PR_GET_NO_NEW_PRIVS),
                                             F(PR_SET_KEEPCAPS),
                                             F(PR_CAP_AMBIENT),
                                             F(PR_SET_PTRACER),
                                             {0x53564d41, "PR_SET_VMA"},
                                             END};

static const struct flag epoll_requests[] = {F(EPOLL_CTL_ADD), F(EPOLL_CTL_DEL), F(EPOLL_CTL_MOD),
                                             END};

static const struct flag ptrace_requests[] = {{0, "PTRACE_TRACEME"},
                                              {16, "PTRACE_ATTACH"},
                                              {17, "PTRACE_DETACH"},
                                              {0x4206, "PTRACE_SEIZE"},
                                              END};

static const struct flag *requests_of(enum call call)
{
    static const struct flag none[] = {END};
    switch (call) {
    case CALL_fcntl: return fcntl_requests;
    case CALL_ioctl: return ioctl_requests;
    case CALL_prctl: return prctl_requests;
    case CALL_epoll_ctl: return epoll_requests;
    case CALL_ptrace: return ptrace_requests;
    default: return none;
    }
}

void flags_request(struct buf *out, enum call call, uint64_t request)
{
    for (const struct flag *f = requests_of(call); f->name; f++) {
        if (f->bits == (uint32_t)request) {
            buf_puts(out, f->name);
            return;
        }
    }
    buf_printf(out, "0x%" PRIx64, request);
}
