#include "ui/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ui/keymap.h"

enum {
    WIDE = 120,
    NAME_WIDTH = 8,
    CALL_MOST = 30,
    TEXT_ROWS = 2,
    PANEL_LEAST = 12,
    HISTORY_LEAST = 3,
    HISTORY_MOST = 6,
    SOURCE_LEAST = 6
};

/* ---- keys ---- */

static enum request order(struct scheduler *s, const char *command, size_t number)
{
    if (number) /* from 1 */
        snprintf(s->order, sizeof s->order, "%s %zu\n", command, number);
    else
        snprintf(s->order, sizeof s->order, "%s\n", command);
    return REQUEST_ORDER;
}

static enum request go(struct scheduler *s, size_t option)
{
    if (option >= s->steering->options_count)
        return REQUEST_NONE;
    s->selected = option;
    return order(s, "go", option + 1);
}

/* Orders without a number; a new one is one more line here, and one in keys.def. */
static const struct {
    enum action action;
    const char *command;
    bool needs_run; /* means nothing once it has ended */
} orders[] = {
    {ACTION_TAKE_BACK, "back", false},
    {ACTION_RESTART, "rewind 0", false},
    {ACTION_FINISH, "finish", true},
};

static enum request act_order(struct scheduler *s, enum action action)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (orders[i].action == action && !(orders[i].needs_run && s->steering->has_ended))
            return order(s, orders[i].command, 0);
    return REQUEST_NONE;
}

static enum request act_run(struct scheduler *s, enum action action)
{
    size_t count = s->steering->options_count;
    switch (action) {
    case ACTION_UP: s->selected -= s->selected > 0; return REQUEST_DRAW;
    case ACTION_DOWN: s->selected += s->selected + 1 < count; return REQUEST_DRAW;
    case ACTION_GO: return go(s, s->selected);
    case ACTION_AGAIN: return go(s, steering_again(s->steering));
    default: return act_order(s, action);
    }
}

static enum request act(void *state, enum action action)
{
    struct scheduler *s = state;
    if (stage_take_picture(&s->stage, action))
        return REQUEST_DRAW;
    switch (action) {
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK: return REQUEST_BACK;
    case ACTION_RESTART: /* a new program where the old one does not answer */
        if (s->trouble || s->steering->is_busy)
            return REQUEST_STEER;
        break;
    case ACTION_VARIANT:
        if (!s->stage.lab || s->stage.lab->variant_count < 2)
            return REQUEST_NONE;
        s->stage.variant = (s->stage.variant + 1) % s->stage.lab->variant_count;
        return REQUEST_STEER;
    default: break;
    }
    return s->trouble || s->steering->is_busy || !s->steering->run ? REQUEST_NONE
                                                                   : act_run(s, action);
}

static enum request pick(void *state, uint32_t press)
{
    struct scheduler *s = state;
    if (press < '1' || press > '9' || s->trouble || s->steering->is_busy)
        return REQUEST_NONE;
    return go(s, press - '1');
}

void scheduler_stands(struct scheduler *s)
{
    const struct steering *t = s->steering;
    size_t again = steering_again(t);
    const char *last = t->made ? t->moves[t->made - 1].task : "";
    s->selected = again == SIZE_MAX ? 0 : again;
    for (size_t i = t->options_count; i-- > 0 && again == SIZE_MAX;)
        if (strcmp(t->options[i].task, last) == 0)
            s->selected = i;
}

/* ---- drawing: what there is ---- */

/* A line of the panel: a process, its call, and a text that may take two rows. */
struct line {
    const char *mark;
    enum style mark_style;
    size_t number; /* 0: none */
    const char *task, *call, *text;
    enum style text_style;
    bool is_selected, is_reverse;
};

static int call_width(const struct steering *t)
{
    int most = 8;
    for (size_t i = 0; i < t->options_count; i++)
        most =
            (int)text_width(t->options[i].call) > most ? (int)text_width(t->options[i].call) : most;
    for (size_t i = 0; i < t->parked_count; i++)
        most =
            (int)text_width(t->parked[i].call) > most ? (int)text_width(t->parked[i].call) : most;
    return most > CALL_MOST ? CALL_MOST : most;
}

/* Returns the rows used, at most `rows`. */
static int draw_line(struct grid *g, struct area at, const struct line *line, int call_most,
                     int rows)
{
    enum style strong = line->is_selected ? STYLE_STRONG : STYLE_TEXT;
    int x = at.x + 5 + NAME_WIDTH, text_x = x + call_most + 2, width = at.x + at.width - text_x - 1;
    if (rows <= 0)
        return 0;
    grid_text(g, at.x + 1, at.y, line->mark_style, 1, line->mark);
    if (line->number && line->number <= 9)
        grid_printf(g, at.x + 3, at.y, STYLE_KEY, 1, "%zu", line->number);
    grid_text(g, at.x + 5, at.y, STYLE_STRONG, NAME_WIDTH - 1, line->task);
    stage_draw_call(g, x, at.y, strong, call_most, line->call);
    int used =
        grid_wrap(g, text_x, at.y, width > 10 ? width : 10, rows, 0, line->text_style, line->text);
    used = used < 1 ? 1 : used > rows ? rows : used;
    for (int i = 0; i < used && line->is_reverse; i++)
        grid_reverse(g, at.x + 1, at.y + i, at.width - 2, true);
    return used;
}

static int draw_options(const struct scheduler *s, struct grid *g, struct area at, int each)
{
    const struct steering *t = s->steering;
    int y = 0, most = call_width(t);
    size_t fit = (size_t)(at.height / each > 0 ? at.height / each : 1);
    size_t first = s->selected >= fit ? s->selected - fit + 1 : 0;
    for (size_t i = first; i < t->options_count && y < at.height; i++) {
        const struct steering_option *o = &t->options[i];
        bool is_here = i == s->selected;
        struct line line = {.mark = is_here ? "▶" : " ",
                            .mark_style = STYLE_HERE,
                            .number = i + 1,
                            .task = o->task,
                            .call = o->call,
                            .text = o->effect,
                            .text_style = o->would_wait ? STYLE_BLOCKED : STYLE_TEXT,
                            .is_selected = is_here};
        int rows = at.height - y < each ? at.height - y : each;
        y += draw_line(g, (struct area){at.x, at.y + y, at.width, rows}, &line, most, rows);
    }
    return y;
}

static int draw_parked(const struct scheduler *s, struct grid *g, struct area at, int each)
{
    const struct steering *t = s->steering;
    int y = 0;
    for (size_t i = 0; i < t->parked_count && y < at.height; i++) {
        struct line line = {.mark = "■",
                            .mark_style = STYLE_BLOCKED,
                            .task = t->parked[i].task,
                            .call = t->parked[i].call,
                            .text = t->parked[i].reason,
                            .text_style = STYLE_BLOCKED,
                            .is_reverse = true};
        int rows = at.height - y < each ? at.height - y : each;
        y +=
            draw_line(g, (struct area){at.x, at.y + y, at.width, rows}, &line, call_width(t), rows);
    }
    return y;
}

/* ---- drawing: goals, the end, the way so far ---- */

static int draw_goals(const struct steering *t, struct grid *g, struct area at)
{
    int y = 0;
    for (size_t i = 0; i < t->goals_count && y < at.height; i++, y++) {
        const struct steering_goal *goal = &t->goals[i];
        enum style style = goal->was_reached ? STYLE_PASS : STYLE_TEXT;
        grid_text(g, at.x + 1, at.y + y, STYLE_DIM, 5, i ? "" : "goal");
        grid_text(g, at.x + 6, at.y + y, style, 1, goal->was_reached ? "✓" : "○");
        grid_printf(g, at.x + 8, at.y + y, style, at.width - 9, "%s%s", goal->title,
                    goal->is_reached    ? ": reached"
                    : goal->was_reached ? ": you had reached it"
                                        : "");
    }
    return y;
}

static int draw_ending(const struct steering *t, struct grid *g, struct area at)
{
    int width = at.width - 4;
    if (at.height <= 0)
        return 0;
    if (t->is_well) {
        grid_text(g, at.x + 1, at.y, STYLE_PASS, 1, "✓");
        grid_printf(g, at.x + 3, at.y, STYLE_PASS, width, "It ended well: %s", t->exits);
        return 1;
    }
    grid_text(g, at.x + 1, at.y, STYLE_FINDING, 1, "●");
    grid_printf(g, at.x + 3, at.y, STYLE_FINDING, width, "%s%s%s", t->how,
                t->cycle[0] || t->exits[0] ? ": " : "", t->cycle[0] ? t->cycle : t->exits);
    if (!t->text[0] || at.height == 1)
        return 1;
    int rows = at.height - 1 < TEXT_ROWS ? at.height - 1 : TEXT_ROWS;
    int used = grid_wrap(g, at.x + 3, at.y + 1, width, rows, 0, STYLE_TEXT, t->text);
    return 1 + (used < rows ? used : rows);
}

static void draw_head(const struct scheduler *s, struct grid *g, struct area at)
{
    const struct steering *t = s->steering;
    if (t->is_busy)
        grid_text(g, at.x + 1, at.y, STYLE_DIM, at.width - 2, "moving ...");
    else if (t->options_count)
        grid_text(g, at.x + 1, at.y, STYLE_STRONG, at.width - 2, "Who moves?");
}

/* "P write" and how it came out, in a word. */
static void put_move(const struct steering_move *m, struct buf *out)
{
    buf_printf(out, "%s %.*s", m->task, (int)strcspn(m->call, "("), m->call);
    buf_puts(out, m->is_parking ? " ■" : m->is_forced ? " woken" : "");
}

/* The last moves in one row, the newest at its end, and what was taken back behind them. */
static void draw_way(const struct steering *t, struct grid *g, struct area at)
{
    struct buf text = {0};
    size_t first = t->made;
    int room = at.width - 12;
    while (first > 0) {
        struct buf one = {0};
        put_move(&t->moves[first - 1], &one);
        room -= (int)text_width(one.data) + 3;
        buf_fini(&one);
        if (room < 0)
            break;
        first--;
    }
    buf_puts(&text, first ? "… " : "");
    for (size_t i = first; i < t->made; i++) {
        buf_puts(&text, i > first ? " · " : "");
        put_move(&t->moves[i], &text);
    }
    int x = at.x + 9;
    grid_text(g, at.x + 1, at.y, STYLE_DIM, 8, "so far");
    x += grid_text(g, x, at.y, STYLE_TEXT, at.width - 10, t->made ? text.data : "nothing yet");
    if (t->made < t->moves_count) {
        buf_reset(&text);
        buf_printf(&text, " ◀ %zu taken back", t->moves_count - t->made);
        grid_text(g, x, at.y, STYLE_DIM, at.x + at.width - x, text.data);
    }
    buf_fini(&text);
}

static void draw_move(const struct steering_move *m, struct grid *g, struct area at, bool is_now,
                      bool is_undone)
{
    enum style style = is_undone ? STYLE_DIM : is_now ? STYLE_STRONG : STYLE_TEXT;
    struct buf text = {0};
    buf_printf(&text, "%s%s%s%s", m->call, m->result[0] ? " = " : "", m->result,
               m->is_parking  ? "  ■ falls asleep"
               : m->is_forced ? "  woken"
                              : "");
    grid_text(g, at.x, at.y, STYLE_HERE, 1, is_now ? "▶" : "");
    if (!m->is_forced)
        grid_printf(g, at.x + 1, at.y, STYLE_DIM, 4, "%3u", m->step);
    grid_text(g, at.x + 6, at.y, style, NAME_WIDTH - 1, m->task);
    grid_text(g, at.x + 6 + NAME_WIDTH, at.y, style, at.width - 7 - NAME_WIDTH, text.data);
    buf_fini(&text);
}

/* The moves one below the other, the present one in view. */
static void draw_history(const struct steering *t, struct grid *g, struct area at)
{
    size_t rows = at.height > 1 ? (size_t)at.height - 1 : 0;
    size_t first = t->made > rows * 2 / 3 ? t->made - rows * 2 / 3 : 0;
    if (first + rows > t->moves_count)
        first = t->moves_count > rows ? t->moves_count - rows : 0;
    grid_text(g, at.x + 1, at.y, STYLE_STRONG, at.width - 2,
              t->moves_count ? "The way so far" : "The way so far: nothing yet");
    for (size_t i = 0; i < rows && first + i < t->moves_count; i++) {
        struct area row = {at.x, at.y + 1 + (int)i, at.width, 1};
        draw_move(&t->moves[first + i], g, row, first + i + 1 == t->made, first + i >= t->made);
    }
}

/* ---- the screen ---- */

static void draw_title(const struct scheduler *s, struct grid *g)
{
    const struct lab *lab = s->stage.lab;
    char right[32];
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    int x = 1 + grid_text(g, 1, 0, STYLE_TITLE, g->width - 2, lab ? lab->name : "");
    if (lab && s->stage.variant < lab->variant_count)
        x += 2 + grid_text(g, x + 2, 0, STYLE_BAR, -1, lab->variants[s->stage.variant].name);
    x += 2 + grid_text(g, x + 2, 0, STYLE_RUNNING, -1, "you are the scheduler");
    int width = snprintf(right, sizeof right, "after %u move%s", s->steering->step,
                         s->steering->step == 1 ? "" : "s");
    if (g->width - width - 1 > x + 1)
        grid_text(g, g->width - width - 1, 0, STYLE_BAR, -1, right);
}

/* Where the marked process stands in its source. */
static void draw_source(const struct scheduler *s, struct grid *g, struct area at)
{
    const struct steering *t = s->steering;
    uint32_t event = s->selected < t->options_count ? t->options[s->selected].event : UINT32_MAX;
    const struct recording *rec = replay_recording(s->stage.replay);
    struct stage there = s->stage;
    if (at.height < SOURCE_LEAST || event >= recording_event_count(rec))
        return;
    there.seq = recording_event(rec, event)->entry_seq;
    grid_fill(g, at.x, at.y, at.width, 1, STYLE_FRAME, 0x2500);
    stage_draw_source(&there, g, (struct area){at.x, at.y + 1, at.width, at.height - 1});
}

/* The list gets two rows for each line while there is room for that. */
static int rows_each(const struct steering *t, int rows)
{
    int lines = (int)(t->options_count + t->parked_count);
    return lines * TEXT_ROWS <= rows ? TEXT_ROWS : 1;
}

/* The way so far in what rows the list has left. */
static void draw_below(const struct steering *t, struct grid *g, struct area at)
{
    int rows = at.height - 1 > HISTORY_MOST ? HISTORY_MOST : at.height - 1;
    struct area last = {at.x, at.y + at.height - 1, at.width, 1};
    if (rows < HISTORY_LEAST)
        draw_way(t, g, last);
    else
        draw_history(t, g, (struct area){at.x, at.y + at.height - rows, at.width, rows});
}

static void draw_panel(const struct scheduler *s, struct grid *g, struct area at, bool has_way)
{
    const struct steering *t = s->steering;
    int y = at.y, end = at.y + at.height - has_way;
    y += draw_goals(t, g, (struct area){at.x, y, at.width, end - y > 2 ? 2 : end - y});
    if (t->has_ended)
        y += draw_ending(t, g, (struct area){at.x, y, at.width, end - y});
    else if (y < end)
        draw_head(s, g, (struct area){at.x, y++, at.width, 1});
    if (t->error && y < end) {
        int rows = grid_wrap(g, at.x + 3, y, at.width - 4, 1, 0, STYLE_ERROR, t->error);
        grid_text(g, at.x + 1, y, STYLE_ERROR, 1, "✗");
        y += rows > 0;
    }
    int each = rows_each(t, end - y);
    int parked = (int)t->parked_count * each, room = end - y;
    if (parked > room / 2 && t->options_count)
        parked = room / 2;
    y += draw_options(s, g, (struct area){at.x, y, at.width, room - parked}, each);
    y += draw_parked(s, g, (struct area){at.x, y, at.width, end - y}, each);
    if (!has_way)
        draw_source(s, g, (struct area){at.x, y + 1, at.width, end - y - 1});
    else if (at.height > 0)
        draw_below(t, g, (struct area){at.x, y, at.width, at.y + at.height - y});
}

static int picture_rows(const struct scheduler *s, const struct grid *g)
{
    int room = g->height - 2, procs = (int)model_proc_count(replay_end(s->stage.replay));
    int boxes = (procs + 1) / 2, rows = boxes <= 1 ? 9 : boxes * (g->height >= 30 ? 9 : 6);
    if (s->stage.picture != PICTURE_GRAPH || procs > 8)
        rows = room / 2;
    if (rows > room - PANEL_LEAST)
        rows = room - PANEL_LEAST;
    return rows < 4 ? 0 : rows;
}

static uint64_t keys_without(const struct scheduler *s)
{
    const struct steering *t = s->steering;
    uint64_t without = 0;
    if (t->options_count < 2)
        without |= UINT64_C(1) << ACTION_DOWN;
    if (!t->options_count)
        without |= UINT64_C(1) << ACTION_GO;
    if (t->has_ended)
        without |= UINT64_C(1) << ACTION_FINISH;
    if (!t->made)
        without |= UINT64_C(1) << ACTION_TAKE_BACK;
    if (steering_again(t) == SIZE_MAX)
        without |= UINT64_C(1) << ACTION_AGAIN;
    return without;
}

static void draw(const void *state, struct grid *g)
{
    const struct scheduler *s = state;
    draw_title(s, g);
    keymap_draw(g, g->height - 1, SCREEN_STEER, keys_without(s));
    if (s->trouble || !s->stage.replay || !s->stage.seq) {
        if (g->height >= 4)
            grid_wrap(g, 2, 2, g->width - 4, g->height - 4, 0, s->trouble ? STYLE_ERROR : STYLE_DIM,
                      s->trouble ? s->trouble : "starting");
        return;
    }
    int rows = picture_rows(s, g), below = g->height - 2 - rows, width = g->width;
    if (rows)
        stage_draw_picture(&s->stage, g, (struct area){0, 1, g->width, rows});
    bool is_wide = g->width >= WIDE;
    if (is_wide) {
        width = g->width * 3 / 5;
        grid_fill(g, width, 1 + rows, 1, below, STYLE_FRAME, 0x2502);
        draw_history(s->steering, g,
                     (struct area){width + 2, 1 + rows, g->width - width - 2, below});
    }
    draw_panel(s, g, (struct area){0, 1 + rows, width, below}, !is_wide);
}

const struct view view_scheduler = {.screen = SCREEN_STEER, .draw = draw, .act = act, .pick = pick};
