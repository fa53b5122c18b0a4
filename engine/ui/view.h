/* A view draws its state into a grid and turns key presses into changes of that state or into
 * requests.
 *
 * It is pure: it makes no system call, starts nothing and knows no terminal. What it cannot do
 * itself (leave, run, grade, edit) it asks for; the runner (runner.c) does it. A screen is added by
 * a line in SCREENS, its keys in keys.def, and a file that ends in its const struct view. */
#ifndef IPCLAB_UI_VIEW_H
#define IPCLAB_UI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/grid.h"

/* X(NAME, name) */
#define SCREENS(X) \
    X(HOME, home)  \
    X(LESSON, lesson) X(STAGE, stage) X(STEER, scheduler) X(EXERCISE, exercise) X(HELP, help)

enum screen_id {
#define X(NAME, name) SCREEN_##NAME,
    SCREENS(X)
#undef X
        SCREEN_COUNT
};

/* A key press: a Unicode character, or one of these. */
enum {
    PRESS_FIRST = 0x110000,
    PRESS_UP = PRESS_FIRST,
    PRESS_DOWN,
    PRESS_LEFT,
    PRESS_RIGHT,
    PRESS_SHIFT_LEFT,
    PRESS_SHIFT_RIGHT,
    PRESS_HOME,
    PRESS_END,
    PRESS_PAGE_UP,
    PRESS_PAGE_DOWN,
    PRESS_ENTER,
    PRESS_ESCAPE,
    PRESS_BACKSPACE,
    PRESS_TAB,
};

/* What a key means; which key it is on which screen is said in keys.def only. */
#define ACTIONS(X)      \
    X(UP)               \
    X(DOWN)             \
    X(LEFT)             \
    X(RIGHT)            \
    X(PAGE_UP)          \
    X(PAGE_DOWN)        \
    X(FIRST)            \
    X(LAST)             \
    X(NEXT_FINDING)     \
    X(PREVIOUS_FINDING) \
    X(GO)               \
    X(PLAY)             \
    X(FILTER)           \
    X(ALL)              \
    X(PICTURE)          \
    X(TREE)             \
    X(SEQUENCE)         \
    X(DESCRIPTORS)      \
    X(RUN)              \
    X(VARIANT)          \
    X(STEER)            \
    X(PICK)             \
    X(TAKE_BACK)        \
    X(AGAIN)            \
    X(RESTART)          \
    X(FINISH)           \
    X(KNOBS) X(LESSON) X(EXERCISE) X(EDIT) X(GRADE) X(HINT) X(WHY) X(HELP) X(BACK) X(QUIT)
enum action {
    ACTION_NONE,
#define X(NAME) ACTION_##NAME,
    ACTIONS(X)
#undef X
};

/* What a view wants done. */
enum request {
    REQUEST_NONE,     /* nothing changed */
    REQUEST_DRAW,     /* the view changed: draw it again */
    REQUEST_BACK,     /* one screen back; from the first, leave */
    REQUEST_QUIT,     /* leave at once */
    REQUEST_HELP,     /* the keys of this screen */
    REQUEST_LESSON,   /* of the selected lab */
    REQUEST_RUN,      /* the selected variant with the selected knobs; shows the stage */
    REQUEST_PREDICT,  /* an option was chosen: keep it, and run what the question is about */
    REQUEST_EXERCISE, /* of the selected lab */
    REQUEST_EDIT,     /* the exercise's file */
    REQUEST_GRADE,    /* the exercise's file, now */
    REQUEST_STEER,    /* the selected variant, its moves chosen by hand, from the start */
    REQUEST_ORDER,    /* to the steered run: the view's order */
    REQUEST_EVIDENCE, /* the recording of the selected check, at its moment */
};

struct view {
    enum screen_id screen;
    void (*draw)(const void *state, struct grid *g);
    enum request (*act)(void *state, enum action action);
    /* Set by views in which text can be typed: while is_typing, presses go to type(). */
    bool (*is_typing)(const void *state);
    enum request (*type)(void *state, uint32_t press);
    /* Set by views with ACTION_PICK: which of its keys it was matters. */
    enum request (*pick)(void *state, uint32_t press);
};

extern const struct view view_home, view_lesson, view_stage, view_scheduler, view_exercise,
    view_help;

#endif
