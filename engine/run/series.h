/* Many controlled runs of one program: the sandbox is made and the program loaded once, and every
 * run is a copy of it (trace/template.h).
 *
 * A run begins as the first did: descriptor 0 at the start of its bytes, empty outputs, nobody
 * alive but the template, and the private folders as they were. What cannot be put back (System V
 * objects) makes the next run begin in a new sandbox. */
#ifndef IPCLAB_RUN_SERIES_H
#define IPCLAB_RUN_SERIES_H

#include "run/run.h"

struct series;

/* argv, sandbox and stdin of the options count for all runs. One CPU is this thread's from now on.
 * Without a sandbox the copies run in the user's own environment, on its descriptors. */
int series_open(struct series **out, const struct run_options *options, struct err *e);
/* One run; of the options count conduct, recording_path, limit_ns, is_brief, payload_cap, meta and
 * sources. */
int series_run(struct series *s, struct run_result *out, const struct run_options *options,
               struct err *e);
void series_close(struct series *s);

#endif
