#include "base/xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void *checked(void *block)
{
    if (!block)
        die("out of memory");
    return block;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        die("out of memory: %zu elements of %zu bytes", count, size);
    return checked(realloc(block, bytes ? bytes : 1));
}

char *xstrdup(const char *text)
{
    return checked(strdup(text));
}

void *xmemdup(const void *bytes, size_t size)
{
    void *copy = xmalloc(size);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *xasprintf(const char *format, ...)
{
    char *text;
    va_list ap;
    va_start(ap, format);
    int length = vasprintf(&text, format, ap);
    va_end(ap);
    return checked(length < 0 ? NULL : text);
}

void xgrow(void *array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return;
    size_t want = *cap ? *cap : 8;
    while (want < need)
        want *= 2;
    void *block;
    memcpy(&block, array,
           sizeof block); /* array is a T **: copied, since void ** may not alias it */
    block = xrealloc(block, want, size);
    memcpy(array, &block, sizeof block);
    *cap = want;
}
