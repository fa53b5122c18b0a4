/* The bodies of chunks. Every number that the file gives is checked before it is used: a file may
 * come from anywhere. */
#include "trace/recording_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/xalloc.h"

static const char *take_string(struct cursor *c)
{
    uint64_t size = cursor_varint(c);
    const uint8_t *bytes = size && !c->bad ? cursor_bytes(c, size) : NULL;
    if (!bytes || bytes[size - 1] != 0) {
        c->bad = 1;
        return NULL;
    }
    return (const char *)bytes;
}

static bool parse_meta(struct recording *r, struct cursor *c)
{
    while (c->at < c->end) {
        const char *key = take_string(c);
        const char *value = c->bad ? NULL : take_string(c);
        if (!value)
            return false;
        *PUSH(r->meta) = (struct meta){key, value};
    }
    return true;
}

static bool parse_calls(struct recording *r, struct cursor *c)
{
    while (c->at < c->end) {
        const char *name = take_string(c);
        if (!name || r->call_count >= UINT16_MAX)
            return false;
        *PUSH(r->call) = (uint16_t)call_by_name(name, strlen(name));
        *PUSH(r->last_call) = (struct last_args){0};
    }
    return true;
}

static bool parse_modules(struct recording *r, struct cursor *c)
{
    while (c->at < c->end) {
        const char *path = take_string(c);
        const char *build_id = c->bad ? NULL : take_string(c);
        const uint8_t *is_own = c->bad ? NULL : cursor_bytes(c, 1);
        if (!is_own)
            return false;
        *PUSH(r->module) = (struct module){path, build_id, *is_own & 1};
    }
    return true;
}

static bool parse_stacks(struct recording *r, struct cursor *c)
{
    while (c->at < c->end) {
        uint64_t count = cursor_varint(c);
        if (c->bad || !count || count > (uint64_t)(c->end - c->at) / 2)
            return false;
        struct kept_stack *s = PUSH(r->stack);
        *s = (struct kept_stack){xcalloc(count, sizeof *s->frames), count};
        for (size_t i = 0; i < count; i++) {
            uint64_t module = cursor_varint(c);
            s->frames[i] = (struct frame){(uint32_t)module, cursor_varint(c)};
            if (c->bad || module > r->module_count)
                return false;
        }
    }
    return true;
}

static bool parse_payload(struct recording *r, struct cursor *c)
{
    *PUSH(r->payload) = (struct piece){c->at, (size_t)(c->end - c->at)};
    c->at = c->end;
    return true;
}

static bool parse_keyframe(struct recording *r, struct cursor *c)
{
    struct keyframe key = {.seq = (uint32_t)cursor_varint(c), .layout = (uint32_t)cursor_varint(c)};
    if (c->bad)
        return false;
    key.bytes = c->at;
    key.size = (size_t)(c->end - c->at);
    c->at = c->end;
    *PUSH(r->keyframe) = key;
    for (size_t i = r->keyframe_count - 1; i > 0 && r->keyframe[i - 1].seq > key.seq; i--) {
        r->keyframe[i] = r->keyframe[i - 1];
        r->keyframe[i - 1] = key;
    }
    return true;
}

static bool parse_completeness(struct recording *r, struct cursor *c)
{
    uint64_t bits = cursor_varint(c);
    uint64_t cut = cursor_varint(c);
    r->completeness.has_foreign_abi = bits & COMPLETE_FOREIGN_ABI;
    r->completeness.has_own_filter = bits & COMPLETE_OWN_FILTER;
    r->completeness.has_untraced = bits & COMPLETE_UNTRACED;
    r->completeness.has_io_uring = bits & COMPLETE_IO_URING;
    r->completeness.lost_privileges = bits & COMPLETE_PRIVILEGES;
    r->completeness.payload_cut = cut;
    return !c->bad;
}

static bool parse_closing(struct recording *r, struct cursor *c)
{
    uint64_t events = cursor_varint(c);
    uint64_t steps = cursor_varint(c);
    r->completeness.is_closed = !c->bad && events == r->events.count && steps == r->step_count;
    return r->completeness.is_closed;
}

/* ---- halves ---- */

static void pool_reserve(struct pool *p, size_t size)
{
    if (p->count / (POOL_BLOCK / size) < p->block_count)
        return;
    void *block = aligned_alloc(POOL_BLOCK, POOL_BLOCK);
    if (!block)
        die("out of memory");
    if (p->block_count > 0) /* a short recording needs but few small pages */
        madvise(block, POOL_BLOCK, MADV_HUGEPAGE);
    *PUSH(p->block) = block;
}

static struct kept_blob *new_blob(struct recording *r)
{
    pool_reserve(&r->blobs, sizeof(struct kept_blob));
    return blob_at(r, r->blobs.count++);
}

/* The bytes of the next blob: kept of them and a NUL, all in one payload chunk. */
static const uint8_t *take_payload(struct recording *r, uint64_t kept)
{
    while (r->payload_at < r->payload_count && r->payload_used == r->payload[r->payload_at].size) {
        r->payload_at++;
        r->payload_used = 0;
    }
    if (r->payload_at == r->payload_count)
        return NULL;
    const struct piece *piece = &r->payload[r->payload_at];
    if (kept >= piece->size - r->payload_used)
        return NULL;
    const uint8_t *bytes = piece->bytes + r->payload_used;
    r->payload_used += (size_t)kept + 1;
    return bytes[kept] == 0 ? bytes : NULL;
}

static bool take_blob(struct recording *r, struct cursor *c)
{
    const uint8_t *tag = cursor_bytes(c, 1);
    uint64_t kept = cursor_varint(c);
    if (c->bad || (*tag & ~BLOB_TAGS) || kept > UINT32_MAX)
        return false;
    uint64_t length = *tag & BLOB_IS_CUT ? cursor_varint(c) : kept;
    const uint8_t *bytes = take_payload(r, kept);
    if (c->bad || !bytes)
        return false;
    *new_blob(r) = (struct kept_blob){.bytes = bytes,
                                      .length = length,
                                      .kept = (uint32_t)kept,
                                      .arg = *tag & BLOB_ARG,
                                      .side = *tag & BLOB_IS_OUT ? BLOB_OUT : BLOB_IN};
    return true;
}

/* An event's blobs lie side by side; those of its entry move to the end when its exit has more. */
static bool take_blobs(struct recording *r, struct event *ev, struct cursor *c)
{
    uint64_t count = cursor_varint(c);
    if (c->bad || count > FORMAT_BLOBS_MAX || r->blobs.count > UINT32_MAX / 2)
        return false;
    uint32_t before = ev->first_blob;
    ev->first_blob = (uint32_t)r->blobs.count;
    for (uint32_t i = 0; i < ev->blob_count; i++) {
        struct kept_blob *moved = new_blob(r);
        *moved = *blob_at(r, before + i);
    }
    for (uint64_t i = 0; i < count; i++)
        if (!take_blob(r, c))
            return false;
    ev->blob_count += (uint32_t)count;
    return true;
}

/* The place of the next event, which counts once it is known to be good. */
static struct event *new_event(struct recording *r)
{
    pool_reserve(&r->events, sizeof(struct event));
    struct event *ev = event_at(r, r->events.count);
    *ev = (struct event){.id = (uint32_t)r->events.count};
    return ev;
}

static uint64_t take_time(struct recording *r, struct cursor *c)
{
    r->last_ns += (uint64_t)cursor_zigzag(c);
    return r->last_ns;
}

/* The call or the kind of point; NULL when there is no such thing. */
static struct last_args *take_kind(struct recording *r, struct event *ev, bool is_point,
                                   struct cursor *c)
{
    uint64_t number = cursor_varint(c);
    if (is_point) {
        if (number >= EVENT_KIND_COUNT || number == EVENT_CALL)
            return NULL;
        ev->kind = (uint8_t)number;
        return &r->last_point[number];
    }
    ev->kind = EVENT_CALL;
    if (number > r->call_count)
        return NULL;
    ev->call = number ? r->call[number - 1] : CALL_UNKNOWN;
    return number ? &r->last_call[number - 1] : &r->last_point[EVENT_CALL];
}

static bool take_args(struct event *ev, struct last_args *last, struct cursor *c)
{
    const uint8_t *mask = cursor_bytes(c, 1);
    if (!mask || *mask >= 64)
        return false;
    for (int i = 0; i < 6; i++)
        if (*mask >> i & 1)
            last->args[i] += (uint64_t)cursor_zigzag(c);
    memcpy(ev->args, last->args, sizeof ev->args);
    return true;
}

static void take_flags(struct event *ev, uint8_t tag, struct cursor *c)
{
    const uint8_t *flags = tag & HALF_HAS_FLAGS ? cursor_bytes(c, 1) : NULL;
    if (flags)
        ev->flags |= *flags;
}

static bool take_stack(const struct recording *r, uint32_t *stack, struct cursor *c)
{
    uint64_t id = cursor_varint(c);
    *stack = (uint32_t)id;
    return id <= r->stack_count;
}

static bool parse_entry(struct recording *r, uint8_t tag, struct cursor *c)
{
    struct event *ev = new_event(r);
    bool is_point = tag & HALF_IS_POINT;
    struct last_args *last = take_kind(r, ev, is_point, c);
    if (!last)
        return false;
    ev->entry_ns = take_time(r, c);
    r->last_tid = (int32_t)((uint32_t)r->last_tid + (uint32_t)cursor_zigzag(c));
    ev->tid = r->last_tid;
    if (!take_args(ev, last, c))
        return false;
    ev->ret = is_point ? cursor_zigzag(c) : 0;
    take_flags(ev, tag, c);
    if ((tag & HALF_HAS_STACK) && !take_stack(r, &last->stack, c))
        return false;
    ev->stack = last->stack;
    if ((tag & HALF_HAS_BLOBS) && !take_blobs(r, ev, c))
        return false;
    ev->entry_seq = (uint32_t)r->step_count + 1;
    ev->exit_seq = is_point ? ev->entry_seq : 0;
    ev->exit_ns = is_point ? ev->entry_ns : 0;
    if (c->bad)
        return false;
    *PUSH(r->step) = (uint32_t)(r->events.count++ << 1);
    return true;
}

static bool parse_exit(struct recording *r, uint8_t tag, struct cursor *c)
{
    uint64_t back = cursor_varint(c);
    if (c->bad || back >= r->events.count || (tag & HALF_IS_POINT))
        return false;
    uint32_t id = (uint32_t)(r->events.count - 1 - back);
    struct event *ev = event_at(r, id);
    if (!event_is_pending(ev))
        return false;
    uint64_t exit_ns = take_time(r, c);
    int64_t ret = cursor_zigzag(c);
    take_flags(ev, tag, c);
    if ((tag & HALF_HAS_STACK) && !take_stack(r, &ev->stack, c))
        return false;
    if ((tag & HALF_HAS_BLOBS) && !take_blobs(r, ev, c))
        return false;
    if (c->bad)
        return false;
    ev->exit_ns = exit_ns;
    ev->ret = ret;
    *PUSH(r->step) = id << 1 | 1;
    ev->exit_seq = (uint32_t)r->step_count;
    return true;
}

static bool parse_halves(struct recording *r, struct cursor *c)
{
    uint64_t source = cursor_varint(c);
    uint64_t seq = cursor_varint(c);
    if (c->bad || source != 0 || seq != r->step_count + 1)
        return false;
    while (c->at < c->end) {
        uint8_t tag = *c->at++;
        if ((tag & ~HALF_TAGS) || (tag & HALF_HAS_GAP) || r->step_count >= INT32_MAX)
            return false;
        bool is_good = tag & HALF_IS_EXIT ? parse_exit(r, tag, c) : parse_entry(r, tag, c);
        if (!is_good)
            return false;
    }
    return true;
}

bool recording_parse(struct recording *r, uint32_t kind, const uint8_t *body, uint32_t size)
{
    struct cursor c = {body, body + size, 0};
    if (r->completeness.is_closed && kind != CHUNK_KEYFRAME)
        return false;
    switch (kind) {
    case CHUNK_META: return parse_meta(r, &c);
    case CHUNK_CALLS: return parse_calls(r, &c);
    case CHUNK_MODULES: return parse_modules(r, &c);
    case CHUNK_STACKS: return parse_stacks(r, &c);
    case CHUNK_PAYLOAD: return parse_payload(r, &c);
    case CHUNK_HALVES: return parse_halves(r, &c);
    case CHUNK_KEYFRAME: return parse_keyframe(r, &c);
    case CHUNK_COMPLETENESS: return parse_completeness(r, &c);
    case CHUNK_CLOSING: return parse_closing(r, &c);
    default: return true; /* of a later version: what cannot be skipped sets a feature bit */
    }
}
