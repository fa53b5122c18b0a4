#include "trace/inflight.h"

#include <string.h>

#include "trace/arch.h"

enum {
    /* include/linux/errno.h: not for programs */
    KERNEL_ERESTARTSYS = 512,
    KERNEL_ERESTARTNOINTR = 513,
    KERNEL_ERESTARTNOHAND = 514,
    KERNEL_ERESTART_RESTARTBLOCK = 516,
    STACK_SIZE_USUAL = 8 << 20,
};

struct open_call *inflight_top(struct inflight *f)
{
    return f->depth ? &f->calls[f->depth - 1] : NULL;
}

bool inflight_is_running(struct inflight *f)
{
    return f->depth && !f->calls[f->depth - 1].is_interrupted;
}

bool inflight_is_restart_code(int64_t ret)
{
    return ret == -KERNEL_ERESTARTSYS || ret == -KERNEL_ERESTARTNOINTR ||
           ret == -KERNEL_ERESTARTNOHAND || ret == -KERNEL_ERESTART_RESTARTBLOCK;
}

bool inflight_resumes(struct inflight *f, uint64_t nr, const uint64_t args[6], struct place at,
                      bool is_restart_call)
{
    struct open_call *top = inflight_top(f);
    if (!top || !top->is_interrupted || top->has_handler || at.sp != top->sp)
        return false;
    bool is_same = nr == top->nr && at.ip == top->ip && !memcmp(args, top->args, sizeof top->args);
    if (!is_restart_call && !is_same)
        return false;
    top->is_interrupted = false;
    return true;
}

static void pop(struct inflight *f, struct open_call *out)
{
    *out = f->calls[--f->depth];
}

/* Stacks grow down: whoever makes a call from above the frame of the interrupted one has left it.
 */
bool inflight_take_abandoned(struct inflight *f, struct place at, struct open_call *out)
{
    struct open_call *top = inflight_top(f);
    if (!top || !top->is_interrupted || at.sp < top->sp || at.sp - top->sp > STACK_SIZE_USUAL)
        return false;
    pop(f, out);
    return true;
}

struct open_call *inflight_push(struct inflight *f, struct place at, struct open_call *dropped,
                                bool *has_dropped)
{
    *has_dropped = f->depth == INFLIGHT_MAX;
    if (*has_dropped) {
        *dropped = f->calls[0];
        memmove(f->calls, f->calls + 1, --f->depth * sizeof f->calls[0]);
    }
    struct open_call *top = &f->calls[f->depth++];
    *top = (struct open_call){.ip = at.ip, .sp = at.sp};
    return top;
}

void inflight_handler(struct inflight *f)
{
    struct open_call *top = inflight_top(f);
    if (top && top->is_interrupted)
        top->has_handler = true;
}

/* The kernel restores the place after the call for EINTR, and that of the call instruction for a
 * restart. */
static bool leads_to(const struct open_call *c, struct place at)
{
    return c->is_interrupted && c->sp == at.sp &&
           (c->ip == at.ip || c->ip == at.ip + arch_call_length);
}

enum inflight_return inflight_sigreturn(struct inflight *f, struct place at, struct open_call *out)
{
    size_t i = f->depth;
    while (i > 0 && !leads_to(&f->calls[i - 1], at))
        i--;
    if (i == 0)
        return INFLIGHT_ELSEWHERE;
    if (i < f->depth) {
        pop(f, out);
        return INFLIGHT_ABANDONED;
    }
    struct open_call *top = inflight_top(f);
    top->has_handler = false;
    if (top->ip != at.ip)
        return INFLIGHT_RESTARTS;
    pop(f, out);
    return INFLIGHT_EINTR;
}
