/* A finding: a diagnosis with its evidence.
 *
 * Rules look at the model as the recording is folded, each family in a file of its own; a finding
 * names events, processes and objects of that recording, so that a reader can go and look. Nothing
 * on a healthy program: a rule that cannot be sure says nothing. */
#ifndef IPCLAB_DIAGNOSE_FINDING_H
#define IPCLAB_DIAGNOSE_FINDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/model.h"

/* X(NAME, id, title) -- ids are stable: graders, JSON and tests name them. */
#define RULES(X)                                                               \
    X(NEVER_EOF, "never-eof", "end of file that cannot come")                  \
    X(DEADLOCK, "deadlock", "deadlock")                                        \
    X(SIGPIPE_DEATH, "sigpipe-death", "killed by SIGPIPE")                     \
    X(EPIPE_IGNORED, "epipe-ignored", "EPIPE ignored")                         \
    X(SHORT_READ, "short-read", "short read not resumed")                      \
    X(SHORT_WRITE, "short-write", "short write not resumed")                   \
    X(EINTR_UNHANDLED, "eintr-unhandled", "EINTR not handled")                 \
    X(ERROR_IGNORED, "error-ignored", "error ignored, its value used")         \
    X(ZOMBIE, "zombie", "zombie")                                              \
    X(ORPHAN, "orphan", "orphan")                                              \
    X(FD_LEAK, "fd-leak", "descriptor leaked into a child")                    \
    X(FD_LEAK_EXEC, "fd-leak-exec", "descriptor leaked across exec")           \
    X(STDIO_DUPLICATED, "stdio-duplicated", "stdio buffer duplicated by fork") \
    X(BUSY_WAIT, "busy-wait", "busy waiting")                                  \
    X(CRASH, "crash", "killed by a signal of its own making")                  \
    X(SPIN, "spin", "did not end: spinning")                                   \
    X(SLOW, "slow", "did not end: slow")                                       \
    X(FLOOD, "flood", "did not end: flood")                                    \
    X(LEFT_BEHIND, "left-behind", "processes left behind")                     \
    X(INCOMPLETE, "incomplete", "the recording may have missed something")

enum rule {
#define X(NAME, id, title) RULE_##NAME,
    RULES(X)
#undef X
        RULE_COUNT
};

const char *rule_id(enum rule rule);
const char *rule_title(enum rule rule);
enum rule rule_by_id(const char *id); /* RULE_COUNT when there is none */

/* How much it matters here. */
enum severity {
    SEVERITY_NORMAL,  /* worth knowing, and as it should be: `yes` dying of SIGPIPE before head */
    SEVERITY_WARNING, /* works today, breaks tomorrow */
    SEVERITY_PROBLEM, /* this run went wrong because of it */
};
const char *severity_name(enum severity severity); /* "normal" ... */

enum { FINDING_EVIDENCE_MAX = 12 };

struct finding {
    enum rule rule;
    enum severity severity;
    uint32_t seq;    /* the moment at which it could first be known */
    uint32_t proc;   /* whom it is about; MODEL_NONE */
    uint32_t object; /* MODEL_NONE */
    uint32_t
        cause; /* the event that brought it about: the fork, the missing close's copy; MODEL_NONE */
    char *text;  /* one sentence: who, what, why */
    char *next;  /* what to look at next, one sentence */
    char *graph; /* who waits for whom, for finding_graph(); NULL when nobody does */
    uint32_t events[FINDING_EVIDENCE_MAX];
    size_t event_count;
    uint32_t procs[FINDING_EVIDENCE_MAX]; /* a deadlock's members, in cycle order where there is a
                                             cycle */
    size_t proc_count;
    uint32_t objects[FINDING_EVIDENCE_MAX];
    size_t object_count;
};

/* How the whole run ended. RUN_ENDED also stands for a run that is still going on. */
enum run_end {
    RUN_ENDED,
    RUN_DEADLOCK,
    RUN_NEVER_EOF,
    RUN_SPIN,
    RUN_SLOW,
    RUN_FLOOD,
    RUN_INTERRUPTED
};
const char *run_end_name(enum run_end end); /* "ended", "deadlock", "never-eof" ... */

struct diagnosis; /* findings over one recording; grows as the recording grows */

struct diagnosis *diagnosis_new(const struct recording *rec); /* borrows rec */
/* Folds what is new; with `is_over`, judges what only the end can tell (zombies, how it ended),
 * once. A finding stays where it is in memory, its text may become more exact ("51 times", later
 * "70 times"). */
void diagnosis_extend(struct diagnosis *d, int is_over);
void diagnosis_free(struct diagnosis *d);

size_t diagnosis_count(const struct diagnosis *d);
const struct finding *diagnosis_finding(const struct diagnosis *d,
                                        size_t index); /* ordered by seq */
enum run_end diagnosis_end(const struct diagnosis *d);
/* The model at the end of what was folded. Borrowed. */
const struct model *diagnosis_model(const struct diagnosis *d);

/* The wait-for graph of a finding as text, one line for the cycle and one for each further edge:
 * "P.1 -[read pipe 1]-> P -[write pipe 2]-> P.1". Nothing when the finding is not about waiting. */
void finding_graph(const struct diagnosis *d, const struct finding *f, struct buf *out);

#endif
