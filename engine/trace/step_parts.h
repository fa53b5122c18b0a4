/* What the files of the stepped run share. Private to engine/trace. */
#ifndef IPCLAB_TRACE_STEP_PARTS_H
#define IPCLAB_TRACE_STEP_PARTS_H

#include "trace/step.h"
#include "trace/tracer_parts.h"

/* A timer that was armed by a call that the kernel never saw. */
struct timer {
    pid_t tgid;
    int32_t id; /* timer_create's; -1: the process's ITIMER_REAL */
    int sig;
    uint64_t value; /* union sigval */
    uint64_t deadline_ns, interval_ns;
};

/* What a POSIX timer will do, from timer_create on. */
struct timer_kind {
    pid_t tgid;
    int32_t id;
    int sig; /* 0: nothing */
    uint64_t value;
};

struct stepper {
    const struct step_hooks *hooks;
    uint32_t births;
    uint32_t granted_event; /* of the last move */
    enum call granted_call;
    uint64_t clock_ns;      /* the run's own: only moves advance it */
    bool is_held_looked_at; /* who stands at a stop may have been moved by the last move */
    bool is_signal_sent;    /* since pending signals were last asked for */

    struct timer *timers;
    size_t timers_count, timers_cap;
    struct timer_kind *kinds;
    size_t kinds_count, kinds_cap;

    /* what `choose` may look at; made anew for every move */
    struct step_task *view;
    size_t view_count, view_cap;
    struct step_timer *timer_view;
    size_t timer_view_count, timer_view_cap;
};

/* ---- step_follow.c: one task ---- */

struct stat_line {
    char state; /* 0: gone */
    pid_t ppid;
};
/* proc_pid_status(5): bit n-1 for signal n. pending: of the task and of its process. */
struct signal_sets {
    uint64_t pending, blocked, ignored, caught;
};
bool step_signals(struct task *task, struct signal_sets *out);
struct stat_line step_stat(struct task *task);
/* Truly off its run queue, in a call. state: as step_stat gave it. */
bool step_is_asleep(struct task *task, char state);
/* Of a parked task: it is asleep, and has not run since it was parked. */
bool step_is_still_asleep(struct task *task);
bool step_is_leader(const struct task *task);
bool step_has_threads(const struct tracer *t, const struct task *leader);
/* Takes a stop, never an end: to reap a dead process is to tell its parent, and that is a move. */
bool step_take_stop(struct tracer *t, struct task *task);
/* Reaps a dead task; for a leader this tells its parent. False when the kernel is not so far. */
bool step_reap(struct tracer *t, struct task *task);
/* Does the last stop end its move? */
bool step_does_rest(struct tracer *t, struct task *task);
/* Waits for the next stop of a task that moves, and takes it; false when it rests without one:
 * asleep, dead or gone. */
bool step_await(struct tracer *t, struct task *task);
/* Restarts a stopped task and follows it until it rests. */
void step_go_on(struct tracer *t, struct task *task);
/* The same for one that is on its way already. */
void step_follow(struct tracer *t, struct task *task);
/* SIGKILL. It wakes the task from its stop, and the next it reports is that it is dying: it must
 * not be restarted, or that would be lost. */
void step_shoot(struct task *task);
/* All tasks of a process die without further moves. */
void step_doom(struct tracer *t, pid_t tgid);

/* ---- step.c: everybody ---- */

/* Follows whoever the last move has set in motion, until nobody moves. */
void step_settle(struct tracer *t);
struct task *step_find(struct tracer *t, uint32_t birth); /* NULL */

/* ---- step_move.c: carrying out a choice ---- */

void step_move(struct tracer *t, const struct step_choice *choice);
/* Delivers a pending signal to a task that is held, and brings it back to its call. */
void step_deliver(struct tracer *t, struct task *task);
/* At the return of pipe(2): the new pipe gets brake.pipe_size bytes. */
void step_shrink_pipe(const struct task *task, const struct open_call *call);
/* Changes an argument of the call at whose entry the task stands, until its exit. */
void step_patch(struct task *task, int arg, uint64_t value);

/* ---- step_time.c: sleeps, timeouts, timers ---- */

/* A held call that only waits for time: granting it means that the time has passed. */
bool step_is_sleep(const struct task *task);
/* At the hold: notes the deadline of a sleep. At the grant: takes the time limit away from a timed
 * call, arms virtual timers instead of the kernel's; true: the call was carried out already, and is
 * to be skipped (its result is set). */
void step_note_deadline(struct tracer *t, struct task *task);
bool step_take_time(struct tracer *t, struct task *task);
/* The time of a held sleep, or of a parked call, is over. */
void step_time_out(struct tracer *t, struct task *task);
/* What the call returns to say so; writes what it would write. */
int64_t step_timeout_result(struct task *task);
void step_fire(struct tracer *t, size_t timer);
/* Timers and kinds of a process that is gone. */
void step_forget_timers(struct stepper *s, pid_t tgid);
/* After timer_create has returned. */
void step_learn_timer(struct tracer *t, struct task *task, const struct open_call *call);

#endif
