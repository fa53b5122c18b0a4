/* A grid of character cells: what a view draws into. Pure memory; a test prints it as text, the
 * screen (screen_curses.c) copies it to the terminal, changed cells only. Coordinates are column x,
 * row y, from 0; drawing outside is cut off. */
#ifndef IPCLAB_UI_GRID_H
#define IPCLAB_UI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Roles, not colours: the theme gives colours, the views give glyphs, so that one is never needed
 * to understand the other. */
#define STYLES(X)     \
    X(TEXT)           \
    X(DIM)            \
    X(STRONG)         \
    X(TITLE)          \
    X(BAR)            \
    X(KEY)            \
    X(SELECTED)       \
    X(FRAME)          \
    X(RUNNING)        \
    X(BLOCKED)        \
    X(ZOMBIE)         \
    X(EXITED)         \
    X(FINDING)        \
    X(NORMAL_FINDING) \
    X(DATA)           \
    X(READER)         \
    X(WRITER) X(PASS) X(FAIL) X(CODE) X(KEYWORD) X(STRING) X(COMMENT) X(HERE) X(LINK) X(ERROR)
enum style {
#define X(NAME) STYLE_##NAME,
    STYLES(X)
#undef X
        STYLE_COUNT
};

struct cell {
    uint32_t code;      /* Unicode; 0: right half of a wide character */
    uint32_t combining; /* at most one; 0 */
    uint8_t style;
    bool is_reverse;
};

struct grid {
    int width, height;
    struct cell *cells; /* row by row */
    bool is_ascii;      /* only ASCII goes in: glyphs are replaced by their ASCII twins */
};

void grid_init(struct grid *g, int width, int height, bool is_ascii);
void grid_fini(struct grid *g);
void grid_clear(struct grid *g);

/* Draws UTF-8 text (NULL: nothing), cut at column `x + most` (most < 0: the edge), unprintables
 * escaped; returns columns used. */
int grid_text(struct grid *g, int x, int y, enum style style, int most, const char *text);
int grid_printf(struct grid *g, int x, int y, enum style style, int most, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void grid_put(struct grid *g, int x, int y, enum style style, uint32_t code);
void grid_fill(struct grid *g, int x, int y, int width, int height, enum style style,
               uint32_t code);
void grid_box(struct grid *g, int x, int y, int width, int height, enum style style,
              const char *title);
void grid_hline(struct grid *g, int x, int y, int width, enum style style);
void grid_reverse(struct grid *g, int x, int y, int width, bool on);
/* A horizontal gauge: value of most, width columns. */
void grid_gauge(struct grid *g, int x, int y, int width, uint64_t value, uint64_t most,
                enum style style);

/* Wraps text at words to `width` columns; draws at most `rows` rows from row y, skipping `skip`;
 * returns the number of rows the whole text has. */
int grid_wrap(struct grid *g, int x, int y, int width, int rows, int skip, enum style style,
              const char *text);

/* Copies a rectangle of another grid; what lies outside either is left out. */
void grid_copy(struct grid *g, int x, int y, const struct grid *from, int from_x, int from_y,
               int width, int height);

/* The grid as lines of text, trailing blanks cut. */
void grid_print(const struct grid *g, struct buf *out);

#endif
