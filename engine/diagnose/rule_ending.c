/* How the run ended, and what the recording may lack.
 *
 * A run that did not end by itself carries a note by the tracer. What the note means depends on
 * what the processes were doing then: waiting for ever (the other rules have said so), burning
 * calls or time, or getting on, only slowly. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "diagnose/ending.h"
#include "diagnose/rule.h"

enum {
    SILENT_NS = 200 * 1000 * 1000, /* running so long without a call: it computes or spins */
    FRUITLESS = 50,
};

/* What a task did last. */
struct doing {
    uint32_t fruitless; /* calls in a row that brought nothing, or failed */
    uint32_t event_plus_1;
    uint64_t last_ns;
};

struct state {
    struct table tasks;
    enum run_end verdict;
    uint32_t note_plus_1;
    bool is_incomplete_said;
    struct table left; /* by process: bool, it was alive when the tracer closed the run */
};

enum run_end ending_verdict(const void *ending_state)
{
    return ((const struct state *)ending_state)->verdict;
}

/* ---- what a task is doing ---- */

static bool is_fruitless(const struct context *c)
{
    const struct op *op = &c->op;
    if (op->kind == OP_POLL)
        return op->ret <= 0 && op->timeout_ns == 0;
    if (op->kind == OP_WAIT)
        return op->ret <= 0;
    return op->ret < 0;
}

static void note_call(struct context *c, struct state *s)
{
    struct doing *d = table_row(&s->tasks, c->task, sizeof *d);
    d->event_plus_1 = c->ev->id + 1;
    d->last_ns = c->is_exit ? c->ev->exit_ns : c->ev->entry_ns;
    if (c->is_exit)
        d->fruitless = is_fruitless(c) ? d->fruitless + 1 : 0;
}

/* ---- the verdict ---- */

static const struct finding *first_stuck(const struct context *c)
{
    const struct finding *eof = finding_of(c, RULE_NEVER_EOF, 0);
    const struct finding *dead = finding_of(c, RULE_DEADLOCK, 0);
    if (eof == NULL || dead == NULL)
        return eof ? eof : dead;
    return eof->seq <= dead->seq ? eof : dead;
}

/* A live task that burns calls or time; MODEL_NONE. */
static uint32_t spinner(struct context *c, struct state *s, uint64_t now)
{
    for (uint32_t i = 0; i < model_task_count(c->m); i++) {
        const struct task *t = model_task(c->m, i);
        struct doing *d = table_row(&s->tasks, i, sizeof *d);
        bool is_silent = model_pending(c->m, i) == NULL && now - d->last_ns > SILENT_NS;
        if (!t->is_dead && !model_proc(c->m, t->proc)->is_stopped &&
            (is_silent || d->fruitless > FRUITLESS))
            return i;
    }
    return MODEL_NONE;
}

static void report_spin(struct context *c, struct state *s, uint32_t task)
{
    struct doing *d = table_row(&s->tasks, task, sizeof *d);
    uint32_t proc = model_task(c->m, task)->proc;
    struct finding *f = finding_new(RULE_SPIN, SEVERITY_PROBLEM, c->seq);
    struct buf last = {0};
    f->proc = proc;
    f->cause = d->event_plus_1 ? d->event_plus_1 - 1 : MODEL_NONE;
    finding_add_event(f, f->cause);
    finding_add_proc(f, proc);
    if (f->cause != MODEL_NONE)
        call_format(c->rec, recording_event(c->rec, f->cause), true, &last);
    if (d->fruitless > FRUITLESS)
        finding_say(f, "%s does not end: it repeats calls that bring nothing, %u in a row up to %s",
                    proc_name(c, proc), d->fruitless, last.data);
    else
        finding_say(f, "%s does not end: it runs without making any call (the last was %s)",
                    proc_name(c, proc), last.data ? last.data : "none");
    finding_say_next(
        f, "Look for a loop whose condition nothing changes: memory is not shared after fork, and "
           "a plain variable set by a handler must be volatile sig_atomic_t.");
    finding_submit(c, f);
    buf_fini(&last);
}

static void add_slow_task(struct context *c, struct finding *f, uint32_t task, struct buf *who)
{
    const struct event *ev = model_pending(c->m, task);
    uint32_t proc = model_task(c->m, task)->proc;
    buf_printf(who, "%s%s ", who->len ? ", " : "", proc_name(c, proc));
    if (model_proc(c->m, proc)->is_stopped)
        buf_puts(who, "stopped");
    else
        buf_printf(who, "%s%s", ev ? "in " : "running", ev ? call_name(ev->call) : "");
    f->proc = f->proc == MODEL_NONE ? proc : f->proc;
    finding_add_proc(f, proc);
    finding_add_event(f, ev ? ev->id : MODEL_NONE);
}

static void report_slow(struct context *c)
{
    struct finding *f = finding_new(RULE_SLOW, SEVERITY_WARNING, c->seq);
    finding_add_event(f, c->ev->id);
    struct buf who = {0};
    for (uint32_t i = 0; i < model_task_count(c->m) && f->proc_count < 3; i++) {
        const struct task *t = model_task(c->m, i);
        if (!t->is_dead)
            add_slow_task(c, f, i, &who);
    }
    finding_say(f, "The time limit ended the run before it was done: %s",
                who.data ? who.data : "nobody left");
    finding_say_next(
        f, "Look at what takes the time in the last events: sleeps, or many small steps.");
    finding_submit(c, f);
    buf_fini(&who);
}

static void report_flood(struct context *c)
{
    struct finding *f = finding_new(RULE_FLOOD, SEVERITY_PROBLEM, c->seq);
    struct blob text;
    finding_add_event(f, c->ev->id);
    bool has_text = recording_blob(c->rec, c->ev, 0, BLOB_IN, &text) ||
                    recording_blob(c->rec, c->ev, 0, BLOB_OUT, &text);
    finding_say(f, "The run was ended at a limit: %s",
                has_text ? (const char *)text.bytes
                         : "too much output, or too many processes or events");
    finding_say_next(f, "Look for a loop that forks or writes without end.");
    finding_submit(c, f);
}

static void judge_note(struct context *c, struct state *s)
{
    const struct finding *stuck = first_stuck(c);
    uint32_t task;
    s->note_plus_1 = c->ev->id + 1;
    switch ((enum note_code)c->ev->args[0]) {
    case NOTE_FLOOD:
        s->verdict = RUN_FLOOD;
        report_flood(c);
        return;
    case NOTE_STUCK:
        s->verdict = stuck && stuck->rule == RULE_NEVER_EOF ? RUN_NEVER_EOF : RUN_DEADLOCK;
        return;
    case NOTE_INTERRUPTED: s->verdict = RUN_INTERRUPTED; break;
    default: s->verdict = RUN_SLOW; break;
    }
    if (stuck) {
        s->verdict = stuck->rule == RULE_NEVER_EOF ? RUN_NEVER_EOF : RUN_DEADLOCK;
        return;
    }
    if (s->verdict == RUN_INTERRUPTED)
        return;
    task = spinner(c, s, c->ev->entry_ns);
    if (task != MODEL_NONE) {
        s->verdict = RUN_SPIN;
        report_spin(c, s, task);
    } else {
        report_slow(c);
    }
}

/* ---- what was left behind, what was missed ---- */

static void say_incomplete(struct context *c, struct state *s, const char *what)
{
    if (s->is_incomplete_said)
        return;
    s->is_incomplete_said = true;
    struct finding *f = finding_new(RULE_INCOMPLETE, SEVERITY_NORMAL, c->seq);
    finding_say(f, "The recording may have missed something: %s", what);
    finding_say_next(f, "Trust what is shown; do not conclude from what is not shown.");
    finding_submit(c, f);
}

static void judge_completeness(struct context *c, struct state *s)
{
    const struct completeness *done = recording_completeness(c->rec);
    if (done->is_damaged)
        say_incomplete(c, s, "the file lacks its end");
    else if (done->has_foreign_abi)
        say_incomplete(c, s, "a program made calls of another ABI");
    else if (done->has_untraced)
        say_incomplete(c, s, "a child could not be traced");
    else if (done->has_own_filter)
        say_incomplete(c, s, "a program installed a filter of its own, which may hide calls");
    else if (done->lost_privileges)
        say_incomplete(c, s, "a set-uid program ran without its privileges");
    else if (done->has_io_uring)
        say_incomplete(c, s, "a program asked for io_uring and was refused");
}

/* A text of the tracer's after the command's end: it closes the run, and kills who is left. */
static void note_close(struct context *c, struct state *s)
{
    for (uint32_t i = 1; i < model_proc_count(c->m); i++) {
        if (model_proc(c->m, i)->state == PROC_ALIVE)
            *(bool *)table_row(&s->left, i, sizeof(bool)) = true;
    }
}

static void judge_left_behind(struct context *c, struct state *s)
{
    struct finding *f = NULL;
    struct buf who = {0};
    for (uint32_t i = 1; i < model_proc_count(c->m); i++) {
        const struct proc *p = model_proc(c->m, i);
        bool was_alive = *(bool *)table_row(&s->left, i, sizeof(bool));
        bool is_killed = p->state == PROC_ALIVE ||
                         (WIFSIGNALED(p->wait_status) && WTERMSIG(p->wait_status) == SIGKILL);
        if (!was_alive || !is_killed)
            continue;
        if (f == NULL)
            f = finding_new(RULE_LEFT_BEHIND, SEVERITY_WARNING, c->seq);
        buf_printf(&who, "%s%s", f->proc_count ? ", " : "", proc_name(c, i));
        f->proc = f->proc == MODEL_NONE ? i : f->proc;
        finding_add_proc(f, i);
        finding_add_event(f, p->fork_event);
    }
    if (f == NULL)
        return;
    f->cause = f->event_count ? f->events[0] : MODEL_NONE;
    finding_say(f, "The command ended and left %s running; %s then killed", who.data,
                f->proc_count == 1 ? "it was" : "they were");
    finding_say_next(
        f, "Whoever starts a process ends it: wait for it, or tell it to stop and then wait.");
    finding_submit(c, f);
    buf_fini(&who);
}

/* ---- steps ---- */

static bool has_ended(const struct proc *p)
{
    return p->state == PROC_ZOMBIE || p->state == PROC_REAPED;
}

static void note_note(struct context *c, struct state *s)
{
    struct blob text;
    if (c->ev->args[0] == NOTE_INCOMPLETE)
        say_incomplete(c, s,
                       recording_blob(c->rec, c->ev, 0, BLOB_IN, &text) ? (const char *)text.bytes
                                                                        : "the tracer noted a gap");
    else if (c->ev->args[0] != NOTE_TEXT && s->note_plus_1 == 0)
        judge_note(c, s);
    else if (model_proc_count(c->m) > 0 && has_ended(model_proc(c->m, 0)))
        note_close(c, s);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->ev->kind == EVENT_NOTE)
        note_note(c, s);
    if (c->proc == MODEL_NONE)
        return;
    if (c->ev->kind == EVENT_CALL)
        note_call(c, s);
}

static void on_end(struct context *c, void *state)
{
    struct state *s = state;
    const struct finding *stuck = first_stuck(c);
    judge_completeness(c, s);
    if (s->note_plus_1 == 0)
        judge_left_behind(c, s);
    if (s->verdict == RUN_ENDED && stuck && model_is_stuck(c->m))
        s->verdict = stuck->rule == RULE_NEVER_EOF ? RUN_NEVER_EOF : RUN_DEADLOCK;
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->tasks);
    table_fini(&s->left);
}

const struct rule_ops rule_ending = {
    .state_size = sizeof(struct state), .on_step = on_step, .on_end = on_end, .fini = fini};
