/* A finished recording with all that a check, a prediction or a report may ask about it: its
 * history, its diagnosis, its source lines, and what each event was about at its own moment. Opened
 * once, read only. */
#ifndef IPCLAB_SCRIPT_EVIDENCE_H
#define IPCLAB_SCRIPT_EVIDENCE_H

#include "base/err.h"
#include "diagnose/finding.h"
#include "model/history.h"
#include "source/source.h"

/* What the fold knew when the event happened; MODEL_NONE where there is nothing. */
struct event_facts {
    uint32_t proc;  /* who did it, or to whom it was done */
    uint32_t child; /* process that a fork made, or that a wait took */
    int64_t object; /* id of what its descriptor referred to at entry, or of what it made; -1 */
};

struct evidence {
    struct recording *rec;
    struct history *history;
    struct diagnosis *diagnosis;
    struct source *source;
    struct event_facts *facts; /* one for each event */
    struct flow *flows;        /* all, in order */
    size_t flows_count, flows_cap;
};

int evidence_open(struct evidence **out, const char *path, struct err *e);
void evidence_free(struct evidence *ev);

/* The state at the end. Borrowed until the next question to the history. */
const struct model *evidence_final(const struct evidence *ev);

/* The process with that number, as a process itself would say it (getpid); MODEL_NONE. */
uint32_t evidence_by_own_pid(const struct model *m, pid_t own_pid);
/* The process called "P.1"; MODEL_NONE. */
uint32_t evidence_by_name(const struct model *m, const char *name);

/* Objects by an id that never means two things: the model uses the places of files again, so that
 * an index alone would. -1 for MODEL_NONE; MODEL_NONE for an id that means nothing at this moment.
 */
int64_t evidence_object_id(const struct model *m, uint32_t index);
uint32_t evidence_object_by_id(const struct model *m, int64_t id);

/* How the command ended; false when it did not. */
bool evidence_status(const struct evidence *ev, int *wait_status);

#endif
