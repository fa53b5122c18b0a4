/* Time in a stepped run is a matter of choice: a sleep lasts until somebody decides that it is
 * over, a timed call waits without limit until then, and timers fire when they are told to. The
 * kernel sees none of their deadlines. */
#include <sys/ptrace.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "trace/arch.h"
#include "trace/remote.h"
#include "trace/step_parts.h"

#define NS_PER_S UINT64_C(1000000000)

/* ---- reading times ---- */

static bool read_words(pid_t tid, uint64_t address, void *out, size_t size)
{
    return address && remote_read(tid, address, out, size) == size;
}

/* A struct timespec in the task's memory; false when there is none. */
static bool read_timespec(const struct task *task, uint64_t address, uint64_t *ns)
{
    int64_t words[2];
    if (!read_words(task->tid, address, words, sizeof words) || words[0] < 0)
        return false;
    *ns = (uint64_t)words[0] * NS_PER_S + (uint64_t)words[1];
    return true;
}

static bool read_timeval(const struct task *task, uint64_t address, uint64_t *ns)
{
    int64_t words[2];
    if (!read_words(task->tid, address, words, sizeof words) || words[0] < 0)
        return false;
    *ns = (uint64_t)words[0] * NS_PER_S + (uint64_t)words[1] * 1000;
    return true;
}

/* ---- timed calls ---- */

/* Where a call has its time limit, and what says "none". */
static bool find_limit(struct task *task, int *arg, uint64_t *none, uint64_t *ns)
{
    const struct open_call *top = inflight_top(&task->calls);
    const uint64_t *args = top->args;
    *none = 0;
    switch ((enum call)top->call) {
    case CALL_poll: *arg = 2; break;
    case CALL_epoll_wait:
    case CALL_epoll_pwait: *arg = 3; break;
    case CALL_ppoll: *arg = 2; return read_timespec(task, args[2], ns);
    case CALL_rt_sigtimedwait: *arg = 2; return read_timespec(task, args[2], ns);
    case CALL_pselect6: *arg = 4; return read_timespec(task, args[4], ns);
    case CALL_epoll_pwait2: *arg = 3; return read_timespec(task, args[3], ns);
    case CALL_select: *arg = 4; return read_timeval(task, args[4], ns);
    default: return false;
    }
    *none = (uint64_t)(int64_t)-1;
    if ((int32_t)args[*arg] < 0)
        return false;
    *ns = (uint64_t)(uint32_t)args[*arg] * 1000000;
    return true;
}

static void write_zeros(pid_t tid, uint64_t address, size_t size)
{
    static const char zeros[128];
    if (address && size <= sizeof zeros)
        remote_write(tid, address, zeros, size);
}

/* select(2): no descriptor is ready. */
static void clear_sets(const struct task *task, const uint64_t args[6])
{
    size_t size = ((size_t)(uint32_t)args[0] + 63) / 64 * 8;
    for (int i = 1; i <= 3; i++)
        write_zeros(task->tid, args[i], size);
}

int64_t step_timeout_result(struct task *task)
{
    const struct open_call *top = inflight_top(&task->calls);
    switch ((enum call)top->call) {
    case CALL_select:
    case CALL_pselect6: clear_sets(task, top->args); return 0;
    case CALL_rt_sigtimedwait: return -EAGAIN;
    default: return 0;
    }
}

/* ---- sleeps ---- */

bool step_is_sleep(const struct task *task)
{
    const struct open_call *top = inflight_top((struct inflight *)&task->calls);
    return top && (top->call == CALL_nanosleep || top->call == CALL_clock_nanosleep);
}

static bool read_sleep(struct stepper *s, const struct task *task, uint64_t *until)
{
    const struct open_call *top = inflight_top((struct inflight *)&task->calls);
    uint64_t ns;
    bool is_clock = top->call == CALL_clock_nanosleep;
    if (!read_timespec(task, top->args[is_clock ? 2 : 0], &ns))
        return false;
    bool is_absolute = is_clock && (top->args[1] & TIMER_ABSTIME);
    struct timespec now;
    if (is_absolute) {
        clock_gettime((clockid_t)top->args[0], &now);
        uint64_t now_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
        ns = ns > now_ns ? ns - now_ns : 0;
    }
    *until = s->clock_ns + ns;
    return true;
}

void step_note_deadline(struct tracer *t, struct task *task)
{
    struct brake *b = &task->brake;
    b->has_deadline = step_is_sleep(task) && read_sleep(t->stepper, task, &b->deadline_ns);
}

/* ---- timers ---- */

static struct timer *find_timer(struct stepper *s, pid_t tgid, int32_t id)
{
    for (size_t i = 0; i < s->timers_count; i++)
        if (s->timers[i].tgid == tgid && s->timers[i].id == id)
            return &s->timers[i];
    return NULL;
}

static void disarm(struct stepper *s, struct timer *timer)
{
    if (timer)
        *timer = s->timers[--s->timers_count];
}

/* Returns what was left of the timer's time before. */
static uint64_t arm(struct stepper *s, const struct timer *wanted)
{
    struct timer *old = find_timer(s, wanted->tgid, wanted->id);
    uint64_t left = old && old->deadline_ns > s->clock_ns ? old->deadline_ns - s->clock_ns : 0;
    disarm(s, old);
    if (wanted->deadline_ns)
        *PUSH(s->timers) = *wanted;
    return left;
}

void step_forget_timers(struct stepper *s, pid_t tgid)
{
    for (size_t i = s->timers_count; i-- > 0;)
        if (s->timers[i].tgid == tgid)
            disarm(s, &s->timers[i]);
    for (size_t i = s->kinds_count; i-- > 0;)
        if (s->kinds[i].tgid == tgid)
            s->kinds[i] = s->kinds[--s->kinds_count];
}

void step_learn_timer(struct tracer *t, struct task *task, const struct open_call *call)
{
    /* struct sigevent: value, signo, notify (timer_create(2)); NULL: SIGALRM, value: the id */
    struct {
        uint64_t value;
        int32_t sig, notify;
    } event = {.sig = SIGALRM, .notify = SIGEV_SIGNAL};
    int32_t id = 0;
    if (call->args[1])
        read_words(task->tid, call->args[1], &event, sizeof event);
    read_words(task->tid, call->args[2], &id, sizeof id);
    bool has_signal = event.notify == SIGEV_SIGNAL || event.notify == SIGEV_THREAD_ID;
    *PUSH(t->stepper->kinds) = (struct timer_kind){
        .tgid = task->tgid,
        .id = id,
        .sig = has_signal ? event.sig : 0,
        .value = call->args[1] ? event.value : (uint64_t)id,
    };
}

static bool take_alarm(struct stepper *s, struct task *task, const uint64_t args[6])
{
    uint64_t ns = (uint64_t)(uint32_t)args[0] * NS_PER_S;
    struct timer wanted = {.tgid = task->tgid, .id = -1, .sig = SIGALRM};
    wanted.deadline_ns = ns ? s->clock_ns + ns : 0;
    uint64_t left = arm(s, &wanted);
    arch_skip_call(task->tid, (int64_t)((left + NS_PER_S - 1) / NS_PER_S));
    return true;
}

/* Of the three interval timers only the real one runs while a process sleeps. */
static bool take_itimer(struct stepper *s, struct task *task, const uint64_t args[6])
{
    uint64_t interval = 0, value = 0;
    if (args[0] != ITIMER_REAL || (args[1] && (!read_timeval(task, args[1], &interval) ||
                                               !read_timeval(task, args[1] + 16, &value))))
        return false;
    struct timer wanted = {.tgid = task->tgid, .id = -1, .sig = SIGALRM, .interval_ns = interval};
    wanted.deadline_ns = value ? s->clock_ns + value : 0;
    uint64_t left = arm(s, &wanted);
    int64_t old[4] = {0, 0, (int64_t)(left / NS_PER_S), (int64_t)(left % NS_PER_S / 1000)};
    if (args[2])
        remote_write(task->tid, args[2], old, sizeof old);
    arch_skip_call(task->tid, 0);
    return true;
}

static bool take_timer(struct stepper *s, struct task *task, const uint64_t args[6])
{
    uint64_t interval, value;
    const struct timer_kind *kind = NULL;
    for (size_t i = 0; i < s->kinds_count; i++)
        if (s->kinds[i].tgid == task->tgid && s->kinds[i].id == (int32_t)args[0])
            kind = &s->kinds[i];
    if (!kind || !kind->sig || !read_timespec(task, args[2], &interval) ||
        !read_timespec(task, args[2] + 16, &value))
        return false;
    struct timer wanted = {.tgid = task->tgid,
                           .id = kind->id,
                           .sig = kind->sig,
                           .value = kind->value,
                           .interval_ns = interval};
    wanted.deadline_ns = value ? s->clock_ns + value : 0;
    uint64_t left = arm(s, &wanted);
    int64_t old[4] = {0, 0, (int64_t)(left / NS_PER_S), (int64_t)(left % NS_PER_S)};
    if (args[3])
        remote_write(task->tid, args[3], old, sizeof old);
    arch_skip_call(task->tid, 0);
    return true;
}

bool step_take_time(struct tracer *t, struct task *task)
{
    struct stepper *s = t->stepper;
    const struct open_call *top = inflight_top(&task->calls);
    int arg;
    uint64_t none, ns;
    switch ((enum call)top->call) {
    case CALL_alarm: return take_alarm(s, task, top->args);
    case CALL_setitimer: return take_itimer(s, task, top->args);
    case CALL_timer_settime: return take_timer(s, task, top->args);
    case CALL_timer_delete:
        disarm(s, find_timer(s, task->tgid, (int32_t)top->args[0]));
        return false;
    default: break;
    }
    if (!find_limit(task, &arg, &none, &ns) || ns == 0)
        return false;
    step_patch(task, arg, none);
    task->brake.has_deadline = true;
    task->brake.deadline_ns = s->clock_ns + ns;
    return false;
}

/* SI_KERNEL is refused to us; SI_TIMER is not (rt_sigqueueinfo(2)). */
void step_fire(struct tracer *t, size_t timer)
{
    struct stepper *s = t->stepper;
    if (timer >= s->timers_count)
        return;
    struct timer *it = &s->timers[timer];
    siginfo_t info = {.si_signo = it->sig, .si_code = SI_TIMER};
    memcpy(&info.si_value, &it->value, sizeof info.si_value);
    info.si_timerid = it->id;
    if (s->clock_ns < it->deadline_ns)
        s->clock_ns = it->deadline_ns;
    syscall(SYS_rt_sigqueueinfo, it->tgid, it->sig, &info);
    s->is_signal_sent = true;
    if (it->interval_ns)
        it->deadline_ns += it->interval_ns;
    else
        disarm(s, it);
}

/* ---- the end of a wait ---- */

void step_time_out(struct tracer *t, struct task *task)
{
    struct brake *b = &task->brake;
    if (!b->has_deadline)
        return;
    if (t->stepper->clock_ns < b->deadline_ns)
        t->stepper->clock_ns = b->deadline_ns;
    t->now_ns = t->stepper->clock_ns;
    b->has_deadline = false;
    if (b->state == STEP_HELD) {
        const struct open_call *top = inflight_top(&task->calls);
        b->grants++;
        b->call_event = top->event;
        b->call = (enum call)top->call;
        b->has_returned = false;
        arch_skip_call(task->tid, 0);
        task->restart_op = PTRACE_SYSCALL;
        task->restart_signal = 0;
        step_go_on(t, task);
        return;
    }
    b->is_timing_out = true;
    b->state = STEP_MOVING;
    ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    step_follow(t, task);
}
