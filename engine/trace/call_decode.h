/* What the decoders share. A decoder turns a raw call into an op: call_decode has set the fields
 * that every call has (ret, is_done) and -1 where nothing is known. It returns 0, or -EBADMSG when
 * memory that it needs was not kept. */
#ifndef IPCLAB_TRACE_CALL_DECODE_H
#define IPCLAB_TRACE_CALL_DECODE_H

#include "trace/call.h"
#include "trace/recording.h"

struct raw {
    const struct recording *rec;
    const struct event *ev;
};

int decode_nothing(const struct raw *raw, struct op *op);
#define CALL(name, x86_64, aarch64, shape, decoder) \
    int decode_##decoder(const struct raw *raw, struct op *op);
#include "trace/calls.def"
#undef CALL

static inline uint64_t raw_arg(const struct raw *raw, int arg)
{
    return raw->ev->args[arg];
}

static inline int raw_int(const struct raw *raw, int arg)
{
    return (int)(uint32_t)raw->ev->args[arg];
}

static inline bool raw_has_succeeded(const struct raw *raw)
{
    return !event_is_pending(raw->ev) && raw->ev->ret >= 0;
}

/* Copies `size` bytes from offset `at` of an argument's memory; false when they were not kept. */
bool raw_memory(const struct raw *raw, int arg, enum blob_side side, size_t at, void *out,
                size_t size);

/* A path or other string; NULL when it was not kept. */
const char *raw_string(const struct raw *raw, int arg);

/* Nanoseconds of a timespec or (is_micro) timeval at offset `at` of an argument; -1 for NULL. */
int raw_time(const struct raw *raw, int arg, size_t at, bool is_micro, int64_t *ns);

/* Fills in what the kernel said about the object behind a new descriptor. */
void raw_object(const struct raw *raw, struct op *op);

#endif
