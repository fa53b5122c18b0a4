/* Arrays of plain structs that refer to each other by index.
 *
 * A pool is one growing array; items that were given back form a list through their first four
 * bytes. Because nothing in a pool is a pointer, a copy of its bytes is a copy of the whole: that
 * is what makes a keyframe cheap. Pointers into a pool are valid until the next take. */
#ifndef IPCLAB_MODEL_POOL_H
#define IPCLAB_MODEL_POOL_H

#include <stdbool.h>
#include <stdint.h>

enum { POOL_ORDERS = 28 };

struct pool {
    void *items; /* first: a union with a typed pointer names the same array */
    uint32_t count, cap;
    uint32_t free; /* first free item, UINT32_MAX: none */
    uint32_t size; /* of an item, at least 4 */
};

void pool_init(struct pool *p, uint32_t item_size);
void pool_fini(struct pool *p);
/* Makes *to equal to *from; reuses its memory. */
void pool_copy(struct pool *to, const struct pool *from);

/* Room for count items, whose bytes the caller sets. */
void pool_resize(struct pool *p, uint32_t count);

/* Index of a zeroed item. */
uint32_t pool_take(struct pool *p);
void pool_give(struct pool *p, uint32_t index);

/* Runs of 2^order neighbouring items, not zeroed. heads[order] begins the free runs of that order.
 */
uint32_t pool_take_run(struct pool *p, uint32_t heads[POOL_ORDERS], unsigned order);
void pool_give_run(struct pool *p, uint32_t heads[POOL_ORDERS], unsigned order, uint32_t first);

/* A map from positive numbers (tids, pids) to indices: open addressing in a pool of these. */
struct map_entry {
    int32_t key; /* 0: empty */
    uint32_t value;
};
void map_init(struct pool *map);
uint32_t map_get(const struct pool *map, int32_t key); /* UINT32_MAX: none */
void map_put(struct pool *map, uint32_t *used, int32_t key, uint32_t value);
/* Removes the key if it stands for value. */
void map_remove(struct pool *map, uint32_t *used, int32_t key, uint32_t value);

#endif
