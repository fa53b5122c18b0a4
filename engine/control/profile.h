/* What a program did in a run that was made before: how many moves each task made, and who made
 * whom. Strategies weigh their choices by it. */
#ifndef IPCLAB_CONTROL_PROFILE_H
#define IPCLAB_CONTROL_PROFILE_H

#include "control/chooser.h"

struct profile_task {
    uint32_t moves;
    uint16_t parent; /* task index; its own for the command */
    bool is_known;
};

struct profile {
    struct profile_task *tasks; /* by task index */
    size_t tasks_count, tasks_cap;
    uint32_t moves;         /* all of them */
    uint32_t choices;       /* of these, those where more than one move was to be had */
    uint32_t tasks_at_once; /* the most tasks that had a move to make */
};

void profile_fini(struct profile *p);
void profile_begin(struct profile *p); /* forgets */
void profile_saw(struct profile *p, const struct standing *s);
void profile_moved(struct profile *p, const struct act *act);
/* Takes over what `run` has more of. */
void profile_merge(struct profile *p, const struct profile *run);

/* Moves of a task and of all that it made, directly or not. */
uint32_t profile_weight(const struct profile *p, uint16_t task);

#endif
