/* What a user names on the command line to be run many times: a program, a C file, a lab or an
 * exercise; made ready to run in a sandbox. */
#ifndef IPCLAB_CLI_TARGET_H
#define IPCLAB_CLI_TARGET_H

#include "base/err.h"
#include "run/run.h"

struct target_program {
    char **argv;
    char *source; /* C file, NULL when not known */
    char *what;   /* "pipe-deadlock broken", "./a.out" */
    struct sandbox_mount mount;
    struct sandbox_options sandbox;
    char *compiled; /* path outside */
    const char *sources[2];
    const char *meta[5];
};

/* words[0] names it, the others are the program's arguments. variant: of a lab; NULL: broken. A C
 * file and a lab's program are compiled. -errno with one line. The caller frees with target_fini;
 * *out must not move. */
int target_find(struct target_program *out, char *const *words, const char *variant, struct err *e);
void target_fini(struct target_program *t);
/* The word is neither a C file nor a path that leads to a program. */
bool target_is_lab(const char *word);

/* Fills in what a run needs of it: argv, sandbox, sources, meta. */
void target_options(const struct target_program *t, struct run_options *out);

#endif
