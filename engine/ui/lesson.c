#include "ui/lesson.h"

#include <stdio.h>
#include <string.h>

#include "ui/keymap.h"

enum { WIDTH_MOST = 92 };

static bool has_question(const struct lesson *l)
{
    return l->lab && l->lab->prediction.option_count > 0;
}

/* ---- the question ---- */

struct pen {
    struct grid *g; /* NULL: only measures */
    int x, y, width;
    int row, first, last; /* rows of the screen that may be drawn */
};

static void put(struct pen *p, int indent, enum style style, const char *text)
{
    struct grid measure = {0};
    int rows = grid_wrap(&measure, 0, 0, p->width - indent, 0, 0, style, text);
    int y = p->y + p->row, skip = y < p->first ? p->first - y : 0, room = p->last - (y + skip);
    if (p->g && room > 0)
        grid_wrap(p->g, p->x + indent, y + skip, p->width - indent, room, skip, style, text);
    p->row += rows;
}

static bool is_shown(const struct pen *p)
{
    int y = p->y + p->row;
    return p->g && y >= p->first && y < p->last;
}

static void put_option(const struct lesson *l, struct pen *p, size_t i)
{
    const struct lab_option *option = &l->lab->prediction.options[i];
    bool is_known = l->truth != LESSON_NONE;
    bool is_true = is_known && l->truth == i, is_chosen = l->answer == i;
    enum style style = is_true                                        ? STYLE_PASS
                       : is_known && is_chosen                        ? STYLE_FAIL
                       : is_chosen || (l->is_asked && l->marked == i) ? STYLE_STRONG
                                                                      : STYLE_TEXT;
    const char *glyph = is_true ? "✓" : is_known && is_chosen ? "✗" : is_chosen ? "●" : "○";
    if (is_shown(p)) {
        grid_text(p->g, p->x + 4, p->y + p->row, style, 1, glyph);
        if (l->is_asked && l->marked == i)
            grid_text(p->g, p->x + 2, p->y + p->row, STYLE_HERE, 1, "▶");
    }
    put(p, 6, style, option->text);
    if (is_known && (is_true || is_chosen) && option->why && option->why[0])
        put(p, 8, STYLE_DIM, option->why);
}

static void put_state(const struct lesson *l, struct pen *p)
{
    if (l->trouble)
        put(p, 2, STYLE_ERROR, l->trouble);
    else if (l->answer == LESSON_NONE && l->is_asked)
        put(p, 2, STYLE_HERE, "↑↓ mark an answer, Enter give it: then the real processes run");
    else if (l->answer == LESSON_NONE)
        put(p, 2, STYLE_DIM, "What do you think? Tab goes to the answers.");
    else if (l->truth == LESSON_NONE)
        put(p, 2, STYLE_DIM, "Your answer is kept. The real run decides.");
    else if (l->truth == l->answer)
        put(p, 2, STYLE_PASS, "✓ You foresaw what the real run did. Enter shows it again.");
    else
        put(p, 2, STYLE_FAIL, "✗ The real run did something else. Enter shows it again.");
}

/* Draws the question from row y of the screen on, as far as it lies in [first, last); returns its
 * rows. */
static int draw_question(const struct lesson *l, struct grid *g, int x, int y, int width, int first,
                         int last)
{
    struct pen p = {.g = g, .x = x, .y = y, .width = width, .first = first, .last = last};
    if (!has_question(l))
        return 0;
    if (is_shown(&p)) {
        grid_hline(g, x, y, width, STYLE_FRAME);
        grid_text(g, x + 2, y, STYLE_HERE, -1, " Predict ");
    }
    p.row = 1;
    put(&p, 2, STYLE_STRONG, l->lab->prediction.question);
    p.row++;
    for (size_t i = 0; i < l->lab->prediction.option_count; i++)
        put_option(l, &p, i);
    p.row++;
    put_state(l, &p);
    if (is_shown(&p))
        grid_hline(g, x, p.y + p.row, width, STYLE_FRAME);
    return p.row + 1;
}

/* ---- keys ---- */

/* The text may have become shorter than where one was, or longer: the screen stays full. */
static int top_shown(const struct lesson *l)
{
    int most = l->sizes->rows - l->sizes->page;
    int top = l->top > most ? most : l->top;
    return top < 0 ? 0 : top;
}

static void scroll(struct lesson *l, int by)
{
    l->top = top_shown(l) + by;
    l->top = top_shown(l);
}

void lesson_show_question(struct lesson *l)
{
    l->top = l->sizes->question - 2;
}

static void ask(struct lesson *l, bool is_asked)
{
    l->is_asked = is_asked && has_question(l);
    if (l->is_asked)
        lesson_show_question(l);
}

static enum request act_question(struct lesson *l, enum action action)
{
    switch (action) {
    case ACTION_UP: l->marked -= l->marked > 0; return REQUEST_DRAW;
    case ACTION_DOWN:
        l->marked += l->marked + 1 < l->lab->prediction.option_count;
        return REQUEST_DRAW;
    case ACTION_GO:
        if (l->answer == LESSON_NONE)
            l->answer = l->marked;
        l->is_asked = false;
        return REQUEST_PREDICT;
    case ACTION_BACK: ask(l, false); return REQUEST_DRAW;
    default: return REQUEST_NONE;
    }
}

static enum request act(void *state, enum action action)
{
    struct lesson *l = state;
    if (l->is_asked) {
        enum request request = act_question(l, action);
        if (request != REQUEST_NONE)
            return request;
    }
    switch (action) {
    case ACTION_UP: scroll(l, -1); break;
    case ACTION_DOWN: scroll(l, 1); break;
    case ACTION_PAGE_UP: scroll(l, 2 - l->sizes->page); break;
    case ACTION_PAGE_DOWN: scroll(l, l->sizes->page - 2); break;
    case ACTION_FIRST: scroll(l, -l->sizes->rows); break;
    case ACTION_LAST: scroll(l, l->sizes->rows); break;
    case ACTION_NEXT_FINDING: ask(l, !l->is_asked); break;
    case ACTION_GO:
        if (l->answer != LESSON_NONE)
            return REQUEST_PREDICT;
        ask(l, true);
        break;
    case ACTION_RUN: return REQUEST_RUN;
    case ACTION_EXERCISE: return REQUEST_EXERCISE;
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK: return REQUEST_BACK;
    default: return REQUEST_NONE;
    }
    return REQUEST_DRAW;
}

/* ---- drawing ---- */

static void draw_title(const struct lesson *l, struct grid *g)
{
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    int x = 1 + grid_text(g, 1, 0, STYLE_TITLE, g->width - 2, l->lab->name);
    x += 2 + grid_text(g, x + 2, 0, STYLE_BAR, g->width - x - 3, l->lab->title);
    int rows = l->sizes->rows, page = l->sizes->page;
    if (rows > page && g->width - 8 > x)
        grid_printf(g, g->width - 6, 0, STYLE_BAR, 5, "%3d %%", (top_shown(l) + page) * 100 / rows);
}

static void draw(const void *state, struct grid *g)
{
    const struct lesson *l = state;
    int width = g->width - 4 > WIDTH_MOST ? WIDTH_MOST : g->width - 4;
    int x = (g->width - width) / 2, page = g->height - 2, question = 0;
    if (width < 1 || page < 1)
        return;
    int gap = draw_question(l, NULL, 0, 0, width, 0, 0);
    l->sizes->page = page;
    l->sizes->rows = document_draw(l->text, g, x, 1, width, 0, 0, gap, &question);
    int top = top_shown(l);
    document_draw(l->text, g, x, 1, width, top, page, gap, NULL);
    l->sizes->question = question;
    draw_question(l, g, x, 1 + question - top, width, 1, 1 + page);
    draw_title(l, g);
    uint64_t without =
        has_question(l) ? 0 : UINT64_C(1) << ACTION_NEXT_FINDING | UINT64_C(1) << ACTION_GO;
    keymap_draw(g, g->height - 1, SCREEN_LESSON, without);
}

const struct view view_lesson = {.screen = SCREEN_LESSON, .draw = draw, .act = act};
