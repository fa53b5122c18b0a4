#include "model/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static void *item(const struct pool *p, uint32_t index)
{
    return (uint8_t *)p->items + (size_t)index * p->size;
}

static void reserve(struct pool *p, uint32_t need)
{
    if (need <= p->cap)
        return;
    uint32_t cap = p->cap ? p->cap : 16;
    while (cap < need)
        cap *= 2;
    p->items = xrealloc(p->items, cap, p->size);
    p->cap = cap;
}

void pool_init(struct pool *p, uint32_t item_size)
{
    assert(item_size >= sizeof(uint32_t));
    *p = (struct pool){.free = UINT32_MAX, .size = item_size};
}

void pool_fini(struct pool *p)
{
    free(p->items);
    p->items = NULL;
    p->count = p->cap = 0;
}

void pool_copy(struct pool *to, const struct pool *from)
{
    assert(to->size == from->size);
    reserve(to, from->count);
    if (from->count)
        memcpy(to->items, from->items, (size_t)from->count * from->size);
    to->count = from->count;
    to->free = from->free;
}

void pool_resize(struct pool *p, uint32_t count)
{
    reserve(p, count);
    p->count = count;
}

uint32_t pool_take(struct pool *p)
{
    uint32_t index = p->free;
    if (index != UINT32_MAX) {
        memcpy(&p->free, item(p, index), sizeof p->free);
    } else {
        index = p->count;
        reserve(p, index + 1);
        p->count++;
    }
    memset(item(p, index), 0, p->size);
    return index;
}

void pool_give(struct pool *p, uint32_t index)
{
    assert(index < p->count);
    memset(item(p, index), 0, p->size);
    memcpy(item(p, index), &p->free, sizeof p->free);
    p->free = index;
}

uint32_t pool_take_run(struct pool *p, uint32_t heads[POOL_ORDERS], unsigned order)
{
    assert(order < POOL_ORDERS);
    uint32_t first = heads[order];
    if (first != UINT32_MAX) {
        memcpy(&heads[order], item(p, first), sizeof heads[order]);
        return first;
    }
    first = p->count;
    reserve(p, first + (1u << order));
    p->count += 1u << order;
    memset(item(p, first), 0, (size_t)p->size << order);
    return first;
}

void pool_give_run(struct pool *p, uint32_t heads[POOL_ORDERS], unsigned order, uint32_t first)
{
    assert(order < POOL_ORDERS && first < p->count);
    memset(item(p, first), 0, (size_t)p->size << order);
    memcpy(item(p, first), &heads[order], sizeof heads[order]);
    heads[order] = first;
}

static uint32_t home(const struct pool *map, int32_t key)
{
    return ((uint32_t)key * 2654435761u >> 7) & (map->count - 1);
}

/* The place of the key, or the empty one where it would go. */
static uint32_t place(const struct pool *map, int32_t key)
{
    const struct map_entry *entries = map->items;
    uint32_t i = home(map, key);
    while (entries[i].key != 0 && entries[i].key != key)
        i = (i + 1) & (map->count - 1);
    return i;
}

static void map_resize(struct pool *map, uint32_t slots)
{
    struct pool old = *map;
    pool_init(map, sizeof(struct map_entry));
    map->items = xcalloc(slots, sizeof(struct map_entry));
    map->count = map->cap = slots;
    const struct map_entry *from = old.items;
    struct map_entry *to = map->items;
    for (uint32_t i = 0; i < old.count; i++)
        if (from[i].key)
            to[place(map, from[i].key)] = from[i];
    free(old.items);
}

void map_init(struct pool *map)
{
    pool_init(map, sizeof(struct map_entry));
    map_resize(map, 16);
}

uint32_t map_get(const struct pool *map, int32_t key)
{
    if (key <= 0)
        return UINT32_MAX;
    const struct map_entry *e = item(map, place(map, key));
    return e->key ? e->value : UINT32_MAX;
}

void map_put(struct pool *map, uint32_t *used, int32_t key, uint32_t value)
{
    if (key <= 0)
        return;
    if ((*used + 1) * 4 > map->count * 3)
        map_resize(map, map->count * 2);
    struct map_entry *e = item(map, place(map, key));
    *used += e->key == 0;
    *e = (struct map_entry){key, value};
}

void map_remove(struct pool *map, uint32_t *used, int32_t key, uint32_t value)
{
    if (key <= 0)
        return;
    struct map_entry *entries = map->items;
    uint32_t hole = place(map, key);
    if (entries[hole].key == 0 || entries[hole].value != value)
        return;
    (*used)--;
    /* Close the gap: later entries of the same run move up when their home allows it. */
    uint32_t mask = map->count - 1;
    for (uint32_t i = (hole + 1) & mask; entries[i].key; i = (i + 1) & mask) {
        uint32_t wanted = home(map, entries[i].key);
        if (((i - wanted) & mask) >= ((i - hole) & mask)) {
            entries[hole] = entries[i];
            hole = i;
        }
    }
    entries[hole] = (struct map_entry){0, 0};
}
