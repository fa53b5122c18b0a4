/* The tracer with its hand on every task: one moves at a time, and somebody chooses which.
 *
 * A task of a stepped run is HELD at the entry of its next followed call, or PARKED: let into a
 * call, and truly asleep in it (the kernel says so). Between the two it runs user code and calls
 * that nobody else can see, alone. A parked task is followed to the exit of its call when somebody
 * wakes it, and on to its next entry, before anybody else is let go. So the run is a sequence of
 * moves, and the same choices give the same run.
 *
 * Invariants: when `choose` is asked, no task of the run is runnable; tracer and tasks share one
 * CPU (the caller pins this thread before the command is started), so that "asleep" is exact: there
 * is no other CPU on which a wake-up could be under way.
 *
 * An end is three things: the call of exit or a deadly signal (a move, or part of one), the death
 * itself (descriptors close: for a deadly signal a move of its own), and the report to the parent
 * (SIGCHLD, wait: a move). Real time plays no part: sleeps, timeouts, alarms and timers are moves
 * that may be chosen at any moment; the events' times are those of a clock that only moves advance.
 * The mechanisms are those of ptrace(2); measurements in docs/control.md. */
#ifndef IPCLAB_TRACE_STEP_H
#define IPCLAB_TRACE_STEP_H

#include "trace/call.h"
#include "trace/tracer.h"

/* X(NAME, word) */
#define STEP_STATES(X)                                                        \
    X(MOVING, "moving")   /* not at rest; never seen by `choose` */           \
    X(HELD, "held")       /* at the entry of a call */                        \
    X(PARKED, "parked")   /* asleep in a call */                              \
    X(STOPPED, "stopped") /* by job control: only SIGCONT or SIGKILL helps */ \
    X(DYING, "dying")     /* killed by a signal; its descriptors are open */  \
    X(DEAD, "dead")       /* ended, its parent has not been told */

enum step_state {
#define X(NAME, word) STEP_##NAME,
    STEP_STATES(X)
#undef X
};

/* One task, when everybody is at rest. Valid until the next move. */
struct step_task {
    uint32_t birth;   /* order of birth in this run, from 0: the command */
    uint32_t creator; /* birth of the task that made it; UINT32_MAX for the command */
    bool is_thread;   /* of its creator's process */
    pid_t tid, tgid;
    enum step_state state;
    enum call call;       /* HELD, PARKED: the call; else CALL_UNKNOWN */
    uint32_t event;       /* and its event in the recording */
    uint64_t args[6];     /* as the program gave them */
    uint32_t grants;      /* calls it was let into so far: the next is number grants + 1 */
    uint64_t pending;     /* signals that would be delivered now (bit n-1): caught or deadly */
    bool has_deadline;    /* a sleep that is held, or a timed call that is parked */
    uint64_t deadline_ns; /* on the run's own clock */
};

/* A timer that will send a signal. */
struct step_timer {
    uint32_t birth; /* of the process */
    int sig;
    uint64_t deadline_ns;
};

enum step_kind { STEP_GO, STEP_SIGNAL, STEP_TIMEOUT, STEP_TIMER, STEP_REPORT };

/* What is done to a call that goes; only what Linux itself can do (control/fault.h). */
enum step_fault {
    STEP_NO_FAULT,
    STEP_FAULT_ERROR,      /* the call fails with errno `value`, undone */
    STEP_FAULT_SHORT,      /* at most `value` bytes are asked for */
    STEP_FAULT_SIGNAL,     /* signal `value`, which the task handles, arrives as the call begins */
    STEP_FAULT_SMALL_PIPE, /* the new pipe holds `value` bytes */
    STEP_FAULT_KILL,       /* SIGKILL before the call has done anything */
    STEP_FAULT_KILL_AFTER, /* SIGKILL when it has */
};

struct step_choice {
    uint32_t birth;
    enum step_kind kind;
    enum step_fault fault;
    int64_t value;
};

/* What a move came to. */
struct step_done {
    uint32_t birth;
    enum step_kind kind;
    bool is_parking; /* it fell asleep in the call */
    bool is_forced;  /* nobody chose it: a parked call went on after the last move */
    enum call call;
    uint32_t event; /* of the call; UINT32_MAX when it was none */
    int64_t ret;    /* when the call has returned */
    bool has_returned;
    uint32_t child; /* birth of a task that it made; UINT32_MAX */
    bool child_is_thread;
};

struct step_hooks {
    /* Everybody is at rest and somebody can move: fill in *out. Or an end of the run (TRACE_STUCK:
     * see `is_stuck`), as a trace_answer. */
    enum trace_answer (*choose)(void *arg, struct step_choice *out);
    void (*done)(void *arg, const struct step_done *done);
    /* Nobody can move, and somebody is parked: TRACE_STOP_STUCK, or TRACE_GO_ON when something
     * outside of the run may wake them (a terminal): then it is waited for. */
    enum trace_answer (*is_stuck)(void *arg);
    void *arg;
};

/* For use within the hooks. Tasks in order of birth; those that are gone are left out. */
size_t step_task_count(const struct tracer *t);
const struct step_task *step_task_at(const struct tracer *t, size_t i);
size_t step_timer_count(const struct tracer *t);
const struct step_timer *step_timer_at(const struct tracer *t, size_t i);
uint64_t step_clock(const struct tracer *t); /* ns since the run began, on its own clock */

#endif
