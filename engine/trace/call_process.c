/* Calls of the life of a process. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "trace/call_decode.h"

int decode_nothing(const struct raw *raw, struct op *op)
{
    (void)raw;
    op->kind = OP_NONE;
    return 0;
}

int decode_query(const struct raw *raw, struct op *op)
{
    (void)raw;
    op->kind = OP_QUERY;
    return 0;
}

/* ---- birth ---- */

static int forked(struct op *op, uint64_t flags, int sig)
{
    op->kind = OP_FORK;
    op->flags = flags;
    op->sig = sig;
    return 0;
}

int decode_fork(const struct raw *raw, struct op *op)
{
    (void)raw;
    return forked(op, 0, SIGCHLD);
}

int decode_vfork(const struct raw *raw, struct op *op)
{
    (void)raw;
    return forked(op, CLONE_VFORK | CLONE_VM, SIGCHLD);
}

static void take_pidfd(const struct raw *raw, struct op *op, int arg)
{
    if (raw_has_succeeded(raw) && (op->flags & CLONE_PIDFD))
        raw_memory(raw, arg, BLOB_OUT, 0, &op->fds[0], sizeof op->fds[0]);
}

/* clone(2): the exit signal is the low byte of the flags. */
int decode_clone(const struct raw *raw, struct op *op)
{
    uint64_t flags = raw_arg(raw, 0);
    forked(op, flags & ~(uint64_t)CSIGNAL, (int)(flags & CSIGNAL));
    take_pidfd(raw, op, 2);
    return 0;
}

int decode_clone3(const struct raw *raw, struct op *op)
{
    uint64_t args[5] = {0}; /* flags, pidfd, child_tid, parent_tid, exit_signal */
    if (!raw_memory(raw, 0, BLOB_IN, 0, args, sizeof args)) {
        forked(op, 0, 0);
        return -EBADMSG;
    }
    forked(op, args[0], (int)args[4]);
    take_pidfd(raw, op, 0);
    return 0;
}

int decode_unshare(const struct raw *raw, struct op *op)
{
    op->kind = OP_UNSHARE;
    op->flags = raw_arg(raw, 0);
    return 0;
}

/* ---- exec, end ---- */

static int executed(const struct raw *raw, struct op *op, int path_arg)
{
    op->kind = OP_EXEC;
    op->path = raw_string(raw, path_arg);
    return op->path ? 0 : -EBADMSG;
}

int decode_exec(const struct raw *raw, struct op *op)
{
    op->fd = AT_FDCWD;
    return executed(raw, op, 0);
}

int decode_execveat(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    op->flags = raw_arg(raw, 4);
    return executed(raw, op, 1);
}

int decode_exit(const struct raw *raw, struct op *op)
{
    op->kind = OP_EXIT;
    op->size = raw_arg(raw, 0) & 0xff;
    op->never_returns = true;
    return 0;
}

int decode_exit_group(const struct raw *raw, struct op *op)
{
    op->flags = 1;
    return decode_exit(raw, op);
}

/* ---- waiting for children ---- */

static void waited(struct op *op, pid_t pid, uint64_t options)
{
    op->kind = OP_WAIT;
    op->pid = pid;
    op->flags = options;
    op->timeout_ns = options & WNOHANG ? 0 : -1;
}

int decode_wait4(const struct raw *raw, struct op *op)
{
    waited(op, raw_int(raw, 0), (uint32_t)raw_arg(raw, 2));
    if (op->is_done && op->ret > 0 && raw_arg(raw, 1))
        op->has_status = raw_memory(raw, 1, BLOB_OUT, 0, &op->wait_status, sizeof op->wait_status);
    return 0;
}

static int status_of_siginfo(int code, int status)
{
    switch (code) {
    case CLD_EXITED: return (status & 0xff) << 8;
    case CLD_KILLED: return status & 0x7f;
    case CLD_DUMPED: return (status & 0x7f) | 0x80;
    case CLD_STOPPED:
    case CLD_TRAPPED: return (status & 0xff) << 8 | 0x7f;
    default: return 0xffff; /* CLD_CONTINUED */
    }
}

static pid_t pid_of_idtype(const struct raw *raw, struct op *op)
{
    switch (raw_int(raw, 0)) {
    case P_PID: return raw_int(raw, 1);
    case P_PGID: return -raw_int(raw, 1);
    case 3: op->fd = raw_int(raw, 1); return -1; /* P_PIDFD */
    default: return -1;
    }
}

/* waitid(2) returns 0: whom it reaped is in the siginfo, whose layout is the same on all 64-bit
 * architectures: signo, errno, code, padding, pid, uid, status. */
int decode_waitid(const struct raw *raw, struct op *op)
{
    int info[7];
    waited(op, pid_of_idtype(raw, op), (uint32_t)raw_arg(raw, 3));
    if (!raw_has_succeeded(raw))
        return 0;
    if (!raw_memory(raw, 2, BLOB_OUT, 0, info, sizeof info))
        return -EBADMSG;
    op->ret = info[0] == SIGCHLD ? info[4] : 0;
    op->has_status = op->ret > 0;
    if (op->has_status)
        op->wait_status = status_of_siginfo(info[2], info[6]);
    return 0;
}

/* ---- groups, sessions, attributes ---- */

int decode_setpgid(const struct raw *raw, struct op *op)
{
    op->kind = OP_SET_PGID;
    op->pid = raw_int(raw, 0);
    op->fd2 = raw_int(raw, 1);
    return 0;
}

int decode_setsid(const struct raw *raw, struct op *op)
{
    (void)raw;
    op->kind = OP_SET_SID;
    return 0;
}

int decode_prctl(const struct raw *raw, struct op *op)
{
    op->kind = OP_PRCTL;
    op->flags = (uint32_t)raw_arg(raw, 0);
    op->size = raw_arg(raw, 1);
    return 0;
}

/* seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER gives a descriptor. */
int decode_seccomp(const struct raw *raw, struct op *op)
{
    enum { SET_MODE_FILTER = 1, NEW_LISTENER = 8 };
    if (raw_arg(raw, 0) != SET_MODE_FILTER || !(raw_arg(raw, 1) & NEW_LISTENER))
        return 0;
    op->kind = OP_NEW_FD;
    op->object_kind = OBJECT_OTHER;
    op->flags = O_CLOEXEC;
    return 0;
}
