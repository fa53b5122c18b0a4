/* What the two halves of a conducted run share: conduct.c does what was chosen, conduct_choices.c
 * lists what can be. */
#ifndef IPCLAB_RUN_CONDUCT_PARTS_H
#define IPCLAB_RUN_CONDUCT_PARTS_H

#include "run/conduct.h"
#include "run/footprint.h"

/* A task of this run. */
struct member {
    uint16_t name;
    uint32_t children, threads; /* made so far: they number the names of the next */
    bool is_known;
};

/* What an option means to the tracer. */
struct meaning {
    struct step_choice choice;
    struct footprint_move move;
};

struct conduct {
    struct conduct_options options;
    const struct model *(*catch_up)(void *arg);
    void *arg;
    const struct tracer *tracer;
    const struct model *model;
    struct step_hooks hooks;

    struct member *members; /* by birth */
    size_t members_count, members_cap;
    uint64_t *event_keys;
    size_t event_keys_count, event_keys_cap;
    uint16_t *proc_names;
    size_t proc_names_count, proc_names_cap;

    struct choice *list;
    size_t list_count, list_cap;
    struct meaning *meanings;
    size_t meanings_count, meanings_cap;
    struct move *parked;
    size_t parked_count, parked_cap;

    struct act chosen; /* the move that is being carried out */
    struct act *open;  /* calls that are parked: what they will have been */
    size_t open_count, open_cap;
    uint32_t moves;
    uint64_t last_move_ns, stuck_ns;
    bool is_given_up;
};

/* Fills list, meanings and parked with what stands now. */
void conduct_list(struct conduct *c);

#endif
