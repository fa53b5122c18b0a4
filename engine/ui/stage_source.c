#include "ui/ccode.h"
#include "ui/stage.h"

enum { NUMBER_WIDTH = 5 };

enum { LOOK_BACK = 64 };

/* The line of the moment, or of the last moment before it that has one. */
static bool line_now(const struct stage *s, struct source_line *out, bool *is_past)
{
    *is_past = false;
    if (replay_count(s->replay, true) == 0)
        return false;
    size_t now = replay_index(s->replay, s->seq, true);
    for (size_t back = 0; back <= now && back < LOOK_BACK; back++) {
        struct moment moment = replay_moment(s->replay, now - back, true);
        struct event ev = replay_event(s->replay, moment.seq);
        if (stage_line(s, &ev, out))
            return true;
        *is_past = true;
    }
    return false;
}

static void draw_line(struct grid *g, struct area at, int number, const char *text, bool is_now,
                      bool *in_comment)
{
    if (is_now)
        grid_put(g, at.x, at.y, STYLE_HERE, 0x25b6);
    grid_printf(g, at.x + 1, at.y, is_now ? STYLE_HERE : STYLE_DIM, NUMBER_WIDTH, "%*d",
                NUMBER_WIDTH - 1, number);
    ccode_draw(g, at.x + 1 + NUMBER_WIDTH, at.y, at.width - 1 - NUMBER_WIDTH, text, in_comment);
    if (is_now)
        grid_reverse(g, at.x, at.y, at.width, true);
}

/* Whether line `first` begins inside a comment: looks at all lines before it. */
static bool begins_in_comment(struct source *src, const char *file, int first)
{
    bool in_comment = false;
    for (int i = 1; i < first; i++) {
        const char *text = source_text(src, file, i);
        if (!text)
            break;
        ccode_skip(text, &in_comment);
    }
    return in_comment;
}

void stage_draw_source(const struct stage *s, struct grid *g, struct area at)
{
    struct source_line line;
    bool is_past;
    if (at.height <= 0)
        return;
    if (!line_now(s, &line, &is_past)) {
        grid_text(g, at.x + 1, at.y, STYLE_DIM, at.width - 1,
                  "no source line is known for this event");
        return;
    }
    struct source *src = replay_source(s->replay);
    int count = source_text_count(src, line.file);
    if (count <= 0) {
        grid_printf(g, at.x + 1, at.y, STYLE_DIM, at.width - 1,
                    "%s:%d in %s (the file is not here)", line.base, line.line, line.function);
        return;
    }
    int used = grid_text(g, at.x + 1, at.y, STYLE_STRONG, at.width - 1, line.base);
    if (line.function[0])
        grid_printf(g, at.x + 3 + used, at.y, STYLE_DIM, at.width - used - 3, "in %s",
                    line.function);
    int rows = at.height - 1, first = line.line - rows / 2;
    if (first + rows > count + 1)
        first = count + 1 - rows;
    if (first < 1)
        first = 1;
    bool in_comment = begins_in_comment(src, line.file, first);
    for (int i = 0; i < rows && first + i <= count; i++) {
        const char *text = source_text(src, line.file, first + i);
        struct area row = {at.x, at.y + 1 + i, at.width, 1};
        draw_line(g, row, first + i, text ? text : "", first + i == line.line, &in_comment);
    }
}

void stage_draw_source_line(const struct stage *s, struct grid *g, struct area at)
{
    struct source_line line;
    bool in_comment = false, is_past;
    if (!line_now(s, &line, &is_past)) {
        grid_text(g, at.x + 1, at.y, STYLE_DIM, at.width - 1,
                  "no source line is known for this event");
        return;
    }
    const char *text = source_text(replay_source(s->replay), line.file, line.line);
    int used =
        grid_printf(g, at.x + 1, at.y, STYLE_HERE, at.width - 1, "%s:%d ", line.base, line.line);
    while (text && (*text == ' ' || *text == '\t'))
        text++;
    if (text)
        ccode_draw(g, at.x + 2 + used, at.y, at.width - used - 2, text, &in_comment);
}
