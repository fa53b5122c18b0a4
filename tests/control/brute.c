/* Every interleaving, one by one. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sim.h"

enum { LENGTH_MAX = 60 };

struct sequence {
    char *text;
    uint64_t hash;
    uint64_t swaps; /* bit i: characters i and i + 1 commute there */
};

struct search {
    struct sequence *list;
    size_t list_count, list_cap;
    size_t most;
    char path[LENGTH_MAX + 1];
    uint64_t swaps;
    bool is_too_big;
};

static const struct choice *find(const struct choice *list, size_t count, struct move m)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].move.task == m.task && list[i].move.kind == m.kind)
            return &list[i];
    return NULL;
}

/* before: the options of the state one move earlier, of which `last` was taken. */
static bool commutes_with_last(const struct choice *before, size_t before_count,
                               const struct choice *last, const struct choice *o)
{
    const struct choice *then = last ? find(before, before_count, o->move) : NULL;
    return then && then->enabled == ENABLED_YES && then->op == o->op &&
           then->move.task != last->move.task &&
           footprint_now(&then->footprint, &last->footprint) == RELATION_COMMUTES;
}

static void walk(struct search *b, const struct sim *s, size_t depth, const struct choice *before,
                 size_t before_count, const struct choice *last)
{
    struct choice options[SIM_OPTIONS];
    struct act acts[SIM_ACTS];
    size_t count = sim_options(s, options);
    bool is_end = true;
    for (size_t i = 0; i < count && !b->is_too_big; i++) {
        if (options[i].enabled != ENABLED_YES)
            continue;
        is_end = false;
        if (depth == LENGTH_MAX) {
            b->is_too_big = true;
            return;
        }
        struct sim next = *s;
        sim_move(&next, &options[i], acts);
        b->path[depth] = sim_code(options[i].move);
        uint64_t bit = depth ? UINT64_C(1) << (depth - 1) : 0;
        b->swaps &= ~bit;
        if (commutes_with_last(before, before_count, last, &options[i]))
            b->swaps |= bit;
        walk(b, &next, depth + 1, options, count, &options[i]);
    }
    if (!is_end || b->is_too_big)
        return;
    if (b->list_count == b->most) {
        b->is_too_big = true;
        return;
    }
    b->path[depth] = 0;
    uint64_t mask = depth ? (UINT64_C(1) << (depth - 1)) - 1 : 0;
    *PUSH(b->list) = (struct sequence){xstrdup(b->path), sim_hash(s), b->swaps & mask};
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct sequence *)a)->text, ((const struct sequence *)b)->text);
}

static size_t root(size_t *class_of, size_t i)
{
    while (class_of[i] != i)
        i = class_of[i] = class_of[class_of[i]];
    return i;
}

static size_t index_of(const struct brute *b, const char *text)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(b->sequences[middle], text);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

static void join_swaps(struct brute *b, const struct sequence *list)
{
    for (size_t i = 0; i < b->count; i++) {
        char text[LENGTH_MAX + 1];
        strcpy(text, list[i].text);
        for (size_t k = 0; text[k] && text[k + 1]; k++) {
            if (!(list[i].swaps >> k & 1))
                continue;
            char c = text[k];
            text[k] = text[k + 1];
            text[k + 1] = c;
            size_t other = index_of(b, text);
            if (other == SIZE_MAX) /* commuting moves must both be possible in either order */
                b->is_consistent = false;
            else
                b->class_of[root(b->class_of, i)] = root(b->class_of, other);
            text[k + 1] = text[k];
            text[k] = c;
        }
    }
}

bool brute_run(struct brute *out, const struct sim_program *p, size_t most)
{
    struct search b = {.most = most};
    struct sim s;
    sim_init(&s, p);
    walk(&b, &s, 0, NULL, 0, NULL);
    *out = (struct brute){.is_consistent = true};
    if (!b.is_too_big) {
        qsort(b.list, b.list_count, sizeof *b.list, compare);
        out->count = b.list_count;
        out->sequences = xcalloc(b.list_count + 1, sizeof *out->sequences);
        out->class_of = xcalloc(b.list_count + 1, sizeof *out->class_of);
        out->hashes = xcalloc(b.list_count + 1, sizeof *out->hashes);
        for (size_t i = 0; i < b.list_count; i++) {
            out->sequences[i] = b.list[i].text;
            out->hashes[i] = b.list[i].hash;
            out->class_of[i] = i;
        }
        join_swaps(out, b.list);
        for (size_t i = 0; i < out->count; i++) {
            size_t r = root(out->class_of, i);
            out->classes += r == i;
            if (out->hashes[i] != out->hashes[r])
                out->is_consistent = false;
        }
    } else {
        for (size_t i = 0; i < b.list_count; i++)
            free(b.list[i].text);
    }
    free(b.list);
    return !b.is_too_big;
}

size_t brute_class(const struct brute *b, const char *events)
{
    size_t i = index_of(b, events);
    return i == SIZE_MAX ? SIZE_MAX : root(b->class_of, i);
}

void brute_fini(struct brute *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->sequences[i]);
    free(b->sequences);
    free(b->class_of);
    free(b->hashes);
}
