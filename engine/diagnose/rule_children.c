/* Zombies, orphans, processes left behind: what parents owe their children.
 *
 * Every child is a zombie between its end and its parent's wait, and every shell leaves a
 * background job behind: neither is wrong. What counts is that somebody *lived on*: the parent
 * slept, or sat where the kernel put it to sleep, or made many calls, with the dead child
 * uncollected; the orphan did so without a parent. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "diagnose/rule.h"

enum {
    MANY_CALLS = 50,
    NAP_NS = 10 * 1000 * 1000, /* a shorter sleep is no life */
};

/* One process, as a child. */
struct child {
    uint32_t ended_seq;  /* it is a zombie since */
    uint32_t orphan_seq; /* its parent died then */
    uint32_t parent;     /* at that moment */
    uint32_t calls;      /* made since it is an orphan */
    bool lived_on;       /* as an orphan */
    bool has_own_session;
};

/* One process, as a parent. */
struct parent {
    uint32_t zombies;     /* now */
    uint32_t calls;       /* since the oldest zombie that it has not collected */
    bool lived_on;        /* with a zombie */
    bool idled;           /* it did so by intention: pause, sleep */
    bool slept_with_many; /* two or more at once, through a sleep */
    uint32_t proof;       /* the call it lived on in */
    struct finding *finding;
};

struct state {
    struct table children, parents; /* by process */
    uint32_t note_plus_1; /* the note that ended the run: later deaths are the tracer's doing */
};

static struct child *child_row(struct state *s, uint32_t proc)
{
    return table_row(&s->children, proc, sizeof(struct child));
}

static struct parent *parent_row(struct state *s, uint32_t proc)
{
    return table_row(&s->parents, proc, sizeof(struct parent));
}

/* ---- living on ---- */

/* A call in which time passes by intention. A wait of no length, or for a child, is none. */
static bool is_idling(const struct op *op)
{
    switch (op->kind) {
    case OP_SLEEP: return op->timeout_ns < 0 || op->timeout_ns >= NAP_NS;
    case OP_PAUSE:
    case OP_SIGSUSPEND:
    case OP_SIGWAIT: return true;
    default: return false;
    }
}

static bool idles_now(const struct context *c, uint32_t proc, uint32_t *proof)
{
    for (size_t i = 0; i < model_task_count(c->m); i++) {
        const struct task *t = model_task(c->m, (uint32_t)i);
        const struct event *ev =
            t->proc == proc && !t->is_dead ? model_pending(c->m, (uint32_t)i) : NULL;
        struct op op;
        if (ev && (call_decode(c->rec, ev, &op), is_idling(&op))) {
            *proof = ev->id;
            return true;
        }
    }
    return false;
}

static bool is_wait_call(const struct context *c, uint32_t event)
{
    struct op op;
    call_decode(c->rec, recording_event(c->rec, event), &op);
    return op.kind == OP_WAIT;
}

static void live_on(struct parent *p, uint32_t proof)
{
    if (!p->lived_on)
        p->proof = proof;
    p->lived_on = true;
    p->slept_with_many |= p->zombies >= 2;
}

/* ---- findings ---- */

/* The zombies of a parent, for a finding about them; returns how many. */
static size_t add_zombies(struct context *c, struct state *s, uint32_t proc, struct finding *f)
{
    size_t count = 0;
    for (uint32_t i = 0; i < model_proc_count(c->m); i++) {
        struct child *child = child_row(s, i);
        const struct proc *p = model_proc(c->m, i);
        if (child->ended_seq == 0 || child->parent != proc)
            continue;
        count++;
        finding_add_proc(f, i);
        finding_add_event(f, p->fork_event);
        finding_add_event(f, p->exit_event);
        if (f->cause == MODEL_NONE)
            f->cause = p->fork_event;
    }
    return count;
}

static struct finding *zombie_finding(struct context *c, struct state *s, uint32_t proc,
                                      size_t *count)
{
    struct parent *p = parent_row(s, proc);
    struct finding *f = finding_new(RULE_ZOMBIE, SEVERITY_WARNING, c->seq);
    f->proc = proc;
    finding_add_proc(f, proc);
    finding_add_event(f, p->proof);
    *count = add_zombies(c, s, proc, f);
    if (*count >= 2 && p->lived_on)
        f->severity = SEVERITY_PROBLEM;
    return f;
}

static void say_zombies(struct context *c, const struct finding *f, size_t count, struct buf *b)
{
    if (count == 1)
        buf_printf(b, "%s", proc_name(c, f->procs[1]));
    else
        buf_printf(b, "%zu children (%s, %s%s)", count, proc_name(c, f->procs[1]),
                   proc_name(c, f->procs[2]), count > 2 ? " ..." : "");
}

static void say_proof(struct context *c, const struct parent *p, struct buf *b)
{
    if (p->proof != MODEL_NONE)
        call_format(c->rec, recording_event(c->rec, p->proof), true, b);
    else
        buf_printf(b, "%u more calls", p->calls);
}

static void report_never_waited(struct context *c, struct state *s, uint32_t proc)
{
    struct parent *p = parent_row(s, proc);
    size_t count;
    struct finding *f = zombie_finding(c, s, proc, &count);
    struct buf who = {0}, proof = {0};
    say_zombies(c, f, count, &who);
    if (p->lived_on)
        say_proof(c, p, &proof);
    finding_say(f, "%s never waits for %s: %s in the process table %s%s", proc_name(c, proc),
                who.data, count == 1 ? "a zombie" : "zombies",
                p->lived_on ? "while it goes on with " : "until it ends",
                p->lived_on ? proof.data : "");
    finding_say_next(
        f, "Look at the fork: whoever makes a child collects its status with waitpid, or says "
           "in advance that nobody will (SIGCHLD set to SIG_IGN).");
    buf_fini(&who);
    buf_fini(&proof);
    p->finding = f;
    finding_submit(c, f);
}

/* They are many at once, and the parent sleeps: known now, whether it collects them later or not.
 */
static void report_uncollected(struct context *c, struct state *s, uint32_t proc)
{
    struct parent *p = parent_row(s, proc);
    size_t count;
    struct finding *f = zombie_finding(c, s, proc, &count);
    struct buf who = {0}, proof = {0};
    say_zombies(c, f, count, &who);
    say_proof(c, p, &proof);
    finding_say(f, "%s leaves %s as zombies while it does something else: %s", proc_name(c, proc),
                who.data, proof.data);
    finding_say_next(
        f, "Collect each child when it ends: waitpid in a loop, driven by SIGCHLD or a pidfd "
           "where the parent has other work.");
    buf_fini(&who);
    buf_fini(&proof);
    p->finding = f;
    finding_submit(c, f);
}

/* A shell that leaves a job uncollected at its own end does so because it is over anyway. */
static bool has_own_zombie(struct context *c, struct state *s, uint32_t proc)
{
    for (uint32_t i = 0; i < model_proc_count(c->m); i++) {
        const struct child *child = child_row(s, i);
        bool is_its_zombie = child->ended_seq != 0 && child->parent == proc;
        if (is_its_zombie && is_users_own(c, model_proc(c->m, i)->fork_event))
            return true;
    }
    return false;
}

static void judge_parent(struct context *c, struct state *s, uint32_t proc)
{
    struct parent *p = parent_row(s, proc);
    bool did_more = p->lived_on || (p->calls > 0 && has_own_zombie(c, s, proc));
    if (p->zombies > 0 && p->finding == NULL && did_more)
        report_never_waited(c, s, proc);
}

static void report_orphan(struct context *c, struct state *s, uint32_t proc)
{
    struct child *child = child_row(s, proc);
    const struct proc *p = model_proc(c->m, proc);
    bool is_job =
        p->exec_event != MODEL_NONE; /* another program: a background job, started as one */
    struct finding *f =
        finding_new(RULE_ORPHAN, is_job ? SEVERITY_NORMAL : SEVERITY_WARNING, child->orphan_seq);
    f->proc = proc;
    f->cause = p->fork_event;
    finding_add_event(f, p->fork_event);
    finding_add_event(f, model_proc(c->m, child->parent)->exit_event);
    finding_add_proc(f, proc);
    finding_add_proc(f, child->parent);
    finding_say(f, "%s outlives its parent %s, which ended without waiting for it",
                proc_name(c, proc), proc_name(c, child->parent));
    finding_say_next(
        f, is_job ? "Nothing to do if this was meant as a background job."
                  : "Let the parent wait before it ends; a daemon that is to live alone says "
                    "so with setsid.");
    finding_submit(c, f);
}

/* ---- steps ---- */

static void note_child_end(struct context *c, struct state *s)
{
    const struct proc *p = model_proc(c->m, c->proc);
    if (p->state != PROC_ZOMBIE || p->parent == MODEL_NONE || s->note_plus_1 != 0)
        return;
    const struct proc *owner = model_proc(c->m, p->parent);
    if (owner->state != PROC_ALIVE)
        return; /* it cannot wait any more, and need not */
    if (owner->exec_event != MODEL_NONE && owner->exec_event > p->start_event)
        return; /* a program that was started with children does not know of them */
    struct child *child = child_row(s, c->proc);
    struct parent *parent = parent_row(s, p->parent);
    uint32_t proof;
    child->ended_seq = c->seq;
    child->parent = p->parent;
    if (parent->zombies++ == 0)
        *parent = (struct parent){.zombies = 1, .finding = parent->finding, .proof = MODEL_NONE};
    if (idles_now(c, p->parent, &proof)) {
        live_on(parent, proof);
        parent->idled = true;
    }
}

static void note_parent_end(struct context *c, struct state *s)
{
    if (s->note_plus_1 != 0)
        return;
    judge_parent(c, s, c->proc);
    for (uint32_t i = 0; i < model_proc_count(c->m); i++) {
        struct child *child = child_row(s, i);
        const struct proc *p = model_proc(c->m, i);
        bool is_alive = p->state == PROC_ALIVE;
        uint32_t proof;
        if (!is_alive || p->creator != c->proc || child->orphan_seq != 0)
            continue;
        child->orphan_seq = c->seq;
        child->parent = c->proc;
        child->lived_on = idles_now(c, i, &proof);
    }
}

static void note_reaped(struct context *c, struct state *s)
{
    for (uint32_t i = (uint32_t)model_proc_count(c->m); i-- > 0;) {
        struct child *child = child_row(s, i);
        if (child->ended_seq == 0 || model_proc(c->m, i)->state != PROC_REAPED ||
            model_proc(c->m, i)->reaped_event != c->ev->id)
            continue;
        child->ended_seq = 0;
        struct parent *parent = parent_row(s, child->parent);
        if (--parent->zombies == 0)
            parent->lived_on = false;
        return;
    }
}

static void note_call(struct context *c, struct state *s)
{
    struct parent *p = parent_row(s, c->proc);
    struct child *child = child_row(s, c->proc);
    bool is_idle = is_idling(&c->op);
    if (p->zombies > 0) {
        p->idled |= is_idle;
        if (is_idle)
            live_on(p, c->ev->id);
        else if (c->op.kind != OP_WAIT && c->op.kind != OP_EXIT && ++p->calls == MANY_CALLS)
            live_on(p, MODEL_NONE);
    }
    if (child->orphan_seq != 0 && (is_idle || ++child->calls == MANY_CALLS))
        child->lived_on = true;
}

static void note_asleep(struct context *c, struct state *s)
{
    uint32_t call = (uint32_t)c->ev->args[0];
    struct parent *p = parent_row(s, c->proc);
    if (p->zombies > 0 && !is_wait_call(c, call))
        live_on(p, call);
    struct child *child = child_row(s, c->proc);
    child->lived_on |= child->orphan_seq != 0;
}

static void report_sleepers(struct context *c, struct state *s)
{
    struct parent *p = parent_row(s, c->proc);
    bool is_return_to_life = c->is_exit && is_idling(&c->op) && c->op.ret != -EINTR;
    if (is_return_to_life && p->zombies >= 2 && p->slept_with_many && p->finding == NULL)
        report_uncollected(c, s, c->proc);
}

static void note_note(struct context *c, struct state *s)
{
    if (c->ev->args[0] != NOTE_TEXT && c->ev->args[0] != NOTE_INCOMPLETE)
        s->note_plus_1 = c->ev->id + 1;
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->ev->kind == EVENT_NOTE)
        note_note(c, s);
    if (c->proc == MODEL_NONE)
        return;
    if (is_process_end(c)) {
        note_parent_end(c, s);
        note_child_end(c, s);
    } else if (c->ev->kind == EVENT_BLOCKED) {
        note_asleep(c, s);
    } else if (is_return_of(c, OP_WAIT)) {
        note_reaped(c, s);
    } else if (is_return_of(c, OP_SET_SID)) {
        child_row(s, c->proc)->has_own_session = true;
    } else if (c->ev->kind == EVENT_CALL && !c->is_exit) {
        note_call(c, s);
    } else if (c->ev->kind == EVENT_CALL) {
        report_sleepers(c, s);
    }
}

/* ---- the end ---- */

/* Whoever waits for ever elsewhere would have collected its children afterwards. */
static bool is_stuck_elsewhere(const struct context *c, uint32_t proc)
{
    static const enum rule rules[] = {RULE_NEVER_EOF, RULE_DEADLOCK};
    for (size_t r = 0; r < 2; r++) {
        const struct finding *f;
        for (size_t i = 0; (f = finding_of(c, rules[r], i)) != NULL; i++) {
            for (size_t n = 0; n < f->proc_count; n++) {
                if (f->procs[n] == proc)
                    return true;
            }
        }
    }
    return false;
}

static void on_end(struct context *c, void *state)
{
    struct state *s = state;
    for (uint32_t i = 0; i < model_proc_count(c->m); i++) {
        if (parent_row(s, i)->idled || !is_stuck_elsewhere(c, i))
            judge_parent(c, s, i);
        struct child *child = child_row(s, i);
        if (child->orphan_seq != 0 && child->lived_on && !child->has_own_session)
            report_orphan(c, s, i);
    }
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->children);
    table_fini(&s->parents);
}

const struct rule_ops rule_children = {
    .state_size = sizeof(struct state), .on_step = on_step, .on_end = on_end, .fini = fini};
