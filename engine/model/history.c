#include "model/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

enum {
    FRAME_PAGE = 4096,
    DISTANCE_MIN = 4096,  /* steps between keyframes: a few milliseconds of folding */
    BYTES_PER_STEP = 200, /* a big state is worth a keyframe only so often */
    MEMORY_MAX = 64 * 1024 * 1024,
    SAVED_MAX = 16 * 1024 * 1024 /* of keyframes in a file */
};

/* A page of a pool's bytes, shared by all keyframes in which it is the same: what has died never
 * changes again. */
struct snapshot_page {
    uint32_t refs;
    uint32_t used;
    uint8_t bytes[FRAME_PAGE];
};

struct snapshot_pool {
    uint32_t count, free;
    size_t pages;
    struct snapshot_page **page;
};

struct snapshot {
    struct model_head head;
    struct snapshot_pool pools[POOL_COUNT];
};

struct history {
    const struct recording *rec;
    struct model *now;        /* what history_at hands out */
    struct model *end;        /* folded as far as the recording went */
    struct snapshot **frames; /* ordered by seq; the first is the state before everything */
    size_t frames_count, frames_cap;
    size_t memory;
    uint32_t distance;
};

/* ---- one keyframe ---- */

static struct snapshot_page *page_new(struct history *h, const uint8_t *bytes, size_t used)
{
    struct snapshot_page *page = xmalloc(sizeof *page);
    page->refs = 1;
    page->used = (uint32_t)used;
    memcpy(page->bytes, bytes, used);
    h->memory += sizeof *page;
    return page;
}

static void capture_pool(struct history *h, struct snapshot_pool *to, const struct pool *from,
                         const struct snapshot_pool *last)
{
    size_t size = (size_t)from->count * from->size;
    to->count = from->count;
    to->free = from->free;
    to->pages = (size + FRAME_PAGE - 1) / FRAME_PAGE;
    to->page = xcalloc(to->pages + 1, sizeof(struct snapshot_page *));
    h->memory += to->pages * sizeof(struct snapshot_page *);
    for (size_t i = 0; i < to->pages; i++) {
        const uint8_t *bytes = (const uint8_t *)from->items + i * FRAME_PAGE;
        size_t used = size - i * FRAME_PAGE < FRAME_PAGE ? size - i * FRAME_PAGE : FRAME_PAGE;
        struct snapshot_page *old = last && i < last->pages ? last->page[i] : NULL;
        if (old && old->used >= used && memcmp(old->bytes, bytes, used) == 0) {
            old->refs++;
            to->page[i] = old;
        } else {
            to->page[i] = page_new(h, bytes, used);
        }
    }
}

static struct snapshot *capture(struct history *h, struct model *m)
{
    const struct snapshot *last = h->frames_count ? h->frames[h->frames_count - 1] : NULL;
    struct snapshot *f = xcalloc(1, sizeof *f);
    h->memory += sizeof *f;
    f->head = m->head;
    for (int i = 0; i < POOL_COUNT; i++)
        capture_pool(h, &f->pools[i], model_pool(m, i), last ? &last->pools[i] : NULL);
    return f;
}

static void restore(struct model *m, const struct snapshot *f)
{
    m->head = f->head;
    m->flows_count = 0;
    for (int i = 0; i < POOL_COUNT; i++) {
        struct pool *p = model_pool(m, i);
        const struct snapshot_pool *from = &f->pools[i];
        pool_resize(p, from->count);
        p->free = from->free;
        size_t size = (size_t)from->count * p->size;
        for (size_t k = 0; k < from->pages; k++) {
            size_t used = size - k * FRAME_PAGE < FRAME_PAGE ? size - k * FRAME_PAGE : FRAME_PAGE;
            memcpy((uint8_t *)p->items + k * FRAME_PAGE, from->page[k]->bytes, used);
        }
    }
}

static void frame_free(struct history *h, struct snapshot *f)
{
    for (int i = 0; i < POOL_COUNT; i++) {
        struct snapshot_pool *p = &f->pools[i];
        for (size_t k = 0; k < p->pages; k++)
            if (--p->page[k]->refs == 0) {
                free(p->page[k]);
                h->memory -= sizeof(struct snapshot_page);
            }
        h->memory -= p->pages * sizeof(struct snapshot_page *);
        free(p->page);
    }
    h->memory -= sizeof *f;
    free(f);
}

/* ---- the row of keyframes ---- */

/* Every second one goes, the first stays: twice the distance, about half the memory. */
static void thin_out(struct history *h)
{
    size_t kept = 1;
    for (size_t i = 1; i < h->frames_count; i++) {
        if (i % 2)
            frame_free(h, h->frames[i]);
        else
            h->frames[kept++] = h->frames[i];
    }
    h->frames_count = kept;
    h->distance *= 2;
}

static void keep(struct history *h, struct model *m)
{
    struct snapshot *f = capture(h, m);
    *PUSH(h->frames) = f;
    while (h->memory > MEMORY_MAX && h->frames_count > 2)
        thin_out(h);
}

static uint32_t distance_for(const struct history *h, struct model *m)
{
    size_t bytes = 0;
    for (int i = 0; i < POOL_COUNT; i++)
        bytes += (size_t)model_pool(m, i)->count * model_pool(m, i)->size;
    uint32_t by_size = (uint32_t)(bytes / BYTES_PER_STEP);
    return by_size > h->distance ? by_size : h->distance;
}

void history_extend(struct history *h)
{
    uint32_t last = recording_step_count(h->rec);
    uint32_t next = h->frames[h->frames_count - 1]->head.seq + distance_for(h, h->end);
    while (model_seq(h->end) < last) {
        model_apply(h->end);
        if (model_seq(h->end) >= next) {
            keep(h, h->end);
            next = model_seq(h->end) + distance_for(h, h->end);
        }
    }
}

/* Takes the file's keyframes, if all that are of our layout are sound. */
static void take_saved(struct history *h)
{
    size_t count = recording_keyframe_count(h->rec);
    for (size_t i = 0; i < count; i++) {
        struct keyframe k = recording_keyframe(h->rec, i);
        if (k.layout != model_layout() || k.seq <= model_seq(h->end))
            continue;
        if (model_load(h->end, k.bytes, k.size, NULL) < 0 || model_seq(h->end) != k.seq) {
            while (h->frames_count > 1)
                frame_free(h, h->frames[--h->frames_count]);
            restore(h->end, h->frames[0]);
            return;
        }
        keep(h, h->end);
    }
}

struct history *history_new(const struct recording *rec)
{
    struct history *h = xcalloc(1, sizeof *h);
    h->rec = rec;
    h->distance = DISTANCE_MIN;
    h->now = model_new(rec);
    h->end = model_new(rec);
    keep(h, h->end);
    take_saved(h);
    history_extend(h);
    return h;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->frames_count; i++)
        frame_free(h, h->frames[i]);
    free(h->frames);
    model_free(h->now);
    model_free(h->end);
    free(h);
}

static const struct snapshot *nearest(const struct history *h, uint32_t seq)
{
    size_t low = 0, high = h->frames_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (h->frames[middle]->head.seq <= seq)
            low = middle;
        else
            high = middle;
    }
    return h->frames[low];
}

const struct model *history_at(struct history *h, uint32_t seq)
{
    uint32_t last = recording_step_count(h->rec);
    if (seq > last)
        seq = last;
    const struct snapshot *f = nearest(h, seq);
    uint32_t now = model_seq(h->now);
    if (now > seq || now < f->head.seq)
        restore(h->now, f);
    while (model_seq(h->now) < seq)
        model_apply(h->now);
    return h->now;
}

/* As many as the file may hold, evenly spread. */
static size_t save_stride(const struct history *h)
{
    if (h->frames_count < 2)
        return 1;
    struct model *m = model_new(h->rec);
    struct buf bytes = {0};
    restore(m, h->frames[h->frames_count - 1]);
    model_save(m, &bytes);
    size_t stride = 1 + bytes.len * (h->frames_count - 1) / SAVED_MAX;
    buf_fini(&bytes);
    model_free(m);
    return stride;
}

int history_save(const struct history *h, const char *path, struct err *e)
{
    struct recorder *w;
    int rc = recorder_reopen(&w, path, e);
    if (rc < 0)
        return rc;
    struct model *m = model_new(h->rec);
    struct buf bytes = {0};
    size_t stride = save_stride(h);
    for (size_t i = stride; i < h->frames_count; i += stride) {
        restore(m, h->frames[i]);
        buf_reset(&bytes);
        model_save(m, &bytes);
        struct keyframe k = {model_seq(m), model_layout(), (const uint8_t *)bytes.data, bytes.len};
        recorder_keyframe(w, &k);
    }
    buf_fini(&bytes);
    model_free(m);
    return recorder_close(w, e);
}
