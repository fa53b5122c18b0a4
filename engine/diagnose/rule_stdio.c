/* A stdio buffer duplicated by fork.
 *
 * The same bytes written by parent and child prove nothing: both may have printed them. The proof
 * is in how glibc prints: the first output to stdout makes its buffer, and looks with fstat(1) how
 * to buffer. So a program of the user that called fstat(1) and has not written to descriptor 1
 * since holds bytes in its buffer; if it forks now, both processes hold them. If both then write,
 * and both writes begin with the same bytes, they were printed once and came out twice. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "diagnose/rule.h"

/* One filling of a buffer: the call at which it began, and who has flushed it. */
struct filling {
    uint32_t event;
    uint32_t write; /* first flush; MODEL_NONE */
    uint32_t writer;
    uint32_t copies;
    uint32_t fork_plus_1;
    struct finding *finding;
};

struct state {
    struct table
        holding; /* by process: uint32_t, index of its filling plus 1; 0: an empty buffer */
    struct filling *fillings;
    size_t fillings_count, fillings_cap;
};

static uint32_t *holding(struct state *s, uint32_t proc)
{
    return table_row(&s->holding, proc, sizeof(uint32_t));
}

static void note_fstat(struct context *c, struct state *s)
{
    if (*holding(s, c->proc) != 0 || !is_users_own(c, c->ev->id))
        return;
    *PUSH(s->fillings) = (struct filling){.event = c->ev->id, .write = MODEL_NONE};
    *holding(s, c->proc) = (uint32_t)s->fillings_count;
}

static void note_fork(struct context *c, struct state *s)
{
    const struct proc *p = model_proc(c->m, c->proc);
    if (p->creator == MODEL_NONE || p->shares_memory || p->start_event != c->ev->id)
        return;
    uint32_t held = *holding(s, p->creator);
    *holding(s, c->proc) = held;
    if (held != 0 && s->fillings[held - 1].fork_plus_1 == 0)
        s->fillings[held - 1].fork_plus_1 = p->fork_event + 1;
}

static size_t common_prefix(const struct context *c, uint32_t one, uint32_t two)
{
    struct blob a, b;
    if (!recording_blob(c->rec, recording_event(c->rec, one), 1, BLOB_IN, &a) ||
        !recording_blob(c->rec, recording_event(c->rec, two), 1, BLOB_IN, &b))
        return 0;
    size_t common = 0;
    while (common < a.kept && common < b.kept && a.bytes[common] == b.bytes[common])
        common++;
    return common;
}

static struct finding *duplication(struct context *c, struct filling *fill)
{
    struct finding *f = finding_new(RULE_STDIO_DUPLICATED, SEVERITY_PROBLEM, c->seq);
    f->proc = c->proc;
    f->object = c->object;
    f->cause = fill->fork_plus_1 - 1;
    finding_add_event(f, fill->event);
    finding_add_event(f, fill->fork_plus_1 - 1);
    finding_add_event(f, fill->write);
    finding_add_object(f, c->object);
    finding_add_proc(f, fill->writer);
    finding_say_next(
        f, "Call fflush before fork, and _exit instead of exit in a child that does not own the "
           "buffer.");
    return f;
}

static void note_flush(struct context *c, struct state *s)
{
    uint32_t held = *holding(s, c->proc);
    if (held == 0)
        return;
    struct filling *fill = &s->fillings[held - 1];
    *holding(s, c->proc) = 0;
    if (fill->write == MODEL_NONE) {
        fill->write = c->ev->id;
        fill->writer = c->proc;
        return;
    }
    size_t common = common_prefix(c, fill->write, c->ev->id);
    if (common == 0 || fill->fork_plus_1 == 0)
        return;
    bool is_new = fill->finding == NULL;
    if (is_new)
        fill->finding = duplication(c, fill);
    fill->copies++;
    finding_add_event(fill->finding, c->ev->id);
    finding_add_proc(fill->finding, c->proc);
    struct blob blob;
    struct buf text = {0};
    if (recording_blob(c->rec, c->ev, 1, BLOB_IN, &blob))
        buf_quoted(&text, blob.bytes, common, 40);
    finding_say(fill->finding,
                "%s was printed once, was still in the stdio buffer at the fork, and is written %u "
                "times to %s: "
                "by %s and by %s%s",
                text.data, fill->copies + 1, object_name(c, c->object), proc_name(c, fill->writer),
                proc_name(c, c->proc), fill->copies > 1 ? " among others" : "");
    buf_fini(&text);
    if (is_new)
        finding_submit(c, fill->finding);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->proc == MODEL_NONE)
        return;
    bool is_fstat = c->ev->kind == EVENT_CALL && !c->is_exit &&
                    (c->ev->call == CALL_newfstatat || c->ev->call == CALL_fstat);
    if (is_fstat && c->ev->args[0] == 1)
        note_fstat(c, s);
    else if (c->ev->kind == EVENT_START)
        note_fork(c, s);
    else if (c->ev->kind == EVENT_EXEC)
        *holding(s, c->proc) = 0;
    else if (is_return_of(c, OP_WRITE) && c->op.fd == 1)
        note_flush(c, s);
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->holding);
    free(s->fillings);
}

const struct rule_ops rule_stdio = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
