/* Looking for an order of moves, or a fault, with which a program fails; and proving that it does.
 *
 * The plan is control/portfolio.h's. A failure counts once its schedule was replayed twice with the
 * same moves and the same end; it is then cut down to what it needs (control/shrink.h), its
 * critical step is named, and it is told (story.h). */
#ifndef IPCLAB_EXPLORE_EXPLORE_H
#define IPCLAB_EXPLORE_EXPLORE_H

#include "control/portfolio.h"
#include "explore/trial.h"

struct explore_progress {
    enum portfolio_phase phase;
    uint64_t runs, budget;
    double runs_per_second;
    uint64_t classes;
};

struct explore_options {
    struct trial_options trial;
    uint64_t runs;  /* budget; 0: 1000 */
    double seconds; /* and of time; 0: none */
    uint64_t seed;
    uint32_t faults; /* kinds that may happen: bits 1 << enum fault_kind */
    bool no_classes;
    const char *recording; /* where the failing run is kept; NULL: nowhere, and no story */
    bool keeps_going;      /* explores all even when a failure was found: counts them */
    void (*on_progress)(void *arg, const struct explore_progress *progress); /* may be NULL */
    void *arg;
};

struct explore_result {
    bool has_failed;
    struct outcome outcome;    /* of the first failure */
    struct schedule *schedule; /* it, cut down */
    size_t moves_before;       /* of the run as it was found */
    size_t switches;           /* differences from the plainest order that are left */
    char *story;               /* lines; story.h */
    size_t critical;           /* step of critical_step(); SIZE_MAX: none */
    uint64_t found_after;      /* runs, the failing one included */
    char *found_by;            /* "urw, seed 17" */
    char *unstable;            /* the runs of one schedule differed: how; NULL: never */
    uint64_t failures;         /* with keeps_going */
    char *claim;               /* one sentence: what may be said when nothing failed */
    bool is_exhaustive;
    uint64_t classes, runs;
    double seconds;
    struct cast *cast; /* names of the schedule's tasks */
    uint64_t stuck_ns; /* of a deadlock: from its last move to its report */
};

int explore(struct explore_result *out, const struct explore_options *options, struct err *e);
void explore_result_fini(struct explore_result *r);

#endif
