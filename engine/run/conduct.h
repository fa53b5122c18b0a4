/* A run whose moves somebody chooses: joins the stepped tracer (trace/step.h), the model and a
 * chooser (control/chooser.h).
 *
 * The tracer knows tasks and calls, the chooser knows names and footprints; what stands between
 * them is the model, which is folded move by move. */
#ifndef IPCLAB_RUN_CONDUCT_H
#define IPCLAB_RUN_CONDUCT_H

#include "control/cast.h"
#include "control/chooser.h"
#include "control/fault.h"
#include "model/model.h"
#include "run/footprint.h"
#include "trace/step.h"

struct conduct;

struct conduct_options {
    const struct chooser *chooser;
    struct cast *cast;     /* lives as long as the exploration */
    bool is_fair;          /* time passes only when nobody else can move; else at any moment */
    bool wants_footprints; /* options and steps carry them: the model is folded for every move */
    uint32_t moves_max;    /* 0: 20000; then the run ends as flooded */
    const struct fault *faults;
    size_t fault_count;
    /* A call is let go, and what could befall it; needs wants_footprints. NULL: not told. */
    void (*on_call)(void *arg, struct move move, uint32_t op, const struct fault_facts *facts);
    void *arg;
    /* Told before each `choose`: for those who show people what there is to choose. */
    void (*look)(void *arg, const struct conduct *c, const struct standing *s);
    void *look_arg;
};

/* catch_up(arg) folds all that was recorded, and returns the model (NULL when that failed). */
struct conduct *conduct_new(const struct conduct_options *options,
                            const struct model *(*catch_up)(void *arg), void *arg);
void conduct_free(struct conduct *c);
/* To be called once, with the tracer that will ask. */
const struct step_hooks *conduct_hooks(struct conduct *c);
void conduct_attach(struct conduct *c, const struct tracer *t);

/* The chooser chose nobody. */
bool conduct_was_given_up(const struct conduct *c);
uint32_t conduct_moves(const struct conduct *c);
/* From the last move to the moment when it was known that nobody can move; 0: they could. */
uint64_t conduct_stuck_ns(const struct conduct *c);

/* The name of a task of this run, by order of birth. */
uint16_t conduct_name(const struct conduct *c, uint32_t birth);

/* Within `look`: the state (NULL without footprints), what each choice means in it, and the model's
 * task behind each that is parked (MODEL_NONE: not known). */
const struct model *conduct_model(const struct conduct *c);
const struct footprint_move *conduct_meaning(const struct conduct *c, size_t choice);
uint32_t conduct_parked_task(const struct conduct *c, size_t parked);

#endif
