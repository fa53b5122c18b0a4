#include "ui/wires.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum { GOES_LEFT = 1, GOES_RIGHT = 2, GOES_UP = 4, GOES_DOWN = 8 };

struct wire_cell {
    uint32_t mark;
    uint8_t goes;
    uint8_t style;
};

void wires_init(struct wires *w, const struct grid *g)
{
    w->width = g->width;
    w->height = g->height;
    w->cells = xcalloc((size_t)g->width * (size_t)g->height + 1, sizeof *w->cells);
}

void wires_fini(struct wires *w)
{
    free(w->cells);
    *w = (struct wires){0};
}

static struct wire_cell *cell_at(struct wires *w, int x, int y)
{
    if (x < 0 || y < 0 || x >= w->width || y >= w->height)
        return NULL;
    return &w->cells[(size_t)y * (size_t)w->width + (size_t)x];
}

static void go(struct wires *w, int x, int y, unsigned goes, enum style style)
{
    struct wire_cell *cell = cell_at(w, x, y);
    if (!cell)
        return;
    cell->goes = (uint8_t)(cell->goes | goes);
    /* Where wires meet, the one that waits or moves bytes shows. */
    if (!cell->style || style == STYLE_BLOCKED || style == STYLE_DATA || style == STYLE_FINDING)
        cell->style = (uint8_t)style;
}

void wires_across(struct wires *w, int x0, int x1, int y, enum style style)
{
    int low = x0 < x1 ? x0 : x1, high = x0 < x1 ? x1 : x0;
    for (int x = low; x <= high; x++)
        go(w, x, y, (x > low ? GOES_LEFT : 0u) | (x < high ? GOES_RIGHT : 0u), style);
}

void wires_down(struct wires *w, int x, int y0, int y1, enum style style)
{
    int low = y0 < y1 ? y0 : y1, high = y0 < y1 ? y1 : y0;
    for (int y = low; y <= high; y++)
        go(w, x, y, (y > low ? GOES_UP : 0u) | (y < high ? GOES_DOWN : 0u), style);
}

void wires_mark(struct wires *w, int x, int y, uint32_t code, enum style style)
{
    struct wire_cell *cell = cell_at(w, x, y);
    if (cell) {
        cell->mark = code;
        cell->style = (uint8_t)style;
    }
}

void wires_label(struct wires *w, int x, int y, const char *ascii, enum style style)
{
    for (; *ascii; ascii++, x++)
        wires_mark(w, x, y, (uint32_t)(unsigned char)*ascii, style);
}

static uint32_t line_code(unsigned goes)
{
    static const uint16_t codes[16] = {
        [GOES_LEFT] = 0x2500,
        [GOES_RIGHT] = 0x2500,
        [GOES_LEFT | GOES_RIGHT] = 0x2500,
        [GOES_UP] = 0x2502,
        [GOES_DOWN] = 0x2502,
        [GOES_UP | GOES_DOWN] = 0x2502,
        [GOES_LEFT | GOES_UP] = 0x2518,
        [GOES_LEFT | GOES_DOWN] = 0x2510,
        [GOES_RIGHT | GOES_UP] = 0x2514,
        [GOES_RIGHT | GOES_DOWN] = 0x250c,
        [GOES_LEFT | GOES_UP | GOES_DOWN] = 0x2524,
        [GOES_RIGHT | GOES_UP | GOES_DOWN] = 0x251c,
        [GOES_LEFT | GOES_RIGHT | GOES_DOWN] = 0x252c,
        [GOES_LEFT | GOES_RIGHT | GOES_UP] = 0x2534,
        [GOES_LEFT | GOES_RIGHT | GOES_UP | GOES_DOWN] = 0x253c,
    };
    return codes[goes & 15];
}

void wires_draw(const struct wires *w, struct grid *g)
{
    for (int y = 0; y < w->height; y++)
        for (int x = 0; x < w->width; x++) {
            const struct wire_cell *cell = &w->cells[(size_t)y * (size_t)w->width + (size_t)x];
            if (cell->mark)
                grid_put(g, x, y, (enum style)cell->style, cell->mark);
            else if (cell->goes)
                grid_put(g, x, y, (enum style)cell->style, line_code(cell->goes));
        }
}
