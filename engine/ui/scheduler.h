/* The learner is the scheduler: the state of a steered run as the stage's picture, and below it who
 * could move, what that would do, and who cannot move and why. */
#ifndef IPCLAB_UI_SCHEDULER_H
#define IPCLAB_UI_SCHEDULER_H

#include "ui/stage.h"
#include "ui/steering.h"

struct scheduler {
    /* set by the runner */
    const struct steering *steering;
    struct stage stage;  /* the picture: its replay, lab, variant and moment */
    const char *trouble; /* NULL, or why there is nothing to steer */
    /* moved by keys */
    size_t selected; /* option */
    char order[32];  /* for REQUEST_ORDER: a line of the protocol */
};

/* It stands somewhere else: the mark goes to the process that moved last, if that can go on. */
void scheduler_stands(struct scheduler *s);

#endif
