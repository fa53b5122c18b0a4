/* What lab and grader files declare. Included by script_*.c, and by lab.c and grader.c in their
 * children. */
#ifndef IPCLAB_SCRIPT_SCRIPT_DECLARE_H
#define IPCLAB_SCRIPT_SCRIPT_DECLARE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "script/evidence.h"
#include "script/grader.h"
#include "script/schema.h"
#include "script/script.h"

/* Loads a file that declares one table by `return WORD{...}`: checks it against the fields, keeps
 * it for the questions below, and gives it as JSON. */
int script_load_declared(cJSON **out, struct script *s, const char *word, const char *file,
                         const struct field *fields, struct err *e);

/* Loads ROOT/FILE and checks it: a lab, or a grader. *out: what it declares, as JSON; the caller
 * frees. */
int script_load_lab(cJSON **out, struct script *s, const char *file, struct err *e);
int script_load_grader(cJSON **out, struct script *s, const char *file, struct err *e);

/* Asks option number `option` of the loaded lab's prediction. */
int script_holds(bool *out, struct script *s, const struct evidence *ev, size_t option,
                 struct err *e);

/* Asks goal number `goal` of the loaded lab, one whose `reached` is a function. */
int script_reached(bool *out, struct script *s, const struct evidence *ev, size_t goal,
                   struct err *e);

/* The loaded grader's run specs for a seed, as JSON. */
int script_runs(cJSON **out, struct script *s, const char *file, uint64_t seed, struct err *e);

/* Asks check number `check` of the loaded grader. 0: it passed, or script_failure() says why not.
 */
int script_check(struct script *s, const struct evidence *ev, const struct grader *g, size_t run,
                 size_t check, struct err *e);

/* The declarations, for the docs test. */
extern const struct field script_lab_fields[];
extern const struct field script_grader_fields[];
extern const struct field script_run_spec_fields[];
extern const struct field script_fail_fields[];

#endif
