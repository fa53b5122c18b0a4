#include "trace/recorder_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "trace/recorder_chunks.h"

/* Where a stack's frames are in the pool. */
struct stack {
    uint64_t hash;
    size_t start, count;
};

struct names {
    struct buf calls, modules, stacks; /* new ones */
    uint16_t call_id[CALL_COUNT];      /* 0: not written yet */
    uint16_t call_count;
    struct module *module; /* id - 1 */
    size_t module_count, module_cap;
    struct stack *stack; /* id - 1 */
    size_t stack_count, stack_cap;
    struct frame *frame; /* pool */
    size_t frame_count, frame_cap;
    uint32_t *slot; /* hash table of stack ids, 0: empty; a power of two, at most half full */
    size_t slot_cap;
};

struct names *names_new(void)
{
    struct names *n = xcalloc(1, sizeof *n);
    n->slot_cap = 1024;
    n->slot = xcalloc(n->slot_cap, sizeof *n->slot);
    return n;
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->module_count; i++) {
        free((char *)n->module[i].path);
        free((char *)n->module[i].build_id);
    }
    buf_fini(&n->calls);
    buf_fini(&n->modules);
    buf_fini(&n->stacks);
    free(n->module);
    free(n->stack);
    free(n->frame);
    free(n->slot);
    free(n);
}

struct buf *names_calls(struct names *n)
{
    return &n->calls;
}

struct buf *names_modules(struct names *n)
{
    return &n->modules;
}

struct buf *names_stacks(struct names *n)
{
    return &n->stacks;
}

static void put_string(struct buf *b, const char *text)
{
    size_t size = strlen(text) + 1;
    buf_varint(b, size);
    buf_put(b, text, size);
}

uint32_t names_call(struct names *n, enum call call)
{
    if (call == CALL_UNKNOWN)
        return 0;
    if (!n->call_id[call]) {
        chunk_reserve(&n->calls, 0);
        put_string(&n->calls, call_name(call));
        n->call_id[call] = ++n->call_count;
    }
    return n->call_id[call];
}

uint32_t names_module(struct names *n, const struct module *module)
{
    for (size_t i = 0; i < n->module_count; i++) {
        const struct module *m = &n->module[i];
        if (strcmp(m->path, module->path) == 0 && strcmp(m->build_id, module->build_id) == 0 &&
            m->is_own == module->is_own)
            return (uint32_t)i + 1;
    }
    *PUSH(n->module) =
        (struct module){xstrdup(module->path), xstrdup(module->build_id), module->is_own};
    chunk_reserve(&n->modules, 0);
    put_string(&n->modules, module->path);
    put_string(&n->modules, module->build_id);
    buf_putc(&n->modules, module->is_own);
    return (uint32_t)n->module_count;
}

static uint64_t hash_frames(const struct frame *frames, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ frames[i].module) * 0x9e3779b97f4a7c15u;
        hash = (hash ^ frames[i].offset) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static bool is_same(const struct names *n, const struct stack *s, const struct frame *frames,
                    size_t count)
{
    if (s->count != count)
        return false;
    const struct frame *own = n->frame + s->start;
    for (size_t i = 0; i < count; i++)
        if (own[i].module != frames[i].module || own[i].offset != frames[i].offset)
            return false;
    return true;
}

static void insert(struct names *n, uint32_t id)
{
    size_t at = n->stack[id - 1].hash & (n->slot_cap - 1);
    while (n->slot[at])
        at = (at + 1) & (n->slot_cap - 1);
    n->slot[at] = id;
}

static void grow_table(struct names *n)
{
    free(n->slot);
    n->slot_cap *= 2;
    n->slot = xcalloc(n->slot_cap, sizeof *n->slot);
    for (size_t i = 0; i < n->stack_count; i++)
        insert(n, (uint32_t)i + 1);
}

static uint32_t add_stack(struct names *n, const struct frame *frames, size_t count, uint64_t hash)
{
    *PUSH(n->stack) = (struct stack){hash, n->frame_count, count};
    chunk_reserve(&n->stacks, 0);
    buf_varint(&n->stacks, count);
    for (size_t i = 0; i < count; i++) {
        *PUSH(n->frame) = frames[i];
        buf_varint(&n->stacks, frames[i].module);
        buf_varint(&n->stacks, frames[i].offset);
    }
    if (2 * n->stack_count > n->slot_cap)
        grow_table(n);
    else
        insert(n, (uint32_t)n->stack_count);
    return (uint32_t)n->stack_count;
}

uint32_t names_stack(struct names *n, const struct frame *frames, size_t count)
{
    if (!count)
        return 0;
    uint64_t hash = hash_frames(frames, count);
    for (size_t at = hash & (n->slot_cap - 1); n->slot[at]; at = (at + 1) & (n->slot_cap - 1)) {
        const struct stack *s = &n->stack[n->slot[at] - 1];
        if (s->hash == hash && is_same(n, s, frames, count))
            return n->slot[at];
    }
    return add_stack(n, frames, count, hash);
}
