/* Short reads and writes that were not resumed.
 *
 * A write that took fewer bytes than asked owes the rest. The debt is paid by a next write that
 * begins with the rest (the same address, or the same bytes); it is a finding when the next write
 * is provably something else, or when the process ends well without paying.
 *
 * A short read is harder: whoever takes bytes as they come (cat, wc, a line reader) is right to ask
 * for a full buffer again. It is a finding only where the writer sent a record in one write, the
 * reader asked for exactly that record, got its beginning, and asked for a whole record into the
 * same buffer again, without having passed the beginning on. Round sizes are buffers, not records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "diagnose/rule.h"

enum { ROUND = 512 };

/* A process's short write that is not yet paid for. */
struct debt {
    uint32_t event_plus_1;
    uint32_t object;
    uint64_t address, asked, written;
};

/* A task's short read of a record. */
struct part {
    uint32_t event_plus_1;
    uint32_t object;
    uint32_t writer_event;
    uint64_t address, asked, got;
    uint32_t told_plus_1; /* object of which it was said already */
};

struct state {
    struct table debts; /* by process */
    struct table parts; /* by task */
};

/* ---- writes ---- */

static void report_write(struct context *c, const struct debt *debt, const char *then,
                         uint32_t event)
{
    struct finding *f = finding_new(RULE_SHORT_WRITE, SEVERITY_PROBLEM, c->seq);
    const struct event *ev = recording_event(c->rec, debt->event_plus_1 - 1);
    f->proc = c->proc;
    f->object = debt->object;
    f->cause = ev->id;
    finding_add_event(f, ev->id);
    finding_add_event(f, event);
    finding_add_proc(f, c->proc);
    finding_add_object(f, debt->object);
    finding_say(f, "%s wrote %llu of %llu bytes to %s and then %s: %llu bytes were never sent",
                proc_name(c, c->proc), (unsigned long long)debt->written,
                (unsigned long long)debt->asked, object_name(c, debt->object), then,
                (unsigned long long)(debt->asked - debt->written));
    finding_say_next(
        f, "Look at the result of that %s: a loop must go on at byte %llu until all is written.",
        call_name(ev->call), (unsigned long long)debt->written);
    finding_submit(c, f);
}

enum answer { NO, YES, UNKNOWN };

/* Does the payload of ev begin with what the debt still owes? */
static enum answer begins_with_rest(struct context *c, const struct debt *debt)
{
    struct blob owed, sent;
    if (c->ev->args[1] == debt->address + debt->written)
        return YES;
    if (!recording_blob(c->rec, recording_event(c->rec, debt->event_plus_1 - 1), 1, BLOB_IN,
                        &owed) ||
        !recording_blob(c->rec, c->ev, 1, BLOB_IN, &sent))
        return UNKNOWN;
    if (owed.kept > debt->written) {
        uint64_t left = owed.kept - debt->written;
        size_t common = (size_t)(left < sent.kept ? left : sent.kept);
        return memcmp(owed.bytes + debt->written, sent.bytes, common) == 0 ? YES : NO;
    }
    bool starts_over = c->ev->args[1] == debt->address && c->op.size == debt->asked;
    bool is_same = owed.kept == sent.kept && memcmp(owed.bytes, sent.bytes, owed.kept) == 0;
    if (starts_over && is_same && owed.kept > 0)
        return NO;
    /* Whoever copies the rest elsewhere sends it from there, all of it. */
    bool is_elsewhere =
        c->ev->args[1] < debt->address || c->ev->args[1] >= debt->address + debt->asked;
    return is_elsewhere && c->op.size < debt->asked - debt->written ? NO : UNKNOWN;
}

static bool is_plain_write(const struct event *ev)
{
    return ev->call == CALL_write; /* of a vector the payload is many pieces: say nothing */
}

static void note_write(struct context *c, struct state *s)
{
    struct debt *debt = table_row(&s->debts, c->proc, sizeof *debt);
    if (debt->event_plus_1 != 0 && debt->object == c->object) {
        if (c->op.ret == -EAGAIN || c->op.ret == -EINTR)
            return;
        if (is_plain_write(c->ev) && c->op.ret > 0 && begins_with_rest(c, debt) == NO)
            report_write(c, debt, "went on with something else", c->ev->id);
        debt->event_plus_1 = 0;
    }
    bool is_short = c->op.ret > 0 && (uint64_t)c->op.ret < c->op.size;
    if (is_short && is_plain_write(c->ev) && is_stream(c, c->object))
        *debt = (struct debt){c->ev->id + 1, c->object, c->ev->args[1], c->op.size,
                              (uint64_t)c->op.ret};
}

static void note_end(struct context *c, struct state *s)
{
    struct debt *debt = table_row(&s->debts, c->proc, sizeof *debt);
    const struct proc *p = model_proc(c->m, c->proc);
    if (debt->event_plus_1 != 0 && ended_well(p))
        report_write(c, debt, "ended", c->ev->id);
    debt->event_plus_1 = 0;
}

/* A close of the last way to pay is the end of the matter. */
static void note_close(struct context *c, struct state *s)
{
    struct debt *debt = table_row(&s->debts, c->proc, sizeof *debt);
    struct hold holds[32];
    if (debt->event_plus_1 == 0 || debt->object != c->object)
        return;
    size_t count = model_holders(c->m, c->object, holds, 32);
    for (size_t i = 0; i < count && i < 32; i++) {
        if (holds[i].proc == c->proc && holds[i].can_write)
            return;
    }
    report_write(c, debt, "closed it", c->ev->id);
    debt->event_plus_1 = 0;
}

/* ---- reads ---- */

/* The write that this read's first bytes came from, and where in it they began. */
static const struct flow *first_flow(struct context *c)
{
    const struct flow *flows;
    size_t count = model_flows(c->m, &flows);
    return count > 0 && flows[0].to_event == c->ev->id && flows[0].from_event != MODEL_NONE ? flows
                                                                                            : NULL;
}

static void report_read(struct context *c, const struct part *part)
{
    struct finding *f = finding_new(RULE_SHORT_READ, SEVERITY_PROBLEM, c->seq);
    f->proc = c->proc;
    f->object = c->object;
    f->cause = part->event_plus_1 - 1;
    finding_add_event(f, f->cause);
    finding_add_event(f, c->ev->id);
    finding_add_event(f, part->writer_event);
    finding_add_proc(f, c->proc);
    finding_add_object(f, c->object);
    finding_say(
        f,
        "%s asked %s for a record of %llu bytes, got the first %llu of it, and read the rest over "
        "them as if it were a new record",
        proc_name(c, c->proc), object_name(c, c->object), (unsigned long long)part->asked,
        (unsigned long long)part->got);
    finding_say_next(
        f, "Look at the result of the first read: a record is complete only after a loop that "
           "asks for what is missing.");
    finding_submit(c, f);
}

static void note_read(struct context *c, struct state *s)
{
    struct part *part = table_row(&s->parts, c->task, sizeof *part);
    const struct flow *flow = first_flow(c);
    bool is_record = c->ev->call == CALL_read && c->op.size % ROUND != 0;
    if (part->event_plus_1 != 0 && part->object == c->object) {
        bool is_rest = flow && flow->from_event == part->writer_event && flow->start == part->got;
        bool asks_again = is_record && c->op.size == part->asked && c->ev->args[1] == part->address;
        if (is_rest && asks_again && part->told_plus_1 != c->object + 1) {
            report_read(c, part);
            part->told_plus_1 = c->object + 1;
        }
        part->event_plus_1 = 0;
        return;
    }
    if (!is_record || flow == NULL || flow->start != 0 || (uint64_t)c->op.ret >= c->op.size)
        return;
    const struct event *writer = recording_event(c->rec, flow->from_event);
    struct op sent;
    if (call_decode(c->rec, writer, &sent) == 0 && sent.kind == OP_WRITE && sent.size == c->op.size)
        *part = (struct part){.event_plus_1 = c->ev->id + 1,
                              .object = c->object,
                              .writer_event = flow->from_event,
                              .address = c->ev->args[1],
                              .asked = c->op.size,
                              .got = (uint64_t)c->op.ret,
                              .told_plus_1 = part->told_plus_1};
}

/* Passing the beginning on is using a stream as a stream. */
static void forget_part(struct context *c, struct state *s)
{
    struct part *part = table_row(&s->parts, c->task, sizeof *part);
    if (c->op.ret > 0 && (uint64_t)c->op.ret <= part->got)
        part->event_plus_1 = 0;
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (is_return_of(c, OP_WRITE)) {
        note_write(c, s);
        forget_part(c, s);
    } else if (is_return_of(c, OP_READ) && c->op.ret > 0 && is_stream(c, c->object)) {
        note_read(c, s);
    } else if (is_return_of(c, OP_CLOSE) && c->object != MODEL_NONE) {
        note_close(c, s);
    } else if (is_process_end(c)) {
        note_end(c, s);
    }
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->debts);
    table_fini(&s->parts);
}

const struct rule_ops rule_partial = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
