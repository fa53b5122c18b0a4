/* What the learner has done, lab by lab: a small file of lines, only ever appended to.
 *
 * One line is one thing done: "2026-11-22T23:11:02Z passed 2-pipes/pipe-eof". A line that cannot be
 * understood is left alone, so that an older program can read a newer file. */
#ifndef IPCLAB_UI_PROGRESS_H
#define IPCLAB_UI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* X(NAME, word) */
#define DEEDS(X)                                                            \
    X(READ, "read")         /* the lesson was opened */                     \
    X(FORETOLD, "foretold") /* the prediction was right */                  \
    X(MISTAKEN, "mistaken") /* the prediction was wrong */                  \
    X(TRIED, "tried")       /* the exercise was graded, and did not pass */ \
    X(PASSED, "passed")     /* the exercise passed */

enum deed {
#define X(NAME, word) DEED_##NAME,
    DEEDS(X)
#undef X
        DEED_COUNT
};

struct progress;

/* Reads the file at path; one that is not there is empty. The caller frees. Never fails: what
 * cannot be read counts as nothing. */
struct progress *progress_open(const char *path);
void progress_free(struct progress *p);

bool progress_has(const struct progress *p, const char *lab, enum deed deed);
/* Remembers, and appends a line unless it is there already. -errno when it cannot be written: it is
 * then remembered for this session only. */
int progress_add(struct progress *p, const char *lab, enum deed deed, struct err *e);

#endif
