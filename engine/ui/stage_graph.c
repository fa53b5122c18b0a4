#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/stage_graph.h"

/* Processes stand left and right, in the order of birth and alternating, channels between them;
 * wires run from each descriptor to the end of the channel that it holds. */

enum { BOX_HEIGHT_LEAST = 4, WIDTH_LEAST = 70 };

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

static void choose_channels(struct plan *p, size_t most)
{
    const struct model *end = replay_end(p->stage->replay);
    size_t all = 0;
    for (uint32_t i = 0; i < model_object_count(end); i++)
        all += stage_is_channel(end, i);
    for (uint32_t i = 0; i < model_object_count(end); i++) {
        bool is_live = i < model_object_count(p->m) && model_object(p->m, i)->is_live;
        if (!stage_is_channel(end, i) || (all > most && !is_live))
            continue;
        if (p->channel_count < most)
            p->channels[p->channel_count++] = i;
        else
            p->channel_left_out++;
    }
}

static void place_channels(struct plan *p, int x, int width)
{
    int rows = p->at.height / 3;
    choose_channels(p, (size_t)clamp(rows, 1, CHANNELS_MOST));
    int count = (int)p->channel_count;
    if (count == 0)
        return;
    int height = clamp(p->at.height / count, 3, 7);
    for (int i = 0; i < count; i++)
        p->channel_areas[i] = (struct area){x, p->at.y + i * height, width, height};
}

static void place_procs(struct plan *p, int width)
{
    size_t count = model_proc_count(replay_end(p->stage->replay));
    p->proc_count = count < PROCS_MOST ? count : PROCS_MOST;
    int rows = ((int)p->proc_count + 1) / 2;
    int height = rows ? clamp(p->at.height / rows, 2, 11) : 0;
    int right = p->at.x + p->at.width - width;
    for (int i = 0; i < (int)p->proc_count; i++)
        p->procs[i] =
            (struct area){i % 2 ? right : p->at.x, p->at.y + i / 2 * height, width, height};
}

static bool has_channels(const struct model *end)
{
    for (uint32_t i = 0; i < model_object_count(end); i++)
        if (stage_is_channel(end, i))
            return true;
    return false;
}

static void place(struct plan *p)
{
    int channel_width = clamp(p->at.width * 21 / 100, 16, 34);
    int proc_width;
    p->gap = clamp(p->at.width / 10, 8, 13);
    if (has_channels(replay_end(p->stage->replay))) {
        proc_width = clamp((p->at.width - channel_width - 2 * p->gap) / 2, 20, 46);
        p->gap = (p->at.width - channel_width - 2 * proc_width) / 2;
    } else {
        proc_width = clamp((p->at.width - 4) / 2, 20, 60);
    }
    place_procs(p, proc_width);
    place_channels(p, p->at.x + proc_width + p->gap, channel_width);
}

/* ---- processes ---- */

static const char *role_of(const struct stage *s, const char *name)
{
    for (size_t i = 0; s->lab && i < s->lab->actor_count; i++)
        if (strcmp(s->lab->actors[i].name, name) == 0)
            return s->lab->actors[i].role;
    return "";
}

static void proc_title(const struct plan *p, uint32_t index, struct buf *out)
{
    model_proc_name(p->m, index, out);
    const char *role = role_of(p->stage, out->data);
    if (*role)
        buf_printf(out, " · %s", role);
    else
        buf_printf(out, " · pid %d", model_proc(p->m, index)->own_pid);
}

static void draw_fds(const struct plan *p, uint32_t index, int x, int y, int width)
{
    const struct fd_slot *slots;
    size_t count = model_fds(p->m, index, &slots);
    int edge = x + width;
    for (size_t i = 0; i < count; i++) {
        char text[24];
        enum style style = stage_fd_text(p->m, &slots[i], text, sizeof text);
        int used = (int)strlen(text), more = i + 1 < count ? 2 : 0;
        if (x + used + more > edge) {
            grid_text(p->g, x, y, STYLE_DIM, edge - x, "…");
            return;
        }
        x += grid_text(p->g, x, y, style, edge - x, text) + 1;
    }
}

/* What it does, why it waits, and what it just did. */
static void draw_doing(const struct plan *p, const struct posture *posture, uint32_t index, int x,
                       int y, int width, int rows)
{
    struct buf text = {0};
    if (rows <= 0)
        return;
    grid_text(p->g, x, y, posture->style, width, posture->glyph);
    int used =
        grid_wrap(p->g, x + 2, y, width - 2, rows > 2 ? 2 : 1, 0, posture->style, posture->text);
    used = used > 2 ? 2 : used;
    if (rows <= used)
        return;
    if (posture->is_blocked) {
        model_wait_text(p->m, &posture->wait, &text);
        if (posture->wait.is_hopeless)
            buf_puts(&text, ": for ever");
        grid_wrap(p->g, x + 2, y + used, width - 2, rows - used, 0,
                  posture->wait.is_hopeless ? STYLE_FINDING : STYLE_TEXT, text.data);
    } else if (index == p->mover && !posture->is_gone && !p->stage->is_steered) {
        struct moment now = {.seq = p->stage->seq, .proc = index};
        stage_moment_text(p->stage, &now, &text);
        grid_wrap(p->g, x + 2, y + used, width - 2, rows - used, 0, STYLE_TEXT, text.data);
    }
    buf_fini(&text);
}

static void draw_proc(const struct plan *p, uint32_t index)
{
    struct area a = p->procs[index];
    if (index >= model_proc_count(p->m))
        return;
    struct posture posture;
    struct buf title = {0};
    bool is_mover = index == p->mover;
    stage_posture(p->stage, p->m, index, p->waits, p->wait_count, &posture);
    proc_title(p, index, &title);
    enum style frame = posture.is_gone ? STYLE_DIM : is_mover ? STYLE_HERE : STYLE_FRAME;
    grid_box(p->g, a.x, a.y, a.width, a.height, frame, title.data);
    if (!posture.is_gone)
        grid_text(p->g, a.x + 2, a.y, is_mover ? STYLE_HERE : STYLE_STRONG, a.width - 4,
                  title.data);
    int inner = a.height - 2;
    draw_doing(p, &posture, index, a.x + 2, a.y + 1, a.width - 4, inner > 2 ? inner - 1 : 1);
    if (inner > 1)
        draw_fds(p, index, a.x + 2, a.y + a.height - 2, a.width - 4);
    buf_fini(&title);
}

/* ---- channels ---- */

static void channel_bytes(const struct model *m, uint32_t object, int most, struct buf *out)
{
    struct range ranges[16];
    struct buf bytes = {0};
    size_t count = model_pipe_ranges(m, object, ranges, 16);
    for (size_t i = 0; i < count && i < 16 && bytes.len < (size_t)most; i++) {
        struct blob blob;
        if (ranges[i].event == MODEL_NONE)
            break;
        const struct event *ev = recording_event(model_recording(m), ranges[i].event);
        if (!recording_blob(model_recording(m), ev, 1, BLOB_IN, &blob) ||
            ranges[i].start >= blob.kept)
            break;
        size_t left = blob.kept - ranges[i].start;
        buf_put(&bytes, blob.bytes + ranges[i].start,
                left < ranges[i].length ? left : ranges[i].length);
    }
    if (bytes.len > 0)
        buf_quoted(out, bytes.data, bytes.len, (size_t)most);
    buf_fini(&bytes);
}

static void channel_state(const struct model *m, uint32_t object, int width, struct buf *out)
{
    const struct object *o = model_object(m, object);
    if (o->fill > 0)
        channel_bytes(m, object, width > 8 ? width - 6 : 2, out);
    const char *gap = out->len ? "; " : "";
    if (o->readers == 0 && o->writers == 0)
        buf_printf(out, "%s%s", gap, "nobody holds it");
    else if (o->writers == 0)
        buf_printf(out, "%s%s", gap, o->fill ? "then end of file" : "no writer: end of file");
    else if (o->readers == 0)
        buf_printf(out, "%s%s", gap, "no reader: SIGPIPE");
    else if (o->fill == 0)
        buf_puts(out, "empty");
    else if (o->fill >= o->capacity)
        buf_printf(out, "%s%s", gap, "full");
}

/* "w: P 4, P.1 4" */
static void draw_holders(const struct plan *p, uint32_t object, bool is_write, int x, int y,
                         int width)
{
    struct hold holds[32];
    struct buf text = {0};
    size_t count = model_holders(p->m, object, holds, 32), found = 0;
    buf_puts(&text, is_write ? "w:" : "r:");
    for (size_t i = 0; i < count && i < 32; i++) {
        if (is_write ? !holds[i].can_write : !holds[i].can_read)
            continue;
        buf_puts(&text, found++ ? ", " : " ");
        model_proc_name(p->m, holds[i].proc, &text);
        buf_printf(&text, " %d", holds[i].fd);
    }
    if (found == 0)
        buf_puts(&text, " nobody");
    grid_text(p->g, x, y, is_write ? STYLE_WRITER : STYLE_READER, width, text.data);
    buf_fini(&text);
}

static void draw_channel(const struct plan *p, size_t slot)
{
    struct area a = p->channel_areas[slot];
    uint32_t index = p->channels[slot];
    if (index >= model_object_count(p->m))
        return;
    const struct object *o = model_object(p->m, index);
    struct buf text = {0};
    char amount[32];
    model_object_name(p->m, index, &text);
    grid_box(p->g, a.x, a.y, a.width, a.height, o->is_live ? STYLE_FRAME : STYLE_DIM, text.data);
    if (o->is_live)
        grid_text(p->g, a.x + 2, a.y, STYLE_STRONG, a.width - 4, text.data);
    int inner = a.width - 4;
    snprintf(amount, sizeof amount, " %llu B", (unsigned long long)o->fill);
    int gauge = inner - (int)strlen(amount);
    grid_gauge(p->g, a.x + 2, a.y + 1, gauge, o->fill, o->capacity, STYLE_DATA);
    grid_text(p->g, a.x + 2 + gauge, a.y + 1, STYLE_DATA, -1, amount);
    buf_reset(&text);
    channel_state(p->m, index, inner, &text);
    /* Holders last, and only where they leave room for the state. */
    bool has_holders = a.height >= 6 && o->is_live;
    int room = a.height - 3 - (has_holders ? 2 : 0);
    int rows = grid_wrap(p->g, a.x + 2, a.y + 2, inner, room, 0, STYLE_TEXT, text.data);
    if (rows < room && o->capacity > 0)
        grid_printf(p->g, a.x + 2, a.y + 1 + room, STYLE_DIM, inner, "of %u B", o->capacity);
    if (has_holders) {
        draw_holders(p, index, true, a.x + 2, a.y + a.height - 3, inner);
        draw_holders(p, index, false, a.x + 2, a.y + a.height - 2, inner);
    }
    buf_fini(&text);
}

static void find_mover(struct plan *p)
{
    const struct stage *s = p->stage;
    p->mover = MODEL_NONE;
    p->moved_fd = -1;
    if (s->seq == 0 || replay_count(s->replay, true) == 0)
        return;
    struct moment moment = replay_moment(s->replay, replay_index(s->replay, s->seq, true), true);
    struct event ev = replay_event(s->replay, moment.seq);
    struct op op;
    p->mover = moment.proc;
    if (call_decode(replay_recording(s->replay), &ev, &op) == 0 && op.is_done && op.ret > 0 &&
        (op.kind == OP_READ || op.kind == OP_WRITE))
        p->moved_fd = op.fd;
}

static bool fits(const struct stage *s, struct area at)
{
    size_t procs = model_proc_count(replay_end(s->replay));
    int rows = ((int)procs + 1) / 2;
    return procs <= PROCS_MOST && at.width >= WIDTH_LEAST && at.height >= 5 &&
           (rows == 0 || at.height / rows >= BOX_HEIGHT_LEAST);
}

static void draw(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    if (!fits(s, at)) {
        picture_tree.draw(s, m, g, at);
        return;
    }
    struct plan p = {.stage = s, .m = m, .g = g, .at = at};
    p.wait_count = stage_waits(s, m, &p.waits);
    find_mover(&p);
    place(&p);
    for (size_t i = 0; i < p.channel_count; i++)
        draw_channel(&p, i);
    for (uint32_t i = 0; i < p.proc_count; i++)
        draw_proc(&p, i);
    graph_draw_wires(&p);
    if (p.channel_left_out && p.channel_count) {
        struct area last = p.channel_areas[p.channel_count - 1];
        grid_printf(g, last.x, last.y + last.height, STYLE_DIM, last.width, "and %zu more",
                    p.channel_left_out);
    }
    free(p.waits);
}

const struct picture picture_graph = {.action = ACTION_PICTURE, .draw = draw};
