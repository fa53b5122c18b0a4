/* A knot of tasks that wait for each other, taken from the model at the moment it is judged. */
#ifndef IPCLAB_DIAGNOSE_STUCK_H
#define IPCLAB_DIAGNOSE_STUCK_H

#include "diagnose/rule.h"

/* One task that waits for ever. */
struct member {
    struct wait wait;
    struct op op; /* the call it waits in; OP_NONE when stopped */
    uint32_t proc;
    uint32_t object;    /* as wait.object; of a poll: the first pipe it wants to read */
    int fd;             /* by which it waits for that object; -1 */
    bool awaits_bytes;  /* of a pipe or FIFO: by read, or by a poll that asks for nothing else */
    bool reads_on;      /* it took bytes from that object before, and wrote nothing since */
    uint32_t component; /* strongly connected component, see knot_find */
};

/* All that wait hopelessly, and the part of it under judgement. */
struct knot {
    struct member *all; /* every hopeless task */
    size_t all_count;
    size_t *members; /* indexes into all: one strongly connected component that nothing leaves */
    size_t count;
};

bool member_waits_for(const struct member *m, uint32_t proc);

/* Puts each of all[] into a component. Components are numbered from 0; returns how many there are.
 * Tarjan, "Depth-first search and linear graph algorithms", 1972: a component gets its number only
 * after all that it reaches. */
uint32_t knot_find(struct member *all, size_t count);
/* Nothing in the component waits for anything outside of it. */
bool knot_is_sink(const struct member *all, size_t count, uint32_t component);
/* Reorders k->members: a shortest cycle through the first, in waiting order, then the others.
 * Returns the length of the cycle, 0 when there is none. */
size_t knot_order(struct knot *k);

/* "P.1 -[read pipe 1]-> P": the cycle on one line, then each edge that is not in it. */
void knot_draw(struct context *c, const struct knot *k, size_t cycle, struct buf *out);

/* The sentences (stuck_text.c). */
void tell_never_eof(struct context *c, struct finding *f, const struct knot *k,
                    const struct member *reader);
void tell_deadlock(struct context *c, struct finding *f, const struct knot *k, size_t cycle);

#endif
