#include "ui/help.h"

#include "base/text.h"
#include "ui/keymap.h"

enum { KEYS_WIDTH = 8 };

static enum request act(void *state, enum action action)
{
    struct help *h = state;
    switch (action) {
    case ACTION_UP: h->top -= h->top > 0; return REQUEST_DRAW;
    case ACTION_DOWN: h->top++; return REQUEST_DRAW;
    case ACTION_BACK: return REQUEST_BACK;
    default: return REQUEST_NONE;
    }
}

static const char *screen_name(enum screen_id screen)
{
    static const char *const names[] = {
#define X(NAME, name) [SCREEN_##NAME] = #name,
        SCREENS(X)
#undef X
    };
    return names[screen];
}

/* What the glyphs mean, on the screens that show them. */
static int draw_legend(struct grid *g, int y, int last)
{
    static const struct {
        const char *glyph;
        enum style style;
        const char *text;
    } legend[] = {
        {"▶", STYLE_RUNNING, "running; or the present moment"},
        {"■", STYLE_BLOCKED, "blocked in a call, and why"},
        {"✝", STYLE_ZOMBIE, "zombie: ended, its parent has not waited for it"},
        {"□", STYLE_EXITED, "ended and gone"},
        {"▓", STYLE_DATA, "bytes inside a pipe"},
        {"●", STYLE_FINDING, "finding: something that went wrong"},
        {"○", STYLE_NORMAL_FINDING, "finding that is normal here"},
        {"3r", STYLE_READER, "descriptor 3, the read end of a pipe"},
        {"4w", STYLE_WRITER, "descriptor 4, the write end of a pipe"},
    };
    for (size_t i = 0; i < sizeof legend / sizeof *legend; i++, y++) {
        if (y < 1 || y >= last)
            continue;
        grid_text(g, 2, y, legend[i].style, 3, legend[i].glyph);
        grid_text(g, 2 + KEYS_WIDTH, y, STYLE_TEXT, g->width - KEYS_WIDTH - 3, legend[i].text);
    }
    return y;
}

static void draw(const void *state, struct grid *g)
{
    const struct help *h = state;
    const struct key_row *row;
    int last = g->height - 1, y = 2 - h->top;
    for (size_t i = 0; (row = keymap_row(h->about, i)); i++, y++) {
        if (y < 1 || y >= last)
            continue;
        /* "↑↓" says two rows at once in the key line; here each has its own. */
        const char *keys = row->keys;
        if (row->action == ACTION_DOWN)
            keys = "↓";
        else if (row->action == ACTION_RIGHT)
            keys = "→";
        grid_text(g, 2, y, STYLE_STRONG, KEYS_WIDTH - 1, keys);
        grid_text(g, 2 + KEYS_WIDTH, y, STYLE_TEXT, g->width - KEYS_WIDTH - 3, row->text);
    }
    if (h->about == SCREEN_STAGE)
        draw_legend(g, y + 1, last);
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    grid_printf(g, 1, 0, STYLE_TITLE, g->width - 2, "Keys of the %s", screen_name(h->about));
    keymap_draw(g, g->height - 1, SCREEN_HELP, 0);
}

const struct view view_help = {.screen = SCREEN_HELP, .draw = draw, .act = act};
