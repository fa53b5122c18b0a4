/* The tasks (threads) of a run, found by tid.
 *
 * A task is in one of three hands: running in the kernel's, stopped in ours (`is_stopped`: we owe
 * it a restart), or listening (stopped by job control: only SIGCONT wakes it). */
#ifndef IPCLAB_TRACE_TASK_H
#define IPCLAB_TRACE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/call.h"
#include "trace/inflight.h"
#include "trace/space.h"

/* What a task last stopped for. */
enum stop_kind {
    STOP_OTHER,
    STOP_ENTRY,   /* of a call */
    STOP_REENTRY, /* of a call that was interrupted, and goes on */
    STOP_EXIT,    /* of a call */
    STOP_SIGNAL,  /* is about to be delivered */
    STOP_FORK,    /* has made a task */
    STOP_EXEC,
    STOP_DYING,
    STOP_GROUP, /* job control */
};

enum { BRAKE_NOBODY = UINT32_MAX };

/* What a stepped run knows of a task (step.h). */
struct brake {
    /* set once */
    uint32_t birth, creator;                          /* BRAKE_NOBODY: the command */
    int stat_fd, syscall_fd, status_fd, schedstat_fd; /* its files in /proc, kept open; -1 */
    /* changes with every stop */
    uint8_t state;       /* enum step_state */
    bool is_vfork_child; /* and has not called exec yet */
    bool is_loading;     /* since exec, the dynamic linker is at work */
    bool is_exiting;    /* let into exit, or its group into exit_group: dies without another move */
    bool is_timing_out; /* interrupted so that it can be told that its time is over */
    bool is_rewound;    /* its held call was put back, to deliver a signal first */
    bool ran_handler;   /* since its call was interrupted */
    bool is_killed_at_exit;
    bool is_shot;   /* on its way out without a restart */
    int pipe_size;  /* of the pipe that its call makes; 0: as usual */
    bool has_patch; /* an argument of the call was changed, to be put back at its exit */
    int patched_arg;
    uint64_t original_arg;
    uint32_t grants;
    uint64_t slices;  /* parked: how often it had been given a CPU */
    uint64_t pending; /* signals that would be delivered, as last asked */
    bool has_deadline;
    uint64_t deadline_ns;
    /* the call that it was last let into */
    uint32_t call_event; /* BRAKE_NOBODY: none */
    enum call call;
    bool has_returned;
    int64_t ret;
    uint32_t child; /* birth of what it made; BRAKE_NOBODY */
    bool child_is_thread;
};

struct task {
    /* set once; exec in a thread moves the calls to the leader's task */
    pid_t tid;
    pid_t tgid;
    size_t index; /* in tasks.all */

    struct space *space;
    struct inflight calls;

    bool is_stopped;
    bool is_listening; /* in a group stop */
    bool is_dying;     /* its PTRACE_EVENT_EXIT was seen */
    int restart_op;    /* for a stopped task: PTRACE_CONT, PTRACE_SYSCALL or PTRACE_LISTEN */
    int restart_signal;
    enum stop_kind stop; /* the last one */
    struct brake brake;

    struct task *next; /* same bucket */
};

/* A report about a task that nobody has told us of yet. */
struct stray {
    pid_t tid;
    int status;
    uint64_t since_ns;
};

enum { TASK_BUCKETS = 256 };

struct tasks {
    struct task *buckets[TASK_BUCKETS];
    struct task *last; /* found */
    struct task **all;
    size_t all_count, all_cap;
    struct stray *strays;
    size_t strays_count, strays_cap;
};

void tasks_fini(struct tasks *t);
struct task *tasks_find(struct tasks *t, pid_t tid); /* NULL */
/* take_space: the task releases it. */
struct task *tasks_add(struct tasks *t, pid_t tid, pid_t tgid, struct space *take_space);
void tasks_remove(struct tasks *t, struct task *task);

void tasks_add_stray(struct tasks *t, struct stray stray);
/* The oldest report about tid; false when there is none. */
bool tasks_take_stray(struct tasks *t, pid_t tid, struct stray *out);

#endif
