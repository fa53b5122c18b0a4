/* An error ignored, and the bad value used.
 *
 * -1 is what open, dup, pipe and fork return when they fail; whoever does not look passes it on. A
 * descriptor -1 gives EBADF; a process -1 is worse: kill(-1) means everybody. Only use right after
 * a failure of the same process counts; close(-1) harms nobody. */
#include <errno.h>
#include <sys/wait.h>

#include "diagnose/rule.h"

/* A process's latest failure of each kind, not yet followed by a success of that kind. */
struct failures {
    uint32_t fd_plus_1;   /* a call that makes a descriptor */
    uint32_t pipe_plus_1; /* pipe: its two numbers were never set */
    uint32_t fork_plus_1;
    bool is_reported;
};

struct state {
    struct table procs;
};

static bool makes_fd(enum op_kind kind)
{
    return kind == OP_OPEN || kind == OP_DUP || kind == OP_NEW_FD;
}

static void note_result(uint32_t *failure_plus_1, const struct context *c)
{
    *failure_plus_1 = c->op.ret < 0 ? c->ev->id + 1 : 0;
}

static void report(struct context *c, struct failures *p, uint32_t failure, const char *used_as)
{
    const struct event *ev = recording_event(c->rec, failure);
    bool is_fatal = c->op.kind == OP_KILL, is_own = is_users_own(c, c->ev->id);
    enum severity severity = is_fatal ? SEVERITY_PROBLEM
                             : is_own ? SEVERITY_WARNING
                                      : SEVERITY_NORMAL;
    struct finding *f = finding_new(RULE_ERROR_IGNORED, severity, c->seq);
    struct buf use = {0};
    call_format(c->rec, c->ev, true, &use);
    f->proc = c->proc;
    f->cause = failure;
    finding_add_event(f, failure);
    finding_add_event(f, c->ev->id);
    finding_add_proc(f, c->proc);
    finding_say(f, "%s ignored that %s failed with %s and used its result as %s: %s",
                proc_name(c, c->proc), call_name(ev->call), errno_name((int)-ev->ret), used_as,
                use.data);
    finding_say_next(f, "Look at the %s that failed: compare its result with -1 before using it.",
                     call_name(ev->call));
    finding_submit(c, f);
    buf_fini(&use);
    p->is_reported = true;
}

static bool uses_fd(const struct context *c)
{
    switch (c->op.kind) {
    case OP_READ:
    case OP_WRITE:
    case OP_MOVE:
    case OP_TEE:
    case OP_DUP:
    case OP_SEEK:
    case OP_STATUS_FLAGS:
    case OP_FD_FLAGS:
    case OP_PIPE_SIZE: return true;
    default: return false;
    }
}

/* A wait for anybody by a process that has no child: it waits for the child it failed to make. */
static bool is_vain_wait(const struct context *c)
{
    return c->op.kind == OP_WAIT && c->op.ret == -ECHILD && c->op.pid == -1 &&
           !(c->op.flags & WNOHANG) && model_proc(c->m, c->proc)->child_count == 0;
}

static void look_at_use(struct context *c, struct failures *p)
{
    bool is_bad_fd = uses_fd(c) && c->op.ret == -EBADF;
    if (is_bad_fd && c->op.fd == -1 && p->fd_plus_1)
        report(c, p, p->fd_plus_1 - 1, "a descriptor");
    else if (is_bad_fd && p->pipe_plus_1)
        report(c, p, p->pipe_plus_1 - 1, "descriptors");
    else if (c->op.kind == OP_KILL && c->op.pid == -1 && !c->op.is_thread && p->fork_plus_1)
        report(c, p, p->fork_plus_1 - 1, "a process (-1 means every process it may signal)");
    else if (is_vain_wait(c) && p->fork_plus_1)
        report(c, p, p->fork_plus_1 - 1, "a child to wait for");
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->proc == MODEL_NONE || !c->is_exit || c->ev->kind != EVENT_CALL)
        return;
    struct failures *p = table_row(&s->procs, c->proc, sizeof *p);
    if (!p->is_reported)
        look_at_use(c, p);
    if (makes_fd(c->op.kind))
        note_result(&p->fd_plus_1, c);
    else if (c->op.kind == OP_PIPE)
        note_result(&p->pipe_plus_1, c);
    else if (c->op.kind == OP_FORK)
        note_result(&p->fork_plus_1, c);
}

static void fini(void *state)
{
    table_fini(&((struct state *)state)->procs);
}

const struct rule_ops rule_error = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
