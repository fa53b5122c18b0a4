/* Carrying out a choice. */
#include <sys/ptrace.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "trace/arch.h"
#include "trace/remote.h"
#include "trace/step_parts.h"

void step_patch(struct task *task, int arg, uint64_t value)
{
    struct brake *b = &task->brake;
    const struct open_call *top = inflight_top(&task->calls);
    b->has_patch = true;
    b->patched_arg = arg;
    b->original_arg = top->args[arg];
    arch_set_arg(task->tid, arg, value);
}

/* The call is put back: on its way to user mode the task gets its signal; then it comes to the call
 * again, as if it had not been there. */
void step_deliver(struct tracer *t, struct task *task)
{
    struct open_call *top = inflight_top(&task->calls);
    arch_rewind_call(task->tid, top->nr);
    top->is_interrupted = top->is_rewound = true;
    task->brake.is_rewound = true;
    task->restart_op = PTRACE_CONT;
    task->restart_signal = 0;
    step_go_on(t, task);
}

/* As the kernel does for a user who has many pipes already: pipe(7), pipe-user-pages-soft. */
void step_shrink_pipe(const struct task *task, const struct open_call *call)
{
    int ends[2];
    if (remote_read(task->tid, call->args[0], ends, sizeof ends) < sizeof ends)
        return;
    int pid_fd = (int)syscall(SYS_pidfd_open, task->tgid, 0);
    int copy = pid_fd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pid_fd, ends[0], 0);
    if (copy >= 0)
        fcntl(copy, F_SETPIPE_SZ, task->brake.pipe_size);
    fd_close(&copy);
    fd_close(&pid_fd);
}

static void send(const struct task *task, int sig)
{
    syscall(SYS_tgkill, task->tgid, task->tid, sig);
}

/* Which argument is a count of bytes; -1. */
static int count_arg(enum call call)
{
    switch (call) {
    case CALL_read:
    case CALL_write:
    case CALL_pread64:
    case CALL_pwrite64: return 2;
    default: return -1;
    }
}

static void apply_fault(struct tracer *t, struct task *task, const struct step_choice *choice)
{
    const struct open_call *top = inflight_top(&task->calls);
    int arg;
    switch (choice->fault) {
    case STEP_NO_FAULT: break;
    case STEP_FAULT_ERROR: arch_skip_call(task->tid, -choice->value); break;
    case STEP_FAULT_SHORT:
        arg = count_arg((enum call)top->call);
        if (arg >= 0 && (uint64_t)choice->value < top->args[arg])
            step_patch(task, arg, (uint64_t)choice->value);
        break;
    case STEP_FAULT_SIGNAL: send(task, (int)choice->value); break;
    case STEP_FAULT_SMALL_PIPE: task->brake.pipe_size = (int)choice->value; break;
    case STEP_FAULT_KILL: step_shoot(task); break;
    case STEP_FAULT_KILL_AFTER: task->brake.is_killed_at_exit = true; break;
    }
    if (choice->fault != STEP_NO_FAULT)
        t->stepper->is_signal_sent = true;
}

static void grant(struct tracer *t, struct task *task, const struct step_choice *choice)
{
    struct brake *b = &task->brake;
    const struct open_call *top = inflight_top(&task->calls);
    b->grants++;
    b->call_event = top->event;
    b->call = (enum call)top->call;
    t->stepper->granted_event = b->call_event;
    t->stepper->granted_call = b->call;
    b->has_returned = false;
    b->ret = 0;
    b->child = BRAKE_NOBODY;
    b->has_deadline = false;
    if (top->call == CALL_exit)
        b->is_exiting = true;
    else if (top->call == CALL_exit_group)
        step_doom(t, task->tgid);
    task->restart_op = PTRACE_SYSCALL;
    task->restart_signal = 0;
    if (choice->fault == STEP_NO_FAULT)
        step_take_time(t, task);
    else
        apply_fault(t, task, choice);
    step_go_on(t, task);
}

static void tell(struct tracer *t, const struct task *task, uint32_t birth, enum step_kind kind)
{
    struct stepper *s = t->stepper;
    struct step_done done = {
        .birth = birth, .kind = kind, .event = BRAKE_NOBODY, .child = BRAKE_NOBODY};
    if (!task && kind == STEP_GO) { /* a thread that ended */
        done.call = s->granted_call;
        done.event = s->granted_event;
    }
    if (task && (kind == STEP_GO || kind == STEP_TIMEOUT)) {
        const struct brake *b = &task->brake;
        done.call = b->call;
        done.event = b->call_event;
        done.has_returned = b->has_returned;
        done.ret = b->ret;
        done.child = b->child;
        done.child_is_thread = b->child_is_thread;
        done.is_parking = b->state == STEP_PARKED && !b->has_returned;
    }
    if (s->hooks->done)
        s->hooks->done(s->hooks->arg, &done);
}

static void report_death(struct tracer *t, const struct task *task)
{
    int status;
    pid_t tid = task->tid;
    /* its last thread may be on its way out */
    while (tracer_pace(t) && wait4(tid, &status, __WALL | WNOHANG, NULL) != tid)
        step_settle(t);
    if (t->is_ending)
        return;
    step_forget_timers(t->stepper, tid);
    stop_take(t, tid, status);
    t->stepper->is_signal_sent = true;
}

void step_move(struct tracer *t, const struct step_choice *choice)
{
    struct task *task = step_find(t, choice->birth);
    t->stepper->granted_call = CALL_UNKNOWN;
    if (choice->kind == STEP_TIMER) {
        step_fire(t, (size_t)choice->value);
        tell(t, NULL, choice->birth, STEP_TIMER);
        return;
    }
    if (!task)
        return;
    switch (choice->kind) {
    case STEP_GO:
        if (task->brake.state == STEP_HELD) {
            grant(t, task, choice);
        } else if (task->brake.state == STEP_DYING) {
            step_doom(t, task->tgid);
            task->brake.call_event = BRAKE_NOBODY;
            task->brake.call = CALL_UNKNOWN;
            step_go_on(t, task);
        }
        break;
    case STEP_SIGNAL: step_deliver(t, task); break;
    case STEP_TIMEOUT: step_time_out(t, task); break;
    case STEP_REPORT: report_death(t, task); break;
    case STEP_TIMER: break;
    }
    /* exec in a thread and an end leave another task, or none */
    tell(t, step_find(t, choice->birth), choice->birth, choice->kind);
}
