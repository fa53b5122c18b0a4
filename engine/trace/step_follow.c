/* One task, from a stop to the next rest: held, parked, stopped, dying, dead or gone. */
#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/arch.h"
#include "trace/step_parts.h"

/* ---- asking the kernel ---- */

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

struct stat_line step_stat(struct task *task)
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

static uint64_t set_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

bool step_signals(struct task *task, struct signal_sets *out)
{
    char text[4096];
    if (!read_kept(task, &task->brake.status_fd, "status", text, sizeof text))
        return false;
    const char *sets = strstr(text, "\nSigPnd:"); /* the name, which may hold anything, is before */
    if (!sets)
        return false;
    *out = (struct signal_sets){
        .pending = set_of(sets, "\nSigPnd:") | set_of(sets, "\nShdPnd:"),
        .blocked = set_of(sets, "\nSigBlk:"),
        .ignored = set_of(sets, "\nSigIgn:"),
        .caught = set_of(sets, "\nSigCgt:"),
    };
    return true;
}

/* State S alone does not tell: a call may set it, look once more whether it needs to wait, and be
 * preempted in between (do_wait does). /proc/TID/syscall answers "running" then, because it asks
 * whether the task is off its run queue (proc_pid_syscall(5)). */
bool step_is_asleep(struct task *task, char state)
{
    char text[256];
    if (state != 'S' && !(state == 'D' && is_vfork_parent(task)))
        return false;
    read_kept(task, &task->brake.syscall_fd, "syscall", text, sizeof text);
    return strncmp(text, "running", 7) != 0 && step_stat(task).state == state;
}

/* Takes a stop, never an end: to reap a dead process is to tell its parent, and that is a move. */
bool step_take_stop(struct tracer *t, struct task *task)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)task->tid, &info, WSTOPPED | WNOHANG | __WALL) < 0 || !info.si_pid)
        return false;
    stop_take(t, task->tid, info.si_status << 8 | 0x7f);
    return true;
}

/* How often it was given a CPU so far (proc(5), schedstat, third number); 0: not to be had. */
static uint64_t read_slices(struct task *task)
{
    char text[96];
    unsigned long long slices = 0;
    if (read_kept(task, &task->brake.schedstat_fd, "schedstat", text, sizeof text))
        sscanf(text, "%*u %*u %llu", &slices);
    return slices;
}

bool step_is_still_asleep(struct task *task)
{
    char state = step_stat(task).state;
    if (state != 'S' && !(state == 'D' && is_vfork_parent(task)))
        return false;
    return task->brake.slices ? read_slices(task) == task->brake.slices
                              : step_is_asleep(task, state);
}

bool step_is_leader(const struct task *task)
{
    return task->tid == task->tgid;
}

/* Reaps a dead task; for a leader this tells its parent. False when the kernel is not so far. */
bool step_reap(struct tracer *t, struct task *task)
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
    task->brake.slices = read_slices(task);
    if (!top || !top->is_recorded || top->is_interrupted)
        return;
    /* also when it woke and sleeps again: a long write has then filled the pipe once more */
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
    /* posix_spawn(3) sets dozens of dispositions in a child that nobody knows yet */
    case CALL_rt_sigaction:
    case CALL_rt_sigprocmask:
        if (task->brake.is_vfork_child)
            return false;
        break;
    default: break;
    }
    if (!task->brake.is_loading)
        return true;
    const struct range *range = space_find(task->space, task->tid, call->ip);
    task->brake.is_loading = range && range->object && object_is_loader(range->object);
    return !task->brake.is_loading;
}

/* Does the last stop end its move? */
bool step_does_rest(struct tracer *t, struct task *task)
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
            step_shoot(task);
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
    case STOP_EXEC:
        b->is_loading = true;
        b->is_vfork_child = false;
        return false;
    default: return false;
    }
}

void step_shoot(struct task *task)
{
    task->brake.is_shot = true;
    kill(task->tgid, SIGKILL);
}

static void resume(struct task *task)
{
    task->is_stopped = false;
    task->brake.state = STEP_MOVING;
    if (task->brake.is_shot) {
        task->brake.is_shot = false;
        return;
    }
    /* ESRCH: it was killed meanwhile, and will say so */
    ptrace(task->restart_op, task->tid, NULL, (void *)(long)task->restart_signal);
}

bool step_has_threads(const struct tracer *t, const struct task *leader)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        if (t->tasks.all[i] != leader && t->tasks.all[i]->tgid == leader->tid)
            return true;
    return false;
}

static bool ends_others(enum call call)
{
    return call == CALL_execve || call == CALL_execveat || call == CALL_exit_group ||
           call == CALL_UNKNOWN; /* a deadly signal */
}

/* exec in a thread and exit_group wait for the other threads, which stop once more on their way
 * out. */
static void help_group(struct tracer *t, const struct task *task)
{
    pid_t tgid = task->tgid, tid = task->tid;
    if (!ends_others(task->brake.call))
        return;
    for (size_t i = 0; i < t->tasks.all_count; i++) {
        struct task *other = t->tasks.all[i];
        if (other->tgid != tgid || other->tid == tid)
            continue;
        /* only on their way out: whoever has just been born stays where it stopped */
        if (step_take_stop(t, other) && other->is_stopped && other->stop == STOP_DYING)
            resume(other);
        else if (!step_is_leader(other) && step_stat(other).state == 'Z')
            step_reap(t, other);
    }
}

/* Waits for the next stop of a task that moves, and takes it; false when it rests without one:
 * asleep, dead or gone. */
bool step_await(struct tracer *t, struct task *task)
{
    pid_t tid = task->tid;
    uint32_t birth = task->brake.birth;
    while (tracer_pace(t)) {
        if (step_take_stop(t, task))
            return true;
        char state = step_stat(task).state;
        if (step_is_asleep(task, state)) {
            if (step_take_stop(t, task))
                return true;
            note_parked(t, task);
            return false;
        }
        if (state == 'Z' && step_is_leader(task)) {
            task->brake.state = STEP_DEAD;
            if (!step_has_threads(t, task))
                record_point(t, EVENT_DEAD, tid, (uint64_t[6]){0}, 0, NULL);
            return false;
        }
        if (state == 'Z' || state == 'X' || state == 0) {
            if (step_reap(t, task) || !tasks_find(&t->tasks, tid))
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
        if (!step_await(t, task))
            return;
        if (step_find(t, birth) != task)
            return;
    } while (!step_does_rest(t, task));
}

void step_follow(struct tracer *t, struct task *task)
{
    if (step_await(t, task) && !step_does_rest(t, task))
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
    const struct open_call *call = creator ? inflight_top(&creator->calls) : NULL;
    task->brake.is_vfork_child = call && !call->is_interrupted && (call->clone_flags & CLONE_VFORK);
    task->brake.creator = creator ? creator->brake.birth : BRAKE_NOBODY;
    if (creator) {
        creator->brake.child = task->brake.birth;
        creator->brake.child_is_thread = !step_is_leader(task);
    }
}

void step_on_return(struct tracer *t, struct task *task, struct ptrace_syscall_info *info)
{
    struct brake *b = &task->brake;
    (void)t;
    const struct open_call *top = inflight_top(&task->calls);
    if (b->pipe_size && top && info->exit.rval == 0)
        step_shrink_pipe(task, top);
    b->pipe_size = 0;
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
