/* A lab as its lab.lua declares it: labs/PART/LAB/lab.lua, docs/lua-api.md.
 *
 * The file is Lua, and Lua never runs in the caller's process: it is loaded and checked in a child
 * that can be killed, and what arrives here is a plain value. A lab that cannot be loaded is still
 * listed, with the reason. */
#ifndef IPCLAB_SCRIPT_LAB_H
#define IPCLAB_SCRIPT_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct lab_actor {
    char *name; /* "P.1" */
    char *role;
};

struct lab_variant {
    char *name;    /* "broken" */
    char *program; /* its C file, beside lab.lua */
    char *path;    /* the same, with the lab's folder in front */
    char *text;
    char **expects; /* ids of the findings that it shows */
    size_t expect_count;
    bool has_expects; /* else what it shows depends on who moves first */
};

struct lab_knob {
    char *name;
    char *text;
    char **values;
    size_t value_count;
    size_t initial; /* index of the default */
};

struct lab_option {
    char *id;
    char *text;
    char *why;
};

struct lab_prediction {
    char *question;
    char *variant;
    char **knobs; /* "name=value", arguments for the program */
    size_t knob_count;
    struct lab_option *options;
    size_t option_count; /* 0: the lab asks nothing */
};

/* Something to bring about by choosing who moves. */
struct lab_goal {
    char *title;
    char *reached;   /* "ended-well", or how the run must end ("deadlock"); "": the script says */
    char **variants; /* in which it can be reached; none: in all */
    size_t variant_count;
};

struct lab {
    char *name;   /* "pipe-eof" */
    char *part;   /* "2-pipes" */
    char *folder; /* ROOT/labs/2-pipes/pipe-eof: lesson.md is there, too */
    char *error;  /* NULL, or one line: then only the fields above and title are set */
    char *title;
    char *summary;
    int minutes;
    char **covers;
    size_t cover_count;
    struct lab_actor *actors;
    size_t actor_count;
    struct lab_variant *variants; /* in alphabetical order */
    size_t variant_count;
    struct lab_knob *knobs;
    size_t knob_count;
    struct lab_prediction prediction;
    struct lab_goal *goals;
    size_t goal_count;
    char **watch;
    size_t watch_count;
    double limit; /* seconds */
};

/* Loads one lab; name is "pipe-eof" or "2-pipes/pipe-eof". root is the folder that holds labs/ and
 * scripts/. The caller frees. -ENOENT when there is no such lab; -EINVAL with "FILE: field 'x':
 * reason" when it is ill-formed. */
int lab_load(struct lab **out, const char *root, const char *name, struct err *e);
void lab_free(struct lab *lab);

/* All labs, in the order of labs/order (one PART/LAB a line; # begins a comment). Ill-formed ones
 * are there with their error. The caller frees. -errno when labs/order cannot be read. */
struct lab_list {
    struct lab **labs;
    size_t count;
};
int lab_list(struct lab_list *out, const char *root, struct err *e);
void lab_list_fini(struct lab_list *list);

const struct lab_variant *lab_variant(const struct lab *lab, const char *name); /* NULL: none */

/* Which option is true of a run of prediction.variant with prediction.knobs, recorded in
 * `recording_path`: its index. -EINVAL when none or more than one holds, or the script failed. */
int lab_predict(size_t *out, const struct lab *lab, const char *root, const char *recording_path,
                struct err *e);

bool lab_goal_is_for(const struct lab_goal *goal, const char *variant);

/* Which goals a run has reached as far as `recording_path` tells: out[i] of lab->goals[i]. While it
 * goes on, `how` is NULL; afterwards how it ended (run_end_name), and is_well: every process exited
 * with 0. -EINVAL when the script failed. */
int lab_goals(bool *out, const struct lab *lab, const char *root, const char *recording_path,
              const char *how, bool is_well, struct err *e);

#endif
