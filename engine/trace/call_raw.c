/* Reading the memory that was kept with a call, for the decoders. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "trace/call_decode.h"

bool raw_memory(const struct raw *raw, int arg, enum blob_side side, size_t at, void *out,
                size_t size)
{
    struct blob blob;
    if (!recording_blob(raw->rec, raw->ev, arg, side, &blob) || blob.kept < at + size)
        return false;
    memcpy(out, blob.bytes + at, size);
    return true;
}

const char *raw_string(const struct raw *raw, int arg)
{
    struct blob blob;
    if (!recording_blob(raw->rec, raw->ev, arg, BLOB_IN, &blob))
        return NULL;
    return (const char *)blob.bytes;
}

int raw_time(const struct raw *raw, int arg, size_t at, bool is_micro, int64_t *ns)
{
    int64_t parts[2]; /* seconds, and nano- or microseconds: 64 bits each on both architectures */
    *ns = -1;
    if (!raw_arg(raw, arg))
        return 0;
    if (!raw_memory(raw, arg, BLOB_IN, at, parts, sizeof parts))
        return -EBADMSG;
    if (parts[0] < 0 || parts[0] > INT64_MAX / 1000000000 - 1) {
        *ns = parts[0] < 0 ? 0 : INT64_MAX;
        return 0;
    }
    int64_t small = parts[1] < 0 || parts[1] >= 1000000000 ? 0 : parts[1];
    *ns = parts[0] * 1000000000 + (is_micro ? small % 1000000 * 1000 : small);
    return 0;
}

void raw_object(const struct raw *raw, struct op *op)
{
    struct object_fact fact = {.mode = 0};
    if (!raw_memory(raw, CALL_RESULT, BLOB_OUT, 0, &fact, sizeof fact) &&
        !raw_memory(raw, CALL_RESULT, BLOB_OUT, 0, &fact, offsetof(struct object_fact, capacity)))
        return;
    op->capacity = fact.capacity;
    op->mode = fact.mode;
    op->ino = fact.ino;
    op->dev = fact.dev;
}
