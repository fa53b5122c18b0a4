/* The blocks of a parsed document: between document.c, which makes them, and document_draw.c. */
#ifndef IPCLAB_UI_DOCUMENT_BLOCK_H
#define IPCLAB_UI_DOCUMENT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum block_kind {
    BLOCK_PARAGRAPH,
    BLOCK_HEADING,
    BLOCK_CODE,
    BLOCK_ROW, /* of a table; cells end in BLOCK_CELL_END */
    BLOCK_RULE,
    BLOCK_COMMENT, /* HTML: not shown, may mark a place */
};

#define BLOCK_CELL_END "\x01"

struct block {
    enum block_kind kind;
    int level;      /* of a heading */
    int indent;     /* columns */
    char bullet[8]; /* "•", "2.", "" */
    bool is_c;      /* code to be coloured */
    bool is_head;   /* first row of a table */
    unsigned table; /* rows of one table have the same number */
    struct buf text;
    struct buf styles; /* enum style of each byte of text */
};

struct document {
    struct block *block;
    size_t block_count, block_cap;
};

#endif
