#include "base/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

static void reserve(struct buf *b, size_t more)
{
    xgrow(&b->data, &b->cap, b->len + more + 1, 1);
}

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_put(struct buf *b, const void *bytes, size_t size)
{
    reserve(b, size);
    if (size)
        memcpy(b->data + b->len, bytes, size);
    b->len += size;
    b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int length = vsnprintf(NULL, 0, format, ap);
    if (length > 0) {
        reserve(b, (size_t)length);
        vsnprintf(b->data + b->len, (size_t)length + 1, format, again);
        b->len += (size_t)length;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

void buf_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (uint8_t)value;
    buf_put(b, bytes, n);
}

void buf_zigzag(struct buf *b, int64_t value)
{
    buf_varint(b, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_escaped(struct buf *b, unsigned char c)
{
    switch (c) {
    case '\n': buf_puts(b, "\\n"); break;
    case '\t': buf_puts(b, "\\t"); break;
    case '\r': buf_puts(b, "\\r"); break;
    case '\0': buf_puts(b, "\\0"); break;
    case 0x1b: buf_puts(b, "\\e"); break;
    case '"': buf_puts(b, "\\\""); break;
    case '\\': buf_puts(b, "\\\\"); break;
    default: buf_printf(b, "\\x%02x", c);
    }
}

void buf_quoted(struct buf *b, const void *bytes, size_t size, size_t most)
{
    const unsigned char *p = bytes;
    size_t shown = size < most ? size : most;
    buf_putc(b, '"');
    for (size_t i = 0; i < shown;) {
        size_t length = text_printable(p + i, shown - i);
        if (length && p[i] != '"' && p[i] != '\\') {
            buf_put(b, p + i, length);
            i += length;
        } else {
            put_escaped(b, p[i++]);
        }
    }
    buf_putc(b, '"');
    if (shown < size)
        buf_puts(b, "...");
}

char *buf_take(struct buf *b)
{
    char *text = b->data ? b->data : xstrdup("");
    *b = (struct buf){0};
    return text;
}

uint64_t cursor_varint(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    c->bad = 1;
    return 0;
}

int64_t cursor_zigzag(struct cursor *c)
{
    uint64_t value = cursor_varint(c);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

const uint8_t *cursor_bytes(struct cursor *c, size_t size)
{
    if ((size_t)(c->end - c->at) < size) {
        c->bad = 1;
        c->at = c->end;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += size;
    return bytes;
}
