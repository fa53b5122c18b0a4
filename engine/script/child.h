/* A function in a process of its own, that can be killed: what it has to say comes back as bytes.
 *
 * Used for everything that runs somebody's Lua, and for the grader's workers: a crash, a hang or a
 * memory bomb there ends that process and is an ordinary error here. */
#ifndef IPCLAB_SCRIPT_CHILD_H
#define IPCLAB_SCRIPT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Runs in the child: appends its answer to *out. 0 or -errno with a line in *e. */
typedef int child_job(void *arg, struct buf *out, struct err *e);

struct child_limits {
    uint64_t wall_ns;     /* 0: none */
    unsigned cpu_seconds; /* RLIMIT_CPU; 0: none */
    uint64_t memory;      /* address space on top of what the parent has; 0: none */
    bool is_detached; /* has no descriptor of ours but 2: 0 and 1 are /dev/null, the rest is closed
                       */
};

struct child;

/* Forks. The child sees this process's memory as it is now; handlers, mask and hooks are not kept;
 * it dies when this thread's process does. */
int child_start(struct child **out, child_job *job, void *arg, const struct child_limits *limits,
                struct err *e);
int child_fd(const struct child *c); /* readable when something has come, or it has ended */

/* Takes in what has come, without blocking: 1 when it has ended, else 0. */
int child_step(struct child *c);

/* Waits for the end (kills it when the limit passes), frees. 0 with the answer appended to *out;
 * the job's own -errno; -ETIMEDOUT; -ECHILD when it died. */
int child_finish(struct child *take, struct buf *out, struct err *e);
void child_kill(struct child *take); /* frees, too; NULL is allowed */

/* child_start and child_finish. */
int child_run(struct buf *out, child_job *job, void *arg, const struct child_limits *limits,
              struct err *e);

#endif
