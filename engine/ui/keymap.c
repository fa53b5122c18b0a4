#include "ui/keymap.h"

#include <string.h>

#include "base/text.h"

static const struct key_row rows[] = {
#define KEY(SCREEN, ACTION, keys, word, text, ...) \
    {SCREEN_##SCREEN, ACTION_##ACTION, keys, word, text, {__VA_ARGS__}},
#include "ui/keys.def"
#undef KEY
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

enum action keymap_action(enum screen_id screen, uint32_t press)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].screen != screen)
            continue;
        for (size_t k = 0; k < KEYMAP_PRESSES && rows[i].presses[k]; k++)
            if (rows[i].presses[k] == press)
                return rows[i].action;
    }
    return ACTION_NONE;
}

const struct key_row *keymap_row(enum screen_id screen, size_t index)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].screen == screen && index-- == 0)
            return &rows[i];
    return NULL;
}

static bool is_shown(const struct key_row *row, uint64_t without)
{
    return row->word[0] && !(without >> row->action & 1);
}

static int row_width(const struct key_row *row)
{
    return (int)text_width(row->keys) + (int)strlen(row->word) + 3;
}

static int draw_row(struct grid *g, int x, int y, const struct key_row *row)
{
    int width = grid_text(g, x, y, STYLE_KEY, -1, row->keys);
    return width + 1 + grid_text(g, x + width + 1, y, STYLE_BAR, -1, row->word) + 2;
}

void keymap_draw(struct grid *g, int y, enum screen_id screen, uint64_t without)
{
    /* The way out and the help stand at the right end, whatever else fits. */
    const struct key_row *row;
    int tail = 0;
    grid_fill(g, 0, y, g->width, 1, STYLE_BAR, ' ');
    for (size_t i = 0; (row = keymap_row(screen, i)); i++)
        if (row->action == ACTION_HELP || row->action == ACTION_BACK)
            tail += row_width(row);
    int x = 1, tail_x = g->width - tail < 1 ? 1 : g->width - tail;
    for (size_t i = 0; (row = keymap_row(screen, i)); i++) {
        if (!is_shown(row, without))
            continue;
        if (row->action == ACTION_HELP || row->action == ACTION_BACK)
            tail_x += draw_row(g, tail_x, y, row);
        else if (x + row_width(row) <= g->width - tail)
            x += draw_row(g, x, y, row);
    }
}
