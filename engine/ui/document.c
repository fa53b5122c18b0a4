#include "ui/document.h"

#include <md4c.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "ui/ccode.h"
#include "ui/document_block.h"

struct parser {
    struct document *d;
    struct block *open; /* what text is added to; NULL between blocks */
    int depth;          /* of lists and quotes */
    int item_number[8]; /* by depth; 0: bullets */
    bool begins_item;
    enum style span; /* of the innermost span */
    enum style spans[16];
    int span_depth;
    unsigned table;
};

static struct block *begin(struct parser *p, enum block_kind kind)
{
    struct block *b = PUSH(p->d->block);
    *b = (struct block){.kind = kind, .indent = p->depth * 2};
    if (p->begins_item && p->depth > 0) {
        int *number = &p->item_number[(p->depth - 1) % 8];
        if (*number)
            snprintf(b->bullet, sizeof b->bullet, "%d.", (*number)++);
        else
            snprintf(b->bullet, sizeof b->bullet, "•");
        b->indent += *number ? 1 : 0;
        p->begins_item = false;
    }
    p->open = b;
    return b;
}

static void add(struct parser *p, enum style style, const char *text, size_t size)
{
    if (!p->open)
        begin(p, BLOCK_PARAGRAPH);
    buf_put(&p->open->text, text, size);
    for (size_t i = 0; i < size; i++)
        buf_putc(&p->open->styles, (char)style);
}

static void enter_list(struct parser *p, int number)
{
    p->item_number[p->depth % 8] = number;
    p->depth++;
    p->open = NULL;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct parser *p = arg;
    switch (type) {
    case MD_BLOCK_H:
        begin(p, BLOCK_HEADING)->level = (int)((MD_BLOCK_H_DETAIL *)detail)->level;
        break;
    case MD_BLOCK_P: begin(p, BLOCK_PARAGRAPH); break;
    case MD_BLOCK_UL: enter_list(p, 0); break;
    case MD_BLOCK_OL: enter_list(p, (int)((MD_BLOCK_OL_DETAIL *)detail)->start); break;
    case MD_BLOCK_LI:
        p->begins_item = true;
        p->open = NULL;
        break;
    case MD_BLOCK_QUOTE: p->depth++; break;
    case MD_BLOCK_HR: begin(p, BLOCK_RULE); break;
    case MD_BLOCK_CODE: {
        MD_BLOCK_CODE_DETAIL *code = detail;
        begin(p, BLOCK_CODE)->is_c = code->lang.size == 1 && code->lang.text[0] == 'c';
        break;
    }
    case MD_BLOCK_HTML: begin(p, BLOCK_COMMENT); break;
    case MD_BLOCK_TABLE: p->table++; break;
    case MD_BLOCK_TR: begin(p, BLOCK_ROW)->table = p->table; break;
    case MD_BLOCK_TH: p->open->is_head = true; break;
    default: break;
    }
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct parser *p = arg;
    (void)detail;
    switch (type) {
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
    case MD_BLOCK_QUOTE: p->depth--; break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD: add(p, STYLE_TEXT, BLOCK_CELL_END, 1); return 0;
    default: break;
    }
    p->open = NULL;
    return 0;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct parser *p = arg;
    (void)detail;
    enum style style = p->span;
    if (type == MD_SPAN_STRONG || type == MD_SPAN_EM)
        style = STYLE_STRONG;
    else if (type == MD_SPAN_CODE)
        style = STYLE_CODE;
    else if (type == MD_SPAN_A)
        style = STYLE_LINK;
    if (p->span_depth < 16)
        p->spans[p->span_depth] = p->span;
    p->span_depth++;
    p->span = style;
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct parser *p = arg;
    (void)type;
    (void)detail;
    p->span_depth--;
    p->span = p->span_depth < 16 ? p->spans[p->span_depth] : STYLE_TEXT;
    return 0;
}

/* The entities that one meets in prose; others stay as they were typed. */
static const char *entity(const char *text, size_t size)
{
    static const char *const known[][2] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&nbsp;", " "}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i][0]) == size && memcmp(known[i][0], text, size) == 0)
            return known[i][1];
    return NULL;
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg)
{
    struct parser *p = arg;
    const char *plain = type == MD_TEXT_ENTITY ? entity(text, size) : NULL;
    if (plain)
        add(p, p->span, plain, 1);
    else if (type == MD_TEXT_BR)
        add(p, p->span, "\n", 1);
    else if (type == MD_TEXT_SOFTBR)
        add(p, p->span, " ", 1);
    else
        add(p, p->span, text, size);
    return 0;
}

struct document *document_new(const char *text, size_t size)
{
    struct document *d = xcalloc(1, sizeof *d);
    struct parser p = {.d = d, .span = STYLE_TEXT};
    MD_PARSER callbacks = {
        .flags = MD_FLAG_TABLES | MD_FLAG_COLLAPSEWHITESPACE,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = add_text,
    };
    md_parse(text, (MD_SIZE)size, &callbacks, &p);
    return d;
}

void document_free(struct document *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->block_count; i++) {
        buf_fini(&d->block[i].text);
        buf_fini(&d->block[i].styles);
    }
    free(d->block);
    free(d);
}
