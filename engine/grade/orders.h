/* One run of a grader, made in many orders and with faults, until one of them fails.
 *
 * Each is judged; the first that fails is followed once more, recorded with all that evidence
 * needs, and judged by that recording: what a verdict says has happened twice. Its schedule is
 * written beside the recording. */
#ifndef IPCLAB_GRADE_ORDERS_H
#define IPCLAB_GRADE_ORDERS_H

#include "run/run.h"
#include "script/grader.h"

enum orders_answer { ORDERS_PASSED, ORDERS_FAILED, ORDERS_BROKEN };

struct orders {
    const struct run_options *options; /* as for a free run; recording_path: that of the verdict */
    const struct run_spec *spec;
    const char *what;          /* "for:" of the schedule */
    const char *schedule_path; /* where it is written */
    uint64_t seed;
    /* Judges what was recorded at `path`. is_last: this is the recording that the verdict shows. */
    enum orders_answer (*judge)(void *arg, const char *path, const struct run_result *result,
                                bool is_last);
    void *arg;
};

struct orders_result {
    bool has_failed;  /* and schedule_path was written */
    uint64_t tried;   /* runs made */
    bool was_cut_off; /* the run shown was ended by a limit */
};

/* 0, or -errno when no run could be made. */
int orders_try(struct orders_result *out, const struct orders *orders, struct err *e);

#endif
