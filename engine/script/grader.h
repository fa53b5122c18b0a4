/* A grader as its file declares it, scripts/grade/PART/LAB.lua, and the question to its checks.
 *
 * As with labs, Lua runs in children only: loading gives a plain value, and each run is judged in a
 * child of its own. A check that raises, hangs or dies is "not judged"; it never counts. */
#ifndef IPCLAB_SCRIPT_GRADER_H
#define IPCLAB_SCRIPT_GRADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct evidence;

/* One run that a grader asks for. */
struct run_spec {
    char *name;
    char **args;
    size_t arg_count;
    char *stdin_bytes;
    size_t stdin_size;
    bool is_fed_when_quiet;
    double limit;       /* seconds */
    unsigned processes; /* 0: default */
    unsigned files;     /* 0: default */
    char **ignored;     /* signals that the program inherits as ignored */
    size_t ignored_count;
    uint64_t orders; /* controlled, in up to so many orders; 0: a free run */
    char *schedule;  /* or in this one (control/schedule.h); NULL */
    bool is_fair;    /* time passes only when nobody else can move; else at any moment */
    char **faults;   /* kinds that may happen: "short", "signal", "error", "kill" */
    size_t fault_count;
    char *partner; /* runs this one, with the learner's program as argv[1]; NULL: none */
};

struct grader_check {
    char *id;
    char *title;
    char *why;
    char *rule; /* what a failure is called, unless it says otherwise */
    int points;
    char **hints;
    size_t hint_count;
    char **on; /* names of the runs it is asked about; none: all */
    size_t on_count;
};

struct grader {
    char *exercise; /* "2-pipes/pipe-eof" */
    char *title;
    char *starter_fails;
    char **partners; /* C files in ROOT/scripts/grade/PART/LAB/ */
    size_t partner_count;
    struct grader_check *checks;
    size_t check_count;
    struct run_spec *runs; /* for the seed it was loaded with */
    size_t run_count;
    uint64_t seed;
};

/* Loads ROOT/scripts/grade/EXERCISE.lua; the same seed gives the same runs. The caller frees. */
int grader_load(struct grader **out, const char *root, const char *exercise, uint64_t seed,
                struct err *e);
void grader_free(struct grader *g);

/* Is the check about this run? */
bool grader_asks(const struct grader *g, size_t check, size_t run);

enum judged_state {
    JUDGED_PASSED,
    JUDGED_FAILED,
    JUDGED_BROKEN,   /* the check itself failed: text says how */
    JUDGED_NOT_ASKED /* it is not about this run */
};

/* What a check said of one run. Texts are "" where there is nothing to say. */
struct judged {
    enum judged_state state;
    char *rule;
    char *text;
    char *next;
    char *proc;
    char *object;
    char *file; /* of the first event of the evidence that has a source line */
    int line;
    uint32_t seq;
    uint32_t *events;
    size_t event_count;
};

/* Asks every check, or only one of them, about run number `run`, recorded in ev. *out: a JSON
 * array, an answer for each check, which another process can be given, too; the caller frees. 0
 * also when checks broke; -errno when nothing could be asked. */
#define GRADER_ALL SIZE_MAX
struct cJSON;
int grader_judge(struct cJSON **out, const struct grader *g, const char *root, size_t run,
                 size_t only, const struct evidence *ev, struct err *e);

/* The state of one of these answers. */
enum judged_state judged_state_of(const struct cJSON *answers, size_t check);

/* The answers as values: check_count of them, freed by judged_free. -EPROTO when it is no such
 * array. */
int grader_answers(struct judged **out, const struct grader *g, const struct cJSON *answers,
                   struct err *e);
void judged_free(struct judged *list, size_t count);

#endif
