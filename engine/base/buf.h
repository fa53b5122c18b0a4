/* A growing byte buffer. Always NUL-terminated after a put, so that .data is also a C string
 * (NULL only while nothing was put). Start from {0}; end with buf_fini. */
#ifndef IPCLAB_BASE_BUF_H
#define IPCLAB_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* keeps the memory */
void buf_put(struct buf *b, const void *bytes, size_t size);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Unsigned LEB128, and its zig-zag form for signed values. */
void buf_varint(struct buf *b, uint64_t value);
void buf_zigzag(struct buf *b, int64_t value);

/* Text for a person: quotes are added, control characters, escapes and invalid UTF-8 are written as
 * \n, \t, \e, \xNN; more than `most` bytes end in "...". Safe for any terminal. */
void buf_quoted(struct buf *b, const void *bytes, size_t size, size_t most);

/* Hands the C string to the caller (who frees it) and leaves the buffer empty. */
char *buf_take(struct buf *b);

/* A cursor over bytes; reads past the end set `bad` and give 0, so that decoders check once at the
 * end. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    int bad;
};
uint64_t cursor_varint(struct cursor *c);
int64_t cursor_zigzag(struct cursor *c);
const uint8_t *cursor_bytes(struct cursor *c, size_t size); /* NULL when too short */

#endif
