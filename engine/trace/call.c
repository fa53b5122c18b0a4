/* The table of calls: names, numbers, decoders. */
#include "trace/call.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "trace/call_decode.h"
#include "trace/recording.h"

#ifdef __x86_64__
#define NATIVE(x86_64, aarch64) (x86_64)
#else
#define NATIVE(x86_64, aarch64) (aarch64)
#endif

static const struct {
    const char *name;
    int (*decode)(const struct raw *raw, struct op *out);
    short nr;
} calls[CALL_COUNT] = {
    {"unknown", decode_nothing, -1},
#define CALL(name, x86_64, aarch64, shape, decoder) \
    {#name, decode_##decoder, NATIVE(x86_64, aarch64)},
#include "trace/calls.def"
#undef CALL
};

enum { NR_MAX = 512 };

const char *call_name(enum call call)
{
    return calls[(unsigned)call < CALL_COUNT ? call : CALL_UNKNOWN].name;
}

enum call call_by_name(const char *name, size_t length)
{
    for (int call = CALL_UNKNOWN + 1; call < CALL_COUNT; call++)
        if (strncmp(calls[call].name, name, length) == 0 && calls[call].name[length] == '\0')
            return (enum call)call;
    return CALL_UNKNOWN;
}

int call_number(enum call call)
{
    return (unsigned)call < CALL_COUNT ? calls[call].nr : -1;
}

enum call call_by_number(long nr)
{
    static uint16_t by_number[NR_MAX];
    static bool is_ready;
    if (!is_ready)
        for (int call = CALL_UNKNOWN + 1; call < CALL_COUNT; call++)
            if (calls[call].nr >= 0)
                by_number[calls[call].nr] = (uint16_t)call;
    is_ready = true;
    return nr >= 0 && nr < NR_MAX ? (enum call)by_number[nr] : CALL_UNKNOWN;
}

int call_decode(const struct recording *rec, const struct event *ev, struct op *out)
{
    *out = (struct op){.fd = -1, .fd2 = -1, .fds = {-1, -1}, .offset = -1, .timeout_ns = -1};
    if (ev->kind != EVENT_CALL || ev->call >= CALL_COUNT)
        return 0;
    out->is_done = !event_is_pending(ev);
    out->ret = out->is_done ? ev->ret : 0;
    struct raw raw = {.rec = rec, .ev = ev};
    return calls[ev->call].decode(&raw, out);
}
