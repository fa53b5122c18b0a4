#include "ui/replay.h"

#include <stdlib.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

struct replay {
    struct recording *rec;
    struct history *history;
    struct diagnosis *diagnosis;
    struct source *source;
    struct model *ahead;    /* folded up to the last listed step */
    struct moment *moments; /* one for each step */
    size_t moments_count, moments_cap;
    uint32_t *loud; /* indexes into moments of those that are not quiet */
    size_t loud_count, loud_cap;
    bool is_live;
    bool was_ended; /* the tracer ended the run: what dies after that dies of us */
};

int replay_open(struct replay **out, const char *path, bool is_live, struct err *e)
{
    struct recording *rec;
    int r = recording_open(&rec, path, e);
    if (r < 0)
        return r;
    struct replay *replay = xcalloc(1, sizeof *replay);
    replay->rec = rec;
    replay->is_live = is_live;
    replay->source = source_new(rec);
    replay->ahead = model_new(rec);
    *out = replay;
    return 0;
}

/* Folds what there is: may take a second for a million events, so it waits until a screen stands.
 */
static void prepare(struct replay *r)
{
    if (r->history)
        return;
    r->history = history_new(r->rec);
    r->diagnosis = diagnosis_new(r->rec);
    diagnosis_extend(r->diagnosis, !r->is_live);
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    model_free(r->ahead);
    source_free(r->source);
    diagnosis_free(r->diagnosis);
    history_free(r->history);
    recording_free(r->rec);
    free(r->moments);
    free(r->loud);
    free(r);
}

bool replay_refresh(struct replay *r)
{
    if (!r->is_live || recording_refresh(r->rec, NULL) <= 0)
        return false;
    if (r->history) {
        history_extend(r->history);
        diagnosis_extend(r->diagnosis, 0);
    }
    return true;
}

void replay_finish(struct replay *r)
{
    if (!r->is_live)
        return;
    replay_refresh(r);
    r->is_live = false;
    if (r->diagnosis)
        diagnosis_extend(r->diagnosis, 1);
}

bool replay_is_live(const struct replay *r)
{
    return r->is_live;
}

const struct recording *replay_recording(const struct replay *r)
{
    return r->rec;
}

struct source *replay_source(const struct replay *r)
{
    return r->source;
}

const struct model *replay_at(struct replay *r, uint32_t seq)
{
    uint32_t last = recording_step_count(r->rec);
    return history_at(r->history, seq > last ? last : seq);
}

const struct model *replay_end(const struct replay *r)
{
    return r->ahead;
}

size_t replay_finding_count(const struct replay *r)
{
    return r->diagnosis ? diagnosis_count(r->diagnosis) : 0;
}

const struct finding *replay_finding(const struct replay *r, size_t index)
{
    return diagnosis_finding(r->diagnosis, index);
}

enum run_end replay_run_end(const struct replay *r)
{
    return diagnosis_end(r->diagnosis);
}

struct event replay_event(const struct replay *r, uint32_t seq)
{
    struct step step = recording_step(r->rec, seq);
    struct event ev = *recording_event(r->rec, step.event);
    if (ev.kind == EVENT_CALL && !step.is_exit)
        ev.exit_seq = 0;
    return ev;
}

static uint32_t proc_of_tid(const struct model *m, int32_t tid)
{
    uint32_t task = model_task_by_tid(m, tid);
    return task == MODEL_NONE ? MODEL_NONE : model_task(m, task)->proc;
}

/* What a call is about, when that is no object that processes share. */
static bool is_private_kind(enum object_kind kind)
{
    return kind == OBJECT_FILE || kind == OBJECT_DIR || kind == OBJECT_DEVICE ||
           kind == OBJECT_OTHER;
}

static bool touches_private(const struct model *m, uint32_t proc, const struct op *op)
{
    const struct fd_slot *slot = proc == MODEL_NONE ? NULL : model_fd(m, proc, op->fd);
    return slot && is_private_kind(model_object(m, model_file(m, slot->file)->object)->kind);
}

/* An own frame on the stack means that the user's code asked for it. */
static bool is_own_wish(const struct recording *rec, const struct event *ev)
{
    const struct frame *frames;
    return recording_stack(rec, ev->stack, &frames) > 0 &&
           recording_module(rec, frames[0].module)->is_own;
}

/* A call that changes nothing which processes share, and that the user's code did not ask for.
 * `before` is the state before it, when the closed descriptor was still there. */
static bool is_housekeeping(const struct model *before, uint32_t proc, const struct event *ev)
{
    const struct recording *rec = model_recording(before);
    struct op op;
    if (ev->kind != EVENT_CALL || call_decode(rec, ev, &op) < 0 || is_own_wish(rec, ev))
        return false;
    switch (op.kind) {
    case OP_NONE:
    case OP_QUERY: return true;
    case OP_OPEN: return ev->exit_seq != 0;
    case OP_CLOSE:
    case OP_READ:
    case OP_SEEK:
    case OP_FD_FLAGS:
    case OP_STATUS_FLAGS: return op.fd < 0 || touches_private(before, proc, &op);
    default: return false;
    }
}

static bool is_quiet_point(const struct recording *rec, const struct event *ev)
{
    switch ((enum event_kind)ev->kind) {
    case EVENT_FD:
    case EVENT_DEAD:
    case EVENT_DYING: return true;
    case EVENT_BLOCKED: {
        /* That a call waits is seen at its entry; that a write has filled the pipe is news. */
        struct op op;
        const struct event *call = recording_event(rec, (uint32_t)ev->args[0]);
        return call_decode(rec, call, &op) < 0 || op.kind != OP_WRITE;
    }
    default: return false;
    }
}

/* A fork is told by the START of its child and by its return, an execve by its EXEC. */
static bool is_said_by_another(const struct recording *rec, const struct step *step,
                               const struct event *ev)
{
    struct op op;
    if (call_decode(rec, ev, &op) < 0)
        return false;
    if (op.kind == OP_FORK)
        return !step->is_exit && ev->exit_seq != 0;
    return op.kind == OP_EXEC && ev->exit_seq != 0 && (!step->is_exit || op.ret == 0);
}

static bool ends_run(const struct event *ev)
{
    return ev->kind == EVENT_NOTE && ev->args[0] != NOTE_TEXT && ev->args[0] != NOTE_INCOMPLETE;
}

static bool is_quiet(const struct model *before, uint32_t proc, const struct step *step,
                     const struct event *ev)
{
    if (ev->kind != EVENT_CALL)
        return is_quiet_point(model_recording(before), ev);
    if (!step->is_exit && ev->exit_seq == ev->entry_seq + 1)
        return true;
    if (is_said_by_another(model_recording(before), step, ev))
        return true;
    return is_housekeeping(before, proc, ev);
}

/* After an open has returned, the kind of what was opened is known. */
static bool has_opened_shared(const struct model *after, uint32_t proc, const struct event *ev)
{
    struct op op;
    if (ev->kind != EVENT_CALL || call_decode(model_recording(after), ev, &op) < 0 ||
        op.kind != OP_OPEN || op.ret < 0)
        return false;
    op.fd = (int)op.ret;
    return !touches_private(after, proc, &op);
}

/* Lists the next step; false when it has to wait: an entry at the very end of a live recording may
 * be that of a call that returns at once. */
static bool list_next(struct replay *r)
{
    uint32_t seq = model_seq(r->ahead) + 1, last = recording_step_count(r->rec);
    struct step step = recording_step(r->rec, seq);
    const struct event *ev = recording_event(r->rec, step.event);
    if (r->is_live && seq == last && ev->kind == EVENT_CALL && !step.is_exit)
        return false;
    struct moment moment = {.seq = seq, .proc = proc_of_tid(r->ahead, ev->tid)};
    moment.is_quiet = is_quiet(r->ahead, moment.proc, &step, ev);
    moment.is_quiet |= r->was_ended;
    r->was_ended |= ends_run(ev);
    model_apply(r->ahead);
    if (moment.proc == MODEL_NONE)
        moment.proc = proc_of_tid(r->ahead, ev->tid);
    if (moment.is_quiet && step.is_exit && has_opened_shared(r->ahead, moment.proc, ev))
        moment.is_quiet = false;
    if (!moment.is_quiet)
        *PUSH(r->loud) = (uint32_t)r->moments_count;
    *PUSH(r->moments) = moment;
    return true;
}

bool replay_work(struct replay *r, uint64_t budget_ns)
{
    uint64_t end = clock_ns() + budget_ns;
    prepare(r);
    while (model_seq(r->ahead) < recording_step_count(r->rec)) {
        if (!list_next(r))
            return false;
        if (r->moments_count % 256 == 0 && clock_ns() >= end)
            return true;
    }
    return false;
}

size_t replay_count(const struct replay *r, bool all)
{
    return all ? r->moments_count : r->loud_count;
}

struct moment replay_moment(const struct replay *r, size_t index, bool all)
{
    return r->moments[all ? index : r->loud[index]];
}

size_t replay_index(const struct replay *r, uint32_t seq, bool all)
{
    size_t low = 0, high = replay_count(r, all);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (replay_moment(r, middle, all).seq <= seq)
            low = middle;
        else
            high = middle;
    }
    return low;
}
