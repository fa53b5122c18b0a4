/* The plan of an exploration: which runs to make, in which order, and what may be said afterwards.
 *
 *   three canonical runs          what the program does, and how much of it
 *   all classes (dpor.h)          up to half of the budget; if it ends, all is known
 *   URW, POS, PCT                 50 : 25 : 25 of the rest, each run with a seed of its own
 *   the sweep of faults           one run for each call and each fault that it can suffer
 *   faults under random schedules
 *
 * After scheduling studies (Thomson, Donaldson, Betts, TOPC 2016): no single strategy finds all
 * bugs, and random walks alone find none of those that need a long wait. */
#ifndef IPCLAB_CONTROL_PORTFOLIO_H
#define IPCLAB_CONTROL_PORTFOLIO_H

#include "base/buf.h"
#include "control/chooser.h"
#include "control/dpor.h"
#include "control/fault.h"
#include "control/strategy.h"

/* X(NAME, word) */
#define PORTFOLIO_PHASES(X)              \
    X(CANONICAL, "canonical runs")       \
    X(CLASSES, "all orders that differ") \
    X(SAMPLES, "random orders")          \
    X(SWEEP, "faults, one at a time")    \
    X(FAULTS, "faults in random orders") \
    X(DONE, "done")

enum portfolio_phase {
#define X(NAME, word) PORTFOLIO_##NAME,
    PORTFOLIO_PHASES(X)
#undef X
};

struct portfolio_options {
    uint64_t runs; /* budget */
    uint64_t seed;
    bool no_faults;
    bool no_classes; /* leave systematic search out */
};

/* A run to make. */
struct portfolio_run {
    enum portfolio_phase phase;
    const struct chooser *chooser;
    enum strategy_kind strategy; /* where the phase is not CLASSES */
    uint64_t seed;
    const struct fault *fault; /* NULL: none */
};

struct portfolio;

struct portfolio *portfolio_new(const struct portfolio_options *options);
void portfolio_free(struct portfolio *p);

/* The next run; false when the plan is done, or its budget. */
bool portfolio_next(struct portfolio *p, struct portfolio_run *out);
/* How it went. is_cut: it was ended from outside. */
void portfolio_made(struct portfolio *p, bool has_failed, bool is_cut);
/* Where the budget is time: so much of it is used up, from 0 to 1. A phase that has had its share
 * ends before the next run. */
void portfolio_used(struct portfolio *p, double used);
/* A fault that a call of the canonical runs can suffer; told while they are made. */
void portfolio_add_fault(struct portfolio *p, const struct fault *fault);

uint64_t portfolio_runs(const struct portfolio *p); /* made so far */
struct dpor_stats portfolio_classes(const struct portfolio *p);
/* All orders were explored, and none failed without a fault. */
bool portfolio_is_exhaustive(const struct portfolio *p);
/* One sentence: what may be claimed, and no more. */
void portfolio_claim(const struct portfolio *p, struct buf *out);

const char *portfolio_word(enum portfolio_phase phase);

#endif
