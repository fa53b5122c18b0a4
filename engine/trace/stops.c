/* What one report of wait(2) means, and how its task goes on (ptrace(2), "Stopped states"). */
#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/arch.h"
#include "trace/probe.h"
#include "trace/step.h"
#include "trace/tracer_parts.h"

enum {
    ADOPT_NS = 20 * 1000 * 1000,   /* a report about an unknown task waits so long for its fork */
    HIDDEN_NS = 200 * 1000 * 1000, /* and the run so long for a task that may exist */
};

static bool get_info(pid_t tid, struct ptrace_syscall_info *out)
{
    return ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof *out, out) > 0;
}

static uint64_t get_message(pid_t tid)
{
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message);
    return message;
}

static void go_on(struct task *task, int op, int sig)
{
    task->restart_op = op;
    task->restart_signal = sig;
}

void stop_restart(struct tracer *t, struct task *task)
{
    if (!task->is_stopped || t->stepper)
        return;
    if (t->is_holding) {
        *PUSH(t->held) = task->tid;
        return;
    }
    task->is_stopped = false;
    /* ESRCH: it was killed meanwhile, and will say so */
    ptrace(task->restart_op, task->tid, NULL, (void *)(long)task->restart_signal);
}

/* ---- calls ---- */

/* What a recording cannot follow is refused or at least said. */
static void look_for_gaps(struct tracer *t, struct task *task, enum call call,
                          const struct ptrace_syscall_info *info, bool is_foreign)
{
    struct completeness *gaps = &t->completeness;
    uint64_t flags = 0;
    const struct open_call *top = inflight_top(&task->calls);
    if (call == CALL_clone || call == CALL_clone3)
        flags = top->clone_flags;
    if (is_foreign && !gaps->has_foreign_abi) {
        gaps->has_foreign_abi = true;
        record_note(t, task->tid, NOTE_INCOMPLETE, "calls of another ABI are not followed");
    }
    if (call == CALL_io_uring_setup) {
        arch_refuse_call(task->tid);
        if (!gaps->has_io_uring)
            record_note(t, task->tid, NOTE_INCOMPLETE, "io_uring was refused with ENOSYS");
        gaps->has_io_uring = true;
    }
    if ((flags & CLONE_UNTRACED) && call == CALL_clone) {
        arch_set_arg(task->tid, 0, info->seccomp.args[0] & ~(uint64_t)CLONE_UNTRACED);
    } else if (flags & CLONE_UNTRACED) {
        gaps->has_untraced = true;
        record_note(t, task->tid, NOTE_INCOMPLETE, "a child asks not to be traced (clone3)");
    }
}

static void on_call_entry(struct tracer *t, struct task *task)
{
    struct ptrace_syscall_info info;
    go_on(task, PTRACE_SYSCALL, 0);
    task->stop = STOP_ENTRY;
    if (!get_info(task->tid, &info))
        return;
    bool is_foreign = info.arch != arch_audit || (info.seccomp.nr & arch_foreign_bit);
    enum call call = is_foreign ? CALL_UNKNOWN : call_by_number((long)info.seccomp.nr);
    struct place at = {info.instruction_pointer, info.stack_pointer};
    uint64_t args[6];
    for (int i = 0; i < 6; i++)
        args[i] = info.seccomp.args[i];
    if (inflight_resumes(&task->calls, info.seccomp.nr, args, at, call == CALL_restart_syscall)) {
        struct open_call *top = inflight_top(&task->calls);
        if (!top->is_rewound)
            top->flags |= EVENT_WAS_RESTARTED;
        top->is_rewound = false;
        task->stop = STOP_REENTRY;
        return;
    }
    struct open_call left;
    while (inflight_take_abandoned(&task->calls, at, &left)) {
        left.flags |= EVENT_WAS_ABANDONED;
        record_exit(t, task, &left, -EINTR);
    }
    record_enter(t, task, &info, call, is_foreign ? EVENT_IS_FOREIGN : 0);
    look_for_gaps(t, task, call, &info, is_foreign);
}

/* The registers that rt_sigreturn restored tell where the task goes on. */
static void on_sigreturn(struct tracer *t, struct task *task, struct place at)
{
    struct open_call call;
    enum inflight_return where;
    while ((where = inflight_sigreturn(&task->calls, at, &call)) == INFLIGHT_ABANDONED) {
        call.flags |= EVENT_WAS_ABANDONED;
        record_exit(t, task, &call, -EINTR);
    }
    if (where != INFLIGHT_EINTR)
        return;
    record_exit(t, task, &call, -EINTR);
    if (t->stepper)
        step_on_exit(t, task, &call, -EINTR);
}

static void look_for_filter(struct tracer *t, struct task *task, const struct open_call *call,
                            int64_t ret)
{
    bool is_filter = (call->call == CALL_seccomp && call->args[0] <= 1) ||
                     (call->call == CALL_prctl && call->args[0] == PR_SET_SECCOMP);
    if (!is_filter || ret < 0 || !t->has_execed || t->completeness.has_own_filter)
        return;
    t->completeness.has_own_filter = true;
    record_note(t, task->tid, NOTE_INCOMPLETE, "a program filters its own calls (seccomp)");
}

static void on_call_exit(struct tracer *t, struct task *task,
                         const struct ptrace_syscall_info *info)
{
    struct open_call *top = inflight_top(&task->calls);
    if (!top || top->is_interrupted)
        return;
    if (inflight_is_restart_code(info->exit.rval)) {
        top->is_interrupted = true;
        top->is_known_blocked = false;
        return;
    }
    struct open_call call = *top;
    task->calls.depth--;
    record_exit(t, task, &call, info->exit.rval);
    if (t->stepper)
        step_on_exit(t, task, &call, info->exit.rval);
    if (call.call == CALL_rt_sigreturn)
        on_sigreturn(t, task, (struct place){info->instruction_pointer, info->stack_pointer});
    else if (call.call == CALL_seccomp || call.call == CALL_prctl)
        look_for_filter(t, task, &call, info->exit.rval);
}

/* Entry or exit is what the kernel says, never what was expected: restarted calls give two exits in
 * a row. */
static void on_syscall_stop(struct tracer *t, struct task *task)
{
    struct ptrace_syscall_info info;
    go_on(task, PTRACE_CONT, 0);
    task->stop = STOP_EXIT;
    if (!get_info(task->tid, &info) || info.op != PTRACE_SYSCALL_INFO_EXIT)
        return;
    if (t->stepper)
        step_on_return(t, task, &info);
    on_call_exit(t, task, &info);
}

/* ---- signals and job control ---- */

static bool is_caught(pid_t tid, int sig)
{
    struct probe_process p;
    return probe_process(tid, &p) == 0 && (p.sig_caught >> (sig - 1) & 1);
}

static void on_signal(struct tracer *t, struct task *task, int sig)
{
    siginfo_t info;
    go_on(task, PTRACE_CONT, sig);
    task->stop = STOP_SIGNAL;
    if (ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) < 0)
        return;
    record_signal(t, task, &info);
    const struct open_call *top = inflight_top(&task->calls);
    if (top && top->is_interrupted && is_caught(task->tid, sig))
        inflight_handler(&task->calls);
}

static void end_listening(struct tracer *t, struct task *task)
{
    if (!task->is_listening)
        return;
    task->is_listening = false;
    record_point(t, EVENT_RESUME, task->tid, (uint64_t[6]){0}, 0, NULL);
}

static void on_event_stop(struct tracer *t, struct task *task, int sig)
{
    bool is_group_stop = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
    if (!is_group_stop) {
        end_listening(t, task);
        go_on(task, PTRACE_CONT, 0);
        return;
    }
    if (!task->is_listening)
        record_point(t, EVENT_STOP, task->tid, (uint64_t[6]){(uint64_t)sig}, 0, NULL);
    task->stop = STOP_GROUP;
    task->is_listening = true;
    go_on(task, PTRACE_LISTEN, 0);
}

/* ---- tasks come and go ---- */

static void replay_strays(struct tracer *t, pid_t tid)
{
    struct stray stray;
    while (tasks_take_stray(&t->tasks, tid, &stray))
        stop_take(t, tid, stray.status);
}

static void on_fork(struct tracer *t, struct task *task, int event)
{
    pid_t child = (pid_t)get_message(task->tid);
    const struct open_call *top = inflight_top(&task->calls);
    uint64_t flags = event == PTRACE_EVENT_VFORK ? CLONE_VFORK | CLONE_VM : 0;
    if (top && !top->is_interrupted)
        flags = top->clone_flags;
    go_on(task, PTRACE_SYSCALL, 0);
    task->stop = STOP_FORK;
    if (child <= 0 || tasks_find(&t->tasks, child))
        return;
    record_start(t, child, task, flags, top ? top->event : 0, NULL);
    struct space *space = flags & CLONE_VM ? space_share(task->space) : space_copy(task->space);
    struct task *born =
        tasks_add(&t->tasks, child, flags & CLONE_THREAD ? task->tgid : child, space);
    if (t->stepper)
        step_on_born(t, born, task);
    t->hidden_until_ns = 0;
    if (t->is_ending)
        kill(child, SIGKILL);
    else if (t->options.tasks_max && t->tasks.all_count > t->options.tasks_max)
        tracer_end(t, TRACE_FLOODED, "too many tasks at once");
    replay_strays(t, child);
}

/* A set-uid program under an unprivileged tracer runs without its privileges (execve(2)). */
static void look_for_lost_privileges(struct tracer *t, pid_t tid)
{
    char path[32];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)tid);
    if (stat(path, &st) < 0 || !(st.st_mode & S_ISUID) || t->completeness.lost_privileges)
        return;
    snprintf(path, sizeof path, "/proc/%d", (int)tid);
    struct stat now;
    if (stat(path, &now) < 0 || now.st_uid == st.st_uid)
        return;
    t->completeness.lost_privileges = true;
    record_note(t, tid, NOTE_TEXT,
                "a set-uid program runs without its privileges while it is traced");
}

/* The other threads are gone; the one that called execve goes on under the leader's number, with
 * its own call under way. */
static struct task *take_over(struct tracer *t, struct task *leader, pid_t caller)
{
    struct task *old = caller != leader->tid ? tasks_find(&t->tasks, caller) : NULL;
    if (old) {
        leader->calls = old->calls;
        leader->brake.call_event = old->brake.call_event;
        leader->brake.call = old->brake.call;
        tasks_remove(&t->tasks, old);
    }
    leader->is_dying = false;
    space_release(leader->space);
    leader->space = space_new(t->objects);
    return leader;
}

static void on_exec(struct tracer *t, struct task *task)
{
    pid_t caller = (pid_t)get_message(task->tid);
    char link[32], path[PATH_MAX];
    go_on(task, PTRACE_SYSCALL, 0);
    task->stop = STOP_EXEC;
    take_over(t, task, caller);
    snprintf(link, sizeof link, "/proc/%d/exe", (int)task->tid);
    ssize_t size = readlink(link, path, sizeof path);
    uint32_t length = size > 0 ? (uint32_t)size : 0;
    struct blob_in blob = {.kept = length, .length = length, .bytes = path};
    record_point(t, EVENT_EXEC, task->tid, (uint64_t[6]){(uint64_t)caller}, 0, &blob);
    t->has_execed = true;
    look_for_lost_privileges(t, task->tid);
}

static void on_dying(struct tracer *t, struct task *task)
{
    uint64_t status = get_message(task->tid);
    go_on(task, PTRACE_CONT, 0);
    task->stop = STOP_DYING;
    task->is_dying = true;
    task->is_listening = false;
    record_point(t, EVENT_DYING, task->tid, (uint64_t[6]){status}, 0, NULL);
}

static bool makes_tasks(const struct open_call *call)
{
    return call && (call->call == CALL_fork || call->call == CALL_vfork ||
                    call->call == CALL_clone || call->call == CALL_clone3);
}

/* Signals that say: the program is broken (signal(7), action Core, sent by the kernel or abort). */
static bool is_fault(int sig)
{
    return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGABRT ||
           sig == SIGSYS;
}

static void on_gone(struct tracer *t, struct task *task, int status)
{
    bool is_process = task->tid == task->tgid;
    const uint64_t args[6] = {(uint64_t)(unsigned)status, is_process};
    /* killed inside of fork: the child may exist, and say so later; not when it was held before it
     * (step.h) */
    if (makes_tasks(inflight_top(&task->calls)) && task->brake.state != STEP_HELD)
        t->hidden_until_ns = t->now_ns + HIDDEN_NS;
    record_point(t, EVENT_EXIT, task->tid, args, 0, NULL);
    if (is_process && !t->result.crash_signal && WIFSIGNALED(status) && is_fault(WTERMSIG(status)))
        t->result.crash_signal = WTERMSIG(status);
    if (task->tid == t->command) {
        t->result.wait_status = status;
        t->ended_ns = t->now_ns;
    }
    tasks_remove(&t->tasks, task);
}

/* The creator of a stray died before its fork was reported, or has not come so far on a busy
 * machine (its report will be for a task that is known): what /proc says has to do. */
static void adopt(struct tracer *t, pid_t tid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    struct buf text = {0};
    int tgid = tid;
    int parent = 0;
    if (file_read(&text, path, 1 << 16, NULL) == 0 && text.data) {
        const char *line = strstr(text.data, "\nTgid:");
        if (line)
            sscanf(line, "\nTgid: %d", &tgid);
        line = strstr(text.data, "\nPPid:");
        if (line)
            sscanf(line, "\nPPid: %d", &parent);
    }
    buf_fini(&text);
    struct task *leader = tgid != tid ? tasks_find(&t->tasks, tgid) : NULL;
    struct task *creator = leader ? leader : tasks_find(&t->tasks, parent);
    const struct open_call *call = creator ? inflight_top(&creator->calls) : NULL;
    bool is_forking = !leader && makes_tasks(call);
    uint64_t flags = leader       ? CLONE_VM | CLONE_THREAD | CLONE_FILES | CLONE_SIGHAND
                     : is_forking ? call->clone_flags
                                  : 0;
    struct space *space = leader                           ? space_share(leader->space)
                          : is_forking && flags & CLONE_VM ? space_share(creator->space)
                          : is_forking                     ? space_copy(creator->space)
                                                           : space_new(t->objects);
    record_start(t, tid, creator, flags, is_forking ? call->event : 0, NULL);
    if (!leader && !is_forking)
        record_note(t, tid, NOTE_INCOMPLETE,
                    "nobody saw the fork of this process: its creator was killed inside of it");
    tasks_add(&t->tasks, tid, tgid, space);
    if (t->is_ending)
        kill(tid, SIGKILL);
    replay_strays(t, tid);
}

bool stop_has_strays(const struct tracer *t)
{
    for (size_t i = 0; i < t->tasks.strays_count; i++)
        if (WIFSTOPPED(t->tasks.strays[i].status))
            return true;
    return false;
}

void stop_adopt_strays(struct tracer *t)
{
    for (size_t i = 0; i < t->tasks.strays_count; i++) {
        const struct stray *stray = &t->tasks.strays[i];
        if (!WIFSTOPPED(stray->status) || t->now_ns - stray->since_ns < ADOPT_NS)
            continue;
        adopt(t, stray->tid);
        i = (size_t)-1; /* the list has changed */
    }
}

/* ---- dispatch ---- */

static void on_stop(struct tracer *t, struct task *task, int status)
{
    int sig = WSTOPSIG(status);
    int event = status >> 16;
    task->is_stopped = true;
    task->stop = STOP_OTHER;
    switch (event) {
    case PTRACE_EVENT_SECCOMP: on_call_entry(t, task); break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: on_fork(t, task, event); break;
    /* inside of a call: its exit is wanted */
    case PTRACE_EVENT_VFORK_DONE: go_on(task, PTRACE_SYSCALL, 0); break;
    case PTRACE_EVENT_EXEC: on_exec(t, task); break;
    case PTRACE_EVENT_EXIT: on_dying(t, task); break;
    case PTRACE_EVENT_STOP: on_event_stop(t, task, sig); break;
    default:
        if (sig == (SIGTRAP | 0x80))
            on_syscall_stop(t, task);
        else
            on_signal(t, task, sig);
    }
    stop_restart(t, task);
}

void stop_take(struct tracer *t, pid_t tid, int status)
{
    struct task *task = tasks_find(&t->tasks, tid);
    t->now_ns = t->stepper ? step_now(t) : clock_ns() - t->start_ns;
    t->reports++;
    if (!task) {
        /* not yet named by its creator; or no tracee at all (the sandbox's init) */
        tasks_add_stray(&t->tasks, (struct stray){tid, status, t->now_ns});
        return;
    }
    if (WIFSTOPPED(status))
        on_stop(t, task, status);
    else
        on_gone(t, task, status);
}
