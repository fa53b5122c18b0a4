#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "diagnose/ending.h"
#include "diagnose/rule.h"

static const struct rule_ops *const families[] = {
    &rule_stuck, &rule_sigpipe, &rule_partial, &rule_eintr, &rule_error,  &rule_children,
    &rule_leak,  &rule_stdio,   &rule_busy,    &rule_crash, &rule_ending, /* last: it weighs the
                                                                             others */
};
enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

/* What a call's descriptors referred to at its entry: a close has forgotten it at its exit. */
struct target_memo {
    uint32_t event_plus_1;
    uint32_t file, object, object2;
};

struct diagnosis {
    const struct recording *rec;
    struct model *m;
    void *states[FAMILY_COUNT];
    struct context context;
    struct table memos;        /* by task and nesting depth */
    struct finding **findings; /* ordered by seq */
    size_t findings_count, findings_cap;
    bool is_over;
};

struct diagnosis *diagnosis_new(const struct recording *rec)
{
    struct diagnosis *d = xcalloc(1, sizeof *d);
    d->rec = rec;
    d->m = model_new(rec);
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        d->states[i] = xcalloc(1, families[i]->state_size);
    d->context = (struct context){.d = d, .rec = rec, .m = d->m};
    return d;
}

void diagnosis_free(struct diagnosis *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (families[i]->fini)
            families[i]->fini(d->states[i]);
        free(d->states[i]);
    }
    for (size_t i = 0; i < d->findings_count; i++)
        finding_discard(d->findings[i]);
    free(d->findings);
    for (size_t i = 0; i < sizeof d->context.names / sizeof d->context.names[0]; i++)
        buf_fini(&d->context.names[i]);
    table_fini(&d->memos);
    model_free(d->m);
    free(d);
}

/* ---- one step ---- */

uint32_t object_of_fd(const struct context *c, uint32_t proc, int fd)
{
    const struct fd_slot *slot = proc == MODEL_NONE || fd < 0 ? NULL : model_fd(c->m, proc, fd);
    return slot ? model_file(c->m, slot->file)->object : MODEL_NONE;
}

static struct target_memo *memo_of(struct diagnosis *d, uint32_t task)
{
    /* An interrupted call and its handler's calls nest; one row for each level. */
    const struct task *t = model_task(d->m, task);
    uint32_t depth = t->pending_count % MODEL_PENDING_MAX;
    return table_row(&d->memos, task * MODEL_PENDING_MAX + depth, sizeof(struct target_memo));
}

static void look_up_targets(struct context *c)
{
    const struct fd_slot *slot = c->op.fd < 0 ? NULL : model_fd(c->m, c->proc, c->op.fd);
    c->file = slot ? slot->file : MODEL_NONE;
    c->object = slot ? model_file(c->m, slot->file)->object : MODEL_NONE;
    c->object2 = object_of_fd(c, c->proc, c->op.fd2);
}

/* Before the step is applied: who it happens to, and, of a call that begins or ends, to what. */
static void look_before(struct context *c)
{
    struct step step = recording_step(c->rec, c->seq);
    c->ev = recording_event(c->rec, step.event);
    c->is_exit = step.is_exit;
    c->file = c->object = c->object2 = MODEL_NONE;
    c->op = (struct op){.fd = -1, .fd2 = -1};
    c->task = model_task_by_tid(c->m, c->ev->tid);
    c->proc = c->task == MODEL_NONE ? MODEL_NONE : model_task(c->m, c->task)->proc;
}

/* The recording shows a call as it is now: at its entry step it may already have a result, which
 * a rule must not see before its time. */
static void decode_half(struct context *c)
{
    struct event half = *c->ev;
    if (!c->is_exit) {
        half.exit_seq = 0;
        half.ret = 0;
    }
    call_decode(c->rec, &half, &c->op);
}

static void look_at_call(struct context *c)
{
    decode_half(c);
    if (c->task == MODEL_NONE)
        return;
    if (!c->is_exit) {
        look_up_targets(c);
        return;
    }
    struct target_memo *memo = memo_of(c->d, c->task);
    if (memo->event_plus_1 == c->ev->id + 1) {
        c->file = memo->file;
        c->object = memo->object;
        c->object2 = memo->object2;
    } else {
        look_up_targets(c);
    }
}

static void remember_targets(struct context *c)
{
    if (c->task == MODEL_NONE || c->ev->kind != EVENT_CALL || c->is_exit)
        return;
    *memo_of(c->d, c->task) = (struct target_memo){c->ev->id + 1, c->file, c->object, c->object2};
}

static void step(struct diagnosis *d)
{
    struct context *c = &d->context;
    c->seq = model_seq(d->m) + 1;
    look_before(c);
    if (c->ev->kind == EVENT_CALL)
        look_at_call(c);
    model_apply(d->m);
    remember_targets(c);
    if (c->task == MODEL_NONE) {
        c->task = model_task_by_tid(d->m, c->ev->tid);
        c->proc = c->task == MODEL_NONE ? MODEL_NONE : model_task(d->m, c->task)->proc;
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        families[i]->on_step(c, d->states[i]);
}

void diagnosis_extend(struct diagnosis *d, int is_over)
{
    while (model_seq(d->m) < recording_step_count(d->rec))
        step(d);
    if (!is_over || d->is_over)
        return;
    d->is_over = true;
    d->context.seq = model_seq(d->m);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (families[i]->on_end)
            families[i]->on_end(&d->context, d->states[i]);
    }
}

/* ---- findings ---- */

void finding_submit(struct context *c, struct finding *f)
{
    struct diagnosis *d = c->d;
    assert(f->text != NULL);
    size_t at = d->findings_count;
    *PUSH(d->findings) = f;
    for (; at > 0 && d->findings[at - 1]->seq > f->seq; at--)
        d->findings[at] = d->findings[at - 1];
    d->findings[at] = f;
}

const struct finding *finding_of(const struct context *c, enum rule rule, size_t nth)
{
    const struct diagnosis *d = c->d;
    for (size_t i = 0; i < d->findings_count; i++) {
        if (d->findings[i]->rule == rule && nth-- == 0)
            return d->findings[i];
    }
    return NULL;
}

size_t diagnosis_count(const struct diagnosis *d)
{
    return d->findings_count;
}

const struct finding *diagnosis_finding(const struct diagnosis *d, size_t index)
{
    assert(index < d->findings_count);
    return d->findings[index];
}

enum run_end diagnosis_end(const struct diagnosis *d)
{
    return ending_verdict(d->states[FAMILY_COUNT - 1]);
}

const struct model *diagnosis_model(const struct diagnosis *d)
{
    return d->m;
}

void finding_graph(const struct diagnosis *d, const struct finding *f, struct buf *out)
{
    (void)d;
    if (f->graph)
        buf_puts(out, f->graph);
}
