/* Who sleeps, and when nobody moves. The kernel is asked twice: a task that was asleep both times
 * with the same number of context switches was asleep in between, too. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/probe.h"
#include "trace/tracer_parts.h"

enum {
    TICK_NS = 20 * 1000 * 1000,
    ASK_AGAIN_NS = 100 * 1000 * 1000,
    HOLD_NS = 20 * 1000 * 1000,
    HOLD_STEP_NS = 50 * 1000,
    SLEEPERS_MAX = 64, /* looked at in one tick */
};

static bool waits_for_vfork(const struct open_call *top)
{
    return top && !top->is_interrupted && (top->clone_flags & CLONE_VFORK);
}

/* A vfork parent is not in S but in D (wait_for_vfork_done). */
static bool is_asleep(struct task *task, const struct probe_process *now)
{
    return now->state == 'S' || (now->state == 'D' && waits_for_vfork(inflight_top(&task->calls)));
}

/* ---- BLOCKED events ---- */

static void note_sleeper(struct tracer *t, struct task *task)
{
    struct open_call *top = inflight_top(&task->calls);
    struct probe_process before, after;
    long nr;
    if (!top || top->is_interrupted || !top->is_recorded || task->is_stopped || task->is_listening)
        return;
    if (probe_process(task->tid, &before) < 0 || !is_asleep(task, &before))
        return;
    if (top->is_known_blocked && top->blocked_switches == before.switches)
        return;
    /* a restarted call sleeps under another number */
    probe_is_asleep(task->tid, &nr);
    bool is_it = nr == (long)top->nr || call_by_number(nr) == CALL_restart_syscall;
    if (!is_it || probe_process(task->tid, &after) < 0 || !is_asleep(task, &after) ||
        after.switches != before.switches)
        return;
    top->is_known_blocked = true;
    top->blocked_switches = before.switches;
    record_point(t, EVENT_BLOCKED, task->tid, (uint64_t[6]){top->event}, 0, NULL);
}

static void note_all(struct tracer *t)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        note_sleeper(t, t->tasks.all[i]);
}

void quiet_note_sleepers(struct tracer *t)
{
    size_t looked = 0;
    for (size_t i = 0; i < t->tasks.all_count && looked < SLEEPERS_MAX; i++) {
        struct task *task = t->tasks.all[i];
        const struct open_call *top = inflight_top(&task->calls);
        if (!top || top->is_known_blocked || t->now_ns - top->entry_ns < TICK_NS)
            continue;
        looked++;
        note_sleeper(t, task);
    }
}

/* ---- is anybody moving? ---- */

/* A leader that ended before its threads stays a zombie until they are gone. */
static bool has_threads(const struct tracer *t, const struct task *leader)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        if (t->tasks.all[i] != leader && t->tasks.all[i]->tgid == leader->tid)
            return true;
    return false;
}

static bool is_at_rest(const struct tracer *t, struct task *task, uint64_t *switches)
{
    *switches = 0;
    if (task->is_stopped)
        return true;
    struct probe_process now;
    if (probe_process(task->tid, &now) < 0)
        return false;
    if (task->is_listening) /* SIGCONT may have woken it */
        return now.state == 't' || now.state == 'T';
    *switches = now.switches;
    if (now.state == 'Z')
        return has_threads(t, task);
    return is_asleep(task, &now);
}

static bool are_all_at_rest(const struct tracer *t)
{
    size_t count = t->tasks.all_count;
    uint64_t *switches = xcalloc(count + 1, sizeof *switches);
    bool is_rest = !stop_has_strays(t);
    for (size_t i = 0; i < count && is_rest; i++)
        is_rest = is_at_rest(t, t->tasks.all[i], &switches[i]);
    for (size_t i = 0; i < count && is_rest; i++) {
        uint64_t again;
        is_rest = is_at_rest(t, t->tasks.all[i], &again) && again == switches[i];
    }
    free(switches);
    return is_rest;
}

static void flush(struct tracer *t)
{
    recorder_flush(t->recorder);
    t->flushed_steps = t->result.steps;
}

enum trace_answer quiet_ask(struct tracer *t)
{
    bool is_moving = t->reports != t->ticked_reports;
    t->ticked_reports = t->reports;
    if (is_moving || !t->options.on_quiet || t->tasks.all_count == 0)
        return TRACE_GO_ON;
    if (t->asked_reports == t->reports && t->now_ns - t->asked_ns < ASK_AGAIN_NS)
        return TRACE_GO_ON;
    if (!are_all_at_rest(t))
        return TRACE_GO_ON;
    note_all(t);
    flush(t);
    t->asked_reports = t->reports;
    t->asked_ns = t->now_ns;
    return t->options.on_quiet(t->options.arg);
}

/* ---- holding the world ---- */

static void release(struct tracer *t)
{
    t->is_holding = false;
    for (size_t i = 0; i < t->held_count; i++) {
        struct task *task = tasks_find(&t->tasks, t->held[i]);
        if (task)
            stop_restart(t, task);
    }
    t->held_count = 0;
}

/* True when there was something. */
static bool collect(struct tracer *t)
{
    int status;
    pid_t tid;
    uint64_t reports = t->reports;
    while ((tid = wait4(-1, &status, __WALL | WNOHANG, NULL)) > 0)
        stop_take(t, tid, status);
    return t->reports != reports;
}

void quiet_drain(struct tracer *t)
{
    t->is_holding = true;
    collect(t);
    release(t);
}

/* Gives up when somebody computes: there is no quiet point then. */
void quiet_hold(struct tracer *t)
{
    uint64_t deadline = clock_ns() + HOLD_NS;
    bool is_rest;
    t->next_hold = t->events + t->options.hold_every;
    t->is_holding = true;
    for (;;) {
        collect(t);
        is_rest = are_all_at_rest(t) && !collect(t);
        if (is_rest || clock_ns() > deadline)
            break;
        nanosleep(&(struct timespec){.tv_nsec = HOLD_STEP_NS}, NULL);
    }
    if (is_rest) {
        note_all(t);
        flush(t);
        t->options.on_held(t->options.arg);
    }
    release(t);
}
