/* What a recording holds in memory; shared by recording.c (the file, the accessors) and
 * recording_parse.c, recording_halves.c (the bodies of chunks).
 *
 * Events lie in blocks that never move. Payload, names and keyframes stay where the file's bytes
 * are: in extents, pieces of the file that were read or mapped once and stay until the end. */
#ifndef IPCLAB_TRACE_RECORDING_STATE_H
#define IPCLAB_TRACE_RECORDING_STATE_H

#include "base/buf.h"
#include "trace/recording.h"
#include "trace/recording_format.h"

/* Elements of one size that never move, in blocks of 2 MiB each: one huge page, where the kernel
 * has one (page faults are most of the time of opening a long recording). */
enum { POOL_BLOCK = 2 << 20 };

struct pool {
    void **block;
    size_t block_count, block_cap;
    size_t count; /* elements in use */
};

struct extent {
    uint8_t *bytes;
    size_t size;
    bool is_mapped;
};

struct kept_blob {
    const uint8_t *bytes;
    uint64_t length;
    uint32_t kept;
    uint8_t arg, side;
};

struct kept_stack {
    struct frame *frames;
    size_t count;
};

struct meta {
    const char *key, *value;
};

struct piece {
    const uint8_t *bytes;
    size_t size;
};

/* What the last event of the same call, or kind of point, had. */
struct last_args {
    uint64_t args[6];
    uint32_t stack;
};

/* Who writes halves: the tracer, or another. What differences are taken from is each one's own. */
struct source {
    uint64_t last_seq; /* of its halves so far */
    uint64_t last_ns;
    int32_t last_tid;
    struct last_args *last_call; /* by the file's number - 1 */
    size_t last_call_count, last_call_cap;
    struct last_args last_point[EVENT_KIND_COUNT];
    uint32_t begun;  /* entries and points that were read */
    uint32_t *event; /* ids of those that are merged; not kept when there is but one source */
    size_t event_count, event_cap;
};

/* A half that was read. Its turn comes when all with lower sequence numbers are there. */
struct half {
    uint32_t seq, source;
    uint32_t index; /* its event is the source's index-th */
    bool is_exit, is_point, has_stack;
    struct event ev; /* an exit: exit_ns, ret, flags, stack only */
    uint32_t blob_count;
    struct kept_blob blobs[FORMAT_BLOBS_MAX];
};

struct recording {
    int fd;
    char *name;
    struct file_header header;
    struct extent *extent;
    size_t extent_count, extent_cap;
    uint64_t good_size; /* bytes of the file that were taken in, whole chunks */
    uint32_t chunk_count;
    bool is_malformed; /* a chunk with a good checksum made no sense: nothing after it is read */
    char *damage;

    struct pool events; /* struct event */
    struct pool blobs;  /* struct kept_blob */
    uint32_t *step;     /* event id * 2, + 1 for an exit */
    size_t step_count, step_cap;
    struct kept_stack *stack; /* id - 1 */
    size_t stack_count, stack_cap;
    struct module *module; /* id - 1 */
    size_t module_count, module_cap;
    struct meta *meta;
    size_t meta_count, meta_cap;
    struct keyframe *keyframe;
    size_t keyframe_count, keyframe_cap;
    struct completeness completeness;

    /* where the parser is */
    uint16_t *call; /* the file's number of a call - 1 to enum call */
    size_t call_count, call_cap;
    struct source *source;
    size_t source_count, source_cap;
    struct half **waiting; /* a heap, the lowest sequence number first */
    size_t waiting_count, waiting_cap;
    struct piece *payload; /* bodies of payload chunks */
    size_t payload_count, payload_cap;
    size_t payload_at;   /* the one that the next blob lies in */
    size_t payload_used; /* bytes of it that are taken */
};

static inline void *pool_at(const struct pool *p, size_t index, size_t size)
{
    size_t in_block = POOL_BLOCK / size;
    return (char *)p->block[index / in_block] + index % in_block * size;
}

static inline struct event *event_at(const struct recording *r, size_t id)
{
    return pool_at(&r->events, id, sizeof(struct event));
}

static inline struct kept_blob *blob_at(const struct recording *r, size_t index)
{
    return pool_at(&r->blobs, index, sizeof(struct kept_blob));
}

/* Takes in the body of one chunk; false when it makes no sense. */
bool recording_parse(struct recording *r, uint32_t kind, const uint8_t *body, uint32_t size);

/* The same for a chunk of halves; and the end of what it keeps. */
bool recording_parse_halves(struct recording *r, struct cursor *c);
void recording_free_halves(struct recording *r);

/* The end of the last good chunk, and how many there are. */
uint64_t recording_good_size(const struct recording *r, uint32_t *chunk_count);

#endif
