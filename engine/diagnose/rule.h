/* What the rules share: the step under judgement, and the making of findings.
 *
 * A rule family is a struct rule_ops in a file of its own and one line in diagnosis.c. It keeps its
 * state between steps in a block of its own; it reads the model, never changes it. Tables grow with
 * the processes and objects that it saw, the cost of a step does not. */
#ifndef IPCLAB_DIAGNOSE_RULE_H
#define IPCLAB_DIAGNOSE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/finding.h"
#include "model/model.h"
#include "trace/call.h"
#include "trace/recording.h"

/* One step, after the model has applied it. */
struct context {
    struct diagnosis *d;
    const struct recording *rec;
    const struct model *m;
    uint32_t seq;
    const struct event *ev;
    bool is_exit;  /* this half is the exit of a call; points are entries */
    struct op op;  /* OP_NONE for events that are not calls */
    uint32_t task; /* whom it happened to; MODEL_NONE: nobody that the model knows */
    uint32_t proc;
    uint32_t file;        /* what op.fd referred to when the call began; MODEL_NONE */
    uint32_t object;      /* of that file */
    uint32_t object2;     /* of op.fd2 */
    struct buf names[16]; /* ring behind proc_name() and object_name() */
    unsigned name;
};

struct rule_ops {
    size_t state_size;
    void (*on_step)(struct context *c, void *state);
    void (*on_end)(struct context *c, void *state); /* may be NULL; c->ev is the last event */
    void (*fini)(void *state);                      /* may be NULL */
};

extern const struct rule_ops rule_stuck, rule_sigpipe, rule_partial, rule_eintr, rule_error,
    rule_children, rule_leak, rule_stdio, rule_busy, rule_crash, rule_ending;

/* A finding to be filled in and then handed to finding_submit() or finding_discard(). */
struct finding *finding_new(enum rule rule, enum severity severity, uint32_t seq);
void finding_submit(struct context *c, struct finding *take_finding);
void finding_discard(struct finding *take_finding);
/* Evidence; each kind is a set, and what does not fit is left out. */
void finding_add_event(struct finding *f, uint32_t event);
void finding_add_proc(struct finding *f, uint32_t proc);
void finding_add_object(struct finding *f, uint32_t object);
void finding_say(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_say_next(struct finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Findings of one rule so far, in order of seq; NULL after the last. */
const struct finding *finding_of(const struct context *c, enum rule rule, size_t nth);

/* "P.1", "pipe 2": good for the next 15 such calls. */
const char *proc_name(struct context *c, uint32_t proc);
const char *object_name(struct context *c, uint32_t object);

/* The step completes a call of this kind. */
bool is_return_of(const struct context *c, enum op_kind kind);
/* The step ends a whole process (EVENT_EXIT of its last task). */
bool is_process_end(const struct context *c);
/* A pipe, FIFO or socket: bytes flow through it to another process. */
bool is_stream(const struct context *c, uint32_t object);
/* The process was made by `ancestor`, or by a process that was. */
bool is_descendant(const struct context *c, uint32_t proc, uint32_t ancestor);
/* The process ended by itself and well, or lives. */
bool ended_well(const struct proc *p);
/* A descriptor that the process has had since its fork. */
bool is_inherited(const struct context *c, uint32_t proc, const struct fd_slot *slot);
/* The call that gave a process this descriptor: open, pipe, dup, or the fork. */
uint32_t origin_of(const struct context *c, uint32_t proc, const struct fd_slot *slot);
/* The call was made by the user's own program, not by a shell or another tool of the system: only
 * the former has call stacks (trace/recording.h). What a tool does on purpose is no warning to a
 * learner. */
bool is_users_own(const struct context *c, uint32_t event);
/* What descriptor fd of a process refers to now; MODEL_NONE. */
uint32_t object_of_fd(const struct context *c, uint32_t proc, int fd);

/* An array that grows on use, new rows zeroed: rows[index] of a type. */
struct table {
    char *rows;
    size_t count, cap;
};
void *table_row(struct table *t, uint32_t index, size_t size);
void table_fini(struct table *t);

#endif
