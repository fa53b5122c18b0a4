/* A run whose moves somebody chooses: joins the stepped tracer (trace/step.h), the model and a
 * chooser (control/chooser.h).
 *
 * The tracer knows tasks and calls, the chooser knows names and footprints; what stands between
 * them is the model, which is folded move by move. */
#ifndef IPCLAB_RUN_CONDUCT_H
#define IPCLAB_RUN_CONDUCT_H

#include "control/cast.h"
#include "control/chooser.h"
#include "model/model.h"
#include "trace/step.h"

/* A fault for one call of one task. */
struct conduct_fault {
    uint16_t task; /* index of its name */
    uint32_t op;   /* number of its call, from 1 */
    enum step_fault kind;
    int64_t value; /* as enum step_fault says */
};

struct conduct_options {
    const struct chooser *chooser;
    struct cast *cast;     /* lives as long as the exploration */
    bool is_fair;          /* time passes only when nobody else can move; else at any moment */
    bool wants_footprints; /* options and steps carry them: the model is folded for every move */
    uint32_t moves_max;    /* 0: 20000; then the run ends as flooded */
    const struct conduct_fault *faults;
    size_t fault_count;
};

struct conduct;

/* catch_up(arg) folds all that was recorded, and returns the model (NULL when that failed). */
struct conduct *conduct_new(const struct conduct_options *options,
                            const struct model *(*catch_up)(void *arg), void *arg);
void conduct_free(struct conduct *c);
/* To be called once, with the tracer that will ask. */
const struct step_hooks *conduct_hooks(struct conduct *c);
void conduct_attach(struct conduct *c, const struct tracer *t);

uint32_t conduct_moves(const struct conduct *c);
/* When the last move was made, and when the run was found to be over (CLOCK_MONOTONIC, ns). */
uint64_t conduct_last_move_ns(const struct conduct *c);

/* The name of a task of this run, by order of birth. */
uint16_t conduct_name(const struct conduct *c, uint32_t birth);

#endif
