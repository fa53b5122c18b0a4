#include "ui/stage.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ui/keymap.h"

enum { JUMP = 10, WIDE = 120, SPINNER_STEPS = 4 };

static const struct picture *const pictures[] = {
#define X(NAME, name) [PICTURE_##NAME] = &picture_##name,
    PICTURES(X)
#undef X
};

/* ---- moving in time ---- */

static size_t index_now(const struct stage *s)
{
    return replay_index(s->replay, s->seq, s->shows_all);
}

static size_t count_now(const struct stage *s)
{
    return s->replay ? replay_count(s->replay, s->shows_all) : 0;
}

/* A finding chosen by keys is let go when its own moment is reached. */
static void settle(struct stage *s)
{
    if (s->finding != SIZE_MAX && (s->finding >= replay_finding_count(s->replay) ||
                                   replay_finding(s->replay, s->finding)->seq < s->seq))
        s->finding = SIZE_MAX;
}

static void go_index(struct stage *s, size_t index)
{
    size_t count = count_now(s);
    if (count == 0)
        return;
    if (index >= count)
        index = count - 1;
    s->seq = replay_moment(s->replay, index, s->shows_all).seq;
    s->is_following = index == count - 1;
    settle(s);
}

void stage_go(struct stage *s, uint32_t seq)
{
    s->finding = SIZE_MAX;
    s->is_playing = false;
    if (seq == 0) {
        s->seq = 0;
        s->is_following = true;
        go_index(s, SIZE_MAX);
        return;
    }
    s->seq = seq;
    s->is_following = false;
}

bool stage_grown(struct stage *s)
{
    uint32_t before = s->seq;
    if (s->is_following)
        go_index(s, SIZE_MAX);
    return before != s->seq;
}

bool stage_play(struct stage *s)
{
    size_t index = index_now(s);
    if (index + 1 < count_now(s))
        go_index(s, index + 1);
    s->is_playing = index + 2 < count_now(s) || (s->replay && replay_is_live(s->replay));
    return s->is_playing;
}

static void move(struct stage *s, int by)
{
    size_t index = index_now(s);
    s->is_playing = false;
    if (by < 0)
        go_index(s, index < (size_t)-by ? 0 : index - (size_t)-by);
    else
        go_index(s, index + (size_t)by);
}

/* ---- findings ---- */

const struct finding *stage_finding(const struct stage *s, size_t *index)
{
    const struct finding *best = NULL;
    if (!s->replay)
        return NULL;
    size_t count = replay_finding_count(s->replay);
    if (s->finding < count) {
        if (index)
            *index = s->finding;
        return replay_finding(s->replay, s->finding);
    }
    for (size_t i = 0; i < count; i++) {
        const struct finding *f = replay_finding(s->replay, i);
        if (f->seq > s->seq || (best && best->severity > f->severity))
            continue;
        best = f;
        if (index)
            *index = i;
    }
    return best;
}

/* The findings lie in a ring: after the last comes the first. */
static void move_finding(struct stage *s, bool forwards)
{
    size_t count = replay_finding_count(s->replay), index = 0;
    if (count == 0)
        return;
    const struct finding *now = stage_finding(s, &index);
    if (now && now->seq == s->seq)
        index = forwards ? (index + 1) % count : (index + count - 1) % count;
    else if (forwards) {
        for (index = 0; index < count && replay_finding(s->replay, index)->seq <= s->seq;)
            index++;
        index %= count;
    } else {
        for (index = count; index > 0 && replay_finding(s->replay, index - 1)->seq >= s->seq;)
            index--;
        index = (index + count - 1) % count;
    }
    stage_go(s, replay_finding(s->replay, index)->seq);
    s->finding = index;
}

/* To the cause of the finding shown, and from there back to the finding. */
static void go_to_cause(struct stage *s)
{
    size_t index;
    const struct finding *f = stage_finding(s, &index);
    uint32_t cause = !f ? MODEL_NONE : f->cause;
    if (f && cause == MODEL_NONE && f->event_count)
        cause = f->events[0];
    if (cause == MODEL_NONE)
        return;
    const struct event *ev = recording_event(replay_recording(s->replay), cause);
    uint32_t seq = ev->exit_seq ? ev->exit_seq : ev->entry_seq;
    stage_go(s, s->seq == seq ? f->seq : seq);
    s->finding = index;
}

/* ---- pictures ---- */

bool stage_take_picture(struct stage *s, enum action action)
{
    for (int i = 0; i < PICTURE_COUNT; i++)
        if (pictures[i]->action == action) {
            s->picture = (enum picture_id)i;
            return true;
        }
    return false;
}

void stage_draw_picture(const struct stage *s, struct grid *g, struct area at)
{
    pictures[s->picture]->draw(s, replay_at(s->replay, s->seq), g, at);
}

/* ---- keys ---- */

static enum request act_knobs(struct stage *s, enum action action)
{
    const struct lab_knob *knob = &s->lab->knobs[s->knob];
    size_t *value = &s->knobs[s->knob];
    switch (action) {
    case ACTION_UP: s->knob -= s->knob > 0; break;
    case ACTION_DOWN: s->knob += s->knob + 1 < s->lab->knob_count; break;
    case ACTION_LEFT: *value -= *value > 0; break;
    case ACTION_RIGHT: *value += *value + 1 < knob->value_count; break;
    case ACTION_GO:
    case ACTION_RUN: s->is_turning = false; return REQUEST_RUN;
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK:
    case ACTION_KNOBS: s->is_turning = false; break;
    default: return REQUEST_NONE;
    }
    return REQUEST_DRAW;
}

static enum request act_moment(struct stage *s, enum action action)
{
    switch (action) {
    case ACTION_UP:
    case ACTION_LEFT: move(s, -1); break;
    case ACTION_DOWN:
    case ACTION_RIGHT: move(s, 1); break;
    case ACTION_PAGE_UP: move(s, -JUMP); break;
    case ACTION_PAGE_DOWN: move(s, JUMP); break;
    case ACTION_FIRST: go_index(s, 0); break;
    case ACTION_LAST: go_index(s, SIZE_MAX); break;
    case ACTION_NEXT_FINDING: move_finding(s, true); break;
    case ACTION_PREVIOUS_FINDING: move_finding(s, false); break;
    case ACTION_GO: go_to_cause(s); break;
    case ACTION_ALL: s->shows_all = !s->shows_all; break;
    case ACTION_PLAY:
        if (!s->is_playing && index_now(s) + 1 >= count_now(s))
            go_index(s, 0);
        s->is_playing = !s->is_playing;
        break;
    default: return REQUEST_NONE;
    }
    return REQUEST_DRAW;
}

static enum request act(void *state, enum action action)
{
    struct stage *s = state;
    if (s->is_turning)
        return act_knobs(s, action);
    if (stage_take_picture(s, action))
        return REQUEST_DRAW;
    switch (action) {
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK: return REQUEST_BACK;
    case ACTION_RUN: return s->lab ? REQUEST_RUN : REQUEST_NONE;
    case ACTION_STEER: return s->lab ? REQUEST_STEER : REQUEST_NONE;
    case ACTION_LESSON: return s->lab ? REQUEST_LESSON : REQUEST_NONE;
    case ACTION_EXERCISE: return s->lab ? REQUEST_EXERCISE : REQUEST_NONE;
    case ACTION_VARIANT:
        if (!s->lab || s->lab->variant_count < 2)
            return REQUEST_NONE;
        s->variant = (s->variant + 1) % s->lab->variant_count;
        return REQUEST_RUN;
    case ACTION_KNOBS: s->is_turning = s->lab && s->lab->knob_count > 0; return REQUEST_DRAW;
    default: return s->replay ? act_moment(s, action) : REQUEST_NONE;
    }
}

/* ---- drawing ---- */

static void where_text(const struct stage *s, struct buf *out)
{
    static const char spinner[SPINNER_STEPS] = {'|', '/', '-', '\\'};
    size_t count = count_now(s);
    if (count == 0)
        return;
    struct event ev = replay_event(s->replay, s->seq ? s->seq : 1);
    uint64_t ns = ev.exit_seq == s->seq ? ev.exit_ns : ev.entry_ns;
    struct source_line line;
    buf_printf(out, "%zu/%zu  +%.3f ms", index_now(s) + 1, count, (double)ns / 1e6);
    if (stage_line(s, &ev, &line))
        buf_printf(out, "  %s:%d", line.base, line.line);
    size_t findings = replay_finding_count(s->replay);
    if (findings)
        buf_printf(out, "  ● %zu finding%s", findings, findings == 1 ? "" : "s");
    if (replay_is_live(s->replay))
        buf_printf(out, "  %c", spinner[s->tick % SPINNER_STEPS]);
}

static void draw_title(const struct stage *s, struct grid *g)
{
    struct buf right = {0};
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    int x = 1 + grid_printf(g, 1, 0, STYLE_TITLE, g->width - 2, "%s", s->title ? s->title : "");
    if (s->lab && s->variant < s->lab->variant_count)
        x += 2 + grid_text(g, x + 2, 0, STYLE_BAR, -1, s->lab->variants[s->variant].name);
    if (s->replay) {
        bool is_live = replay_is_live(s->replay);
        const char *word = is_live ? "live" : "";
        if (!is_live && count_now(s) > 0)
            word = run_end_name(replay_run_end(s->replay));
        x += 2 + grid_text(g, x + 2, 0, is_live ? STYLE_RUNNING : STYLE_BAR, -1, word);
        where_text(s, &right);
    }
    int width = right.data ? (int)text_width(right.data) : 0;
    if (width && g->width - width - 1 > x + 1)
        grid_text(g, g->width - width - 1, 0, STYLE_BAR, -1, right.data);
    buf_fini(&right);
}

/* The rows: title, picture, finding, timeline, list, keys. Depends on sizes only. */
struct rows {
    int picture, finding, list;
};

static struct rows share_rows(const struct stage *s, const struct grid *g)
{
    struct rows rows = {0};
    size_t procs = model_proc_count(replay_end(s->replay));
    int boxes = ((int)procs + 1) / 2, left = g->height - 3;
    bool is_tall = g->height >= 30;
    rows.finding = g->height >= 14 ? (g->width >= WIDE ? 2 : 3) : g->height >= 10;
    left -= rows.finding;
    if (s->picture != PICTURE_GRAPH || procs > 8)
        rows.picture = is_tall ? left / 2 : left * 2 / 3;
    else if (boxes <= 1)
        rows.picture = 9;
    else
        rows.picture = boxes * (is_tall ? 9 : 6);
    if (is_tall && rows.picture > left * 6 / 10)
        rows.picture = left * 6 / 10;
    if (rows.picture > left - 4)
        rows.picture = left - 4;
    if (rows.picture < 4)
        rows.picture = 0;
    rows.list = left - rows.picture;
    return rows;
}

static uint64_t keys_without(const struct stage *s)
{
    uint64_t without = 0;
    if (!s->lab)
        without |= UINT64_C(1) << ACTION_RUN | UINT64_C(1) << ACTION_STEER;
    if (!s->lab || s->lab->variant_count < 2)
        without |= UINT64_C(1) << ACTION_VARIANT;
    if (!s->lab || s->lab->knob_count == 0)
        without |= UINT64_C(1) << ACTION_KNOBS;
    if (!stage_finding(s, NULL))
        without |= UINT64_C(1) << ACTION_GO;
    if (s->replay && replay_finding_count(s->replay) == 0)
        without |= UINT64_C(1) << ACTION_NEXT_FINDING;
    return without;
}

static void draw_list(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    if (s->is_turning) {
        stage_draw_knobs(s, g, at);
        return;
    }
    if (g->width >= WIDE) {
        int half = g->width / 2;
        struct area left = {at.x, at.y, half - 1, at.height};
        struct area right = {at.x + half + 1, at.y, g->width - half - 1, at.height};
        stage_draw_events(s, m, g, left);
        grid_fill(g, at.x + half - 1, at.y, 1, at.height, STYLE_FRAME, 0x2502);
        stage_draw_source(s, g, right);
        return;
    }
    int source = at.height >= 16 ? at.height / 2 : at.height >= 3;
    struct area top = {at.x, at.y, at.width, at.height - source};
    struct area below = {at.x, at.y + at.height - source, at.width, source};
    stage_draw_events(s, m, g, top);
    if (source > 1)
        stage_draw_source(s, g, below);
    else if (source == 1)
        stage_draw_source_line(s, g, below);
}

static void draw_empty(const struct stage *s, struct grid *g)
{
    uint32_t steps = s->replay ? recording_step_count(replay_recording(s->replay)) : 0;
    int width = g->width - 4, rows = g->height - 4;
    if (s->trouble)
        grid_wrap(g, 2, 2, width, rows, 0, STYLE_ERROR, s->trouble);
    else if (steps > 0)
        grid_printf(g, 2, 2, STYLE_DIM, width, "reading %u steps", steps);
    else
        grid_text(g, 2, 2, STYLE_DIM, width,
                  s->replay ? "waiting for the first event" : "starting");
}

static void draw(const void *state, struct grid *g)
{
    const struct stage *s = state;
    draw_title(s, g);
    keymap_draw(g, g->height - 1, SCREEN_STAGE, keys_without(s));
    if (s->trouble || !s->replay || count_now(s) == 0 || g->height < 4) {
        if (g->height >= 4)
            draw_empty(s, g);
        return;
    }
    struct rows rows = share_rows(s, g);
    int y = 1;
    if (rows.picture)
        stage_draw_picture(s, g, (struct area){0, y, g->width, rows.picture});
    y += rows.picture;
    stage_draw_finding(s, g, (struct area){0, y, g->width, rows.finding});
    y += rows.finding;
    stage_draw_timeline(s, g, (struct area){0, y, g->width, 1});
    draw_list(s, replay_at(s->replay, s->seq), g, (struct area){0, y + 1, g->width, rows.list});
}

const struct view view_stage = {.screen = SCREEN_STAGE, .draw = draw, .act = act};
