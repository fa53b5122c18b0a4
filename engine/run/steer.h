/* A run whose moves a person chooses: move by move, back again, and on another way.
 *
 * Going back is running a new copy of the program and making the first moves of the old run again,
 * each checked to be the same move with the same outcome. Whoever talks with the person (the
 * command `steer`, docs/steer-json.md) brings the orders and is told what comes of them; nothing
 * here knows in which form. */
#ifndef IPCLAB_RUN_STEER_H
#define IPCLAB_RUN_STEER_H

#include "run/run.h"

enum steer_command {
    STEER_GO,     /* number: index of the option that moves */
    STEER_REWIND, /* number: how many of the moves made so far stay */
    STEER_FINISH, /* on by itself to the end, everybody in turn */
    STEER_QUIT,
};

struct steer_order {
    enum steer_command command;
    size_t number;
};

/* All texts are borrowed, valid during the call that brings them. */

/* A move that is to be had now. */
struct steer_option {
    const char *task;
    uint8_t kind;    /* enum move_kind */
    uint8_t enabled; /* enum enabled */
    bool is_yield;   /* others first: control/chooser.h */
    uint32_t event;  /* of its call; MODEL_NONE */
    char *text;      /* "write(4, 65537 B)" */
    char *effect;    /* what it would do; "" when that is not known */
};

/* A task asleep in a call. */
struct steer_parked {
    const char *task;
    uint32_t event; /* MODEL_NONE: not known */
    char *text;     /* the call */
    char *reason;   /* why it cannot go on */
};

/* Something that happened. */
struct steer_move {
    const char *task;
    uint8_t kind;
    uint32_t step;   /* of the chosen move that it is, or came with; from 1 */
    bool is_forced;  /* nobody chose it: a parked call went on after the last move */
    bool is_parking; /* it fell asleep in the call */
    bool is_replay;  /* made again, on the way back to where one wants to be */
    uint32_t event;
    char *text;       /* the call, or what it was */
    char *result;     /* "65536", "EAGAIN"; "" when there is none (yet) */
    const char *born; /* the task that it made; NULL */
};

/* Where the run stands, and somebody must move. */
struct steer_state {
    uint32_t step; /* moves made */
    uint32_t seq;  /* the moment in the recording */
    const struct steer_option *options;
    size_t option_count;
    const struct steer_parked *parked;
    size_t parked_count;
};

struct steer_exit {
    char *task;
    char *text; /* "exited 0" */
    bool is_well;
};

/* How a run ended by itself. */
struct steer_ending {
    uint32_t step, seq;
    const char *how; /* "ended", "deadlock", "never-eof" ... as everywhere */
    char *text;      /* what the diagnosis says of it; "" */
    char *cycle;     /* who waits for whom; "" */
    struct steer_exit *exits;
    size_t exits_count, exits_cap;
    struct steer_parked *parked;
    size_t parked_count, parked_cap;
    bool is_well; /* nobody hangs, and every process ended well */
};

struct steer_partner {
    /* The recording of run number `run`, from 1: where to write it. The caller frees. NULL with one
     * line. */
    char *(*place)(void *arg, unsigned run, struct err *e);
    void (*began)(void *arg, unsigned run, const char *recording, uint32_t replays);
    void (*moved)(void *arg, const struct steer_move *move);
    void (*stands)(void *arg, const struct steer_state *state);
    void (*ended)(void *arg, const struct steer_ending *ending);
    void (*differs)(void *arg,
                    const char *text); /* a move that was made again came out otherwise */
    /* The next order. After the end: choices is 0. GO only below choices, REWIND at most to step.
     */
    void (*ask)(void *arg, size_t choices, uint32_t step, struct steer_order *out);
    void *arg;
};

/* options as for series_open and series_run; conduct and recording_path are set here. 0 when asked
 * to quit, -errno with one line when no run can be made. */
int steer(const struct run_options *options, const struct steer_partner *partner, struct err *e);

/* ---- steer_end.c ---- */

/* How the recorded run ended. */
int steer_ending_read(struct steer_ending *out, const char *recording, struct err *e);
void steer_ending_fini(struct steer_ending *ending);
void steer_parked_fini(struct steer_parked *parked);

/* What a call gave, as one says it: "65536", "EAGAIN", of a wait "P.1"; "" for none. The caller
 * frees. */
char *steer_result(const struct model *m, uint32_t event);

#endif
