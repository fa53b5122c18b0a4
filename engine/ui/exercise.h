/* An exercise: the file being edited elsewhere, and what the grader says of it each time it is
 * saved. */
#ifndef IPCLAB_UI_EXERCISE_H
#define IPCLAB_UI_EXERCISE_H

#include "grade/grade.h"
#include "script/lab.h"
#include "ui/view.h"

struct exercise {
    /* set by the runner */
    const struct lab *lab;
    const char *path;              /* the learner's file */
    const struct verdict *verdict; /* the last; NULL: none yet */
    bool is_grading;
    uint64_t wait_ns;    /* from save to verdict, of the last; 0: none */
    uint32_t tick;       /* moves on while it grades: the spinner */
    const char *trouble; /* NULL, or why it could not be graded */
    bool was_passed;     /* at some time */
    /* moved by keys */
    size_t check;  /* the marked one */
    size_t *hints; /* hints shown, for each check of the verdict */
    bool shows_why;
    int scrolled; /* rows of the text that stand above the screen */
};

/* What proves the marked check's failure, or shows the run that crashed or did not end. */
struct evidence {
    const char *recording;
    uint32_t seq;     /* the moment to look at; 0: the last */
    const char *text; /* what is to be seen there; NULL */
};
/* false: there is none. */
bool exercise_evidence(const struct exercise *x, struct evidence *out);

#endif
