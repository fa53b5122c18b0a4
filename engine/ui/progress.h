/* What the learner has done, lab by lab, as the screens ask for it: a small cache over
 * engine/store.
 *
 * When the store cannot be opened or written, everything is remembered for this session, and
 * progress_trouble() says why in one line. */
#ifndef IPCLAB_UI_PROGRESS_H
#define IPCLAB_UI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "grade/grade.h"

enum deed {
    DEED_READ,     /* the lesson was opened */
    DEED_FORETOLD, /* a prediction was right */
    DEED_MISTAKEN, /* a prediction was wrong */
    DEED_TRIED,    /* the exercise was graded, and did not pass */
    DEED_PASSED    /* the exercise passed */
};

struct progress;

/* Opens the learner's own store. The caller frees. Never fails: see progress_trouble. */
struct progress *progress_open(void);
void progress_free(struct progress *p);

/* One line that the user should know, of the opening or of the last failure to save; NULL: none.
 * Borrowed. */
const char *progress_trouble(const struct progress *p);

/* lab: "2-pipes/pipe-eof". p may be NULL: nothing is known, nothing is kept. */
bool progress_has(const struct progress *p, const char *lab, enum deed deed);

void progress_read(struct progress *p, const char *lab);
/* The ids of the option that was chosen and of the one that the run made true. */
void progress_predicted(struct progress *p, const char *lab, const char *answer, const char *truth);
/* source: what was judged, NULL when it is not known. A verdict of "not judged" is no attempt. */
void progress_attempted(struct progress *p, const char *lab, const struct verdict *verdict,
                        const struct buf *source);
void progress_hinted(struct progress *p, const char *lab, const char *check, unsigned number);
/* Where the learner was when the lab was left. */
void progress_left(struct progress *p, const char *lab, const char *screen, uint32_t moment);

#endif
