/* Judging a learner's program: compile, run, judge, report.
 *
 * The file is compiled in the sandbox. The grader's script says which runs to make; each is
 * hermetic and recorded; its checks are then asked about the recording, in a process that can be
 * killed. The verdict depends on what the kernel was asked and answered, never on a text that the
 * program printed. Whatever goes wrong on our side (a script that fails, a sandbox that cannot be
 * built, a worker that dies) is "not judged" and never counts.
 *
 * Grading forks, traces and waits: the runner, which has a terminal, starts `ipclab grade --json`
 * and reads what it writes with verdict_parse(). */
#ifndef IPCLAB_GRADE_GRADE_H
#define IPCLAB_GRADE_GRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* X(NAME, word) -- in order of precedence: a verdict is the first of these that any run gives. */
#define VERDICT_KINDS(X)                                                                        \
    X(CRASH, "crash")           /* a process of the program was killed by a fault of its own */ \
    X(TIMEOUT, "timeout")       /* it did not end; `how` says why */                            \
    X(FAIL, "fail")             /* it ended, and a check failed; or it does not compile */      \
    X(NOT_JUDGED, "not judged") /* our fault: never counts */                                   \
    X(PASS, "pass")

enum verdict_kind {
#define X(NAME, word) VERDICT_##NAME,
    VERDICT_KINDS(X)
#undef X
};
const char *verdict_kind_name(enum verdict_kind kind);

/* A diagnosis of one run, as engine/diagnose gave it. */
struct verdict_finding {
    char *rule;
    char *severity; /* "normal", "warning", "problem" */
    char *text;
    char *next;
    char *proc;   /* "P.1", or "" */
    char *object; /* "pipe 1", or "" */
    uint32_t seq; /* the moment to open the recording at */
    uint32_t *events;
    size_t event_count;
};

/* One hermetic run. */
struct verdict_run {
    char *name;
    char **args;
    size_t arg_count;
    enum verdict_kind kind; /* PASS: it ended by itself, in whatever way */
    char *how;              /* "ended", "deadlock", "never-eof", "spin", "slow", "flood" */
    char *reason;           /* one line for CRASH, TIMEOUT and NOT_JUDGED, else "" */
    int exit_code;          /* -1: it did not exit */
    char *signal;           /* "SIGSEGV", or "" */
    char *recording;        /* file */
    char *schedule;         /* file: the order in which it fails; "" */
    uint64_t orders;        /* runs made in other orders, and with faults; 0: a free run */
    char *file;             /* where it crashed or stood, "" when not known */
    int line;
    uint32_t seq; /* the moment to open the recording at, for CRASH and TIMEOUT */
    uint64_t elapsed_ns;
    char *output; /* head of its stdout and of its stderr, made printable: to show, not to judge */
    char *errors;
    struct verdict_finding *findings;
    size_t finding_count;
};

/* X(NAME, word) */
#define CHECK_STATES(X) X(PASSED, "pass") X(FAILED, "fail") X(OPEN, "not judged")
enum check_state {
#define X(NAME, word) CHECK_##NAME,
    CHECK_STATES(X)
#undef X
};

/* One check, over all runs that it is on; a failure is that of the first run that failed. */
struct verdict_check {
    char *id;
    char *title;
    char *why;    /* why it matters */
    char **hints; /* by degrees */
    size_t hint_count;
    int points, earned;
    enum check_state state;
    /* of a failed check; empty otherwise */
    char *rule;
    char *text; /* what happened: who, which call, which line */
    char *next; /* what to look at */
    char *proc;
    char *object;
    char *file; /* of the first event of the evidence, "" when not known */
    int line;
    size_t run;   /* index into runs */
    uint32_t seq; /* the moment to open that run's recording at */
    uint32_t *events;
    size_t event_count;
};

struct verdict {
    enum verdict_kind kind;
    char *exercise; /* "2-pipes/pipe-eof" */
    char *title;
    char *file;    /* the judged source */
    char *reason;  /* one line: why not PASS; "" for PASS */
    uint64_t seed; /* gives the same runs again */
    int points, points_max;
    bool is_compiled;
    char *compiler_text; /* errors and warnings, made printable; "" when there are none */
    uint64_t compile_ns, elapsed_ns;
    struct verdict_check *checks;
    size_t check_count;
    struct verdict_run *runs;
    size_t run_count;
};

struct grade_options {
    const char *root;       /* holds exercises/, scripts/, solutions/, tests/ */
    const char *exercise;   /* "pipe-eof", "2-pipes/pipe-eof" or the path of its .c file */
    const char *file;       /* source to judge; NULL: the exercise's own file */
    const char *recordings; /* folder for RUN.ipclab files; NULL: ~/.cache/ipclab/grade/PART/LAB */
    uint64_t seed;          /* 0: from getrandom(2) */
    unsigned workers;       /* runs at once; 0: as many as there are processors, at most 4 */
    const char *only; /* id of the one check to be asked, in its runs, one after the other, up to
                         the first that fails; NULL: all. What the verdict then says of this check
                         is what a whole grading says; of the others, "not judged". */
};

/* Judges. 0 with *out (the caller frees), whatever the verdict; -errno with one line when there was
 * nothing to judge (no such exercise, no such file). */
int grade_exercise(struct verdict **out, const struct grade_options *options, struct err *e);
void verdict_free(struct verdict *v);

/* The exercise "PART/LAB" that a name, or a path of a .c file, means. -ENOENT when none does. */
int grade_find(char **out, const char *root, const char *name, struct err *e);

/* The report as text (no colours; `hints`: how many of a failed check's hints are shown). */
void verdict_text(const struct verdict *v, size_t hints, struct buf *out);
/* As JSON, docs/verdict-json.md; and back. -EBADMSG when it is no verdict. */
void verdict_json(const struct verdict *v, struct buf *out);
int verdict_parse(struct verdict **out, const char *json, struct err *e);

#endif
