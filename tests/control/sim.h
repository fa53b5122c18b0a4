/* Small programs over pipes, counters, locks, values, children and signals, run by a simulator that
 * drives a chooser through the seam of control/chooser.h, with held and parked tasks as the real
 * engine has them. All else is known exactly, so it can be compared with brute force. */
#ifndef TESTS_CONTROL_SIM_H
#define TESTS_CONTROL_SIM_H

#include "control/chooser.h"

enum sim_op_kind {
    SIM_END, /* the program is over */
    SIM_LOCAL,
    SIM_READ, /* object: pipe; n bytes */
    SIM_WRITE,
    SIM_READ_NB, /* EAGAIN instead of blocking */
    SIM_WRITE_NB,
    SIM_POLL,
    SIM_CLOSE_R,
    SIM_CLOSE_W,
    SIM_ADD, /* object: counter */
    SIM_TAKE,
    SIM_LOCK, /* object: lock */
    SIM_UNLOCK,
    SIM_LOAD,  /* object: value; to the task's register */
    SIM_STORE, /* register + 1, so that load and store are an increment */
    SIM_FORK,  /* object: the task that is born */
    SIM_WAIT,  /* for any child; blocks while there is one and none has ended */
    SIM_SEND,  /* a signal to task `object` */
    SIM_PAUSE,
    SIM_SKIP_IF_SIGNALLED, /* jumps over the next op when its handler ran: if (!flag) pause(); */
    SIM_OP_KINDS
};

struct sim_op {
    uint8_t kind, object, n;
};

enum { SIM_TASKS = 6, SIM_OPS = 70, SIM_PIPES = 3, SIM_OBJECTS = 8, SIM_BYTES = 64 };

struct sim_program {
    const char *name;
    uint8_t task_count;
    uint8_t capacity[SIM_PIPES];                         /* bytes; 0: 64 */
    uint8_t level[SIM_OBJECTS];                          /* of counters at the start */
    uint8_t read_ends[SIM_TASKS], write_ends[SIM_TASKS]; /* bit p: holds that end of pipe p */
    bool tries; /* what may block is ENABLED_UNKNOWN: only trying tells */
    struct sim_op ops[SIM_TASKS][SIM_OPS];
};

enum sim_task_state { SIM_UNBORN, SIM_HELD, SIM_PARKED, SIM_DEAD, SIM_GONE };

struct sim_task {
    uint8_t state, parent, pc, reg, pending, flag, has_parent;
    uint16_t moves;
    uint64_t log; /* hash of all results so far */
};

struct sim_pipe {
    uint16_t in, out;
    uint8_t readers, writers;
    uint8_t bytes[SIM_BYTES]; /* who wrote each; in order */
};

struct sim {
    const struct sim_program *program;
    struct sim_task tasks[SIM_TASKS];
    struct sim_pipe pipes[SIM_PIPES];
    uint16_t level[SIM_OBJECTS], added[SIM_OBJECTS], taken[SIM_OBJECTS];
    uint8_t owner[SIM_OBJECTS]; /* task + 1 */
    uint8_t value[SIM_OBJECTS];
    uint8_t parked[SIM_TASKS], parked_count; /* in the order in which they fell asleep */
};

void sim_init(struct sim *s, const struct sim_program *p);
enum { SIM_OPTIONS = 2 * SIM_TASKS };
size_t sim_options(const struct sim *s, struct choice *out);
/* Carries a move out. acts[0] is what it came to, then the calls that completed because of it. */
enum { SIM_ACTS = 1 + SIM_TASKS };
size_t sim_move(struct sim *s, const struct choice *o, struct act *acts);
/* What all tasks saw, and what is left: equal for runs that nobody can tell apart. */
uint64_t sim_hash(const struct sim *s);
bool sim_is_over(const struct sim *s); /* everybody came to the end: else it is a deadlock */

struct sim_run {
    bool gave_up; /* the chooser wanted no more */
    bool is_deadlock, is_cut;
    uint32_t moves;
    uint64_t hash;
    char events[256]; /* one character for each event: who moved, and how (sim_code) */
    size_t event_count;
};

char sim_code(struct move m);
/* Runs to the end, at most moves_max moves (0: no limit). */
struct sim_run sim_run(const struct sim_program *p, const struct chooser *c, uint32_t moves_max);

/* All interleavings, and their classes: the closure of swapping two neighbours that commute in the
 * state before them. */
struct brute {
    char **sequences; /* sorted */
    size_t *class_of;
    uint64_t *hashes;
    size_t count, classes;
    bool is_consistent; /* the members of each class ended in the same state */
};

/* false: more than `most` interleavings, or one longer than 60 */
bool brute_run(struct brute *out, const struct sim_program *p, size_t most);
size_t brute_class(const struct brute *b, const char *events); /* SIZE_MAX: no such run */
void brute_fini(struct brute *b);

#endif
