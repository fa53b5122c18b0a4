/* A steered run as `ipclab steer` tells of it, line by line (docs/steer-json.md): where it stands,
 * what there is to choose, what was done. A value that a view draws; starts nothing. */
#ifndef IPCLAB_UI_STEERING_H
#define IPCLAB_UI_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct steering_goal {
    char *title;
    bool is_reached;  /* here and now */
    bool was_reached; /* at some time, on whatever way */
};

struct steering_option {
    char *task, *kind, *call, *effect;
    bool would_wait; /* for sure */
    uint32_t event;  /* of its call; UINT32_MAX: none */
};

struct steering_parked {
    char *task, *call, *reason;
};

struct steering_move {
    unsigned step;
    char *task, *kind, *call, *result, *made;
    bool is_parking, is_forced;
};

struct steering {
    struct steering_goal *goals;
    size_t goals_count, goals_cap;

    unsigned run; /* number of the run under way; 0: none yet */
    char *recording;

    /* What was done. The first `made` of them in this run; behind them, until something else is
     * done, what was taken back. */
    struct steering_move *moves;
    size_t moves_count, moves_cap;
    size_t made;

    unsigned told; /* how many times it told where it stands */
    unsigned step;
    uint32_t seq;
    struct steering_option *options; /* none once it has ended */
    size_t options_count, options_cap;
    struct steering_parked *parked;
    size_t parked_count, parked_cap;

    bool has_ended, is_well;
    char *how, *text, *cycle;
    char *exits; /* "P exited 0, P.1 exited 0" */

    char *error;  /* the last line that said so; NULL */
    bool is_busy; /* an order is under way */
};

/* Takes in one line. False when it is no line of the protocol. */
bool steering_take(struct steering *s, const char *line);
/* An order goes out: what was said of the last one is old. */
void steering_ordered(struct steering *s);
/* The move that was taken back last: index of the option that makes it again; SIZE_MAX: none. */
size_t steering_again(const struct steering *s);
void steering_fini(struct steering *s);

#endif
