#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "diagnose/stuck.h"

bool member_waits_for(const struct member *m, uint32_t proc)
{
    uint32_t known = m->wait.waker_count < WAIT_WAKERS_MAX ? m->wait.waker_count : WAIT_WAKERS_MAX;
    for (uint32_t i = 0; i < known; i++) {
        if (m->wait.wakers[i] == proc)
            return true;
    }
    return false;
}

struct search {
    struct member *all;
    size_t count;
    uint32_t *index, *low; /* 0: not visited */
    size_t *stack;
    size_t depth;
    uint32_t next_index, components;
};

static void visit(struct search *s, size_t at)
{
    s->index[at] = s->low[at] = ++s->next_index;
    s->stack[s->depth++] = at;
    for (size_t to = 0; to < s->count; to++) {
        if (!member_waits_for(&s->all[at], s->all[to].proc))
            continue;
        if (s->index[to] == 0)
            visit(s, to);
        bool is_open = s->all[to].component == UINT32_MAX;
        if (is_open && s->low[to] < s->low[at])
            s->low[at] = s->low[to];
    }
    if (s->low[at] != s->index[at])
        return;
    size_t top;
    do {
        top = s->stack[--s->depth];
        s->all[top].component = s->components;
    } while (top != at);
    s->components++;
}

uint32_t knot_find(struct member *all, size_t count)
{
    struct search s = {.all = all, .count = count};
    s.index = xcalloc(count, sizeof *s.index);
    s.low = xcalloc(count, sizeof *s.low);
    s.stack = xcalloc(count, sizeof *s.stack);
    for (size_t i = 0; i < count; i++)
        all[i].component = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        if (s.index[i] == 0)
            visit(&s, i);
    }
    free(s.index);
    free(s.low);
    free(s.stack);
    return s.components;
}

bool knot_is_sink(const struct member *all, size_t count, uint32_t component)
{
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) {
            if (all[from].component == component && all[to].component != component &&
                member_waits_for(&all[from], all[to].proc))
                return false;
        }
    }
    return true;
}

static const struct member *member_at(const struct knot *k, size_t i)
{
    return &k->all[k->members[i]];
}

/* Breadth first from the first member back to it: came_from[] leads along a shortest cycle. */
static size_t last_of_cycle(const struct knot *k, size_t *came_from)
{
    size_t *queue = xcalloc(k->count, sizeof *queue);
    size_t head = 0, tail = 0, last = SIZE_MAX;
    for (size_t i = 0; i < k->count; i++)
        came_from[i] = SIZE_MAX;
    queue[tail++] = 0;
    while (head < tail && last == SIZE_MAX) {
        size_t at = queue[head++];
        for (size_t to = 1; to < k->count; to++) {
            if (came_from[to] == SIZE_MAX &&
                member_waits_for(member_at(k, at), member_at(k, to)->proc)) {
                came_from[to] = at;
                queue[tail++] = to;
            }
        }
        bool is_self = at == 0 && k->count > 1; /* a cycle of one says less than a longer one */
        if (!is_self && member_waits_for(member_at(k, at), member_at(k, 0)->proc))
            last = at;
    }
    free(queue);
    return last;
}

size_t knot_order(struct knot *k)
{
    assert(k->count > 0);
    size_t *came_from = xcalloc(k->count, sizeof *came_from);
    size_t *ordered = xcalloc(k->count, sizeof *ordered);
    bool *is_placed = xcalloc(k->count, sizeof *is_placed);
    size_t last = last_of_cycle(k, came_from);
    size_t length = 0;
    if (last != SIZE_MAX) {
        length = 1;
        for (size_t at = last; at != 0; at = came_from[at])
            length++;
        size_t place = length;
        for (size_t at = last; place > 0; at = came_from[at]) {
            ordered[--place] = k->members[at];
            is_placed[at] = true;
        }
    }
    size_t place = length;
    for (size_t i = 0; i < k->count; i++) {
        if (!is_placed[i])
            ordered[place++] = k->members[i];
    }
    memcpy(k->members, ordered, k->count * sizeof *ordered);
    free(came_from);
    free(ordered);
    free(is_placed);
    return length;
}

static void draw_edge(struct context *c, const struct member *m, struct buf *out)
{
    const char *object = m->object == MODEL_NONE ? "" : object_name(c, m->object);
    const char *gap = m->object == MODEL_NONE ? "" : " ";
    const char *call = m->wait.event == MODEL_NONE
                           ? "stopped"
                           : call_name(recording_event(c->rec, m->wait.event)->call);
    switch (m->wait.reason) {
    case WAIT_PIPE_EMPTY: call = "read"; break;
    case WAIT_PIPE_FULL: call = "write"; break;
    case WAIT_CHILD: call = "wait"; break;
    case WAIT_VFORK: call = "vfork"; break;
    default: break;
    }
    buf_printf(out, " -[%s%s%s]-> ", call, gap, object);
}

static bool is_cycle_edge(const struct knot *k, size_t cycle, size_t from, uint32_t to_proc)
{
    return from < cycle && member_at(k, (from + 1) % cycle)->proc == to_proc;
}

void knot_draw(struct context *c, const struct knot *k, size_t cycle, struct buf *out)
{
    for (size_t i = 0; i < cycle; i++) {
        buf_puts(out, proc_name(c, member_at(k, i)->proc));
        draw_edge(c, member_at(k, i), out);
    }
    if (cycle > 0)
        buf_printf(out, "%s\n", proc_name(c, member_at(k, 0)->proc));
    for (size_t i = 0; i < k->count; i++) {
        const struct member *m = member_at(k, i);
        for (uint32_t w = 0; w < m->wait.waker_count && w < WAIT_WAKERS_MAX; w++) {
            if (is_cycle_edge(k, cycle, i, m->wait.wakers[w]))
                continue;
            buf_puts(out, proc_name(c, m->proc));
            draw_edge(c, m, out);
            buf_printf(out, "%s\n", proc_name(c, m->wait.wakers[w]));
        }
        if (m->wait.waker_count == 0) {
            buf_puts(out, proc_name(c, m->proc));
            draw_edge(c, m, out);
            buf_puts(out, "nobody\n");
        }
    }
}
