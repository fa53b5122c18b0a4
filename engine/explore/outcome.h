/* How a controlled run came out. */
#ifndef IPCLAB_EXPLORE_OUTCOME_H
#define IPCLAB_EXPLORE_OUTCOME_H

#include "base/buf.h"
#include "run/run.h"

/* X(NAME, word): what is looked for, worst first; WELL is none of it. */
#define OUTCOME_KINDS(X)                                                                      \
    X(DEADLOCK, "deadlock") /* nobody can move any more */                                    \
    X(LEFT, "left behind")  /* the command has ended, and others wait for ever */             \
    X(CRASH, "crash")       /* a process was killed by a fault of its own */                  \
    X(KILLED, "killed")     /* the command was killed by another signal */                    \
    X(STATUS, "status")     /* it ended with another status than it should */                 \
    X(LIVELOCK, "livelock") /* it moves and moves, in fair turns, too, and comes to no end */ \
    X(SPIN, "spin")         /* it computes, without a call, until the time limit */           \
    X(WELL, "well")

enum outcome_kind {
#define X(NAME, word) OUTCOME_##NAME,
    OUTCOME_KINDS(X)
#undef X
};

struct outcome {
    enum outcome_kind kind;
    int signal; /* CRASH, KILLED */
    int status; /* STATUS: exit status */
};

/* expected: the exit status of a run that goes well. A fault that makes calls fail or kills
 * somebody (is_harsh) may end in any status, but not in any other way than by an exit. */
struct outcome outcome_of(const struct run_result *r, int expected, bool is_harsh);
bool outcome_is_failure(const struct outcome *o);
/* The same kind of failure, for a run that was cut down. */
bool outcome_is_same(const struct outcome *a, const struct outcome *b);
/* "deadlock: nobody can move any more". */
void outcome_text(const struct outcome *o, struct buf *out);
const char *outcome_word(enum outcome_kind kind);

#endif
