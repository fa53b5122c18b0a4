/* Named programs for the simulator, and random ones. */
#ifndef TESTS_CONTROL_PROGRAMS_H
#define TESTS_CONTROL_PROGRAMS_H

#include "sim.h"

/* `writers` tasks with `records` one-byte writes each, and a reader of all of them. */
struct sim_program program_writers(int writers, int records, int capacity);
/* n tasks: three private steps, lock, load, store, unlock, one private step. */
struct sim_program program_lock(int n);
/* n philosophers, each takes the left fork, then the right one. */
struct sim_program program_dining(int n);
/* Some ops for each of 2 to 4 tasks over few objects; deterministic from the seed. */
struct sim_program program_random(uint64_t seed);

void program_add(struct sim_program *p, int task, enum sim_op_kind kind, int object, int n);

#endif
