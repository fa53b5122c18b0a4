/* A chooser that follows a schedule. */
#ifndef IPCLAB_CONTROL_SCRIPTED_H
#define IPCLAB_CONTROL_SCRIPTED_H

#include "control/schedule.h"

struct scripted;

/* is_strict: a step that is not to be had ends the run (it has diverged). Else the step is left
 * out, and the run goes on: for schedules that were cut down, or written for another version. The
 * schedule and the cast are borrowed. */
struct scripted *scripted_new(const struct schedule *schedule, const struct cast *cast,
                              bool is_strict);
void scripted_free(struct scripted *s);
const struct chooser *scripted_chooser(const struct scripted *s);

/* Of the last run: how many steps of the list were made or left out; and, when it diverged, one
 * line that says what was expected and what was to be had. NULL: it did not. */
size_t scripted_position(const struct scripted *s);
const char *scripted_divergence(const struct scripted *s);

#endif
