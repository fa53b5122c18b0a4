#include "ui/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

/* What the ASCII skin writes for each glyph that the views use. */
static const struct {
    uint32_t code;
    char twin;
} twins[] = {
    {0x2500, '-'}, {0x2502, '|'}, {0x250c, '+'}, {0x2510, '+'},  {0x2514, '+'},  {0x2518, '+'},
    {0x251c, '+'}, {0x2524, '+'}, {0x252c, '+'}, {0x2534, '+'},  {0x253c, '+'},  {0x2574, '-'},
    {0x2576, '-'}, {0x2575, '|'}, {0x2577, '|'}, {0x2550, '='},  {0x2501, '='},  {0x2503, '|'},
    {0x254e, ':'}, {0x2593, '='}, {0x2591, '.'}, {0x2588, '#'},  {0x258c, '#'},  {0x25b6, '>'},
    {0x25c0, '<'}, {0x25b8, '>'}, {0x25b7, '>'}, {0x25ae, 'O'},  {0x25a0, '#'},  {0x25a1, '-'},
    {0x25cf, '*'}, {0x25cb, 'o'}, {0x271d, '+'}, {0x2713, '+'},  {0x2717, 'x'},  {0x2192, '>'},
    {0x2190, '<'}, {0x2191, '^'}, {0x2193, 'v'}, {0x21e7, '^'},  {0x2026, '~'},  {0x00b7, '.'},
    {0x2022, '*'}, {0x2014, '-'}, {0x2013, '-'}, {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'},
    {0x201d, '"'}, {0x00d7, 'x'}, {0x00a0, ' '}, {0x25b2, '^'},  {0x25bc, 'v'},  {0x21b5, '<'},
};

static uint32_t ascii_twin(uint32_t code)
{
    if (code < 0x80)
        return code;
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
        if (twins[i].code == code)
            return (uint32_t)twins[i].twin;
    return '?';
}

void grid_init(struct grid *g, int width, int height, bool is_ascii)
{
    g->width = width > 0 ? width : 0;
    g->height = height > 0 ? height : 0;
    g->is_ascii = is_ascii;
    g->cells = xcalloc((size_t)g->width * (size_t)g->height + 1, sizeof *g->cells);
    grid_clear(g);
}

void grid_fini(struct grid *g)
{
    free(g->cells);
    *g = (struct grid){0};
}

void grid_clear(struct grid *g)
{
    grid_fill(g, 0, 0, g->width, g->height, STYLE_TEXT, ' ');
}

static struct cell *cell_at(const struct grid *g, int x, int y)
{
    if (x < 0 || y < 0 || x >= g->width || y >= g->height)
        return NULL;
    return &g->cells[(size_t)y * (size_t)g->width + (size_t)x];
}

/* Half of a wide character must not stay alone: the other half becomes a blank. */
static void split_wide(struct grid *g, int x, int y)
{
    struct cell *here = cell_at(g, x, y), *left = cell_at(g, x - 1, y);
    struct cell *right = cell_at(g, x + 1, y);
    if (here->code == 0 && left)
        left->code = ' ';
    if (right && right->code == 0)
        right->code = ' ';
}

void grid_put(struct grid *g, int x, int y, enum style style, uint32_t code)
{
    struct cell *cell = cell_at(g, x, y);
    if (!cell)
        return;
    if (g->is_ascii)
        code = ascii_twin(code);
    split_wide(g, x, y);
    if (text_columns(code) == 2) {
        if (!cell_at(g, x + 1, y)) {
            code = ' ';
        } else {
            split_wide(g, x + 1, y);
            *cell_at(g, x + 1, y) = (struct cell){.style = (uint8_t)style};
        }
    }
    *cell = (struct cell){.code = code, .style = (uint8_t)style};
}

static void put_combining(struct grid *g, int x, int y, uint32_t code)
{
    struct cell *cell = cell_at(g, x, y);
    if (cell && cell->code == 0)
        cell = cell_at(g, x - 1, y);
    if (cell && !g->is_ascii)
        cell->combining = code;
}

/* Draws one character, or the escape of one byte that is none, if it fits before `edge`; returns
 * the columns used, -1 when it does not fit. */
static int put_character(struct grid *g, int x, int y, enum style style, int edge, const char *p,
                         size_t length)
{
    if (length == 0) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)*p);
        if (*p == '\t' || *p == '\n')
            snprintf(escape, sizeof escape, " ");
        int columns = (int)strlen(escape);
        if (x + columns > edge)
            return -1;
        for (int i = 0; i < columns; i++)
            grid_put(g, x + i, y, style, (uint32_t)escape[i]);
        return columns;
    }
    uint32_t code;
    text_decode(p, length, &code);
    int columns = text_columns(code);
    if (x + columns > edge)
        return -1;
    if (columns == 0)
        put_combining(g, x - 1, y, code);
    else
        grid_put(g, x, y, style, code);
    return columns;
}

static int put_bytes(struct grid *g, int x, int y, enum style style, int most, const char *text,
                     size_t size)
{
    int start = x;
    int edge = most < 0 || most > g->width - x ? g->width : x + most;
    for (size_t i = 0; i < size;) {
        size_t length = text_printable(text + i, size - i);
        int columns = put_character(g, x, y, style, edge, text + i, length);
        if (columns < 0)
            break;
        x += columns;
        i += length ? length : 1;
    }
    return x - start;
}

int grid_text(struct grid *g, int x, int y, enum style style, int most, const char *text)
{
    return text ? put_bytes(g, x, y, style, most, text, strlen(text)) : 0;
}

int grid_printf(struct grid *g, int x, int y, enum style style, int most, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    int columns = text.data ? grid_text(g, x, y, style, most, text.data) : 0;
    buf_fini(&text);
    return columns;
}

void grid_fill(struct grid *g, int x, int y, int width, int height, enum style style, uint32_t code)
{
    for (int row = y < 0 ? 0 : y; row < y + height && row < g->height; row++)
        for (int column = x < 0 ? 0 : x; column < x + width && column < g->width; column++)
            grid_put(g, column, row, style, code);
}

void grid_hline(struct grid *g, int x, int y, int width, enum style style)
{
    grid_fill(g, x, y, width, 1, style, 0x2500);
}

void grid_box(struct grid *g, int x, int y, int width, int height, enum style style,
              const char *title)
{
    if (width < 2 || height < 2)
        return;
    grid_hline(g, x + 1, y, width - 2, style);
    grid_hline(g, x + 1, y + height - 1, width - 2, style);
    grid_fill(g, x, y + 1, 1, height - 2, style, 0x2502);
    grid_fill(g, x + width - 1, y + 1, 1, height - 2, style, 0x2502);
    grid_put(g, x, y, style, 0x250c);
    grid_put(g, x + width - 1, y, style, 0x2510);
    grid_put(g, x, y + height - 1, style, 0x2514);
    grid_put(g, x + width - 1, y + height - 1, style, 0x2518);
    if (title && *title && width > 4) {
        int used = grid_printf(g, x + 1, y, style, width - 3, " %s", title);
        bool is_cut = text_width(title) > (size_t)width - 4;
        grid_put(g, x + 1 + used, y, style, is_cut ? 0x2026 : ' ');
    }
}

void grid_reverse(struct grid *g, int x, int y, int width, bool on)
{
    for (int column = x; column < x + width; column++) {
        struct cell *cell = cell_at(g, column, y);
        if (cell)
            cell->is_reverse = on;
    }
}

void grid_gauge(struct grid *g, int x, int y, int width, uint64_t value, uint64_t most,
                enum style style)
{
    if (width <= 0)
        return;
    if (value > most)
        value = most;
    int full = most ? (int)((long double)value / (long double)most * (long double)width) : 0;
    /* A single byte shows, and only a full pipe looks full. */
    if (value > 0 && full == 0)
        full = 1;
    if (value < most && full == width && width > 1)
        full = width - 1;
    grid_fill(g, x, y, full, 1, style, 0x2593);
    grid_fill(g, x + full, y, width - full, 1, STYLE_DIM, 0x2591);
}

/* The bytes of the next row of text: as many words as fit. *skip gets the blanks (or the newline)
 * that follow and are not drawn. */
static size_t row_length(const char *text, int width, size_t *skip)
{
    size_t size = strlen(text), end = 0, last_break = 0;
    int columns = 0;
    *skip = 0;
    for (size_t i = 0; i < size;) {
        if (text[i] == '\n') {
            *skip = 1;
            return i;
        }
        size_t length = text_printable(text + i, size - i);
        uint32_t code = ' ';
        if (length)
            text_decode(text + i, length, &code);
        columns += length ? text_columns(code) : text[i] == '\t' ? 1 : 4;
        if (text[i] == ' ')
            last_break = i;
        if (columns > width && text[i] != ' ')
            break;
        i += length ? length : 1;
        end = i;
        if (i == size)
            return size;
    }
    if (last_break > 0) {
        end = last_break;
        while (text[end + *skip] == ' ')
            ++*skip;
    }
    return end > 0 ? end : 1;
}

int grid_wrap(struct grid *g, int x, int y, int width, int rows, int skip, enum style style,
              const char *text)
{
    int row = 0;
    if (width < 1)
        return 0;
    while (text && *text) {
        size_t blanks, length = row_length(text, width, &blanks);
        if (row >= skip && row - skip < rows)
            put_bytes(g, x, y + row - skip, style, width, text, length);
        text += length + blanks;
        row++;
    }
    return row;
}

void grid_copy(struct grid *g, int x, int y, const struct grid *from, int from_x, int from_y,
               int width, int height)
{
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            struct cell *to = cell_at(g, x + column, y + row);
            const struct cell *cell = cell_at(from, from_x + column, from_y + row);
            if (to && cell)
                *to = *cell;
        }
}

static void print_cell(const struct cell *cell, struct buf *out)
{
    for (int i = 0; i < 2; i++) {
        uint32_t c = i == 0 ? cell->code : cell->combining;
        if (c == 0)
            continue;
        if (c < 0x80) {
            buf_putc(out, (char)c);
        } else if (c < 0x800) {
            buf_putc(out, (char)(0xc0 | c >> 6));
            buf_putc(out, (char)(0x80 | (c & 0x3f)));
        } else {
            if (c < 0x10000) {
                buf_putc(out, (char)(0xe0 | c >> 12));
            } else {
                buf_putc(out, (char)(0xf0 | c >> 18));
                buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
            }
            buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
            buf_putc(out, (char)(0x80 | (c & 0x3f)));
        }
    }
}

void grid_print(const struct grid *g, struct buf *out)
{
    for (int y = 0; y < g->height; y++) {
        const struct cell *row = &g->cells[(size_t)y * (size_t)g->width];
        int end = g->width;
        while (end > 0 && row[end - 1].code == ' ' && row[end - 1].combining == 0)
            end--;
        for (int x = 0; x < end; x++)
            print_cell(&row[x], out);
        buf_putc(out, '\n');
    }
}
