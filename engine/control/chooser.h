/* Who moves next: the seam between the engine that runs real processes one move at a time and the
 * strategies that choose.
 *
 * The engine brings all tasks to rest, lists the moves there are, asks `choose`, carries the move
 * out, tells `moved`; again until the run is over. A chooser sees no process, no descriptor and no
 * time: the same answers lead to the same run. Tasks have the same index in all runs of one
 * exploration (the index belongs to the logical name: P, P.1, P.1.2). */
#ifndef IPCLAB_CONTROL_CHOOSER_H
#define IPCLAB_CONTROL_CHOOSER_H

#include "control/touch.h"

/* X(NAME, word): what a task can do next. The word is the schedule file's. */
#define MOVE_KINDS(X)                                                                            \
    X(GO, "go")           /* the call at whose entry it is held runs; a new task begins; a dying \
                           * one dies */                                                         \
    X(SIGNAL, "signal")   /* its pending signal is delivered before the held call */             \
    X(TIMEOUT, "timeout") /* the deadline of the call it waits in passes */                      \
    X(TIMER, "timer")     /* its alarm or interval timer fires */                                \
    X(REPORT, "report")   /* its death is told to its parent */

enum move_kind {
#define X(NAME, word) MOVE_##NAME,
    MOVE_KINDS(X)
#undef X
        MOVE_KIND_COUNT
};

struct move {
    uint16_t task; /* index of its logical name */
    uint8_t kind;  /* enum move_kind */
};

enum enabled {
    ENABLED_YES,
    ENABLED_NO,      /* would block now */
    ENABLED_UNKNOWN, /* only trying tells: it may park */
};

/* A move that is to be had now. */
struct choice {
    struct move move;
    uint8_t enabled; /* enum enabled */
    bool is_yield;   /* poll(0), WNOHANG, a sleep, a try that failed before: others first */
    uint32_t op;     /* ordinal of this move among its task's moves, from 1 */
    uint16_t call;   /* enum call of the held call; CALL_UNKNOWN for other kinds */
    struct footprint footprint; /* what it would touch, with the facts of now */
};

/* The state in which somebody must move. Choices are sorted by task, then kind. */
struct standing {
    const struct choice *choices;
    size_t count;
    const struct move *parked; /* tasks asleep in a call that they were let into; it completes by
                                * itself when it can */
    size_t parked_count;
    uint32_t step; /* of this run, from 0 */
};

/* Something that happened. */
struct act {
    struct move move;
    uint32_t op;
    uint16_t call;
    bool is_parking; /* it was let go and fell asleep: nothing is done yet; footprint is what it
                      * would touch */
    bool is_forced;  /* a parked call completed, right after the move that woke it: not chosen */
    uint32_t event;  /* of the call, in this run's recording; UINT32_MAX: none */
    uint16_t born;   /* task index of a child it made, 0 for none */
    struct footprint footprint; /* what it did touch */
};

enum { CHOOSE_NOBODY = -1 }; /* end this run: nothing new lies ahead */

struct chooser {
    /* A run begins. */
    void (*begin)(void *self);
    /* Index into s->choices, or CHOOSE_NOBODY. s->count is at least 1. */
    int (*choose)(void *self, const struct standing *s);
    void (*moved)(void *self, const struct act *act);
    /* The run is over: has_failed says whether it is one that we look for. */
    void (*end)(void *self, bool has_failed);
    void *self;
};

#endif
