#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "ui/stage.h"

/* A lane for each process, time downwards: what each did, in its lane. */

enum { LANES_MOST = 8, LANE_LEAST = 16 };

static size_t lane_count(const struct stage *s, struct area at)
{
    size_t procs = model_proc_count(replay_end(s->replay));
    size_t fit = at.width > LANE_LEAST ? (size_t)at.width / LANE_LEAST : 1;
    fit = fit > LANES_MOST ? LANES_MOST : fit;
    return procs < fit ? procs : fit;
}

static int lane_x(struct area at, size_t lane, size_t lanes)
{
    return at.x + 2 + (int)lane * ((at.width - 2) / (int)lanes);
}

/* Lifelines: a process has one from its birth until it is reaped. */
static void draw_lanes(const struct stage *s, struct grid *g, struct area at, size_t lanes,
                       uint32_t seq)
{
    const struct recording *rec = replay_recording(s->replay);
    const struct model *end = replay_end(s->replay);
    for (size_t lane = 0; lane < lanes; lane++) {
        const struct proc *proc = model_proc(end, (uint32_t)lane);
        const struct event *start = recording_event(rec, proc->start_event);
        bool is_over = proc->exit_event != MODEL_NONE &&
                       recording_event(rec, proc->exit_event)->entry_seq < seq;
        if (start->entry_seq <= seq && !is_over)
            grid_put(g, lane_x(at, lane, lanes), at.y, STYLE_FRAME, 0x2502);
    }
}

/* A fork reaches over to the lane of the child. */
static void draw_fork(const struct stage *s, struct grid *g, struct area at, size_t lanes,
                      const struct moment *moment, const struct event *ev)
{
    const struct model *end = replay_end(s->replay);
    uint32_t child = MODEL_NONE;
    for (uint32_t i = 0; i < model_proc_count(end); i++)
        if (model_proc(end, i)->fork_event == ev->id)
            child = i;
    if (child == MODEL_NONE || child >= lanes || moment->proc >= lanes || child <= moment->proc)
        return;
    int from = lane_x(at, moment->proc, lanes), to = lane_x(at, child, lanes);
    int text = 2 + (at.width - 2) / (int)lanes - 3;
    for (int x = from + text; x < to - 1; x++)
        grid_put(g, x, at.y, STYLE_FRAME, 0x2500);
    grid_put(g, to - 1, at.y, STYLE_FRAME, 0x25b6);
}

static void draw_row(const struct stage *s, struct grid *g, struct area at, size_t lanes,
                     const struct moment *moment)
{
    struct buf text = {0};
    struct event ev = replay_event(s->replay, moment->seq);
    bool is_now = moment->seq == s->seq;
    int width = (at.width - 2) / (int)lanes;
    draw_lanes(s, g, at, lanes, moment->seq);
    if (moment->proc < lanes) {
        int x = lane_x(at, moment->proc, lanes);
        enum style style = is_now ? STYLE_STRONG : moment->seq > s->seq ? STYLE_DIM : STYLE_TEXT;
        stage_moment_text(s, moment, &text);
        bool waits = ev.kind == EVENT_CALL && event_is_pending(&ev);
        grid_text(g, x, at.y, waits ? STYLE_BLOCKED : style, 1, waits ? "■" : "├");
        stage_draw_call(g, x + 2, at.y, style, width - 3, text.data);
        draw_fork(s, g, at, lanes, moment, &ev);
        if (is_now)
            grid_reverse(g, x, at.y, width - 1, true);
    }
    buf_fini(&text);
}

static void draw(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    (void)m;
    size_t lanes = lane_count(s, at), count = replay_count(s->replay, s->shows_all);
    size_t now = replay_index(s->replay, s->seq, s->shows_all);
    if (lanes == 0 || at.height < 2)
        return;
    for (size_t lane = 0; lane < lanes; lane++) {
        struct buf name = {0};
        model_proc_name(replay_end(s->replay), (uint32_t)lane, &name);
        grid_text(g, lane_x(at, lane, lanes), at.y, STYLE_STRONG, LANE_LEAST - 1, name.data);
        buf_fini(&name);
    }
    size_t rows = (size_t)at.height - 1, above = rows * 2 / 3;
    size_t first = now > above ? now - above : 0;
    if (first + rows > count)
        first = count > rows ? count - rows : 0;
    for (size_t i = 0; i < rows && first + i < count; i++) {
        struct moment moment = replay_moment(s->replay, first + i, s->shows_all);
        struct area row = {at.x, at.y + 1 + (int)i, at.width, 1};
        draw_row(s, g, row, lanes, &moment);
    }
}

const struct picture picture_sequence = {.action = ACTION_SEQUENCE, .draw = draw};
