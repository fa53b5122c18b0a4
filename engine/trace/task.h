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

#include "trace/inflight.h"
#include "trace/space.h"

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
