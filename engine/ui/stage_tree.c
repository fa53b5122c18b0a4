#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "ui/stage.h"

/* Processes as a table, each under the process that made it: for more than the graph can hold, and
 * for who begot whom. */

struct line {
    uint32_t proc;
    int depth;
};

struct lines {
    struct line *line;
    size_t line_count, line_cap;
};

static void list_children(const struct model *m, uint32_t creator, int depth, struct lines *out)
{
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        if (model_proc(m, i)->creator != creator)
            continue;
        *PUSH(out->line) = (struct line){i, depth};
        if (depth < 30)
            list_children(m, i, depth + 1, out);
    }
}

/* What is gone is left out when there are more processes than rows; the one that moves stays. */
static void drop_gone(const struct model *m, struct lines *lines, size_t rows, uint32_t mover)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->line_count; i++) {
        uint32_t proc = lines->line[i].proc;
        bool is_gone = proc != mover && model_proc(m, proc)->state == PROC_REAPED;
        size_t left = lines->line_count - i;
        if (!is_gone || kept + left <= rows)
            lines->line[kept++] = lines->line[i];
    }
    lines->line_count = kept;
}

static int draw_fds(const struct model *m, struct grid *g, uint32_t proc, int x, int y, int width)
{
    const struct fd_slot *slots;
    size_t count = model_fds(m, proc, &slots);
    int start = x, edge = x + width;
    for (size_t i = 0; i < count && x < edge; i++) {
        char text[24];
        enum style style = stage_fd_text(m, &slots[i], text, sizeof text);
        if (x + (int)strlen(text) > edge) {
            x += grid_text(g, x, y, STYLE_DIM, edge - x, "…");
            break;
        }
        x += grid_text(g, x, y, style, edge - x, text) + 1;
    }
    return x - start;
}

static void draw_line(const struct model *m, struct grid *g, struct area at,
                      const struct line *line, const struct posture *p, bool is_now)
{
    struct buf name = {0}, reason = {0};
    int name_width = at.width >= 110 ? 20 : 14, fds_width = at.width >= 110 ? 28 : 16;
    int x = at.x + 1 + (line->depth > 6 ? 6 : line->depth);
    model_proc_name(m, line->proc, &name);
    grid_text(g, x, at.y, p->is_gone ? STYLE_DIM : STYLE_STRONG, at.x + name_width - x, name.data);
    draw_fds(m, g, line->proc, at.x + at.width - fds_width, at.y, fds_width - 1);
    x = at.x + name_width + 1;
    int room = at.width - name_width - fds_width - 2;
    grid_text(g, x, at.y, p->style, 2, p->glyph);
    int used = 2 + grid_text(g, x + 2, at.y, p->style, room - 2, p->text);
    if (p->is_blocked) {
        model_wait_text(m, &p->wait, &reason);
        if (at.height > 1)
            grid_wrap(g, x + 2, at.y + 1, at.width - name_width - 4, 1, 0, STYLE_TEXT, reason.data);
        else if (room - used > 8)
            grid_printf(g, x + used, at.y, STYLE_TEXT, room - used, ": %s", reason.data);
    }
    if (is_now)
        grid_reverse(g, at.x, at.y, name_width, true);
    buf_fini(&name);
    buf_fini(&reason);
}

static size_t first_line(const struct lines *lines, uint32_t proc, size_t rows)
{
    for (size_t i = 0; i < lines->line_count; i++)
        if (lines->line[i].proc == proc && i >= rows)
            return i - rows + 1;
    return 0;
}

static void draw(const struct stage *s, const struct model *m, struct grid *g, struct area at)
{
    struct lines lines = {0};
    struct wait *waits;
    if (at.height <= 0)
        return;
    size_t wait_count = stage_waits(s, m, &waits), rows = (size_t)at.height;
    struct moment now = replay_moment(s->replay, replay_index(s->replay, s->seq, true), true);
    list_children(m, MODEL_NONE, 0, &lines);
    size_t all = model_proc_count(replay_end(s->replay));
    int height = all * 2 <= rows ? 2 : 1;
    drop_gone(m, &lines, rows / (size_t)height, now.proc);
    size_t first = first_line(&lines, now.proc, rows / (size_t)height);
    for (size_t i = 0; first + i < lines.line_count && (i + 1) * (size_t)height <= rows; i++) {
        const struct line *line = &lines.line[first + i];
        struct posture posture;
        stage_posture(s, m, line->proc, waits, wait_count, &posture);
        struct area row = {at.x, at.y + (int)i * height, at.width, height};
        draw_line(m, g, row, line, &posture, line->proc == now.proc);
    }
    free(lines.line);
    free(waits);
}

const struct picture picture_tree = {.action = ACTION_TREE, .draw = draw};
