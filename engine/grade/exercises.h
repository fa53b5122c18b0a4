/* The exercises that there are: one for each grader. */
#ifndef IPCLAB_GRADE_EXERCISES_H
#define IPCLAB_GRADE_EXERCISES_H

#include <stddef.h>

#include "base/err.h"

struct exercises {
    char **names; /* "2-pipes/pipe-eof", sorted */
    size_t names_count, names_cap;
};

int exercises_list(struct exercises *out, const char *root, struct err *e);
void exercises_fini(struct exercises *list);

#endif
