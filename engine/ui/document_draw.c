#include <string.h>

#include "base/text.h"
#include "ui/ccode.h"
#include "ui/document.h"
#include "ui/document_block.h"

enum { COLUMNS_MOST = 12 };

/* Where drawing stands: row counts all rows of the text, and only those from skip to skip + rows
 * show. */
struct pen {
    struct grid *g;
    int x, y, width;
    int skip, rows;
    int row;
};

static bool is_visible(const struct pen *p, int row)
{
    return p->g && row >= p->skip && row < p->skip + p->rows;
}

static int screen_y(const struct pen *p, int row)
{
    return p->y + row - p->skip;
}

struct text_range {
    const char *text;
    const char *styles;
    size_t size;
};

/* The bytes that fit into `width` columns, ending at a blank where there is one; *next gets where
 * the following row begins. */
static size_t fit(const struct text_range *t, size_t from, int width, size_t *next)
{
    size_t i = from, blank = from;
    int columns = 0;
    while (i < t->size && t->text[i] != '\n') {
        uint32_t code;
        size_t length = text_decode(t->text + i, t->size - i, &code);
        columns += text_columns(code);
        if (columns > width && code != ' ')
            break;
        if (code == ' ')
            blank = i;
        i += length;
    }
    if (i == t->size || t->text[i] == '\n') {
        *next = i + (i < t->size);
        return i;
    }
    size_t end = blank > from ? blank : i > from ? i : from + 1;
    *next = end;
    while (*next < t->size && t->text[*next] == ' ')
        ++*next;
    return end;
}

static void draw_range(const struct pen *p, const struct text_range *t, size_t from, size_t end,
                       int x, int y, enum style over)
{
    while (from < end) {
        size_t stop = from;
        char piece[256];
        while (stop < end && t->styles[stop] == t->styles[from] && stop - from < sizeof piece - 5)
            stop++;
        while (stop < end && ((unsigned char)t->text[stop] & 0xc0) == 0x80)
            stop++;
        memcpy(piece, t->text + from, stop - from);
        piece[stop - from] = '\0';
        enum style style = over == STYLE_TEXT ? (enum style)t->styles[from] : over;
        x += grid_text(p->g, x, y, style, p->x + p->width - x, piece);
        from = stop;
    }
}

/* Draws wrapped text beginning at the pen's row; returns the rows it takes. */
static int draw_wrapped(const struct pen *p, const struct text_range *t, int x, int width,
                        enum style over)
{
    int rows = 0;
    if (width < 1)
        width = 1;
    for (size_t from = 0; from < t->size;) {
        size_t next, end = fit(t, from, width, &next);
        if (is_visible(p, p->row + rows))
            draw_range(p, t, from, end, x, screen_y(p, p->row + rows), over);
        from = next;
        rows++;
    }
    return rows;
}

static struct text_range all_of(const struct block *b)
{
    return (struct text_range){b->text.data ? b->text.data : "",
                               b->styles.data ? b->styles.data : "", b->text.len};
}

static void draw_paragraph(struct pen *p, const struct block *b)
{
    struct text_range t = all_of(b);
    int x = p->x + b->indent;
    if (b->bullet[0] && is_visible(p, p->row))
        grid_text(p->g, x - (int)text_width(b->bullet) - 1, screen_y(p, p->row), STYLE_DIM, -1,
                  b->bullet);
    p->row += draw_wrapped(p, &t, x, p->width - b->indent, STYLE_TEXT);
}

static void draw_heading(struct pen *p, const struct block *b)
{
    struct text_range t = all_of(b);
    p->row += draw_wrapped(p, &t, p->x, p->width, STYLE_HERE);
    if (b->level == 1) {
        if (is_visible(p, p->row))
            grid_hline(p->g, p->x, screen_y(p, p->row), p->width, STYLE_FRAME);
        p->row++;
    }
}

static void draw_code(struct pen *p, const struct block *b)
{
    const char *text = b->text.data ? b->text.data : "";
    bool in_comment = false;
    while (*text) {
        char line[512];
        size_t length = strcspn(text, "\n"), kept = length < sizeof line ? length : sizeof line - 1;
        memcpy(line, text, kept);
        line[kept] = '\0';
        int y = screen_y(p, p->row), x = p->x + b->indent + 1;
        if (!is_visible(p, p->row)) {
            if (b->is_c)
                ccode_skip(line, &in_comment);
        } else {
            grid_put(p->g, x, y, STYLE_FRAME, 0x2502);
            int room = p->x + p->width - x - 2;
            if (b->is_c)
                ccode_draw(p->g, x + 2, y, room, line, &in_comment);
            else
                grid_text(p->g, x + 2, y, STYLE_CODE, room, line);
        }
        p->row++;
        text += length + (text[length] == '\n');
    }
}

/* ---- tables ---- */

static size_t next_cell(const struct block *b, size_t *from, struct text_range *out)
{
    const char *text = b->text.data;
    if (!text || *from >= b->text.len)
        return 0;
    size_t end = *from;
    while (end < b->text.len && text[end] != BLOCK_CELL_END[0])
        end++;
    *out = (struct text_range){text + *from, b->styles.data + *from, end - *from};
    *from = end + 1;
    return 1;
}

static int cell_width(const struct text_range *t)
{
    int columns = 0;
    for (size_t i = 0; i < t->size;) {
        uint32_t code;
        i += text_decode(t->text + i, t->size - i, &code);
        columns += text_columns(code);
    }
    return columns;
}

/* Natural widths; where they do not fit, the widest column gives way, again and again. */
static size_t measure_table(const struct document *d, size_t first, int width, int *widths)
{
    size_t columns = 0;
    int total = 0;
    for (size_t i = first; i < d->block_count && d->block[i].kind == BLOCK_ROW &&
                           d->block[i].table == d->block[first].table;
         i++) {
        struct text_range cell;
        size_t from = 0;
        for (size_t c = 0; c < COLUMNS_MOST && next_cell(&d->block[i], &from, &cell); c++) {
            if (c == columns)
                widths[columns++] = 1;
            if (cell_width(&cell) > widths[c])
                widths[c] = cell_width(&cell);
        }
    }
    for (size_t c = 0; c < columns; c++)
        total += widths[c] + 2;
    for (; total > width; total--) {
        size_t widest = 0;
        for (size_t c = 1; c < columns; c++)
            if (widths[c] > widths[widest])
                widest = c;
        if (widths[widest] <= 4)
            break;
        widths[widest]--;
    }
    return columns;
}

static void draw_table_row(struct pen *p, const struct document *d, size_t index)
{
    const struct block *b = &d->block[index];
    int widths[COLUMNS_MOST], x = p->x + b->indent, height = 1;
    size_t first = index, from = 0;
    while (first > 0 && d->block[first - 1].kind == BLOCK_ROW &&
           d->block[first - 1].table == b->table)
        first--;
    size_t columns = measure_table(d, first, p->width - b->indent, widths);
    struct text_range cell;
    for (size_t c = 0; c < columns && next_cell(b, &from, &cell); c++) {
        int rows = draw_wrapped(p, &cell, x, widths[c], b->is_head ? STYLE_STRONG : STYLE_TEXT);
        height = rows > height ? rows : height;
        x += widths[c] + 2;
    }
    p->row += height;
    if (b->is_head) {
        if (is_visible(p, p->row))
            grid_hline(p->g, p->x + b->indent, screen_y(p, p->row), x - p->x - b->indent - 2,
                       STYLE_FRAME);
        p->row++;
    }
}

/* ---- the whole ---- */

static bool needs_blank(const struct document *d, size_t index)
{
    if (index == 0)
        return false;
    const struct block *b = &d->block[index], *before = &d->block[index - 1];
    if (b->kind == BLOCK_COMMENT)
        return false;
    if (b->kind == BLOCK_ROW && before->kind == BLOCK_ROW && b->table == before->table)
        return false;
    if (b->bullet[0] && before->indent > 0 && before->kind == BLOCK_PARAGRAPH)
        return false;
    return true;
}

static void draw_block(struct pen *p, const struct document *d, size_t index)
{
    const struct block *b = &d->block[index];
    switch (b->kind) {
    case BLOCK_PARAGRAPH: draw_paragraph(p, b); break;
    case BLOCK_HEADING: draw_heading(p, b); break;
    case BLOCK_CODE: draw_code(p, b); break;
    case BLOCK_ROW: draw_table_row(p, d, index); break;
    case BLOCK_RULE:
        if (is_visible(p, p->row))
            grid_hline(p->g, p->x, screen_y(p, p->row), p->width, STYLE_FRAME);
        p->row++;
        break;
    case BLOCK_COMMENT: break;
    }
}

static bool marks_prediction(const struct block *b)
{
    return b->kind == BLOCK_COMMENT && b->text.data && strstr(b->text.data, "prediction");
}

int document_draw(const struct document *d, struct grid *g, int x, int y, int width, int skip,
                  int rows, int gap, int *gap_row)
{
    struct pen p = {.g = g, .x = x, .y = y, .width = width, .skip = skip, .rows = rows};
    int found = -1;
    for (size_t i = 0; i < d->block_count; i++) {
        if (marks_prediction(&d->block[i]) && found < 0) {
            found = p.row + 1;
            p.row += gap + (gap > 0);
            continue;
        }
        p.row += needs_blank(d, i);
        draw_block(&p, d, i);
    }
    if (found < 0) {
        found = p.row + 1;
        p.row += gap + (gap > 0);
    }
    if (gap_row)
        *gap_row = found;
    return p.row;
}
