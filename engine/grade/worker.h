/* Making one run and judging it: what a worker of the grader does. */
#ifndef IPCLAB_GRADE_WORKER_H
#define IPCLAB_GRADE_WORKER_H

#include <cjson/cJSON.h>

#include "grade/grade.h"
#include "run/run.h"
#include "script/grader.h"

/* What all runs of one grading have in common; read only. */
struct plan {
    const char *root;
    const struct grader *grader;
    const char *program;    /* the learner's, compiled */
    const char *file;       /* its source */
    char *const *partners;  /* compiled, in the order of grader->partners */
    const char *recordings; /* folder */
    size_t only;            /* ask this check only, up to its first failure; GRADER_ALL: all */
    struct turn *turn;      /* shared by all workers */
};

/* Who goes next, in memory that all workers share. */
struct turn {
    _Atomic size_t next; /* the run to make next */
    _Atomic size_t
        unended; /* runs that only the time limit ended: after UNENDED_MAX the others are not
                    made, for they would only make the learner wait for the same again */
};

enum { UNENDED_MAX = 2 };

/* How run number `index` is to be made. */
struct work {
    struct sandbox_mount mounts[2];
    struct sandbox_options place;
    const char *meta[5], *sources[2];
    char **argv;
    struct run_options options; /* but for recording_path */
};
/* *w must not move. */
void work_init(struct work *w, const struct plan *plan, size_t index);
void work_fini(struct work *w);

/* The file that run number `index` is recorded in; the caller frees. */
char *plan_recording(const struct plan *plan, size_t index);

/* A child_job (script/child.h): arg is a struct plan. Its answer is a JSON array of
 * {"index": n, "run": struct verdict_run, "answers": what grader_judge gave}. */
int worker_job(void *arg, struct buf *out, struct err *e);

#endif
