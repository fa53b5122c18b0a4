#include "ui/home.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "ui/keymap.h"

enum { PAGE = 10, LIST_WIDTH = 32, WIDE = 64 };

void home_lab_key(const struct lab *lab, struct buf *out)
{
    buf_printf(out, "%s/%s", lab->part, lab->name);
}

static bool has_done(const struct home *h, const struct lab *lab, enum deed deed)
{
    struct buf key = {0};
    home_lab_key(lab, &key);
    bool has = progress_has(h->progress, key.data, deed);
    buf_fini(&key);
    return has;
}

static bool contains(const char *text, const char *filter)
{
    return text && strcasestr(text, filter);
}

static bool matches(const struct home *h, size_t index)
{
    const struct lab *lab = h->labs->labs[index];
    if (!h->filter[0] || contains(lab->name, h->filter) || contains(lab->title, h->filter) ||
        contains(lab->part, h->filter))
        return true;
    for (size_t i = 0; i < lab->cover_count; i++)
        if (contains(lab->covers[i], h->filter))
            return true;
    return false;
}

const struct lab *home_lab(const struct home *h)
{
    bool is_there = h->selected < h->labs->count && matches(h, h->selected);
    return is_there ? h->labs->labs[h->selected] : NULL;
}

/* Moves the selection by so many matching labs; stays at the last one there is. */
static void move(struct home *h, int by)
{
    int step = by < 0 ? -1 : 1;
    for (int left = by < 0 ? -by : by; left > 0;) {
        size_t next = h->selected;
        do {
            if ((step < 0 && next == 0) || (step > 0 && next + 1 >= h->labs->count))
                return;
            next = step < 0 ? next - 1 : next + 1;
        } while (!matches(h, next));
        h->selected = next;
        left--;
    }
}

static void select_match(struct home *h)
{
    for (size_t i = 0; !home_lab(h) && i < h->labs->count; i++)
        if (matches(h, i))
            h->selected = i;
}

/* ---- keys ---- */

static enum request act(void *state, enum action action)
{
    struct home *h = state;
    bool has_lab = home_lab(h) && !home_lab(h)->error;
    switch (action) {
    case ACTION_UP: move(h, -1); break;
    case ACTION_DOWN: move(h, 1); break;
    case ACTION_PAGE_UP: move(h, -PAGE); break;
    case ACTION_PAGE_DOWN: move(h, PAGE); break;
    case ACTION_FIRST: move(h, -(int)h->labs->count); break;
    case ACTION_LAST: move(h, (int)h->labs->count); break;
    case ACTION_FILTER: h->is_filtering = true; break;
    case ACTION_GO: return has_lab ? REQUEST_LESSON : REQUEST_NONE;
    case ACTION_RUN: return has_lab ? REQUEST_RUN : REQUEST_NONE;
    case ACTION_EXERCISE: return has_lab ? REQUEST_EXERCISE : REQUEST_NONE;
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK:
        if (!h->filter[0])
            return REQUEST_BACK;
        h->filter[0] = '\0';
        break;
    default: return REQUEST_NONE;
    }
    return REQUEST_DRAW;
}

static bool is_typing(const void *state)
{
    return ((const struct home *)state)->is_filtering;
}

static enum request type(void *state, uint32_t press)
{
    struct home *h = state;
    size_t length = strlen(h->filter);
    if (press == PRESS_ESCAPE)
        h->filter[0] = '\0';
    if (press == PRESS_ESCAPE || press == PRESS_ENTER)
        h->is_filtering = false;
    else if (press == PRESS_UP || press == PRESS_DOWN)
        move(h, press == PRESS_UP ? -1 : 1);
    else if (press == PRESS_BACKSPACE && length > 0)
        h->filter[length - 1] = '\0';
    else if (press >= ' ' && press < 0x7f && length + 1 < sizeof h->filter)
        h->filter[length] = (char)press;
    select_match(h);
    return REQUEST_DRAW;
}

/* ---- drawing ---- */

struct mark {
    const char *glyph;
    enum style style;
    const char *text;
};

static struct mark mark_of(const struct home *h, const struct lab *lab)
{
    if (lab->error)
        return (struct mark){"!", STYLE_ERROR, "cannot be loaded"};
    if (has_done(h, lab, DEED_PASSED))
        return (struct mark){"✓", STYLE_PASS, "exercise passed"};
    if (has_done(h, lab, DEED_TRIED))
        return (struct mark){"▸", STYLE_RUNNING, "exercise begun"};
    if (has_done(h, lab, DEED_FORETOLD) || has_done(h, lab, DEED_MISTAKEN))
        return (struct mark){"▸", STYLE_RUNNING, "predicted, exercise to do"};
    if (has_done(h, lab, DEED_READ))
        return (struct mark){"▸", STYLE_RUNNING, "lesson read"};
    return (struct mark){"·", STYLE_DIM, "new"};
}

/* "2-pipes" as "2  pipes". */
static void draw_part(struct grid *g, int x, int y, int width, const char *part)
{
    const char *dash = strchr(part, '-');
    int number = dash ? (int)(dash - part) : 0;
    grid_printf(g, x, y, STYLE_HERE, width, "%.*s %s", number, part, dash ? dash + 1 : part);
}

/* Rows of the list: a part's name before its first lab. Draws those from `top` on, and returns in
 * *selected_row where the selected lab is. With rows 0 it only counts. */
static int draw_rows(const struct home *h, struct grid *g, int width, int top, int rows,
                     int *selected_row)
{
    const char *part = "";
    int row = 0;
    for (size_t i = 0; i < h->labs->count; i++) {
        const struct lab *lab = h->labs->labs[i];
        if (!matches(h, i))
            continue;
        if (strcmp(part, lab->part) != 0) {
            row += row > 0;
            if (row >= top && row < top + rows)
                draw_part(g, 1, 2 + row - top, width, lab->part);
            part = lab->part;
            row++;
        }
        if (i == h->selected && selected_row)
            *selected_row = row;
        if (row >= top && row < top + rows) {
            struct mark mark = mark_of(h, lab);
            int y = 2 + row - top;
            grid_text(g, 2, y, mark.style, 1, mark.glyph);
            grid_text(g, 4, y, i == h->selected ? STYLE_STRONG : STYLE_TEXT, width - 4, lab->name);
            if (i == h->selected)
                grid_reverse(g, 1, y, width - 1, true);
        }
        row++;
    }
    return row;
}

static void draw_list(const struct home *h, struct grid *g, int width)
{
    int rows = g->height - 3, selected = 0;
    if (rows < 1)
        return;
    int all = draw_rows(h, g, width, 0, 0, &selected);
    int top = selected - rows / 2;
    top = top + rows > all ? all - rows : top;
    draw_rows(h, g, width, top < 0 ? 0 : top, rows, NULL);
    if (all == 0)
        grid_text(g, 2, 2, STYLE_DIM, width - 2, "no lab matches");
}

static int draw_names(struct grid *g, int x, int y, int width, const char *title, char **names,
                      size_t count)
{
    struct buf text = {0};
    if (count == 0)
        return y;
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", names[i]);
    grid_text(g, x, y, STYLE_DIM, width, title);
    y += 1 + grid_wrap(g, x, y + 1, width, g->height - y - 2, 0, STYLE_TEXT, text.data);
    buf_fini(&text);
    return y + 1;
}

static int draw_actors(struct grid *g, int x, int y, int width, const struct lab *lab)
{
    if (lab->actor_count == 0)
        return y;
    grid_text(g, x, y++, STYLE_DIM, width, "processes");
    for (size_t i = 0; i < lab->actor_count && y < g->height - 2; i++) {
        int used = grid_text(g, x, y, STYLE_STRONG, 8, lab->actors[i].name);
        used = used < 6 ? 6 : used + 1;
        y += grid_wrap(g, x + used, y, width - used, g->height - y - 1, 0, STYLE_TEXT,
                       lab->actors[i].role);
    }
    return y + 1;
}

static void draw_panel(const struct home *h, struct grid *g, int x, int width)
{
    const struct lab *lab = home_lab(h);
    int y = 2;
    if (!lab || width < 8)
        return;
    struct mark mark = mark_of(h, lab);
    y += grid_wrap(g, x, y, width, 2, 0, STYLE_STRONG, lab->title ? lab->title : lab->name);
    int used = grid_text(g, x, y, mark.style, 2, mark.glyph);
    grid_printf(g, x + used + 1, y, mark.style, width - 2, "%s", mark.text);
    y += 2;
    if (lab->error) {
        grid_wrap(g, x, y, width, g->height - y - 1, 0, STYLE_ERROR, lab->error);
        return;
    }
    y += 1 + grid_wrap(g, x, y, width, g->height - y - 1, 0, STYLE_TEXT,
                       lab->summary ? lab->summary : "");
    y = draw_names(g, x, y, width, "covers", lab->covers, lab->cover_count);
    y = draw_actors(g, x, y, width, lab);
    if (lab->minutes > 0 && y < g->height - 1)
        grid_printf(g, x, y, STYLE_DIM, width, "about %d minutes", lab->minutes);
}

static const char *next_lab(const struct home *h)
{
    for (size_t i = 0; i < h->labs->count; i++)
        if (!h->labs->labs[i]->error && !has_done(h, h->labs->labs[i], DEED_PASSED))
            return h->labs->labs[i]->name;
    return NULL;
}

static void draw_title(const struct home *h, struct grid *g)
{
    struct buf right = {0};
    size_t passed = 0;
    const char *next = next_lab(h);
    for (size_t i = 0; i < h->labs->count; i++)
        passed += has_done(h, h->labs->labs[i], DEED_PASSED);
    buf_printf(&right, "%zu of %zu passed", passed, h->labs->count);
    if (next)
        buf_printf(&right, "   next: %s", next);
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    int used = grid_text(g, 1, 0, STYLE_TITLE, -1, "ipclab");
    int width = (int)right.len;
    if (g->width - width - 1 > used + 2)
        grid_text(g, g->width - width - 1, 0, STYLE_BAR, -1, right.data);
    buf_fini(&right);
}

static void draw(const void *state, struct grid *g)
{
    const struct home *h = state;
    bool has_panel = g->width >= WIDE;
    int list = has_panel ? LIST_WIDTH : g->width;
    draw_title(h, g);
    draw_list(h, g, list);
    if (has_panel) {
        grid_fill(g, list + 1, 1, 1, g->height - 2, STYLE_FRAME, 0x2502);
        int width = g->width - list - 5;
        draw_panel(h, g, list + 4, width > 76 ? 76 : width);
    }
    if (h->is_filtering) {
        grid_fill(g, 0, g->height - 1, g->width, 1, STYLE_BAR, ' ');
        int x = 1 + grid_printf(g, 1, g->height - 1, STYLE_KEY, g->width - 3, "/%s", h->filter);
        grid_put(g, x, g->height - 1, STYLE_KEY, '_');
        grid_text(g, x + 3, g->height - 1, STYLE_BAR, -1, "Enter keep   Esc all labs");
    } else {
        keymap_draw(g, g->height - 1, SCREEN_HOME, 0);
    }
    if (h->trouble && g->height > 3)
        grid_text(g, 1, g->height - 2, STYLE_ERROR, g->width - 2, h->trouble);
}

const struct view view_home = {
    .screen = SCREEN_HOME, .draw = draw, .act = act, .is_typing = is_typing, .type = type};
