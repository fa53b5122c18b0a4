#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOOKS_MAX = 8 };

static struct {
    void (*run)(void *);
    void *arg;
} hooks[HOOKS_MAX];
static int hook_count;

static void fill(struct err *e, int code, const char *format, va_list ap)
{
    e->code = code;
    vsnprintf(e->text, sizeof e->text, format, ap);
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, format);
        fill(e, code, format, ap);
        va_end(ap);
    }
    return -code;
}

int err_sys(struct err *e, int code, const char *format, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, format);
        fill(e, code, format, ap);
        va_end(ap);
        size_t used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(code));
    }
    return -code;
}

void die_hook(void (*hook)(void *), void *arg)
{
    assert(hook_count < HOOKS_MAX);
    hooks[hook_count].run = hook;
    hooks[hook_count++].arg = arg;
}

void die(const char *format, ...)
{
    while (hook_count > 0) {
        hook_count--;
        hooks[hook_count].run(hooks[hook_count].arg);
    }
    va_list ap;
    va_start(ap, format);
    fputs("ipclab: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}
