/* One pipe: a ring of pages, and whose bytes lie in them.
 *
 * The rules are the kernel's (fs/pipe.c): the odd part of a write goes into the last page if all of
 * it fits there and that page may be merged into; the rest takes new pages; a page is free again
 * when its last byte was read. So 16 writes of 3000 bytes fill a pipe of 65536. */
#include <fcntl.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

static struct slot *slot_at(const struct model *m, const struct object *o, uint32_t i)
{
    uint32_t mask = (1u << o->slot_order) - 1;
    return &m->slots[o->slot_first + ((o->slot_head + i) & mask)];
}

const struct slot *pipe_slot(const struct model *m, const struct object *o, uint32_t i)
{
    return slot_at(m, o, i);
}

void pipe_init(struct model *m, uint32_t object)
{
    uint32_t first = pool_take_run(&m->slots_pool, m->head.slot_runs, 2);
    struct object *o = &m->objects[object];
    o->slot_first = first;
    o->slot_order = 2;
    o->capacity = PIPE_DEFAULT;
}

/* Forgets the bytes and the ring's memory, except the smallest ring of a FIFO that lives on. */
void pipe_fini(struct model *m, uint32_t object)
{
    struct object *o = &m->objects[object];
    if (o->capacity)
        pool_give_run(&m->slots_pool, m->head.slot_runs, o->slot_order, o->slot_first);
    o->slot_head = o->slot_count = o->pages_used = 0;
    o->slot_order = 0;
    o->slot_first = 0;
    o->capacity = 0;
    o->total_lost += o->fill;
    o->fill = 0;
    if (o->kind == OBJECT_FIFO && o->name)
        pipe_init(m, object);
}

static struct slot *slot_push(struct model *m, uint32_t object)
{
    struct object *o = &m->objects[object];
    if (o->slot_count == 1u << o->slot_order) {
        uint32_t first = pool_take_run(&m->slots_pool, m->head.slot_runs, o->slot_order + 1u);
        for (uint32_t i = 0; i < o->slot_count; i++)
            m->slots[first + i] = *slot_at(m, o, i);
        pool_give_run(&m->slots_pool, m->head.slot_runs, o->slot_order, o->slot_first);
        o->slot_first = first;
        o->slot_head = 0;
        o->slot_order++;
    }
    return slot_at(m, o, o->slot_count++);
}

static void slot_pop_head(struct object *o)
{
    o->slot_head = (o->slot_head + 1) & ((1u << o->slot_order) - 1);
    o->slot_count--;
}

static void count_in(struct object *o, uint64_t bytes)
{
    o->fill += bytes;
    o->total_in += bytes;
    if (o->fill > o->max_fill)
        o->max_fill = o->fill;
}

static uint32_t pages_free(const struct object *o)
{
    uint32_t pages = o->capacity / PAGE;
    return o->pages_used < pages ? pages - o->pages_used : 0;
}

/* Bytes of the odd part of a write that go into the last page. */
static uint32_t mergeable(const struct model *m, const struct object *o, uint64_t size)
{
    uint32_t odd = (uint32_t)(size % PAGE);
    if (odd == 0 || o->slot_count == 0)
        return 0;
    const struct slot *last = slot_at(m, o, o->slot_count - 1);
    return last->can_merge && last->page_used + odd <= PAGE ? odd : 0;
}

uint64_t pipe_room(const struct model *m, uint32_t object, uint64_t size, bool is_begun)
{
    const struct object *o = &m->objects[object];
    uint64_t room = (is_begun ? 0 : mergeable(m, o, size)) + (uint64_t)pages_free(o) * PAGE;
    return room < size ? room : size;
}

uint32_t model_pipe_room(const struct model *m, uint32_t object, uint64_t size)
{
    if (!is_pipe_kind(m->objects[object].kind))
        return 0;
    return (uint32_t)pipe_room(m, object, size, false);
}

static uint32_t put_merged(struct model *m, uint32_t object, const struct pend *p, uint64_t most)
{
    struct object *o = &m->objects[object];
    uint32_t odd = p->done || p->is_begun ? 0 : mergeable(m, o, p->size);
    if (odd == 0 || most == 0)
        return 0;
    if (odd > most)
        odd = (uint32_t)most;
    struct slot *last = slot_at(m, o, o->slot_count - 1);
    uint16_t used = (uint16_t)(last->page_used + odd);
    if (last->event == p->event) {
        last->length += odd;
        last->page_used = used;
    } else {
        last->can_merge =
            false; /* the page may go on to be merged into; this piece of it is closed */
        *slot_push(m, object) =
            (struct slot){.event = p->event, .length = odd, .page_used = used, .can_merge = true};
    }
    return odd;
}

uint64_t pipe_push(struct model *m, uint32_t object, const struct pend *p, uint64_t most,
                   bool forced)
{
    bool is_packet = p->kind == OP_WRITE && p->file != MODEL_NONE && (p->flags & O_DIRECT) != 0;
    uint64_t done = put_merged(m, object, p, most);
    while (done < most && (forced || pages_free(&m->objects[object]))) {
        uint64_t left = most - done;
        uint32_t part = left < PAGE ? (uint32_t)left : PAGE;
        *slot_push(m, object) = (struct slot){.event = p->event,
                                              .start = (uint32_t)(p->done + done),
                                              .length = part,
                                              .page_used = (uint16_t)part,
                                              .is_page = true,
                                              .is_packet = is_packet,
                                              .can_merge = p->kind == OP_WRITE && !is_packet};
        m->objects[object].pages_used++;
        done += part;
    }
    count_in(&m->objects[object], done);
    return done;
}

static void add_flow(struct model *m, const struct slot *s, uint32_t to, uint32_t object,
                     uint32_t length)
{
    struct flow *last = m->flows_count ? &m->flows[m->flows_count - 1] : NULL;
    if (last && last->from_event == s->event && last->to_event == to && last->object == object &&
        last->start + last->length == s->start) {
        last->length += length;
        return;
    }
    *PUSH(m->flows) = (struct flow){s->event, to, object, s->start, length};
}

/* The first piece is used up: its page is free, or goes on with the next piece. */
static void drop_head(struct model *m, struct object *o)
{
    slot_pop_head(o);
    struct slot *next = o->slot_count ? slot_at(m, o, 0) : NULL;
    if (next && !next->is_page)
        next->is_page = true;
    else
        o->pages_used--;
}

uint64_t pipe_take(struct model *m, uint32_t object, uint64_t most, uint32_t to_event)
{
    struct object *o = &m->objects[object];
    uint64_t taken = 0;
    while (taken < most && o->slot_count) {
        struct slot *s = slot_at(m, o, 0);
        uint64_t left = most - taken;
        uint32_t part = left < s->length ? (uint32_t)left : s->length;
        add_flow(m, s, to_event, object, part);
        taken += part;
        s->start += part;
        s->length -= part;
        if (s->is_packet) { /* pipe(2), O_DIRECT: what the read did not take is lost */
            o->fill -= s->length;
            o->total_in -= s->length;
            s->length = 0;
        }
        if (s->length == 0)
            drop_head(m, o);
    }
    o->fill -= taken;
    o->total_out += taken;
    o->is_shuffled &= o->fill > 0;
    return taken;
}

void pipe_to_front(struct model *m, uint32_t object, uint32_t i)
{
    struct object *o = &m->objects[object];
    struct slot moved = *slot_at(m, o, i);
    for (uint32_t k = i; k > 0; k--)
        *slot_at(m, o, k) = *slot_at(m, o, k - 1);
    if (!moved.is_page) { /* what was first goes on in its page */
        moved.is_page = true;
        slot_at(m, o, 1)->is_page = false;
    }
    *slot_at(m, o, 0) = moved;
}

/* Takes the i-th piece out of the ring; its page is free unless another piece is in it. */
static void slot_remove(struct model *m, struct object *o, uint32_t i)
{
    bool is_page = slot_at(m, o, i)->is_page;
    bool is_last = i + 1 == o->slot_count;
    if (is_page && !is_last && !slot_at(m, o, i + 1)->is_page)
        slot_at(m, o, i + 1)->is_page = true;
    else if (is_page)
        o->pages_used--;
    else if (is_last)
        slot_at(m, o, i - 1)->can_merge = true;
    for (; i + 1 < o->slot_count; i++)
        *slot_at(m, o, i) = *slot_at(m, o, i + 1);
    o->slot_count--;
}

uint64_t pipe_retract(struct model *m, uint32_t object, uint32_t event, uint64_t size)
{
    struct object *o = &m->objects[object];
    uint64_t back = 0;
    for (uint32_t i = o->slot_count; i-- > 0 && back < size;) {
        struct slot *s = slot_at(m, o, i);
        if (s->event != event)
            continue;
        uint64_t left = size - back;
        uint32_t part = left < s->length ? (uint32_t)left : s->length;
        s->length -= part;
        s->page_used = (uint16_t)(s->page_used - part);
        back += part;
        if (s->length == 0)
            slot_remove(m, o, i);
    }
    o->fill -= back;
    o->total_in -= back;
    return back;
}

uint64_t pipe_splice(struct model *m, uint32_t from, uint32_t to, uint64_t most, bool is_copy)
{
    uint64_t moved = 0;
    for (uint32_t i = 0; moved < most && i < m->objects[from].slot_count;) {
        struct slot s = *slot_at(m, &m->objects[from], i);
        uint64_t left = most - moved;
        bool is_whole = s.length <= left;
        if (!is_whole || is_copy)
            s.can_merge = false;
        s.length = is_whole ? s.length : (uint32_t)left;
        s.is_page = true;
        *slot_push(m, to) = s;
        m->objects[to].pages_used++;
        count_in(&m->objects[to], s.length);
        moved += s.length;
        if (is_copy) {
            i++;
            continue;
        }
        struct object *o = &m->objects[from];
        struct slot *head = slot_at(m, o, 0);
        head->start += s.length;
        head->length -= s.length;
        o->fill -= s.length;
        o->total_out += s.length;
        if (head->length == 0)
            drop_head(m, o);
    }
    return moved;
}

size_t model_pipe_ranges(const struct model *m, uint32_t object, struct range *out, size_t most)
{
    const struct object *o = &m->objects[object];
    size_t count = 0;
    struct range now = {MODEL_NONE, 0, 0};
    for (uint32_t i = 0; is_pipe_kind(o->kind) && i < o->slot_count; i++) {
        const struct slot *s = slot_at(m, o, i);
        bool goes_on = count && s->event == now.event && s->start == now.start + now.length;
        if (goes_on)
            now.length += s->length;
        else
            now = (struct range){s->event, s->start, s->length}, count++;
        if (count <= most)
            out[count - 1] = now;
    }
    return count;
}
