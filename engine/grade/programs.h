/* The programs that prove a grader, and what must become of each. */
#ifndef IPCLAB_GRADE_PROGRAMS_H
#define IPCLAB_GRADE_PROGRAMS_H

#include <stddef.h>

#include "base/err.h"

/* X(NAME, word) */
#define PROGRAM_KINDS(X)                                                              \
    X(STARTER, "starter")                                                             \
    X(SOLUTION, "solution")                                                           \
    X(RIGHT, "right") /* passes as well, and is there to be graded, not to be read */ \
    X(WRONG, "wrong")
enum program_kind {
#define X(NAME, word) PROGRAM_##NAME,
    PROGRAM_KINDS(X)
#undef X
};
const char *program_kind_name(enum program_kind kind);

struct program {
    enum program_kind kind;
    char *exercise;
    char *file;
    char *rule; /* of WRONG: what its head comment names, NULL when it names nothing */
};

struct programs {
    struct program *list;
    size_t list_count, list_cap;
};

/* Adds an exercise's starter, solutions, right and wrong answers, in that order, each kind sorted
 * by name. -ENOENT when it has no starter or no solution: then nothing is proven. */
int programs_add(struct programs *out, const char *root, const char *exercise, struct err *e);
void programs_fini(struct programs *p);

#endif
