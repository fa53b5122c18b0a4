/* Runs a program under the tracer and diagnoses it, while it runs and once more afterwards. */
#ifndef IPCLAB_TESTS_DIAGNOSE_HARNESS_H
#define IPCLAB_TESTS_DIAGNOSE_HARNESS_H

#include "diagnose/finding.h"
#include "trace/tracer.h"

struct trial {
    struct recording *rec;
    struct diagnosis *diagnosis; /* made after the run */
    struct diagnosis *live;      /* extended at each quiet moment of the run */
    struct tracer_result result;
};

/* 0 or -errno. Ends a stuck run, and one that takes longer than limit_ns. */
int trial_run(struct trial *t, char *const *argv, uint64_t limit_ns, struct err *e);
void trial_fini(struct trial *t);

/* Each finding on a line: "problem never-eof P.1: text". */
void trial_print(const struct diagnosis *d, struct buf *out);

#endif
