/* The parts of the tracer, and the state that they share. Private to engine/trace. */
#ifndef IPCLAB_TRACE_TRACER_PARTS_H
#define IPCLAB_TRACE_TRACER_PARTS_H

#include <signal.h>
#include <time.h>

#include "trace/capture.h"
#include "trace/inflight.h"
#include "trace/probe.h"
#include "trace/space.h"
#include "trace/task.h"
#include "trace/tracer.h"

struct ptrace_syscall_info; /* linux/ptrace.h */

struct tracer {
    /* set once */
    struct tracer_options options;
    struct recorder *recorder;
    pid_t command;
    int release_fd, error_fd;
    uint64_t start_ns;

    struct objects *objects;
    struct tasks tasks;
    struct capturer capturer;
    struct completeness completeness;
    struct tracer_result result;

    /* recording */
    uint64_t now_ns; /* of this stop, since start_ns */
    uint64_t events; /* entries and points */
    bool has_execed; /* the command is running: earlier calls are our own child code's */

    struct stepper *stepper; /* step.c; NULL: everybody runs freely */

    /* the loop (tracer.c) */
    volatile sig_atomic_t is_stop_asked;
    timer_t ticker;
    bool has_ticker;
    bool is_ending; /* everything is being killed */
    bool is_over;
    unsigned since_drain;
    uint64_t ended_ns;  /* when the command ended; 0: not yet */
    uint64_t killed_ns; /* when the end was decided */

    /* holding the world, and finding it quiet (quiet.c) */
    bool is_holding;    /* stopped tasks stay so */
    uint64_t next_hold; /* event count that asks for it */
    pid_t *held;        /* tasks that we owe a restart while is_holding; some may be gone */
    size_t held_count, held_cap;
    uint64_t reports;        /* of wait(2), so far */
    uint64_t ticked_reports; /* at the last tick */
    uint64_t asked_reports;  /* when on_quiet was last asked */
    uint64_t asked_ns;
    uint64_t flushed_steps; /* result.steps when last flushed */
    uint64_t
        hidden_until_ns; /* a child that nobody named may still report: wait for it till then */
};

/* ---- record.c: what happened, told to the recorder ---- */

/* A point: kind, tid and args. blob may be NULL. ret is 0 but for EVENT_FD. */
void record_point(struct tracer *t, enum event_kind kind, pid_t tid, const uint64_t args[6],
                  int64_t ret, const struct blob_in *blob);
/* As record_point, with a stack. */
void record_signal(struct tracer *t, struct task *task, const siginfo_t *info);
void record_note(struct tracer *t, pid_t tid, enum note_code code, const char *text);
/* An entry; pushes the call. */
void record_enter(struct tracer *t, struct task *task, const struct ptrace_syscall_info *info,
                  enum call call, uint8_t flags);
/* The exit of a call that was taken off its task's stack. */
void record_exit(struct tracer *t, struct task *task, const struct open_call *call, int64_t ret);
/* A fresh task's place in the run. creator may be NULL; command: what the command begins with, NULL
 * for every other task. */
void record_start(struct tracer *t, pid_t tid, const struct task *creator, uint64_t flags,
                  uint32_t call_event, const struct probe_process *command);

/* ---- stops.c: one report of wait(2) ---- */

void stop_take(struct tracer *t, pid_t tid, int status);
/* Reports about tasks whose creator died before it could name them. */
void stop_adopt_strays(struct tracer *t);
/* Are there stopped tasks that nobody has named yet? */
bool stop_has_strays(const struct tracer *t);
/* Lets a stopped task go on. */
void stop_restart(struct tracer *t, struct task *task);

/* ---- step.c ---- */

/* Moves one task at a time until nobody can move or the run ends. */
void step_run(struct tracer *t);
void step_free(struct stepper *s);
/* From stops.c, in a stepped run: a task was made; a call is about to be seen to return (*info may
 * be changed); a call has returned. */
void step_on_born(struct tracer *t, struct task *task, struct task *creator);
void step_on_return(struct tracer *t, struct task *task, struct ptrace_syscall_info *info);
void step_on_exit(struct tracer *t, struct task *task, const struct open_call *call, int64_t ret);
uint64_t step_now(const struct tracer *t);

/* ---- quiet.c ---- */

/* Writes BLOCKED events for calls that sleep. */
void quiet_note_sleepers(struct tracer *t);
/* At a tick: when nothing moves, asks on_quiet. */
enum trace_answer quiet_ask(struct tracer *t);
/* When enough events have passed: brings all to rest, calls on_held, lets them go. */
void quiet_hold(struct tracer *t);
/* Takes all reports there are and restarts nobody meanwhile, so that a task that stops often cannot
 * keep others waiting (wait(2) reports whoever stands first in its list). */
void quiet_drain(struct tracer *t);

/* ---- tracer.c ---- */

extern const long tracer_seize_options;

/* Has the 20 ms timer rung? Looks at limits then; false when the run is ending. */
bool tracer_pace(struct tracer *t);

/* Decides the end of the run: kills what there is. Only the first call counts. */
void tracer_end(struct tracer *t, enum trace_end end, const char *why);

#endif
