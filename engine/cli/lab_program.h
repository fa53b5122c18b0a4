/* A variant of a lab, with its knobs turned, compiled and ready to run: what `run` and `steer`
 * share. */
#ifndef IPCLAB_CLI_LAB_PROGRAM_H
#define IPCLAB_CLI_LAB_PROGRAM_H

#include "grade/compile.h"
#include "run/run.h"
#include "script/lab.h"

enum { LAB_KNOBS_MAX = 32 };

/* As the user names it. */
struct lab_wish {
    const char *lab;
    const char *variant;
    const char *knobs[LAB_KNOBS_MAX]; /* "name=value" */
    size_t knob_count;
};

/* False when there is no room for one more knob. */
bool lab_wish_knob(struct lab_wish *wish, const char *knob);

struct lab_program {
    const char *root;
    struct lab *lab;
    const struct lab_variant *variant;
    struct compile_result compiled;
    char **args;
    struct sandbox_mount mount;
    struct sandbox_options place;
    const char *meta[5];
    const char *sources[2];
};

/* Loads the lab, checks variant and knobs, compiles. Stays where it is: run_options point into it.
 * -errno with one line (compiler messages go to standard error). The caller closes, also after a
 * failure. */
int lab_program_open(struct lab_program *out, const struct lab_wish *wish, struct err *e);
void lab_program_close(struct lab_program *p);

/* How to run it; the recording's path and what else is wanted are left to the caller. */
struct run_options lab_program_options(struct lab_program *p);

#endif
