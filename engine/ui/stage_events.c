#include <stdio.h>

#include "base/text.h"
#include "ui/stage.h"

/* The moments around the present one: what follows it is dim, for it has not happened yet. */

enum { SEQ_WIDTH = 6, NAME_WIDTH = 8, LINE_WIDTH = 18 };

static void event_text(const struct stage *s, const struct model *m, const struct moment *moment,
                       bool is_now, struct buf *out)
{
    struct event ev = replay_event(s->replay, moment->seq);
    stage_moment_text(s, moment, out);
    if (!is_now || ev.kind != EVENT_CALL || !event_is_pending(&ev))
        return;
    uint32_t task = model_task_by_tid(m, ev.tid);
    struct wait wait;
    if (task != MODEL_NONE && model_wait_of(m, task, &wait))
        buf_puts(out, "  blocked");
}

static void draw_row(const struct stage *s, const struct model *m, struct grid *g, struct area at,
                     const struct moment *moment)
{
    struct buf name = {0}, text = {0};
    struct source_line line;
    bool is_now = moment->seq == s->seq;
    enum style style = moment->seq > s->seq ? STYLE_DIM : STYLE_TEXT;
    struct event ev = replay_event(s->replay, moment->seq);
    if (moment->proc != MODEL_NONE)
        model_proc_name(replay_end(s->replay), moment->proc, &name);
    event_text(s, m, moment, is_now, &text);
    if (is_now)
        grid_put(g, at.x, at.y, STYLE_HERE, 0x25b6);
    grid_printf(g, at.x + 1, at.y, STYLE_DIM, SEQ_WIDTH, "%*u", SEQ_WIDTH - 1, moment->seq);
    int x = at.x + 1 + SEQ_WIDTH;
    grid_text(g, x, at.y, is_now ? STYLE_STRONG : style, NAME_WIDTH - 1,
              name.data ? name.data : "");
    x += NAME_WIDTH;
    int room = at.x + at.width - x;
    if (room > 3 * LINE_WIDTH && stage_line(s, &ev, &line)) {
        char where[64];
        snprintf(where, sizeof where, "%s:%d", line.base, line.line);
        int width = (int)text_width(where) < LINE_WIDTH ? (int)text_width(where) : LINE_WIDTH;
        grid_text(g, at.x + at.width - width - 1, at.y, STYLE_DIM, width, where);
        room -= LINE_WIDTH + 1;
    }
    stage_draw_call(g, x, at.y, is_now ? STYLE_STRONG : style, room, text.data);
    if (is_now)
        grid_reverse(g, at.x, at.y, at.width, true);
    buf_fini(&name);
    buf_fini(&text);
}

void stage_draw_events(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    size_t count = replay_count(s->replay, s->shows_all);
    size_t now = replay_index(s->replay, s->seq, s->shows_all);
    size_t rows = at.height > 0 ? (size_t)at.height : 0;
    /* The present moment stays in one place while there are moments around it. */
    size_t above = rows * 2 / 3;
    size_t first = now > above ? now - above : 0;
    if (first + rows > count)
        first = count > rows ? count - rows : 0;
    for (size_t i = 0; i < rows && first + i < count; i++) {
        struct moment moment = replay_moment(s->replay, first + i, s->shows_all);
        struct area row = {at.x, at.y + (int)i, at.width, 1};
        draw_row(s, m, g, row, &moment);
    }
}
