/* Busy waiting: a long run of calls that bring nothing.
 *
 * A read that says EAGAIN, a waitpid with WNOHANG that finds nobody, a poll of no length that finds
 * nothing: each is fine once. More than fifty in a row, with nothing achieved between them, ask
 * again and again for what the kernel would announce by itself. Short sleeps between them change
 * little. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "diagnose/rule.h"

enum {
    TOO_MANY = 50,
    NAP_NS = 100 * 1000 * 1000, /* whoever sleeps longer does not spin */
};

struct spin {
    uint32_t count;
    uint32_t naps;
    uint32_t first_event;
    struct finding *finding;
    enum call call;
    uint32_t object;
};

struct state {
    struct table tasks;
};

enum outcome { PROGRESS, NOTHING, NEUTRAL };

static enum outcome outcome_of(const struct op *op)
{
    bool is_empty_handed = op->ret == -EAGAIN || op->ret == -EINTR;
    switch (op->kind) {
    case OP_READ:
    case OP_WRITE:
    case OP_MOVE:
    case OP_TEE: return op->ret == -EAGAIN ? NOTHING : PROGRESS;
    case OP_OPEN: /* O_NONBLOCK for writing on a FIFO that nobody reads yet */
        return op->ret == -ENXIO ? NOTHING : PROGRESS;
    case OP_WAIT: return op->ret == 0 && (op->flags & WNOHANG) ? NOTHING : PROGRESS;
    case OP_POLL:
        return op->ret == 0 && op->timeout_ns >= 0 && op->timeout_ns < NAP_NS ? NOTHING : NEUTRAL;
    case OP_KILL: return op->sig == 0 && op->ret == 0 ? NOTHING : PROGRESS;
    case OP_SLEEP: return op->timeout_ns >= 0 && op->timeout_ns < NAP_NS ? NEUTRAL : PROGRESS;
    case OP_SIGWAIT:
        return is_empty_handed && op->timeout_ns >= 0 && op->timeout_ns < NAP_NS ? NOTHING
                                                                                 : PROGRESS;
    case OP_NONE:
    case OP_QUERY:
    case OP_SIGMASK: return NEUTRAL;
    default: return PROGRESS;
    }
}

static void reword(struct context *c, struct spin *spin)
{
    finding_say(spin->finding, "%s asks again and again: %u %s calls in a row brought nothing%s%s",
                proc_name(c, c->proc), spin->count, call_name(spin->call),
                spin->object == MODEL_NONE ? "" : " from ",
                spin->object == MODEL_NONE ? "" : object_name(c, spin->object));
}

static void report(struct context *c, struct spin *spin)
{
    struct finding *f = finding_new(RULE_BUSY_WAIT, SEVERITY_WARNING, c->seq);
    spin->finding = f;
    f->proc = c->proc;
    f->object = spin->object;
    f->cause = spin->first_event;
    finding_add_event(f, spin->first_event);
    finding_add_event(f, c->ev->id);
    finding_add_proc(f, c->proc);
    finding_add_object(f, spin->object);
    finding_say_next(f, "%s",
                     spin->naps > 0
                         ? "Replace the short sleeps by a call that waits for the event itself: "
                           "poll, waitpid, sigwait."
                         : "Let the kernel wake it: a blocking call, or poll with a time limit.");
    reword(c, spin);
    finding_submit(c, f);
}

static void note_nothing(struct context *c, struct spin *spin)
{
    if (spin->count++ == 0) {
        spin->first_event = c->ev->id;
        spin->call = c->ev->call;
        spin->object = c->object;
    }
    if (spin->count == TOO_MANY + 1 && spin->finding == NULL)
        report(c, spin);
}

static void close_run(struct context *c, struct spin *spin)
{
    if (spin->finding && spin->finding->cause == spin->first_event && spin->count > 0)
        reword(c, spin);
    spin->count = spin->naps = 0;
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->task == MODEL_NONE || (!c->is_exit && c->ev->kind != EVENT_EXIT))
        return;
    struct spin *spin = table_row(&s->tasks, c->task, sizeof *spin);
    if (c->ev->kind == EVENT_EXIT) {
        close_run(c, spin);
        return;
    }
    switch (outcome_of(&c->op)) {
    case PROGRESS: close_run(c, spin); return;
    case NOTHING: note_nothing(c, spin); return;
    case NEUTRAL: spin->naps += c->op.kind == OP_SLEEP; return;
    }
}

static void on_end(struct context *c, void *state)
{
    struct state *s = state;
    for (uint32_t task = 0; task < model_task_count(c->m); task++) {
        c->task = task;
        c->proc = model_task(c->m, task)->proc;
        close_run(c, table_row(&s->tasks, task, sizeof(struct spin)));
    }
}

static void fini(void *state)
{
    table_fini(&((struct state *)state)->tasks);
}

const struct rule_ops rule_busy = {
    .state_size = sizeof(struct state), .on_step = on_step, .on_end = on_end, .fini = fini};
