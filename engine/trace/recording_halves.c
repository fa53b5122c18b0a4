/* Chunks of halves: what each source wrote, merged by sequence number. Every number that the file
 * gives is checked before it is used. */
#include "trace/recording_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/xalloc.h"

/* ---- elements that never move ---- */

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

static void pool_free(struct pool *p)
{
    for (size_t i = 0; i < p->block_count; i++)
        free(p->block[i]);
    free(p->block);
}

static struct kept_blob *new_blob(struct recording *r)
{
    pool_reserve(&r->blobs, sizeof(struct kept_blob));
    return blob_at(r, r->blobs.count++);
}

/* ---- reading a half ---- */

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

static bool take_blob(struct recording *r, struct kept_blob *out, struct cursor *c)
{
    const uint8_t *tag = cursor_bytes(c, 1);
    uint64_t kept = cursor_varint(c);
    if (c->bad || (*tag & ~BLOB_TAGS) || kept > UINT32_MAX)
        return false;
    uint64_t length = *tag & BLOB_IS_CUT ? cursor_varint(c) : kept;
    const uint8_t *bytes = take_payload(r, kept);
    if (c->bad || !bytes)
        return false;
    *out = (struct kept_blob){.bytes = bytes,
                              .length = length,
                              .kept = (uint32_t)kept,
                              .arg = *tag & BLOB_ARG,
                              .side = *tag & BLOB_IS_OUT ? BLOB_OUT : BLOB_IN};
    return true;
}

static bool take_blobs(struct recording *r, struct half *h, struct cursor *c)
{
    uint64_t count = cursor_varint(c);
    if (c->bad || count > FORMAT_BLOBS_MAX || r->blobs.count > UINT32_MAX / 2)
        return false;
    for (h->blob_count = 0; h->blob_count < count; h->blob_count++)
        if (!take_blob(r, &h->blobs[h->blob_count], c))
            return false;
    return true;
}

static uint64_t take_time(struct source *s, struct cursor *c)
{
    s->last_ns += (uint64_t)cursor_zigzag(c);
    return s->last_ns;
}

/* The call or the kind of point; NULL when there is no such thing. */
static struct last_args *take_kind(const struct recording *r, struct source *s, struct half *h,
                                   struct cursor *c)
{
    uint64_t number = cursor_varint(c);
    if (h->is_point) {
        if (number >= EVENT_KIND_COUNT || number == EVENT_CALL)
            return NULL;
        h->ev.kind = (uint8_t)number;
        return &s->last_point[number];
    }
    h->ev.kind = EVENT_CALL;
    if (number > r->call_count)
        return NULL;
    while (s->last_call_count < number)
        *PUSH(s->last_call) = (struct last_args){0};
    h->ev.call = number ? r->call[number - 1] : CALL_UNKNOWN;
    return number ? &s->last_call[number - 1] : &s->last_point[EVENT_CALL];
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
        ev->flags = *flags;
}

static bool take_stack(const struct recording *r, uint32_t *stack, struct cursor *c)
{
    uint64_t id = cursor_varint(c);
    *stack = (uint32_t)id;
    return id <= r->stack_count;
}

static bool read_entry(struct recording *r, struct source *s, struct half *h, uint8_t tag,
                       struct cursor *c)
{
    struct event *ev = &h->ev;
    struct last_args *last = take_kind(r, s, h, c);
    if (!last)
        return false;
    ev->entry_ns = take_time(s, c);
    s->last_tid = (int32_t)((uint32_t)s->last_tid + (uint32_t)cursor_zigzag(c));
    ev->tid = s->last_tid;
    if (!take_args(ev, last, c))
        return false;
    ev->ret = h->is_point ? cursor_zigzag(c) : 0;
    take_flags(ev, tag, c);
    if ((tag & HALF_HAS_STACK) && !take_stack(r, &last->stack, c))
        return false;
    ev->stack = last->stack;
    if ((tag & HALF_HAS_BLOBS) && !take_blobs(r, h, c))
        return false;
    h->index = s->begun++;
    return !c->bad;
}

static bool read_exit(struct recording *r, struct source *s, struct half *h, uint8_t tag,
                      struct cursor *c)
{
    uint64_t back = cursor_varint(c);
    if (c->bad || back >= s->begun || h->is_point)
        return false;
    h->index = s->begun - 1 - (uint32_t)back;
    h->ev.exit_ns = take_time(s, c);
    h->ev.ret = cursor_zigzag(c);
    take_flags(&h->ev, tag, c);
    h->has_stack = tag & HALF_HAS_STACK;
    if (h->has_stack && !take_stack(r, &h->ev.stack, c))
        return false;
    if ((tag & HALF_HAS_BLOBS) && !take_blobs(r, h, c))
        return false;
    return !c->bad;
}

/* ---- its turn ---- */

static bool has_many_sources(const struct recording *r)
{
    return r->header.features & FEATURE_MANY_SOURCES;
}

static void add_blobs(struct recording *r, const struct half *h)
{
    for (uint32_t i = 0; i < h->blob_count; i++)
        *new_blob(r) = h->blobs[i];
}

static void enter(struct recording *r, const struct half *h)
{
    pool_reserve(&r->events, sizeof(struct event));
    uint32_t id = (uint32_t)r->events.count++;
    struct event *ev = event_at(r, id);
    *ev = h->ev;
    ev->id = id;
    ev->entry_seq = h->seq;
    ev->exit_seq = h->is_point ? h->seq : 0;
    ev->exit_ns = h->is_point ? ev->entry_ns : 0;
    ev->first_blob = (uint32_t)r->blobs.count;
    ev->blob_count = h->blob_count;
    add_blobs(r, h);
    *PUSH(r->step) = id << 1;
    if (has_many_sources(r))
        *PUSH(r->source[h->source].event) = id;
}

/* An event's blobs lie side by side; those of its entry move to the end when its exit has more. */
static void leave_blobs(struct recording *r, struct event *ev, const struct half *h)
{
    uint32_t before = ev->first_blob;
    ev->first_blob = (uint32_t)r->blobs.count;
    for (uint32_t i = 0; i < ev->blob_count; i++) {
        struct kept_blob *moved = new_blob(r);
        *moved = *blob_at(r, before + i);
    }
    add_blobs(r, h);
    ev->blob_count += h->blob_count;
}

static bool leave(struct recording *r, const struct half *h)
{
    uint32_t id = has_many_sources(r) ? r->source[h->source].event[h->index] : h->index;
    struct event *ev = event_at(r, id);
    if (!event_is_pending(ev))
        return false;
    if (h->blob_count)
        leave_blobs(r, ev, h);
    ev->flags |= h->ev.flags;
    ev->stack = h->has_stack ? h->ev.stack : ev->stack;
    ev->exit_ns = h->ev.exit_ns;
    ev->ret = h->ev.ret;
    ev->exit_seq = h->seq;
    *PUSH(r->step) = id << 1 | 1;
    return true;
}

static bool take_turn(struct recording *r, const struct half *h)
{
    if (h->is_exit)
        return leave(r, h);
    enter(r, h);
    return true;
}

/* ---- merging ---- */

static void wait_for_turn(struct recording *r, const struct half *h)
{
    size_t size = offsetof(struct half, blobs) + h->blob_count * sizeof *h->blobs;
    size_t at = r->waiting_count;
    *PUSH(r->waiting) = xmemdup(h, size);
    for (size_t up; at > 0 && r->waiting[up = (at - 1) / 2]->seq > r->waiting[at]->seq; at = up) {
        struct half *lower = r->waiting[at];
        r->waiting[at] = r->waiting[up];
        r->waiting[up] = lower;
    }
}

static struct half *take_lowest(struct recording *r)
{
    struct half *lowest = r->waiting[0], *last = r->waiting[--r->waiting_count];
    size_t at = 0;
    for (size_t down; (down = 2 * at + 1) < r->waiting_count; at = down) {
        if (down + 1 < r->waiting_count && r->waiting[down + 1]->seq < r->waiting[down]->seq)
            down++;
        if (r->waiting[down]->seq >= last->seq)
            break;
        r->waiting[at] = r->waiting[down];
    }
    r->waiting[at] = last;
    return lowest;
}

static bool merge(struct recording *r, const struct half *h)
{
    if (h->seq <= r->step_count)
        return false; /* two sources have the same number */
    if (h->seq != r->step_count + 1) {
        wait_for_turn(r, h);
        return true;
    }
    if (!take_turn(r, h))
        return false;
    while (r->waiting_count > 0 && r->waiting[0]->seq == r->step_count + 1) {
        struct half *next = take_lowest(r);
        bool is_good = take_turn(r, next);
        free(next);
        if (!is_good)
            return false;
    }
    return r->waiting_count == 0 || r->waiting[0]->seq > r->step_count;
}

/* ---- chunks ---- */

/* Sources are numbered from 0 in the order in which the file first has something of them. */
static struct source *source_of(struct recording *r, uint64_t number, uint64_t first_seq)
{
    if (number > r->source_count || number >= FORMAT_SOURCES_MAX)
        return NULL;
    if (!has_many_sources(r) && (number != 0 || first_seq != r->step_count + 1))
        return NULL;
    if (number == r->source_count)
        *PUSH(r->source) = (struct source){0};
    struct source *s = &r->source[number];
    return first_seq > s->last_seq ? s : NULL;
}

static bool parse_half(struct recording *r, struct source *s, uint64_t *seq, struct cursor *c)
{
    struct half h;
    memset(&h, 0, offsetof(struct half, blobs));
    uint8_t tag = *c->at++;
    uint64_t gap = tag & HALF_HAS_GAP ? cursor_varint(c) : 0;
    *seq += gap;
    if ((tag & ~HALF_TAGS) || c->bad || gap > INT32_MAX || *seq > INT32_MAX)
        return false;
    h.seq = (uint32_t)*seq;
    h.source = (uint32_t)(s - r->source);
    h.is_exit = tag & HALF_IS_EXIT;
    h.is_point = tag & HALF_IS_POINT;
    if (!(h.is_exit ? read_exit(r, s, &h, tag, c) : read_entry(r, s, &h, tag, c)))
        return false;
    s->last_seq = *seq;
    return merge(r, &h);
}

bool recording_parse_halves(struct recording *r, struct cursor *c)
{
    uint64_t number = cursor_varint(c), seq = cursor_varint(c);
    struct source *s = c->bad ? NULL : source_of(r, number, seq);
    for (bool is_first = true; s && c->at < c->end; is_first = false, seq++) {
        bool may_have_gap = has_many_sources(r) && !is_first;
        if ((*c->at & HALF_HAS_GAP) && !may_have_gap)
            return false;
        if (!parse_half(r, s, &seq, c))
            return false;
    }
    return s != NULL;
}

void recording_free_halves(struct recording *r)
{
    pool_free(&r->events);
    pool_free(&r->blobs);
    free(r->step);
    for (size_t i = 0; i < r->source_count; i++) {
        free(r->source[i].last_call);
        free(r->source[i].event);
    }
    free(r->source);
    for (size_t i = 0; i < r->waiting_count; i++)
        free(r->waiting[i]);
    free(r->waiting);
}
