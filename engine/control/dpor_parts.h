/* What the two halves of dpor share: dpor.c follows and extends the path, dpor_races.c reads it. */
#ifndef IPCLAB_CONTROL_DPOR_PARTS_H
#define IPCLAB_CONTROL_DPOR_PARTS_H

#include "control/dpor.h"

/* A line is a sequence of moves in a fixed order: a task's own moves, or the firings of its timers
 * (which come between its moves as they like). */
static inline uint16_t dpor_line(struct move m)
{
    return (uint16_t)(m.task * 2 + (m.kind == MOVE_TIMER));
}

static inline bool move_equals(struct move a, struct move b)
{
    return a.task == b.task && a.kind == b.kind;
}

struct dpor_event {
    struct move move;
    uint32_t op;
    uint16_t born;
    bool is_forced;
    struct footprint before; /* what it would touch, in the state before it */
    struct footprint after;  /* what it did touch */
    uint32_t ordinal;        /* on its line, from 1; set with the clock */
    uint32_t *clock; /* for each line: how many of its moves happened before this or are it */
    size_t clock_count;
};

struct dpor_option {
    struct move move;
    uint32_t op;
    uint8_t enabled;
};

struct dpor_sleeper {
    struct move move;
    struct footprint footprint;
};

struct dpor_parking {
    struct move move;
    uint32_t op;
    struct footprint footprint;
};

/* The state before event i of the path. */
struct dpor_node {
    bool is_bound;     /* somebody asleep went on here though another was to be let go first */
    bool has_standing; /* somebody chose here; else a sleeper went on by itself */
    struct dpor_option *options;
    size_t options_count, options_cap;
    struct dpor_sleeper *sleep; /* on arrival */
    size_t sleep_count, sleep_cap;
    struct dpor_sleeper *done; /* tried here before */
    size_t done_count, done_cap;
    struct footprint *lost; /* of moves that slept here and are gone after the event that follows */
    size_t lost_count, lost_cap;
    struct move *wishes; /* to be tried here */
    size_t wishes_count, wishes_cap;
    struct move *blocked; /* found to fall asleep when they are let go here */
    size_t blocked_count, blocked_cap;
    struct dpor_parking *parkings; /* let go here, in this order, and fell asleep */
    size_t parkings_count, parkings_cap;
};

struct dpor_plan {
    struct move move;
    bool is_parking;
};

struct dpor {
    struct chooser chooser;
    struct dpor_stats stats;

    /* the path */
    struct dpor_event **events;
    size_t events_count, events_cap;
    struct dpor_node **nodes; /* one more than events, while a run is under way */
    size_t nodes_count, nodes_cap;
    size_t branch;  /* the state in which this run left the last one */
    size_t clocked; /* events whose races are known */

    /* this run */
    struct dpor_plan *plan;
    size_t plan_count, plan_cap, plan_at;
    size_t cursor;      /* events so far */
    struct choice *now; /* the last standing */
    size_t now_count, now_cap;
    size_t now_node; /* its state; SIZE_MAX before the first */
    struct dpor_parking *parked;
    size_t parked_count, parked_cap;
    bool is_replayed, must_happen; /* the move just chosen: a parking of the plan, or an event */
    bool has_begun, gave_up, has_diverged, is_cut;
};

/* Adds a wish to state i, unless it was tried, is on the path, sleeps, or is wished already. */
void dpor_wish(struct dpor *d, size_t i, struct move move);
/* Wishes for all that could move in state i. */
void dpor_wish_all(struct dpor *d, size_t i);
/* Moves of which one is enough to try the move (or the task's move before it) in state i: itself,
 * or what its task could do instead. Returns how many (at most MOVE_KIND_COUNT), 0: it cannot move
 * there. */
size_t dpor_translate(const struct dpor *d, size_t i, struct move move, struct move *out);
/* May the order of the two matter, though the facts that they carry be old? */
bool dpor_may_meet(const struct footprint *a, const struct footprint *b);
bool dpor_is_taken_care_of(const struct dpor *d, size_t i, struct move move);

/* Reads the run that has just ended, from event d->clocked on. */
void dpor_find_races(struct dpor *d);

#endif
