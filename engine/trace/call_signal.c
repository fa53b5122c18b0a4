/* Calls about signals. */
#include <errno.h>
#include <signal.h>

#include "trace/call_decode.h"

static bool take_mask(const struct raw *raw, struct op *op, int arg)
{
    op->has_mask = raw_memory(raw, arg, BLOB_IN, 0, &op->mask, sizeof op->mask);
    return op->has_mask;
}

/* The kernel's struct: handler, flags, restorer, mask. Without a new one it only asks. */
int decode_sigaction(const struct raw *raw, struct op *op)
{
    uint64_t action[4];
    op->sig = raw_int(raw, 0);
    op->kind = raw_arg(raw, 1) ? OP_SIGACTION : OP_QUERY;
    if (op->kind == OP_QUERY)
        return 0;
    if (!raw_memory(raw, 1, BLOB_IN, 0, action, sizeof action))
        return -EBADMSG;
    op->handler = action[0];
    op->flags = action[1];
    op->mask = action[3];
    op->has_mask = true;
    return 0;
}

int decode_sigprocmask(const struct raw *raw, struct op *op)
{
    op->kind = raw_arg(raw, 1) ? OP_SIGMASK : OP_QUERY;
    op->flags = (uint32_t)raw_arg(raw, 0);
    return op->kind == OP_QUERY || take_mask(raw, op, 1) ? 0 : -EBADMSG;
}

int decode_sigsuspend(const struct raw *raw, struct op *op)
{
    op->kind = OP_SIGSUSPEND;
    return take_mask(raw, op, 0) ? 0 : -EBADMSG;
}

int decode_sigtimedwait(const struct raw *raw, struct op *op)
{
    op->kind = OP_SIGWAIT;
    int rc = raw_time(raw, 2, 0, false, &op->timeout_ns);
    return take_mask(raw, op, 0) ? rc : -EBADMSG;
}

int decode_sigreturn(const struct raw *raw, struct op *op)
{
    (void)raw;
    op->kind = OP_SIGRETURN;
    op->never_returns = true;
    return 0;
}

int decode_pause(const struct raw *raw, struct op *op)
{
    (void)raw;
    op->kind = OP_PAUSE;
    return 0;
}

static int sent(struct op *op, pid_t pid, int sig, bool is_thread)
{
    op->kind = OP_KILL;
    op->pid = pid;
    op->sig = sig;
    op->is_thread = is_thread;
    return 0;
}

int decode_kill(const struct raw *raw, struct op *op)
{
    return sent(op, raw_int(raw, 0), raw_int(raw, 1), false);
}

int decode_tkill(const struct raw *raw, struct op *op)
{
    return sent(op, raw_int(raw, 0), raw_int(raw, 1), true);
}

int decode_tgkill(const struct raw *raw, struct op *op)
{
    return sent(op, raw_int(raw, 1), raw_int(raw, 2), true);
}

int decode_pidfd_send_signal(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return sent(op, 0, raw_int(raw, 1), false);
}
