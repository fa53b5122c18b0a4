/* Faults that may happen to a program on Linux, and to which of its calls.
 *
 * A fault belongs to one call of one task, by the number of that call. Legal faults only: what a
 * correct program must survive, or refuse in an orderly way. */
#ifndef IPCLAB_CONTROL_FAULT_H
#define IPCLAB_CONTROL_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/step.h"

/* X(NAME, word): the schedule file's words. */
#define FAULT_KINDS(X)                                                                        \
    X(ERROR, "error")           /* the call fails with errno `value` */                       \
    X(SHORT, "short")           /* at most `value` bytes */                                   \
    X(SIGNAL, "signal")         /* signal `value`, which has a handler, comes as it begins */ \
    X(SMALL, "small")           /* all pipes of the run hold `value` bytes */                 \
    X(KILL, "kill")             /* SIGKILL before it has done anything */                     \
    X(KILL_AFTER, "kill-after") /* SIGKILL when it has */

enum fault_kind {
#define X(NAME, word) FAULT_##NAME,
    FAULT_KINDS(X)
#undef X
        FAULT_KIND_COUNT
};

/* What any program must survive or refuse; being killed is for those who ask. */
enum { FAULTS_USUAL = 1 << FAULT_ERROR | 1 << FAULT_SHORT | 1 << FAULT_SIGNAL | 1 << FAULT_SMALL };

struct fault {
    uint16_t task; /* index of its name */
    uint32_t op;   /* number of its call, from 1; 0 (SMALL): wherever it can be */
    uint8_t kind;  /* enum fault_kind */
    int64_t value;
};

/* What decides whether a fault is legal for a call. */
struct fault_facts {
    enum call call;
    bool is_stream;        /* its descriptor is a pipe, FIFO or socket */
    bool is_file;          /* or a file on a disk */
    uint64_t size;         /* bytes that it asks for */
    uint64_t handled;      /* signals with a handler, bit n-1 */
    uint64_t interrupting; /* of these, those without SA_RESTART */
    bool is_child;         /* not the command itself: may be killed */
};

enum { FAULTS_PER_CALL = 8 };

/* The faults that this call can suffer; task and op are left 0. Signals are taken from those that
 * may come from anywhere at any time: SIGCHLD (a child that stops), SIGWINCH, SIGCONT, SIGURG. */
size_t fault_list(const struct fault_facts *facts, struct fault out[FAULTS_PER_CALL]);

const char *fault_word(enum fault_kind kind);
enum step_fault fault_step(enum fault_kind kind);

#endif
