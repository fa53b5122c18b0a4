/* The tracer runs one command and everything it forks, and records what they do to each other.
 *
 * Each process is seized (never stopped by SIGSTOP: ptrace(2) PTRACE_SEIZE); a seccomp filter, set
 * last before exec, stops it at the calls of calls.def and lets all others run at full speed. The
 * tracer observes: it changes no argument and no result, except that io_uring_setup gives ENOSYS.
 * It holds no end of any tracee's pipe. All tracees die with it (PTRACE_O_EXITKILL).
 *
 * A tracer belongs to the thread that made it (ptrace's own rule). It is a loop with hooks: whoever
 * runs it is told when all is quiet, and may hold a task at a stop (a controlled run does). */
#ifndef IPCLAB_TRACE_TRACER_H
#define IPCLAB_TRACE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "trace/recording.h"

/* Why the run ended. */
enum trace_end {
    TRACE_ENDED,       /* every process ended by itself */
    TRACE_TIMEOUT,     /* time limit */
    TRACE_STUCK,       /* on_quiet said that nobody can move */
    TRACE_INTERRUPTED, /* tracer_stop */
    TRACE_FLOODED,     /* a limit on events, tasks or output */
    TRACE_FAILED,      /* the tracer's own trouble: judge nothing by this run */
};

enum trace_answer { TRACE_GO_ON, TRACE_STOP_STUCK, TRACE_STOP_FLOODED };

struct step_hooks;

struct tracer_options {
    size_t payload_cap;     /* bytes kept of each argument; 0: 4096 */
    uint64_t limit_ns;      /* wall-clock limit; 0: none */
    uint64_t events_max;    /* 0: none */
    uint32_t tasks_max;     /* tasks alive at once; 0: none */
    bool ends_with_command; /* what is left dies grace_ns after the command */
    uint64_t grace_ns;
    bool no_stacks; /* leave out call stacks */

    /* Called at the latest some 20 ms after the last event while every task is asleep in a call or
     * stopped; the BLOCKED events of all sleepers are in the recording, and it is flushed. NULL:
     * never asked. Called again only after something has happened, or after 100 ms more. */
    enum trace_answer (*on_quiet)(void *arg);
    /* Called at least every 20 ms whatever happens: drain output pipes, look at the clock, stop. */
    enum trace_answer (*on_tick)(void *arg);
    /* Called with the world held: every task sits in a ptrace stop or sleeps in a call, BLOCKED
     * events are written. For --verify. Asked for after every `hold_every` events (0: never). */
    void (*on_held)(void *arg);
    uint32_t hold_every;
    void *arg;

    const struct step_hooks *stepped; /* one task moves at a time (trace/step.h); NULL: freely */
};

/* A process that waits, before exec, to be seized and released. Made by spawn_command
 * (trace/spawn.h) or by the sandbox. */
struct target {
    pid_t pid;      /* in our pid namespace */
    int release_fd; /* a byte written here lets it install its filter and exec; owned */
    int error_fd;   /* end of file: exec done; else int errno and text; owned */
};

struct tracer_result {
    enum trace_end end;
    int wait_status; /* of the command; -1 when it was never reaped */
    uint64_t elapsed_ns;
    uint64_t steps;       /* halves recorded */
    uint32_t tasks;       /* all there ever were */
    int crash_signal;     /* the first fault of its own that killed a process (SIGSEGV ...); 0 */
    uint32_t left_behind; /* processes still alive when the command ended and the run was closed */
};

struct tracer;

/* Seizes the target. Takes its descriptors. The recorder is borrowed. */
int tracer_new(struct tracer **out, const struct target *take_target, struct recorder *w,
               const struct tracer_options *options, struct err *e);

/* The same for a copy of a program that was loaded already (trace/template.h): it is traced, and
 * stands before its first call. program: its path; known: what it begins with. */
struct beginning;
struct tracer *tracer_new_copy(pid_t copy, const char *program, const struct beginning *known,
                               struct recorder *w, const struct tracer_options *options);

/* Runs to the end (the last tracee is reaped: wait(2) says ECHILD). 0, or -errno when the command
 * could not be started (ENOENT, EACCES ...: nothing ran) or tracing failed. */
int tracer_run(struct tracer *t, struct tracer_result *out, struct err *e);

/* May be called from a signal handler: ends the run soon, keeping what was seen. */
void tracer_stop(struct tracer *t);
void tracer_free(struct tracer *t);

/* Live tasks, for on_held and the on_quiet checks: returns the count; fills up to most. */
size_t tracer_tasks(const struct tracer *t, pid_t *out, size_t most);

/* What this machine cannot do for us; 0 when tracing works. Tries each thing for real: fork, seize,
 * filter, PTRACE_GET_SYSCALL_INFO, process_vm_readv, order of seccomp and syscall stops. */
int tracer_probe(struct err *e);

#endif
