/* The author's gate: a grader is proven before a learner meets it.
 *
 * For each exercise: the starter (exercises/PART/LAB.c) must fail by the check that the grader
 * declares; each reference (solutions/PART/LAB*.c) must pass every time; each wrong answer
 * (tests/wrong/PART/LAB/) must be rejected every time, by the rule that its head comment names:
 * "wrong: RULE-ID". */
#ifndef IPCLAB_GRADE_VERIFY_H
#define IPCLAB_GRADE_VERIFY_H

#include <stdbool.h>

#include "base/err.h"

struct verify_options {
    const char *root;
    const char *exercise; /* NULL: all that have a grader */
    unsigned runs;        /* gradings of each program, each with a seed of its own; 0: 1 */
    unsigned workers;     /* programs at once; 0: one more than there are processors */
    bool is_json;         /* one JSON object for each program instead of a line of text */
    void (*on_line)(void *arg, const char *line); /* called as each program is done */
    void *arg;
};

struct verify_result {
    unsigned exercises, programs;
    unsigned failures; /* programs that were not judged as they must be */
};

/* 0 when everything could be judged (look at failures); -errno when nothing could be. */
int grade_verify(struct verify_result *out, const struct verify_options *options, struct err *e);

#endif
