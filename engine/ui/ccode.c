#include "ui/ccode.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

static bool is_keyword(const char *word, size_t length)
{
    static const char *const words[] = {
        "auto",   "break",  "case",    "char",   "const",    "continue", "default",  "do",
        "double", "else",   "enum",    "extern", "float",    "for",      "goto",     "if",
        "inline", "int",    "long",    "return", "short",    "signed",   "sizeof",   "static",
        "struct", "switch", "typedef", "union",  "unsigned", "void",     "volatile", "while",
        "bool",   "size_t", "ssize_t", "pid_t",  "uint32_t", "uint64_t", "NULL",     "_Noreturn",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return true;
    return false;
}

/* The length of a string or character literal, its quotes included. */
static size_t literal_length(const char *p)
{
    size_t i = 1;
    while (p[i] && p[i] != p[0])
        i += p[i] == '\\' && p[i + 1] ? 2 : 1;
    return p[i] ? i + 1 : i;
}

static size_t comment_length(const char *p, bool *in_comment)
{
    const char *end = strstr(*in_comment ? p : p + 2, "*/");
    *in_comment = !end;
    return end ? (size_t)(end + 2 - p) : strlen(p);
}

/* The next piece of one colour. */
static size_t next_piece(const char *p, bool *in_comment, enum style *style)
{
    size_t length = 1;
    *style = STYLE_CODE;
    if (*in_comment || (p[0] == '/' && p[1] == '*')) {
        *style = STYLE_COMMENT;
        return comment_length(p, in_comment);
    }
    if (p[0] == '/' && p[1] == '/') {
        *style = STYLE_COMMENT;
        return strlen(p);
    }
    if (p[0] == '"' || p[0] == '\'') {
        *style = STYLE_STRING;
        return literal_length(p);
    }
    if (p[0] == '#') {
        while (isalpha((unsigned char)p[length]))
            length++;
        *style = STYLE_KEYWORD;
        return length;
    }
    if (isalpha((unsigned char)p[0]) || p[0] == '_') {
        while (isalnum((unsigned char)p[length]) || p[length] == '_')
            length++;
        if (is_keyword(p, length))
            *style = STYLE_KEYWORD;
        return length;
    }
    return text_printable(p, strlen(p)) ? text_printable(p, strlen(p)) : 1;
}

int ccode_draw(struct grid *g, int x, int y, int most, const char *line, bool *in_comment)
{
    int start = x, edge = most < 0 || most > g->width - x ? g->width : x + most;
    while (*line && x < edge) {
        if (*line == '\t') {
            x += 4 - (x - start) % 4;
            line++;
            continue;
        }
        char piece[512];
        enum style style;
        size_t length = next_piece(line, in_comment, &style), kept = length;
        if (kept > sizeof piece - 1)
            kept = sizeof piece - 1;
        memcpy(piece, line, kept);
        piece[kept] = '\0';
        x += grid_text(g, x, y, style, edge - x, piece);
        line += length;
    }
    return x - start;
}

void ccode_skip(const char *line, bool *in_comment)
{
    enum style style;
    while (*line)
        line += next_piece(line, in_comment, &style);
}
