/* Text that may have come from anywhere, made safe to show. No locale is consulted: the engine's
 * texts are UTF-8, and the screen decides what its terminal can show. */
#ifndef IPCLAB_BASE_TEXT_H
#define IPCLAB_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes (1 to 4) of the printable character at p, 0 when it is a control character, a bidirectional
 * override, or not valid UTF-8 (overlong, surrogate, truncated). */
size_t text_printable(const void *p, size_t size);

/* Decodes the character at p into *code; returns its bytes, 0 at the end. Invalid bytes give U+FFFD
 * and 1. */
size_t text_decode(const char *p, size_t size, uint32_t *code);

/* Columns that a character takes on a terminal: 0 (combining), 1 or 2. */
int text_columns(uint32_t code);

/* Columns of a whole UTF-8 string. */
size_t text_width(const char *text);

#endif
