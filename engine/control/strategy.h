/* Strategies: choosers that need no schedule. Each serves one run after another; strategy_seed says
 * how the next run shall be, and the same seed gives the same run.
 *
 *   canonical  run to block, parent first or latest-born first, or strictly in turn
 *   URW        each task with a probability in proportion to the moves it still has to make: all
 *              interleavings are equally likely when nothing blocks (Zhao, Wolff, Mathur,
 *              Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025)
 *   POS        each pending move has a random priority; those that race with the one that was made
 *              get a new one (Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018)
 *   PCT        each task has a random priority; at d-1 random moments the running one falls below
 *              all others: a bug of depth d is hit with probability at least 1/(n k^(d-1))
 *              (Burckhardt et al.: A Randomized Scheduler with Probabilistic Guarantees of Finding
 *              Bugs, ASPLOS 2010)
 *
 * All of them let a task into a call that would block only when nobody else can go, and let one
 * that polls or sleeps wait for the others once. */
#ifndef IPCLAB_CONTROL_STRATEGY_H
#define IPCLAB_CONTROL_STRATEGY_H

#include "control/chooser.h"
#include "control/profile.h"

/* X(NAME, word) */
#define STRATEGY_KINDS(X)                                                         \
    X(PARENT_FIRST, "parent first") /* stays with a task until it cannot go on */ \
    X(CHILD_FIRST, "child first")   /* and goes on with whoever was born last */  \
    X(ROUND_ROBIN, "round robin")                                                 \
    X(URW, "urw")                                                                 \
    X(POS, "pos")                                                                 \
    X(PCT2, "pct 2")                                                              \
    X(PCT3, "pct 3")

enum strategy_kind {
#define X(NAME, word) STRATEGY_##NAME,
    STRATEGY_KINDS(X)
#undef X
        STRATEGY_KIND_COUNT
};
const char *strategy_word(enum strategy_kind kind);

struct strategy;

/* profile: what earlier runs did, for URW and PCT; borrowed, and may grow between runs. */
struct strategy *strategy_new(const struct profile *profile);
void strategy_free(struct strategy *s);
void strategy_set(struct strategy *s, enum strategy_kind kind, uint64_t seed);
const struct chooser *strategy_chooser(const struct strategy *s); /* borrowed */

#endif
