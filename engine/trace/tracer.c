#include "trace/tracer.h"

#include <sys/ptrace.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/begin.h"
#include "trace/tracer_parts.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    TICK_NS = 20 * 1000 * 1000,
    DRAIN_EVERY = 16, /* reports */
    PAYLOAD_CAP = 4096,
    GIVE_UP_NS = 2000 * 1000 * 1000, /* after SIGKILL; then PTRACE_O_EXITKILL has to do */
};

const long tracer_seize_options =
    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
    PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEVFORKDONE |
    /* a filter without its tracer turns every followed call into ENOSYS: nobody may outlive us */
    PTRACE_O_EXITKILL;

/* ---- the tick: a signal that interrupts wait(2) ---- */

static _Thread_local volatile sig_atomic_t is_tick_due;

static int tick_signal(void)
{
    return SIGRTMIN + 5;
}

static void on_tick_signal(int sig)
{
    (void)sig;
    is_tick_due = 1;
}

static int start_ticking(struct tracer *t, struct err *e)
{
    /* without SA_RESTART: wait(2) must come back */
    struct sigaction action = {.sa_handler = on_tick_signal};
    sigaction(tick_signal(), &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, tick_signal());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = tick_signal()};
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &t->ticker) < 0)
        return err_sys(e, errno, "create the tracer's timer");
    t->has_ticker = true;
    struct timespec every = {.tv_nsec = TICK_NS};
    struct itimerspec period = {.it_interval = every, .it_value = every};
    timer_settime(t->ticker, 0, &period, NULL);
    return 0;
}

static void stop_ticking(struct tracer *t)
{
    if (t->has_ticker)
        timer_delete(t->ticker);
    t->has_ticker = false;
}

/* ---- the end ---- */

static void kill_all(struct tracer *t)
{
    for (size_t i = 0; i < t->tasks.all_count; i++)
        kill(t->tasks.all[i]->tgid, SIGKILL);
    for (size_t i = 0; i < t->tasks.strays_count; i++)
        if (WIFSTOPPED(t->tasks.strays[i].status))
            kill(t->tasks.strays[i].tid, SIGKILL);
}

static uint32_t count_processes(const struct tracer *t)
{
    uint32_t count = 0;
    for (size_t i = 0; i < t->tasks.all_count; i++)
        count += t->tasks.all[i]->tid == t->tasks.all[i]->tgid;
    return count;
}

void tracer_end(struct tracer *t, enum trace_end end, const char *why)
{
    static const enum note_code notes[] = {
        [TRACE_ENDED] = NOTE_TEXT,    [TRACE_TIMEOUT] = NOTE_TIMEOUT,
        [TRACE_STUCK] = NOTE_STUCK,   [TRACE_INTERRUPTED] = NOTE_INTERRUPTED,
        [TRACE_FLOODED] = NOTE_FLOOD, [TRACE_FAILED] = NOTE_TEXT,
    };
    if (t->is_ending)
        return;
    t->is_ending = true;
    t->killed_ns = t->now_ns;
    t->result.end = end;
    if (t->ended_ns)
        t->result.left_behind = count_processes(t);
    record_note(t, t->command, notes[end], why);
    kill_all(t);
}

void tracer_stop(struct tracer *t)
{
    t->is_stop_asked = 1;
}

static void obey(struct tracer *t, enum trace_answer answer)
{
    if (answer == TRACE_STOP_STUCK)
        tracer_end(t, TRACE_STUCK, "nobody can move any more");
    else if (answer == TRACE_STOP_FLOODED)
        tracer_end(t, TRACE_FLOODED, "too much output");
}

static void check_limits(struct tracer *t)
{
    const struct tracer_options *o = &t->options;
    if (t->is_stop_asked)
        tracer_end(t, TRACE_INTERRUPTED, "interrupted");
    else if (o->limit_ns && t->now_ns > o->limit_ns)
        tracer_end(t, TRACE_TIMEOUT, "the time limit was reached");
    else if (o->events_max && t->events > o->events_max)
        tracer_end(t, TRACE_FLOODED, "too many events");
    else if (o->ends_with_command && !t->stepper && t->ended_ns && t->tasks.all_count &&
             t->now_ns - t->ended_ns >= o->grace_ns)
        tracer_end(t, TRACE_ENDED, "processes were left when the command had ended");
}

static void tick(struct tracer *t)
{
    is_tick_due = 0;
    t->now_ns = clock_ns() - t->start_ns;
    stop_adopt_strays(t);
    check_limits(t);
    if (t->is_ending) {
        kill_all(t); /* forks may have been on their way */
        t->is_over = t->now_ns - t->killed_ns > GIVE_UP_NS;
        return;
    }
    quiet_note_sleepers(t);
    if (t->flushed_steps != t->result.steps) {
        recorder_flush(t->recorder);
        t->flushed_steps = t->result.steps;
    }
    if (t->options.on_tick)
        obey(t, t->options.on_tick(t->options.arg));
    obey(t, quiet_ask(t));
}

bool tracer_pace(struct tracer *t)
{
    if (is_tick_due) {
        is_tick_due = 0;
        uint64_t now_ns = t->now_ns;
        t->now_ns = clock_ns() - t->start_ns;
        check_limits(t);
        t->now_ns = now_ns;
        if (!t->is_ending && t->options.on_tick)
            obey(t, t->options.on_tick(t->options.arg));
    }
    return !t->is_ending;
}

/* ---- the loop ---- */

/* ECHILD alone does not tell: the sandbox's init may be our child, too, and outlive its processes.
 * Nor does an empty table: a child whose creator was killed inside of fork has not been named yet.
 */
static bool is_done(const struct tracer *t)
{
    return t->tasks.all_count == 0 && !stop_has_strays(t) && t->now_ns >= t->hidden_until_ns;
}

static int loop(struct tracer *t, struct err *e)
{
    while (!t->is_over && !is_done(t)) {
        int status;
        pid_t tid = wait4(-1, &status, __WALL, NULL);
        if (tid > 0) {
            stop_take(t, tid, status);
            if (++t->since_drain >= DRAIN_EVERY) {
                t->since_drain = 0;
                quiet_drain(t);
                if (t->options.events_max)
                    check_limits(t);
            }
            if (t->options.hold_every && t->events >= t->next_hold && !t->is_ending)
                quiet_hold(t);
        } else if (errno == ECHILD) {
            break;
        } else if (errno != EINTR) {
            return err_sys(e, errno, "wait for the traced processes");
        }
        if (is_tick_due)
            tick(t);
    }
    return 0;
}

/* ---- beginning ---- */

static struct tracer *make(pid_t command, struct recorder *w, const struct tracer_options *options)
{
    struct tracer *t = xcalloc(1, sizeof *t);
    t->options = *options;
    t->recorder = w;
    t->command = command;
    t->release_fd = t->error_fd = -1;
    t->start_ns = clock_ns();
    t->result.wait_status = -1;
    capturer_init(&t->capturer, options->payload_cap ? options->payload_cap : PAYLOAD_CAP);
    t->objects = objects_new(w);
    return t;
}

int tracer_new(struct tracer **out, const struct target *take_target, struct recorder *w,
               const struct tracer_options *options, struct err *e)
{
    struct tracer *t = make(take_target->pid, w, options);
    t->release_fd = take_target->release_fd;
    t->error_fd = take_target->error_fd;
    if (ptrace(PTRACE_SEIZE, t->command, NULL, (void *)tracer_seize_options) < 0) {
        int code = errno;
        tracer_free(t);
        return err_sys(e, code, "trace process %d", (int)take_target->pid);
    }
    begin_record(t, NULL);
    tasks_add(&t->tasks, t->command, t->command, space_new(t->objects));
    *out = t;
    return 0;
}

struct tracer *tracer_new_copy(pid_t copy, const char *program, const struct beginning *known,
                               struct recorder *w, const struct tracer_options *options)
{
    struct tracer *t = make(copy, w, options);
    begin_record(t, known);
    uint32_t length = (uint32_t)strlen(program);
    struct blob_in path = {.kept = length, .length = length, .bytes = program};
    record_point(t, EVENT_EXEC, copy, (uint64_t[6]){(uint64_t)copy}, 0, &path);
    t->has_execed = true;
    struct task *task = tasks_add(&t->tasks, copy, copy, space_new(t->objects));
    task->is_stopped = true;
    task->restart_op = PTRACE_CONT;
    return t;
}

/* What the child wrote when it could not run the command. */
static int read_failure(struct tracer *t, struct err *e)
{
    char text[400];
    int code = 0;
    ssize_t size = fd_read_full(t->error_fd, text, sizeof text - 1);
    if (size < (ssize_t)sizeof code)
        return err_set(e, ECANCELED, "the command ended before it could be run");
    memcpy(&code, text, sizeof code);
    text[size] = '\0';
    return err_set(e, code, "%s", text + sizeof code);
}

int tracer_run(struct tracer *t, struct tracer_result *out, struct err *e)
{
    t->next_hold = t->options.hold_every;
    int status = start_ticking(t, e);
    if (status == 0 && t->release_fd >= 0 && fd_write_full(t->release_fd, "g", 1) < 0)
        status = err_set(e, ESRCH, "the command ended before it could be run");
    fd_close(&t->release_fd);
    if (status == 0 && t->options.stepped)
        step_run(t);
    if (status == 0)
        status = loop(t, e);
    stop_ticking(t);
    t->now_ns = clock_ns() - t->start_ns;
    if (status < 0)
        tracer_end(t, TRACE_FAILED, "the tracer failed");
    else if (!t->has_execed && !t->is_ending)
        status = read_failure(t, e);
    if (status < 0)
        t->result.end = TRACE_FAILED;
    t->result.elapsed_ns = t->now_ns;
    t->completeness.payload_cut = t->capturer.payload_cut;
    recorder_completeness(t->recorder, &t->completeness);
    *out = t->result;
    return status;
}

/* A tracer that was not run to its end takes its processes with it. */
static void reap_rest(struct tracer *t)
{
    kill_all(t);
    if (t->result.wait_status != -1)
        return;
    int status;
    kill(t->command, SIGKILL);
    while (waitpid(t->command, &status, __WALL) > 0 && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, t->command, NULL, NULL);
}

void tracer_free(struct tracer *t)
{
    if (!t)
        return;
    reap_rest(t);
    fd_close(&t->release_fd);
    fd_close(&t->error_fd);
    tasks_fini(&t->tasks);
    objects_free(t->objects);
    capturer_fini(&t->capturer);
    free(t->held);
    step_free(t->stepper);
    free(t);
}

size_t tracer_tasks(const struct tracer *t, pid_t *out, size_t most)
{
    for (size_t i = 0; i < t->tasks.all_count && i < most; i++)
        out[i] = t->tasks.all[i]->tid;
    return t->tasks.all_count;
}
