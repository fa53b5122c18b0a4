/* A run of a grading, made once more by its schedule: "for: grade EXERCISE SEED RUN FILE.c". */
#ifndef IPCLAB_GRADE_AGAIN_H
#define IPCLAB_GRADE_AGAIN_H

#include "explore/trial.h"

/* Does the schedule belong to a grading? */
bool grade_is_run(const struct schedule *s);

/* Compiles what the run needs and follows the schedule, recorded at `recording`. *divergence (the
 * caller frees, NULL: none) says where it could not be followed. -errno with one line when the run
 * cannot be made: no such exercise, file or run, or it does not compile. */
int grade_again(struct trial_result *out, const char *root, const struct schedule *s,
                const struct cast *cast, bool is_strict, const char *recording, char **divergence,
                struct err *e);

#endif
