/* A failing run, told: who did what, at which line, and why that was fatal.
 *
 * Told are the moves whose order matters (those that race with another task's), those that fell
 * asleep, and those that a fault struck; the moves of one task that follow each other are one step
 * of the story. What the kernel did comes from the recording, the last word from the diagnosis. */
#ifndef IPCLAB_EXPLORE_STORY_H
#define IPCLAB_EXPLORE_STORY_H

#include "base/buf.h"
#include "explore/trial.h"

enum { STORY_STEPS_MAX = 6 };

/* Follows the schedule once more, recorded, and appends the story: numbered lines, the last one
 * says what came of it. critical: the step of critical_step(), SIZE_MAX when there is none.
 * recording: where the run is kept. */
int story_tell(struct trials *trials, const struct schedule *schedule, size_t critical,
               const char *recording, struct buf *out, struct err *e);

#endif
