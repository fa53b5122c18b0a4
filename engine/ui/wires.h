/* Lines at right angles that may meet and cross: collected first, drawn at once, so that each cell
 * gets the character of all the lines that go through it. */
#ifndef IPCLAB_UI_WIRES_H
#define IPCLAB_UI_WIRES_H

#include "ui/grid.h"

struct wires {
    int width, height;
    struct wire_cell *cells;
};

/* As large as the grid that they will be drawn on. */
void wires_init(struct wires *w, const struct grid *g);
void wires_fini(struct wires *w);

/* From x0 to x1 in row y, from y0 to y1 in column x; both ends included, either order. */
void wires_across(struct wires *w, int x0, int x1, int y, enum style style);
void wires_down(struct wires *w, int x, int y0, int y1, enum style style);
/* A character, or a text, that stands in the line. */
void wires_mark(struct wires *w, int x, int y, uint32_t code, enum style style);
void wires_label(struct wires *w, int x, int y, const char *ascii, enum style style);

/* Draws over what is there; cells without a line stay as they are. */
void wires_draw(const struct wires *w, struct grid *g);

#endif
