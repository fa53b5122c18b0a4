#include "ui/stage.h"

/* The knobs of a lab, each a row of its values with the chosen one marked. */

static void draw_knob(const struct stage *s, struct grid *g, struct area at, size_t index)
{
    const struct lab_knob *knob = &s->lab->knobs[index];
    bool is_here = s->knob == index;
    grid_text(g, at.x + 1, at.y, STYLE_HERE, 1, is_here ? "▶" : " ");
    int x = at.x + 3 +
            grid_text(g, at.x + 3, at.y, is_here ? STYLE_STRONG : STYLE_TEXT, 14, knob->name);
    x += 2;
    for (size_t i = 0; i < knob->value_count; i++) {
        bool is_set = s->knobs[index] == i;
        x += grid_printf(g, x, at.y, is_set ? STYLE_SELECTED : STYLE_DIM, at.x + at.width - x,
                         is_set ? "[%s]" : " %s ", knob->values[i]);
    }
    grid_text(g, x + 2, at.y, STYLE_DIM, at.x + at.width - x - 2, knob->text ? knob->text : "");
}

void stage_draw_knobs(const struct stage *s, struct grid *g, struct area at)
{
    size_t rows = at.height > 1 ? (size_t)at.height - 1 : 0;
    size_t first = s->knob >= rows && rows ? s->knob - rows + 1 : 0;
    grid_text(g, at.x + 1, at.y, STYLE_TITLE, at.width - 2,
              "Knobs: ↑↓ which   ←→ value   Enter run with these   q leave as it is");
    for (size_t i = 0; i < rows && first + i < s->lab->knob_count; i++) {
        struct area row = {at.x, at.y + 1 + (int)i, at.width, 1};
        draw_knob(s, g, row, first + i);
    }
}
