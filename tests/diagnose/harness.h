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

struct trial_limits {
    uint64_t ns;            /* wall clock */
    uint64_t events;        /* 0: none */
    bool ends_with_command; /* who is left then is killed */
};

/* 0 or -errno. cwd NULL: this process's own. A stuck run is ended at once. */
int trial_run(struct trial *t, char *const *argv, const char *cwd,
              const struct trial_limits *limits, struct err *e);
void trial_fini(struct trial *t);

/* Each finding on a line: "problem never-eof P.1: text". */
void trial_print(const struct diagnosis *d, struct buf *out);

#endif
