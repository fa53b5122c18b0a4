#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "ui/stage.h"

/* Every descriptor: what it refers to, whether it shares its open file description, and the event
 * that it comes from. */

struct row {
    uint32_t proc;
    const struct fd_slot *slot;
};

struct rows {
    struct row *row;
    size_t row_count, row_cap;
};

static void list_rows(const struct model *m, struct rows *out)
{
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        const struct fd_slot *slots;
        size_t count = model_fds(m, i, &slots);
        for (size_t k = 0; k < count; k++)
            *PUSH(out->row) = (struct row){i, &slots[k]};
    }
}

/* "also P 3, P.2 5": who else has the same open file description. */
static void sharers(const struct model *m, const struct rows *rows, const struct row *own,
                    struct buf *out)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct row *other = &rows->row[i];
        if (other->slot == own->slot || other->slot->file != own->slot->file)
            continue;
        buf_puts(out, out->len ? ", " : "same as ");
        model_proc_name(m, other->proc, out);
        buf_printf(out, " %d", other->slot->fd);
    }
}

static void origin(const struct stage *s, const struct fd_slot *slot, struct buf *out)
{
    const struct event *ev = recording_event(replay_recording(s->replay), slot->event);
    struct source_line line;
    switch ((enum event_kind)ev->kind) {
    case EVENT_START: buf_puts(out, "inherited at its fork"); break;
    case EVENT_FD: buf_puts(out, "from outside"); break;
    default: buf_puts(out, call_name((enum call)ev->call)); break;
    }
    if (stage_line(s, ev, &line))
        buf_printf(out, ", %s:%d", line.base, line.line);
}

static void draw_row(const struct stage *s, const struct model *m, struct grid *g, struct area at,
                     const struct rows *rows, size_t index)
{
    const struct row *row = &rows->row[index];
    const struct file *file = model_file(m, row->slot->file);
    bool is_first = index == 0 || rows->row[index - 1].proc != row->proc;
    struct buf name = {0}, object = {0}, shared = {0}, from = {0};
    char fd[24];
    enum style style = stage_fd_text(m, row->slot, fd, sizeof fd);
    model_proc_name(m, row->proc, &name);
    model_object_name(m, file->object, &object);
    if (model_object(m, file->object)->kind == OBJECT_FILE && file->offset >= 0)
        buf_printf(&object, " at %lld", (long long)file->offset); /* of all that share it */
    sharers(m, rows, row, &shared);
    origin(s, row->slot, &from);
    int width = at.width;
    if (is_first)
        grid_text(g, at.x + 1, at.y, STYLE_STRONG, 8, name.data);
    grid_text(g, at.x + 10, at.y, style, 5, fd);
    grid_text(g, at.x + 16, at.y, style, width * 3 / 10 - 2, object.data);
    int x = at.x + 16 + width * 3 / 10;
    grid_text(g, x, at.y, STYLE_TEXT, 7, row->slot->is_cloexec ? "cloexec" : "");
    x += 9;
    int room = at.x + width - x - 1;
    int used = grid_text(g, x, at.y, STYLE_DIM, room, from.data);
    if (shared.len && room - used > 8)
        grid_text(g, x + used + 2, at.y, STYLE_TEXT, room - used - 2, shared.data);
    buf_fini(&name);
    buf_fini(&object);
    buf_fini(&shared);
    buf_fini(&from);
}

static void draw(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    struct rows rows = {0};
    size_t first = 0, height = at.height > 0 ? (size_t)at.height : 0;
    struct moment now = replay_moment(s->replay, replay_index(s->replay, s->seq, true), true);
    list_rows(m, &rows);
    /* More rows than fit: those of the process that moves come first. */
    while (rows.row_count > height && first < rows.row_count && rows.row[first].proc != now.proc)
        first++;
    if (first + height > rows.row_count)
        first = rows.row_count > height ? rows.row_count - height : 0;
    for (size_t i = 0; i < height && first + i < rows.row_count; i++) {
        struct area row = {at.x, at.y + (int)i, at.width, 1};
        draw_row(s, m, g, row, &rows, first + i);
    }
    free(rows.row);
}

const struct picture picture_descriptors = {.action = ACTION_DESCRIPTORS, .draw = draw};
