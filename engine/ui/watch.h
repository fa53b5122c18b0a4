/* Tells when a file was saved, by whatever editor: written in place, or replaced by a rename. */
#ifndef IPCLAB_UI_WATCH_H
#define IPCLAB_UI_WATCH_H

#include <stdbool.h>

#include "base/err.h"

struct watch {
    int fd; /* poll it; -1: nothing is watched */
    char *name;
};

/* Watches the folder of `path` (editors write a new file and rename it). */
int watch_start(struct watch *w, const char *path, struct err *e);
/* Takes in what happened; true when the file was saved. Never blocks. */
bool watch_step(struct watch *w);
void watch_stop(struct watch *w);

#endif
