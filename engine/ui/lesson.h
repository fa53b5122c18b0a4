/* A lab's lesson, with the prediction at its place: asked before the run, answered by the run. */
#ifndef IPCLAB_UI_LESSON_H
#define IPCLAB_UI_LESSON_H

#include "script/lab.h"
#include "ui/document.h"
#include "ui/view.h"

#define LESSON_NONE SIZE_MAX

struct lesson {
    /* set by the runner */
    const struct lab *lab;
    const struct document *text;
    size_t answer;       /* the option that the learner chose; LESSON_NONE */
    size_t truth;        /* the option that the real run made true; LESSON_NONE: not run yet */
    const char *trouble; /* NULL, or why the run could not tell */
    /* moved by keys */
    int top;       /* first row shown */
    bool is_asked; /* the keys choose an answer */
    size_t marked; /* option */
    /* written by draw, which knows the width: how far one can scroll, where the question is */
    struct lesson_sizes {
        int rows, page, question;
    } * sizes;
};

/* Scrolls to the question. */
void lesson_show_question(struct lesson *l);

#endif
