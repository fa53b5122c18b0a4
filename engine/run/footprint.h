/* What a move touches, from the model: the bridge between calls and control/touch.h.
 *
 * The model stands at the moment before the move: its facts (bytes in a pipe, room, who holds what)
 * are those that decide whether two moves commute. Objects are named by what made them (the task's
 * logical name and the number of its call), paths by their text, so that ids are the same in every
 * run of an exploration. Pure: asks no process. */
#ifndef IPCLAB_RUN_FOOTPRINT_H
#define IPCLAB_RUN_FOOTPRINT_H

#include "control/chooser.h"
#include "model/model.h"

/* Who is who in this run, for ids that are the same in the next. */
struct footprint_names {
    /* for each event: task index << 32 | number of the call, of calls that were granted */
    const uint64_t *event_keys;
    size_t event_count;
    const uint16_t *proc_names; /* model process -> index of its leader's logical name */
    size_t proc_count;
};

struct footprint_move {
    uint8_t kind;   /* enum move_kind */
    uint32_t proc;  /* model process; for REPORT the one that died */
    uint32_t task;  /* model task; MODEL_NONE for REPORT and TIMER */
    uint32_t event; /* of the held or parked call; MODEL_NONE */
    int sig;        /* TIMER */
    bool is_fifo;   /* the call opens a FIFO */
};

/* What the move would do now. */
void footprint_of(const struct model *m, const struct footprint_names *names,
                  const struct footprint_move *move, struct footprint *out);
/* The same once it has returned `ret`: what it did do. */
void footprint_finish(struct footprint *f, int64_t ret);

#endif
