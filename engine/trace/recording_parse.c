/* The bodies of chunks. Every number that the file gives is checked before it is used: a file may
 * come from anywhere. */
#include "trace/recording_state.h"

#include <stdlib.h>
#include <string.h>

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
    r->completeness.is_closed =
        !c->bad && events == r->events.count && steps == r->step_count && r->waiting_count == 0;
    return r->completeness.is_closed;
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
    case CHUNK_HALVES: return recording_parse_halves(r, &c);
    case CHUNK_KEYFRAME: return parse_keyframe(r, &c);
    case CHUNK_COMPLETENESS: return parse_completeness(r, &c);
    case CHUNK_CLOSING: return parse_closing(r, &c);
    default: return true; /* of a later version: what cannot be skipped sets a feature bit */
    }
}
