#include <stdlib.h>

#include "ui/stage.h"

static int column_of(const struct stage *s, uint32_t seq, struct area at)
{
    size_t count = replay_count(s->replay, s->shows_all);
    size_t index = replay_index(s->replay, seq, s->shows_all);
    int room = at.width - 4;
    return at.x + 2 + (count > 1 ? (int)((size_t)(room - 1) * index / (count - 1)) : 0);
}

static enum style finding_style(const struct finding *f)
{
    return f->severity == SEVERITY_NORMAL ? STYLE_NORMAL_FINDING : STYLE_FINDING;
}

void stage_draw_timeline(const struct stage *s, struct grid *g, struct area at)
{
    if (at.width < 8)
        return;
    grid_hline(g, at.x + 2, at.y, at.width - 4, STYLE_FRAME);
    grid_put(g, at.x + 1, at.y, STYLE_FRAME, 0x251c);
    grid_put(g, at.x + at.width - 2, at.y, STYLE_FRAME, 0x2524);
    for (size_t i = 0; i < replay_finding_count(s->replay); i++) {
        const struct finding *f = replay_finding(s->replay, i);
        grid_put(g, column_of(s, f->seq, at), at.y, finding_style(f),
                 f->severity == SEVERITY_NORMAL ? 0x25cb : 0x25cf);
    }
    int here = column_of(s, s->seq, at);
    grid_put(g, here, at.y, STYLE_HERE, 0x25ae);
    if (s->is_playing)
        grid_text(g, at.x, at.y, STYLE_RUNNING, 1, "▶");
}

/* No finding yet: says whether one is to come. */
static void draw_none(const struct stage *s, struct grid *g, struct area at)
{
    size_t count = replay_finding_count(s->replay);
    if (count)
        grid_printf(g, at.x + 1, at.y, STYLE_DIM, at.width - 2,
                    "○ %zu finding%s later: n goes there", count, count == 1 ? "" : "s");
    else if (replay_is_live(s->replay))
        grid_text(g, at.x + 1, at.y, STYLE_DIM, at.width - 2, "○ nothing found so far");
    else
        grid_text(g, at.x + 1, at.y, STYLE_DIM, at.width - 2,
                  "○ no findings: nothing went wrong here");
}

/* What Enter does now; "" when there is nothing to go to. */
static void cause_hint(const struct stage *s, const struct finding *f, struct buf *out)
{
    uint32_t cause = f->cause != MODEL_NONE ? f->cause : f->event_count ? f->events[0] : MODEL_NONE;
    buf_puts(out, "");
    if (cause == MODEL_NONE)
        return;
    const struct event *ev = recording_event(replay_recording(s->replay), cause);
    uint32_t seq = ev->exit_seq ? ev->exit_seq : ev->entry_seq;
    if (seq == f->seq)
        return; /* it is where it was found */
    if (seq == s->seq)
        buf_puts(out, " This is the cause. [Enter] back");
    else
        buf_printf(out, " [Enter] to its cause, %u", seq);
}

void stage_draw_finding(const struct stage *s, struct grid *g, struct area at)
{
    size_t index = 0, count = replay_finding_count(s->replay);
    const struct finding *f = stage_finding(s, &index);
    if (at.height <= 0)
        return;
    if (s->note && s->seq == s->note_seq) {
        grid_text(g, at.x + 1, at.y, STYLE_FAIL, 1, "✗");
        grid_wrap(g, at.x + 3, at.y, at.width - 4, at.height, 0, STYLE_FAIL, s->note);
        return;
    }
    if (!f) {
        draw_none(s, g, at);
        return;
    }
    struct buf text = {0}, hint = {0};
    grid_text(g, at.x + 1, at.y, finding_style(f), 1, f->severity == SEVERITY_NORMAL ? "○" : "●");
    int x = at.x + 3;
    if (count > 1)
        buf_printf(&text, "%zu/%zu ", index + 1, count);
    buf_printf(&text, "%s%s: %s", rule_title(f->rule),
               f->severity == SEVERITY_NORMAL ? " (normal)" : "", f->text);
    cause_hint(s, f, &hint);
    int width = at.width - 4;
    int rows = grid_wrap(g, x, at.y, width, at.height, 0, finding_style(f), text.data);
    if (rows < at.height && f->next)
        grid_wrap(g, x, at.y + rows, width, at.height - rows, 0, STYLE_DIM, f->next);
    /* At the same place, whatever the length of the text: the right end of the last row. */
    int hint_x = at.x + at.width - 1 - (int)hint.len;
    if (hint.len && hint_x > x)
        grid_text(g, hint_x, at.y + at.height - 1, STYLE_HERE, -1, hint.data);
    buf_fini(&hint);
    buf_fini(&text);
}
