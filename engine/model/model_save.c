/* Keyframes: a state as bytes, and back.
 *
 * The arrays are written as they lie in memory, runs of zero bytes squeezed out; the layout number
 * says whose memory that was. Nothing read is believed before model_check has gone through it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

enum { FORM = 1, POOL_BYTES_MAX = 1 << 30 };

static uint32_t mix(uint32_t hash, uint32_t value)
{
    for (int i = 0; i < 4; i++, value >>= 8)
        hash = (hash ^ (value & 0xff)) * 16777619u;
    return hash;
}

uint32_t model_layout(void)
{
    const uint16_t one = 1;
    uint32_t hash = mix(2166136261u, FORM);
    hash = mix(hash, *(const uint8_t *)&one); /* byte order */
    hash = mix(hash, sizeof(struct model_head));
    hash = mix(hash, OP_KIND_COUNT * 256 + OBJECT_KIND_COUNT);
#define X(type, name) hash = mix(hash, sizeof(type));
    MODEL_POOLS(X)
#undef X
    return hash;
}

/* ---- bytes with many zeros ---- */

static size_t zeros_at(const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    while (n < size && bytes[n] == 0)
        n++;
    return n;
}

/* Literal length, literals, number of zeros, and again. */
static void squeeze(struct buf *out, const uint8_t *bytes, size_t size)
{
    while (size) {
        size_t literal = 0;
        while (literal < size && (bytes[literal] || zeros_at(bytes + literal, size - literal) < 4))
            literal++;
        size_t zeros = zeros_at(bytes + literal, size - literal);
        buf_varint(out, literal);
        buf_put(out, bytes, literal);
        buf_varint(out, zeros);
        bytes += literal + zeros;
        size -= literal + zeros;
    }
}

static bool unsqueeze(struct cursor *c, uint8_t *bytes, size_t size)
{
    while (size) {
        uint64_t literal = cursor_varint(c);
        const uint8_t *from = literal <= size ? cursor_bytes(c, literal) : NULL;
        if (c->bad || !from)
            return false;
        memcpy(bytes, from, literal);
        uint64_t zeros = cursor_varint(c);
        if (c->bad || zeros > size - literal || literal + zeros == 0)
            return false;
        memset(bytes + literal, 0, zeros);
        bytes += literal + zeros;
        size -= literal + zeros;
    }
    return true;
}

void model_save(const struct model *m, struct buf *out)
{
    squeeze(out, (const uint8_t *)&m->head, sizeof m->head);
    for (int i = 0; i < POOL_COUNT; i++) {
        const struct pool *p = model_pool((struct model *)m, i);
        buf_varint(out, p->count);
        buf_varint(out, p->free);
        squeeze(out, p->items, (size_t)p->count * p->size);
    }
}

static bool load_pool(struct cursor *c, struct pool *p)
{
    uint64_t count = cursor_varint(c), first_free = cursor_varint(c);
    if (c->bad || count > POOL_BYTES_MAX / p->size || first_free > UINT32_MAX)
        return false;
    free(p->items);
    p->items = xcalloc(count + 1, p->size);
    p->count = (uint32_t)count;
    p->cap = (uint32_t)count + 1;
    p->free = (uint32_t)first_free;
    return unsqueeze(c, p->items, count * p->size);
}

/* A bool in memory that is neither 0 nor 1 is undefined behaviour to read: make the bytes plain
 * first. */
static void plain_bools(struct model *m)
{
#define PLAIN(where) (*(uint8_t *)&(where) = *(const uint8_t *)&(where) != 0)
    for (uint32_t i = 0; i < m->procs_pool.count; i++) {
        PLAIN(m->procs[i].is_stopped);
        PLAIN(m->procs[i].is_subreaper);
        PLAIN(m->procs[i].shares_memory);
        PLAIN(m->procs[i].is_foundling);
        PLAIN(m->procs[i].has_doubtful_fds);
    }
    for (uint32_t i = 0; i < m->tasks_pool.count; i++) {
        PLAIN(m->tasks[i].is_dead);
        PLAIN(m->tasks[i].is_asleep);
    }
    for (uint32_t i = 0; i < m->tasks_more_pool.count; i++) {
        PLAIN(m->tasks_more[i].has_saved_mask);
        PLAIN(m->tasks_more[i].is_ending);
    }
    for (uint32_t i = 0; i < m->pends_pool.count; i++) {
        PLAIN(m->pends[i].is_early);
        PLAIN(m->pends[i].is_pinned);
        PLAIN(m->pends[i].was_asleep);
        PLAIN(m->pends[i].is_crowded);
        PLAIN(m->pends[i].is_begun);
    }
    for (uint32_t i = 0; i < m->fds_pool.count; i++)
        PLAIN(m->fds[i].is_cloexec);
    for (uint32_t i = 0; i < m->files_pool.count; i++)
        PLAIN(m->files[i].is_outside);
    for (uint32_t i = 0; i < m->objects_pool.count; i++) {
        PLAIN(m->objects[i].is_live);
        PLAIN(m->objects[i].is_outside);
        PLAIN(m->objects[i].was_bypassed);
        PLAIN(m->objects[i].is_shuffled);
        PLAIN(m->objects[i].is_armed);
    }
    for (uint32_t i = 0; i < m->timers_pool.count; i++)
        PLAIN(m->timers[i].is_periodic);
    for (uint32_t i = 0; i < m->slots_pool.count; i++) {
        PLAIN(m->slots[i].is_page);
        PLAIN(m->slots[i].can_merge);
        PLAIN(m->slots[i].is_packet);
    }
#undef PLAIN
}

int model_load(struct model *m, const uint8_t *bytes, size_t size, struct err *e)
{
    struct model *fresh = model_new(m->rec);
    struct cursor c = {.at = bytes, .end = bytes + size};
    bool ok = unsqueeze(&c, (uint8_t *)&fresh->head, sizeof fresh->head);
    for (int i = 0; i < POOL_COUNT && ok; i++)
        ok = load_pool(&c, model_pool(fresh, i));
    const char *bad = ok ? NULL : "cut off";
    if (ok) {
        plain_bools(fresh);
        bad = model_check(fresh);
    }
    if (!bad)
        model_copy(m, fresh);
    model_free(fresh);
    return bad ? err_set(e, EBADMSG, "load keyframe: %s", bad) : 0;
}
