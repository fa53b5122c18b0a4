/* All runs that differ, each once: dynamic partial order reduction with source sets and sleep sets
 * (Abdulla, Aronis, Jonsson, Sagonas: Optimal Dynamic Partial Order Reduction, POPL 2014; JACM 2017
 * for moves that block).
 *
 * Stateless: what is kept is the path of the last run and, for each state on it, which other moves
 * are still to be tried there and which sleep. A run follows the path to the deepest state with
 * something left to try, tries it, and goes on freely; when it is over, every pair of its moves
 * that could also have come in the other order (footprint_order) leaves a wish in the state before
 * the first of them. Two runs that differ only in the order of moves that commute are one class,
 * and sleep sets see to it that one class is run to its end only once.
 *
 * Letting a task into a call in which it falls asleep is no event: nothing is done yet. Its
 * completion is one. So such parkings are left out of a path that is followed again, unless the
 * others need them there (the two sides of a FIFO's open, a lock's queue). Moves that would block
 * are let go only when nothing else is left, and then the run is a deadlock. */
#ifndef IPCLAB_CONTROL_DPOR_H
#define IPCLAB_CONTROL_DPOR_H

#include "control/chooser.h"

struct dpor;

struct dpor_stats {
    uint64_t classes;   /* runs to an end: each of another class */
    uint64_t redundant; /* runs given up because all that is left was seen in another order */
    uint64_t diverged;  /* runs that did not follow the path as before */
    uint64_t cut;     /* runs that did not come to an end (dpor_cut), or were too long to follow */
    uint64_t unmet;   /* orders that could not be had: somebody asleep always came first */
    uint64_t opaque;  /* moves of which only "touches all" was known: counted, each time met */
    bool is_finished; /* nothing is left to try */
};

struct dpor *dpor_new(void);
void dpor_free(struct dpor *d);
/* Borrowed; for the run that dpor_next has announced. */
const struct chooser *dpor_chooser(struct dpor *d);
/* Whether another run is needed. To be called before each run. */
bool dpor_next(struct dpor *d);
/* The run that has just ended was stopped from outside (too many moves, out of time): it shows
 * nothing about what comes after. */
void dpor_cut(struct dpor *d);
struct dpor_stats dpor_stats(const struct dpor *d);
/* All classes were explored: finished, and nothing diverged, was cut or could not be had. */
bool dpor_is_complete(const struct dpor *d);

#endif
