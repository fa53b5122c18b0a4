/* One run in an order that somebody wrote down, in place of the kernel's: what `run --schedule` and
 * `trace --controlled` need. */
#ifndef IPCLAB_EXPLORE_GUIDED_H
#define IPCLAB_EXPLORE_GUIDED_H

#include "control/schedule.h"
#include "run/conduct.h"

struct guided;

/* path: a schedule file; NULL: the plainest order there is (parent first, fair time). */
int guided_new(struct guided **out, const char *path, struct err *e);
/* The same from text, which `name` is the name of. */
int guided_parse(struct guided **out, const char *text, const char *name, struct err *e);
void guided_free(struct guided *g);

/* For struct run_options; borrowed. */
const struct conduct_options *guided_conduct(const struct guided *g);
/* After the run: one line when the schedule could not be followed, NULL when it could. */
const char *guided_divergence(const struct guided *g);

#endif
