#include "trace/step.h"

#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/arch.h"
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

/* ---- asking the kernel ---- */

struct stat_line {
    char state; /* 0: gone */
    pid_t ppid;
};

/* A file of the task in /proc, opened once. Returns the length read, 0 when it is gone. */
static size_t read_kept(struct task *task, int *fd, const char *name, char *text, size_t size)
{
    char path[40];
    if (*fd < 0) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)task->tid, name);
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    ssize_t n = pread(*fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static struct stat_line read_stat(struct task *task)
{
    char text[512];
    struct stat_line line = {0};
    if (!read_kept(task, &task->brake.stat_fd, "stat", text, sizeof text))
        return line;
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    int ppid;
    if (rest && sscanf(rest + 1, " %c %d", &line.state, &ppid) == 2)
        line.ppid = ppid;
    return line;
}

static bool is_vfork_parent(struct task *task)
{
    const struct open_call *top = inflight_top(&task->calls);
    return top && !top->is_interrupted && (top->clone_flags & CLONE_VFORK);
}

/* State S alone does not tell: a call may set it, look once more whether it needs to wait, and be
 * preempted in between (do_wait does). /proc/TID/syscall answers "running" then, because it asks
 * whether the task is off its run queue (proc_pid_syscall(5)). */
static bool is_asleep(struct task *task, char state)
{
    char text[256];
    if (state != 'S' && !(state == 'D' && is_vfork_parent(task)))
        return false;
    read_kept(task, &task->brake.syscall_fd, "syscall", text, sizeof text);
    return strncmp(text, "running", 7) != 0 && read_stat(task).state == state;
}

/* Takes a stop, never an end: to reap a dead process is to tell its parent, and that is a move. */
static bool take_stop(struct tracer *t, struct task *task)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)task->tid, &info, WSTOPPED | WNOHANG | __WALL) < 0 || !info.si_pid)
        return false;
    stop_take(t, task->tid, info.si_status << 8 | 0x7f);
    return true;
}

static bool is_leader(const struct task *task)
{
    return task->tid == task->tgid;
}

/* Reaps a dead task; for a leader this tells its parent. False when the kernel is not so far. */
static bool reap(struct tracer *t, struct task *task)
{
    int status;
    pid_t tid = task->tid;
    if (wait4(tid, &status, __WALL | WNOHANG, NULL) != tid)
        return false;
    if (tid == task->tgid)
        step_forget_timers(t->stepper, tid);
    stop_take(t, tid, status);
    return true;
}

/* ---- until a task rests ---- */

static void note_parked(struct tracer *t, struct task *task)
{
    struct open_call *top = inflight_top(&task->calls);
    task->brake.state = STEP_PARKED;
    if (!top || !top->is_recorded || top->is_interrupted || top->is_known_blocked)
        return;
    top->is_known_blocked = true;
    record_point(t, EVENT_BLOCKED, task->tid, (uint64_t[6]){top->event}, 0, NULL);
}

/* Of the followed calls, those that others can notice or that notice others. What the dynamic
 * linker does is the same in every order. */
static bool is_visible(struct task *task, const struct open_call *call)
{
    switch ((enum call)call->call) {
    case CALL_rt_sigreturn:
    case CALL_fstat:
    case CALL_getrandom:
    case CALL_clock_gettime:
    case CALL_gettimeofday:
    case CALL_time: return false;
    case CALL_newfstatat: return !(call->args[3] & AT_EMPTY_PATH);
    default: break;
    }
    if (!task->brake.is_loading)
        return true;
    const struct range *range = space_find(task->space, task->tid, call->ip);
    task->brake.is_loading = range && range->object && object_is_loader(range->object);
    return !task->brake.is_loading;
}

/* Does the last stop end its move? */
static bool does_rest(struct tracer *t, struct task *task)
{
    struct brake *b = &task->brake;
    const struct open_call *top = inflight_top(&task->calls);
    switch (task->stop) {
    case STOP_ENTRY:
        if (!t->has_execed || !is_visible(task, top))
            return false;
        b->state = STEP_HELD;
        b->ran_handler = false;
        b->pending = 0;
        step_note_deadline(t, task);
        return true;
    case STOP_REENTRY:
        /* an ignored signal has passed: the kernel goes on, and so does the task */
        if (!b->is_rewound && !b->ran_handler) {
            step_take_time(t, task);
            return false;
        }
        b->is_rewound = b->ran_handler = false;
        b->state = STEP_HELD;
        b->pending = 0;
        step_note_deadline(t, task);
        return true;
    case STOP_EXIT:
        if (b->is_killed_at_exit)
            kill(task->tgid, SIGKILL);
        b->is_killed_at_exit = false;
        return false;
    case STOP_SIGNAL: {
        const struct open_call *call = inflight_top(&task->calls);
        b->ran_handler = b->ran_handler || (call && call->has_handler);
        return false;
    }
    case STOP_DYING:
        if (b->is_exiting)
            return false;
        b->state = STEP_DYING;
        return true;
    case STOP_EXEC: b->is_loading = true; return false;
    default: return false;
    }
}

static void resume(struct task *task)
{
    task->is_stopped = false;
    task->brake.state = STEP_MOVING;
    /* ESRCH: it was killed meanwhile, and will say so */
    ptrace(task->restart_op, task->tid, NULL, (void *)(long)task->restart_signal);
}

/* exec in a thread and exit_group wait for the other threads, which stop once more on their way
 * out. */
static void help_group(struct tracer *t, const struct task *task)
{
    pid_t tgid = task->tgid, tid = task->tid;
    for (size_t i = 0; i < t->tasks.all_count; i++) {
        struct task *other = t->tasks.all[i];
        if (other->tgid != tgid || other->tid == tid)
            continue;
        if (take_stop(t, other) && other->is_stopped)
            resume(other);
        else if (!is_leader(other) && read_stat(other).state == 'Z')
            reap(t, other);
    }
}

/* Waits for the next stop of a task that moves, and takes it; false when it rests without one:
 * asleep, dead or gone. */
static bool await(struct tracer *t, struct task *task)
{
    pid_t tid = task->tid;
    uint32_t birth = task->brake.birth;
    while (tracer_pace(t)) {
        if (take_stop(t, task))
            return true;
        char state = read_stat(task).state;
        if (is_asleep(task, state)) {
            if (take_stop(t, task))
                return true;
            note_parked(t, task);
            return false;
        }
        if (state == 'Z' && is_leader(task)) {
            task->brake.state = STEP_DEAD;
            return false;
        }
        if (state == 'Z' || state == 'X' || state == 0) {
            if (reap(t, task) || !tasks_find(&t->tasks, tid))
                return false;
        }
        if (t->tasks.all_count > 1) {
            help_group(t, task);
            if (!step_find(t, birth))
                return false; /* exec has moved it to the leader's number */
        }
        sched_yield();
    }
    return false;
}

void step_go_on(struct tracer *t, struct task *task)
{
    uint32_t birth = task->brake.birth;
    do {
        resume(task);
        if (task->is_listening && task->stop == STOP_GROUP) {
            task->brake.state = STEP_STOPPED;
            return;
        }
        if (!await(t, task))
            return;
        if (step_find(t, birth) != task)
            return;
    } while (!does_rest(t, task));
}

void step_follow(struct tracer *t, struct task *task)
{
    if (await(t, task) && !does_rest(t, task))
        step_go_on(t, task);
}

void step_doom(struct tracer *t, pid_t tgid)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        if (t->tasks.all[i]->tgid == tgid)
            t->tasks.all[i]->brake.is_exiting = true;
}

/* ---- hooks of stops.c ---- */

void step_on_born(struct tracer *t, struct task *task, struct task *creator)
{
    task->brake.birth = t->stepper->births++;
    task->brake.creator = creator ? creator->brake.birth : BRAKE_NOBODY;
    if (creator) {
        creator->brake.child = task->brake.birth;
        creator->brake.child_is_thread = !is_leader(task);
    }
}

void step_on_return(struct tracer *t, struct task *task, struct ptrace_syscall_info *info)
{
    struct brake *b = &task->brake;
    (void)t;
    if (b->has_patch)
        arch_set_arg(task->tid, b->patched_arg, b->original_arg);
    b->has_patch = false;
    if (b->is_timing_out &&
        (inflight_is_restart_code(info->exit.rval) || info->exit.rval == -EINTR)) {
        info->exit.rval = step_timeout_result(task);
        arch_set_result(task->tid, info->exit.rval);
    }
    b->is_timing_out = false;
}

static bool sends_signals(enum call call)
{
    switch (call) {
    case CALL_kill:
    case CALL_tkill:
    case CALL_tgkill:
    case CALL_rt_sigqueueinfo:
    case CALL_rt_tgsigqueueinfo:
    case CALL_pidfd_send_signal: return true;
    default: return false;
    }
}

void step_on_exit(struct tracer *t, struct task *task, const struct open_call *call, int64_t ret)
{
    struct brake *b = &task->brake;
    if (sends_signals(call->call))
        t->stepper->is_signal_sent = true;
    if (call->call == CALL_timer_create && ret == 0)
        step_learn_timer(t, task, call);
    if (call->event != b->call_event || !call->is_recorded)
        return;
    b->has_returned = true;
    b->ret = ret;
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
    if (!does_rest(t, task))
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
            if (!does_rest(t, task))
                step_go_on(t, task);
            return true;
        }
        step_follow(t, task);
        return true;
    case STEP_PARKED:
        if (take_stop(t, task)) {
            follow_woken(t, task, was_open);
            return true;
        }
        if (is_asleep(task, read_stat(task).state))
            return false;
        if (await(t, task))
            follow_woken(t, task, was_open);
        return true;
    case STEP_HELD:
    case STEP_STOPPED:
    case STEP_DYING:
        if (!take_stop(t, task))
            return false;
        if (!does_rest(t, task))
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
    struct probe_process now;
    task->brake.pending = 0;
    if (task->brake.state != STEP_HELD || probe_process(task->tid, &now) < 0)
        return false;
    uint64_t pending = (now.sig_pending | now.sig_shared_pending) & ~now.sig_blocked;
    uint64_t vain = pending & (now.sig_ignored | (*ignored_by_default() & ~now.sig_caught));
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
    pid_t parent = read_stat(task).ppid;
    return !tasks_find(&t->tasks, parent);
}

static bool has_threads(const struct tracer *t, const struct task *leader)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        if (t->tasks.all[i] != leader && t->tasks.all[i]->tgid == leader->tid)
            return true;
    return false;
}

static bool report_unheeded(struct tracer *t)
{
    for (struct task *task = next_born(t, -1); task;) {
        int64_t birth = task->brake.birth;
        if (task->brake.state == STEP_DEAD && !has_threads(t, task) && is_unheeded(t, task) &&
            reap(t, task))
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

void step_settle(struct tracer *t)
{
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
                            .is_thread = !is_leader(task),
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

void step_run(struct tracer *t)
{
    struct stepper *s = xcalloc(1, sizeof *s);
    s->hooks = t->options.stepped;
    t->stepper = s;
    begin(t);
    while (tracer_pace(t) && t->tasks.all_count)
        take_turn(t);
    t->stepper = NULL;
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
