#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "trace/remote.h"
#include "trace/tracer_parts.h"
#include "trace/unwind.h"

void record_point(struct tracer *t, enum event_kind kind, pid_t tid, const uint64_t args[6],
                  int64_t ret, const struct blob_in *blob)
{
    struct event ev = {
        .kind = (uint8_t)kind, .tid = tid, .entry_ns = t->now_ns, .exit_ns = t->now_ns, .ret = ret};
    memcpy(ev.args, args, sizeof ev.args);
    recorder_enter(t->recorder, &ev, blob, blob ? 1 : 0);
    t->result.steps++;
    t->events++;
}

void record_note(struct tracer *t, pid_t tid, enum note_code code, const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    struct blob_in blob = {.kept = length, .length = length, .bytes = text};
    record_point(t, EVENT_NOTE, tid, (uint64_t[6]){(uint64_t)code}, 0, &blob);
}

/* ---- stacks ---- */

static uint32_t stack_at(struct tracer *t, struct task *task, struct place at, bool is_exact,
                         const void *slice, size_t size)
{
    struct frame frames[UNWIND_FRAMES_MAX];
    size_t count = unwind(task->space, task->tid, at, is_exact, slice, size, frames);
    return count ? recorder_stack(t->recorder, frames, count) : 0;
}

static size_t slice_size(struct tracer *t, struct task *task, uint64_t ip)
{
    if (t->options.no_stacks || !t->has_execed)
        return 0;
    return unwind_slice_size(task->space, task->tid, ip);
}

void record_signal(struct tracer *t, struct task *task, const siginfo_t *info)
{
    struct event ev = {.kind = EVENT_SIGNAL,
                       .tid = task->tid,
                       .entry_ns = t->now_ns,
                       .exit_ns = t->now_ns,
                       .args = {(uint64_t)info->si_signo}};
    struct ptrace_syscall_info place;
    size_t size = 0;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof place, &place) > 0)
        size = slice_size(t, task, place.instruction_pointer);
    if (size) {
        uint8_t slice[UNWIND_SLICE_MAX];
        size = remote_read(task->tid, place.stack_pointer, slice, size);
        struct place at = {place.instruction_pointer, place.stack_pointer};
        /* outside of a call the program stands at the instruction itself, not behind it */
        ev.stack = stack_at(t, task, at, task->calls.depth == 0, slice, size);
    }
    struct blob_in blob = {.kept = sizeof *info, .length = sizeof *info, .bytes = info};
    recorder_enter(t->recorder, &ev, &blob, 1);
    t->result.steps++;
    t->events++;
}

/* ---- calls ---- */

static uint64_t clone_flags(const struct tracer *t, enum call call, const uint64_t args[6])
{
    switch (call) {
    case CALL_vfork: return CLONE_VFORK | CLONE_VM;
    case CALL_clone: return args[0];
    case CALL_clone3: {
        uint64_t flags = 0;
        const void *start = capture_find(&t->capturer, 0, sizeof flags);
        if (start)
            memcpy(&flags, start, sizeof flags);
        return flags;
    }
    default: return 0;
    }
}

static struct open_call *push(struct tracer *t, struct task *task, struct place at)
{
    struct open_call dropped;
    bool has_dropped;
    struct open_call *top = inflight_push(&task->calls, at, &dropped, &has_dropped);
    if (has_dropped) {
        dropped.flags |= EVENT_WAS_ABANDONED;
        record_exit(t, task, &dropped, -EINTR);
        top = inflight_top(&task->calls);
    }
    return top;
}

void record_enter(struct tracer *t, struct task *task, const struct ptrace_syscall_info *info,
                  enum call call, uint8_t flags)
{
    struct place at = {info->instruction_pointer, info->stack_pointer};
    struct open_call *top = push(t, task, at);
    top->nr = info->seccomp.nr;
    top->tid = task->tid;
    top->call = (uint16_t)call;
    top->flags = flags;
    top->entry_ns = t->now_ns;
    for (int i = 0; i < 6; i++)
        top->args[i] = info->seccomp.args[i];
    top->is_recorded = t->has_execed || call == CALL_execve || call == CALL_execveat;
    if (!top->is_recorded)
        return;

    struct capture_plan plan = {.tid = task->tid,
                                .call = call,
                                .args = top->args,
                                .sp = at.sp,
                                .slice_size = slice_size(t, task, at.ip)};
    capture(&t->capturer, &plan);
    top->clone_flags = clone_flags(t, call, top->args);
    struct event ev = {.kind = EVENT_CALL,
                       .flags = flags,
                       .call = (uint16_t)call,
                       .tid = task->tid,
                       .entry_ns = t->now_ns};
    memcpy(ev.args, top->args, sizeof ev.args);
    if (plan.slice_size)
        ev.stack = stack_at(t, task, at, false, t->capturer.bytes, t->capturer.slice_size);
    top->event = recorder_enter(t->recorder, &ev, t->capturer.blobs, t->capturer.blob_count);
    t->result.steps++;
    t->events++;
}

void record_exit(struct tracer *t, struct task *task, const struct open_call *call, int64_t ret)
{
    if (!call->is_recorded)
        return;
    struct capture_plan plan = {
        .tid = task->tid, .call = call->call, .args = call->args, .ret = ret, .at_exit = true};
    capture(&t->capturer, &plan);
    struct event ev = {.id = call->event,
                       .kind = EVENT_CALL,
                       .flags = call->flags,
                       .call = call->call,
                       .tid = call->tid,
                       .exit_ns = t->now_ns,
                       .ret = ret};
    recorder_exit(t->recorder, &ev, t->capturer.blobs, t->capturer.blob_count);
    t->result.steps++;
}

/* ---- tasks ---- */

/* The number that a task has in its own pid namespace: the last of NSpid (proc_pid_status(5)). */
static pid_t inner_tid(pid_t tid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    struct buf text = {0};
    pid_t inner = tid;
    if (file_read(&text, path, 1 << 16, NULL) == 0 && text.data) {
        const char *line = strstr(text.data, "\nNSpid:");
        const char *end = line ? strchr(line + 1, '\n') : NULL;
        while (end && end > line && end[-1] != '\t')
            end--;
        if (end)
            inner = (pid_t)strtol(end, NULL, 10);
    }
    buf_fini(&text);
    return inner;
}

void record_start(struct tracer *t, pid_t tid, const struct task *creator, uint64_t flags,
                  uint32_t call_event, const struct probe_process *command)
{
    const uint64_t args[6] = {creator ? (uint64_t)creator->tid : 0,
                              flags,
                              call_event,
                              (uint64_t)inner_tid(tid),
                              command ? command->sig_ignored : 0,
                              command ? command->sig_blocked : 0};
    record_point(t, EVENT_START, tid, args, 0, NULL);
    t->result.tasks++;
}
