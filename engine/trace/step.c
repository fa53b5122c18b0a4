#include "trace/step.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "trace/step_parts.h"

enum {
    MOVE_NS = 1000, /* what a move takes on the run's own clock */
};

struct task *step_find(struct tracer *t, uint32_t birth)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        if (t->tasks.all[i]->brake.birth == birth)
            return t->tasks.all[i];
    return NULL;
}

uint64_t step_now(const struct tracer *t)
{
    return t->stepper->clock_ns;
}

/* ---- everybody ---- */

/* The task that was born next after `birth`; tasks come and go while this is used. */
static struct task *next_born(struct tracer *t, int64_t birth)
{
    struct task *best = NULL;
    for (size_t i = 0; i < t->tasks.all_count; i++) {
        struct task *task = t->tasks.all[i];
        if ((int64_t)task->brake.birth > birth && (!best || task->brake.birth < best->brake.birth))
            best = task;
    }
    return best;
}

static void say_done(struct tracer *t, const struct task *task, bool is_parking, bool is_forced,
                     enum step_kind kind)
{
    const struct brake *b = &task->brake;
    struct step_done done = {.birth = b->birth,
                             .kind = kind,
                             .is_parking = is_parking,
                             .is_forced = is_forced,
                             .call = b->call,
                             .event = b->call_event,
                             .ret = b->ret,
                             .has_returned = b->has_returned,
                             .child = b->child,
                             .child_is_thread = b->child_is_thread};
    if (t->stepper->hooks->done)
        t->stepper->hooks->done(t->stepper->hooks->arg, &done);
}

/* A parked task has stopped: its call ends, or a signal interrupts it. */
static void follow_woken(struct tracer *t, struct task *task, bool was_open)
{
    uint32_t birth = task->brake.birth;
    if (!step_does_rest(t, task))
        step_go_on(t, task);
    task = step_find(t, birth);
    if (!task || !was_open)
        return;
    if (task->brake.has_returned)
        say_done(t, task, false, true, STEP_GO);
    else if (task->brake.state != STEP_PARKED)
        say_done(t, task, false, true, STEP_SIGNAL);
}

/* True when the task was in motion. */
static bool look(struct tracer *t, struct task *task)
{
    bool was_open = !task->brake.has_returned;
    switch ((enum step_state)task->brake.state) {
    case STEP_MOVING: /* born, or swept along by its group */
        if (task->is_stopped) {
            if (!step_does_rest(t, task))
                step_go_on(t, task);
            return true;
        }
        step_follow(t, task);
        return true;
    case STEP_PARKED:
        if (step_is_still_asleep(task))
            return false;
        if (step_await(t, task))
            follow_woken(t, task, was_open);
        return true;
    case STEP_HELD:
    case STEP_STOPPED:
    case STEP_DYING:
        /* only a signal moves who stands at a stop; and exec and exit of its own group */
        if (!t->stepper->is_held_looked_at || !step_take_stop(t, task))
            return false;
        if (!step_does_rest(t, task))
            step_go_on(t, task);
        return true;
    case STEP_DEAD: return false;
    }
    return false;
}

/* ---- signals that wait for a held task ---- */

static uint64_t bit(int sig)
{
    return UINT64_C(1) << (sig - 1);
}

static const uint64_t *ignored_by_default(void)
{
    static uint64_t set;
    set = bit(SIGCHLD) | bit(SIGURG) | bit(SIGWINCH) | bit(SIGCONT);
    return &set;
}

/* True when a signal was delivered that does nothing: the task is back where it was, without it. */
static bool ask_pending(struct tracer *t, struct task *task)
{
    struct signal_sets now;
    task->brake.pending = 0;
    if (task->brake.state != STEP_HELD || !step_signals(task, &now))
        return false;
    uint64_t pending = now.pending & ~now.blocked;
    uint64_t vain = pending & (now.ignored | (*ignored_by_default() & ~now.caught));
    if (vain) {
        step_deliver(t, task);
        return true;
    }
    task->brake.pending = pending;
    return false;
}

static bool ask_all_pending(struct tracer *t)
{
    bool was_vain = false;
    t->stepper->is_signal_sent = false;
    for (struct task *task = next_born(t, -1); task;) {
        int64_t birth = task->brake.birth;
        was_vain |= ask_pending(t, task);
        task = next_born(t, birth);
    }
    if (was_vain)
        t->stepper->is_signal_sent = true;
    return was_vain;
}

/* Nobody in the run is told of its end. */
static bool is_unheeded(struct tracer *t, struct task *task)
{
    pid_t parent = step_stat(task).ppid;
    return !tasks_find(&t->tasks, parent);
}

static bool report_unheeded(struct tracer *t)
{
    for (struct task *task = next_born(t, -1); task;) {
        int64_t birth = task->brake.birth;
        if (task->brake.state == STEP_DEAD && !step_has_threads(t, task) && is_unheeded(t, task) &&
            step_reap(t, task))
            return true;
        task = next_born(t, birth);
    }
    return false;
}

static bool settle_once(struct tracer *t)
{
    bool has_moved = false;
    for (struct task *task = next_born(t, -1); task && !t->is_ending;) {
        int64_t birth = task->brake.birth;
        has_moved |= look(t, task);
        task = next_born(t, birth);
    }
    return has_moved;
}

static bool may_move_held(const struct tracer *t)
{
    enum call call = t->stepper->granted_call;
    return t->stepper->is_signal_sent || call == CALL_exit_group || call == CALL_exit ||
           call == CALL_execve || call == CALL_execveat || call == CALL_UNKNOWN;
}

void step_settle(struct tracer *t)
{
    t->stepper->is_held_looked_at = may_move_held(t);
    while (!t->is_ending && (settle_once(t) || (t->stepper->is_signal_sent && ask_all_pending(t)) ||
                             report_unheeded(t))) {
    }
}

/* ---- what `choose` sees ---- */

static void view_task(struct tracer *t, struct task *task)
{
    struct brake *b = &task->brake;
    const struct open_call *top = inflight_top(&task->calls);
    bool is_in_call = top && (b->state == STEP_HELD || b->state == STEP_PARKED);
    struct step_task *v = PUSH(t->stepper->view);
    *v = (struct step_task){.birth = b->birth,
                            .creator = b->creator,
                            .is_thread = !step_is_leader(task),
                            .tid = task->tid,
                            .tgid = task->tgid,
                            .state = (enum step_state)b->state,
                            .call = is_in_call ? (enum call)top->call : CALL_UNKNOWN,
                            .event = is_in_call ? top->event : UINT32_MAX,
                            .grants = b->grants,
                            .pending = b->state == STEP_HELD ? b->pending : 0,
                            .has_deadline = b->has_deadline && is_in_call,
                            .deadline_ns = b->deadline_ns};
    if (is_in_call)
        memcpy(v->args, top->args, sizeof v->args);
}

static uint32_t birth_of(struct tracer *t, pid_t tgid)
{
    const struct task *task = tasks_find(&t->tasks, tgid);
    return task ? task->brake.birth : BRAKE_NOBODY;
}

static void make_view(struct tracer *t)
{
    struct stepper *s = t->stepper;
    s->view_count = s->timer_view_count = 0;
    for (struct task *task = next_born(t, -1); task; task = next_born(t, task->brake.birth))
        view_task(t, task);
    for (size_t i = 0; i < s->timers_count; i++) {
        const struct timer *timer = &s->timers[i];
        *PUSH(s->timer_view) = (struct step_timer){.birth = birth_of(t, timer->tgid),
                                                   .sig = timer->sig,
                                                   .deadline_ns = timer->deadline_ns};
    }
}

size_t step_task_count(const struct tracer *t)
{
    return t->stepper->view_count;
}

const struct step_task *step_task_at(const struct tracer *t, size_t i)
{
    return &t->stepper->view[i];
}

size_t step_timer_count(const struct tracer *t)
{
    return t->stepper->timer_view_count;
}

const struct step_timer *step_timer_at(const struct tracer *t, size_t i)
{
    return &t->stepper->timer_view[i];
}

uint64_t step_clock(const struct tracer *t)
{
    return t->stepper->clock_ns;
}

/* ---- the loop ---- */

static bool can_anybody_move(const struct stepper *s)
{
    for (size_t i = 0; i < s->view_count; i++) {
        const struct step_task *v = &s->view[i];
        if (v->state == STEP_HELD || v->state == STEP_DYING || v->state == STEP_DEAD ||
            v->has_deadline)
            return true;
    }
    return s->timer_view_count > 0;
}

/* Something outside of the run may wake somebody: nothing but waiting tells. */
static void wait_outside(struct tracer *t)
{
    siginfo_t info = {0};
    while (tracer_pace(t) && t->tasks.all_count &&
           (waitid(P_ALL, 0, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL) < 0 && errno == EINTR)) {
    }
}

static void end_stuck(struct tracer *t)
{
    if (t->ended_ns && t->options.ends_with_command)
        tracer_end(t, TRACE_ENDED, "processes were left when the command had ended");
    else
        tracer_end(t, TRACE_STUCK, "nobody can move any more");
}

/* The command up to its first held call: exec, and the loader. */
static void begin(struct tracer *t)
{
    struct task *task = tasks_find(&t->tasks, t->command);
    step_on_born(t, task, NULL);
    step_settle(t);
}

static void take_turn(struct tracer *t)
{
    const struct step_hooks *hooks = t->stepper->hooks;
    make_view(t);
    if (t->options.hold_every && t->events >= t->next_hold) {
        t->next_hold = t->events + t->options.hold_every;
        t->options.on_held(t->options.arg);
    }
    if (!can_anybody_move(t->stepper)) {
        if (hooks->is_stuck(hooks->arg) == TRACE_GO_ON)
            wait_outside(t);
        else
            end_stuck(t);
        step_settle(t);
        return;
    }
    struct step_choice choice = {0};
    switch (hooks->choose(hooks->arg, &choice)) {
    case TRACE_STOP_STUCK: end_stuck(t); return;
    case TRACE_STOP_FLOODED: tracer_end(t, TRACE_FLOODED, "too many moves"); return;
    case TRACE_GO_ON: break;
    }
    t->stepper->clock_ns += MOVE_NS;
    t->now_ns = t->stepper->clock_ns;
    step_move(t, &choice);
    step_settle(t);
}

/* The run is ending: who stands at a stop goes on. SIGKILL ends every stop but one, that of a task
 * which is dying already (PTRACE_EVENT_EXIT). */
static void let_all_go(struct tracer *t)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        stop_restart(t, t->tasks.all[i]);
}

void step_run(struct tracer *t)
{
    struct stepper *s = xcalloc(1, sizeof *s);
    s->hooks = t->options.stepped;
    t->stepper = s;
    begin(t);
    while (tracer_pace(t) && t->tasks.all_count)
        take_turn(t);
    t->stepper = NULL;
    let_all_go(t);
    step_free(s);
}

void step_free(struct stepper *s)
{
    if (!s)
        return;
    free(s->timers);
    free(s->kinds);
    free(s->view);
    free(s->timer_view);
    free(s);
}
