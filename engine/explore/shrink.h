/* Cutting a failing run down to what it needs.
 *
 * A run is its differences from the plainest order there is (each task goes on until it cannot,
 * then the first that can): "after P.1's third call, P.2". Delta debugging (Zeller, Hildebrandt:
 * Simplifying and Isolating Failure-Inducing Input, TSE 2002) takes differences and faults away as
 * long as the run still fails in the same way; what is left are the switches that matter. */
#ifndef IPCLAB_EXPLORE_SHRINK_H
#define IPCLAB_EXPLORE_SHRINK_H

#include "explore/trial.h"

/* Replaces *schedule (a trail) by that of the smallest run found that comes to the same outcome.
 * switches (may be NULL) gets how many differences are left. At most `runs` runs are made. */
int shrink(struct trials *trials, struct schedule **schedule, const struct outcome *outcome,
           uint64_t runs, size_t *switches, struct err *e);

/* The critical step: up to *step moves of the schedule the run could still have ended well (some
 * order of those that were tried does); after one more none of them did. -ENOENT when not even the
 * whole order matters. */
int critical_step(struct trials *trials, const struct schedule *schedule, size_t *step,
                  struct err *e);

#endif
