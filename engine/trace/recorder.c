/* Writing a recording. The hot path (an entry, an exit) packs a few bytes into a buffer: no system
 * call, no allocation. A flush hands what the halves refer to (names, stacks, payload) to the
 * kernel before the halves themselves, all in one writev. */
#include "trace/recording.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/recorder_chunks.h"
#include "trace/recorder_names.h"
#include "trace/recording_format.h"
#include "trace/recording_state.h"

enum {
    SECTION_LIMIT = 65536, /* flush when a section has grown to this */
    HALF_MAX = 640,        /* bytes that one half can take */
};

/* What the last event of the same call (or kind of point) had: only differences are written. */
struct last {
    uint64_t args[6];
    uint32_t stack;
};

struct recorder {
    struct chunks chunks;
    bool is_reopened;
    uint64_t began_ns;
    struct buf halves, payload, meta; /* chunks in the making */
    struct names *names;
    uint32_t event_count, seq;
    uint64_t payload_size; /* of all blobs so far */
    uint64_t last_ns;
    int32_t last_tid;
    struct last last_call[CALL_COUNT], last_point[EVENT_KIND_COUNT];
    struct completeness completeness;
};

/* A chunk of its own, written at once. */
static void write_chunk(struct recorder *w, enum chunk_kind kind, struct buf *body)
{
    recorder_flush(w);
    chunks_add(&w->chunks, kind, body);
    chunks_flush(&w->chunks);
    buf_fini(body);
}

static void write_completeness(struct recorder *w)
{
    const struct completeness *c = &w->completeness;
    uint64_t bits = (c->has_foreign_abi ? COMPLETE_FOREIGN_ABI : 0u) |
                    (c->has_own_filter ? COMPLETE_OWN_FILTER : 0u) |
                    (c->has_untraced ? COMPLETE_UNTRACED : 0u) |
                    (c->has_io_uring ? COMPLETE_IO_URING : 0u) |
                    (c->lost_privileges ? COMPLETE_PRIVILEGES : 0u);
    struct buf body = {0};
    chunk_reserve(&body, 0);
    buf_varint(&body, bits);
    buf_varint(&body, c->payload_cut);
    write_chunk(w, CHUNK_COMPLETENESS, &body);
}

int recorder_flush(struct recorder *w)
{
    chunks_add(&w->chunks, CHUNK_META, &w->meta);
    chunks_add(&w->chunks, CHUNK_CALLS, names_calls(w->names));
    chunks_add(&w->chunks, CHUNK_MODULES, names_modules(w->names));
    chunks_add(&w->chunks, CHUNK_STACKS, names_stacks(w->names));
    chunks_add(&w->chunks, CHUNK_PAYLOAD, &w->payload);
    chunks_add(&w->chunks, CHUNK_HALVES, &w->halves);
    return chunks_flush(&w->chunks);
}

/* ---- halves ---- */

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)(value | 0x80);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_zigzag(uint8_t *p, int64_t value)
{
    return put_varint(p, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static uint8_t *put_difference(uint8_t *p, uint64_t value, uint64_t before)
{
    return put_zigzag(p, (int64_t)(value - before));
}

/* Payload goes to its own section, each blob followed by a NUL; the half says only how long it is.
 */
static uint8_t *put_blobs(struct recorder *w, uint8_t *p, const struct blob_in *blobs, size_t count)
{
    assert(count <= FORMAT_BLOBS_MAX);
    p = put_varint(p, count);
    for (size_t i = 0; i < count; i++) {
        const struct blob_in *b = &blobs[i];
        bool is_cut = b->length != b->kept;
        *p++ = (uint8_t)((b->arg & BLOB_ARG) | (b->side == BLOB_OUT ? BLOB_IS_OUT : 0) |
                         (is_cut ? BLOB_IS_CUT : 0));
        p = put_varint(p, b->kept);
        if (is_cut)
            p = put_varint(p, b->length);
        if (b->length > b->kept)
            w->completeness.payload_cut += b->length - b->kept;
        chunk_reserve(&w->payload, (size_t)b->kept + 1);
        char *to = w->payload.data + w->payload.len;
        if (b->kept)
            memcpy(to, b->bytes, b->kept);
        to[b->kept] = '\0';
        w->payload.len += (size_t)b->kept + 1;
        w->payload_size += b->kept;
    }
    return p;
}

/* Room for one more half. The first of a chunk says which source and which sequence number. */
static uint8_t *begin_half(struct recorder *w)
{
    if (w->halves.len + HALF_MAX > SECTION_LIMIT || w->payload.len > SECTION_LIMIT)
        recorder_flush(w);
    bool is_first = w->halves.len == 0;
    chunk_reserve(&w->halves, HALF_MAX);
    uint8_t *p = (uint8_t *)w->halves.data + w->halves.len;
    if (is_first) {
        *p++ = 0; /* source */
        p = put_varint(p, w->seq + 1);
    }
    return p;
}

static void end_half(struct recorder *w, const uint8_t *end)
{
    w->halves.len = (size_t)(end - (uint8_t *)w->halves.data);
    assert(w->halves.len <= w->halves.cap);
    w->seq++;
}

static uint8_t *put_time(struct recorder *w, uint8_t *p, uint64_t ns)
{
    p = put_difference(p, ns, w->last_ns);
    w->last_ns = ns;
    return p;
}

/* A mask of the arguments that differ from the last such event's, and the differences. */
static uint8_t *put_args(uint8_t *p, struct last *last, const struct event *ev)
{
    uint8_t *mask = p++;
    *mask = 0;
    for (int i = 0; i < 6; i++) {
        if (ev->args[i] == last->args[i])
            continue;
        *mask |= (uint8_t)(1u << i);
        p = put_difference(p, ev->args[i], last->args[i]);
        last->args[i] = ev->args[i];
    }
    return p;
}

static void drop_unused_args(struct event *ev)
{
    if (ev->call == CALL_UNKNOWN)
        return;
    const char *shape = call_shape(ev->call);
    size_t used = strcspn(shape, "=");
    for (size_t i = used; i < 6; i++)
        ev->args[i] = 0;
}

uint32_t recorder_enter(struct recorder *w, struct event *ev, const struct blob_in *blobs,
                        size_t count)
{
    assert(!w->is_reopened && ev->kind < EVENT_KIND_COUNT && ev->call < CALL_COUNT);
    bool is_point = ev->kind != EVENT_CALL;
    struct last *last = is_point ? &w->last_point[ev->kind] : &w->last_call[ev->call];
    if (!is_point)
        drop_unused_args(ev);
    uint8_t *p = begin_half(w);
    uint8_t *tag = p++;
    *tag = (uint8_t)((is_point ? HALF_IS_POINT : 0) | (count ? HALF_HAS_BLOBS : 0) |
                     (ev->flags ? HALF_HAS_FLAGS : 0) |
                     (ev->stack != last->stack ? HALF_HAS_STACK : 0));
    p = put_varint(p, is_point ? ev->kind : names_call(w->names, ev->call));
    p = put_time(w, p, ev->entry_ns);
    p = put_zigzag(p, (int64_t)ev->tid - w->last_tid);
    p = put_args(p, last, ev);
    if (is_point)
        p = put_zigzag(p, ev->ret);
    if (ev->flags)
        *p++ = ev->flags;
    if (ev->stack != last->stack)
        p = put_varint(p, ev->stack);
    if (count)
        p = put_blobs(w, p, blobs, count);
    end_half(w, p);
    last->stack = ev->stack;
    w->last_tid = ev->tid;
    ev->id = w->event_count++;
    ev->entry_seq = w->seq;
    ev->exit_seq = is_point ? w->seq : 0;
    return ev->id;
}

uint32_t recorder_exit(struct recorder *w, const struct event *ev, const struct blob_in *blobs,
                       size_t count)
{
    assert(!w->is_reopened && ev->id < w->event_count);
    uint8_t *p = begin_half(w);
    *p++ = (uint8_t)(HALF_IS_EXIT | (count ? HALF_HAS_BLOBS : 0) |
                     (ev->flags ? HALF_HAS_FLAGS : 0) | (ev->stack ? HALF_HAS_STACK : 0));
    p = put_varint(p, w->event_count - 1 - ev->id);
    p = put_time(w, p, ev->exit_ns);
    p = put_zigzag(p, ev->ret);
    if (ev->flags)
        *p++ = ev->flags;
    if (ev->stack)
        p = put_varint(p, ev->stack);
    if (count)
        p = put_blobs(w, p, blobs, count);
    end_half(w, p);
    return w->seq;
}

/* ---- names, keyframes ---- */

void recorder_meta(struct recorder *w, const char *key, const char *value)
{
    size_t key_size = strlen(key) + 1, value_size = strlen(value) + 1;
    chunk_reserve(&w->meta, 0);
    buf_varint(&w->meta, key_size);
    buf_put(&w->meta, key, key_size);
    buf_varint(&w->meta, value_size);
    buf_put(&w->meta, value, value_size);
}

uint32_t recorder_module(struct recorder *w, const struct module *module)
{
    return names_module(w->names, module);
}

uint32_t recorder_stack(struct recorder *w, const struct frame *frames, size_t count)
{
    return names_stack(w->names, frames, count);
}

void recorder_keyframe(struct recorder *w, const struct keyframe *keyframe)
{
    struct buf body = {0};
    chunk_reserve(&body, 0);
    buf_varint(&body, keyframe->seq);
    buf_varint(&body, keyframe->layout);
    buf_put(&body, keyframe->bytes, keyframe->size);
    write_chunk(w, CHUNK_KEYFRAME, &body);
}

void recorder_completeness(struct recorder *w, const struct completeness *c)
{
    uint64_t own = w->completeness.payload_cut;
    w->completeness = *c;
    if (c->payload_cut < own)
        w->completeness.payload_cut = own;
    write_completeness(w);
}

/* ---- opening, closing ---- */

static struct recorder *recorder_new(int fd)
{
    struct recorder *w = xcalloc(1, sizeof *w);
    w->chunks.fd = fd;
    w->names = names_new();
    chunk_reserve(&w->halves, SECTION_LIMIT + HALF_MAX);
    chunk_reserve(&w->payload, 2 * SECTION_LIMIT);
    w->halves.len = w->payload.len = 0;
    return w;
}

static void recorder_free(struct recorder *w)
{
    fd_close(&w->chunks.fd);
    names_free(w->names);
    buf_fini(&w->halves);
    buf_fini(&w->payload);
    buf_fini(&w->meta);
    free(w);
}

static uint64_t clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int write_header(struct recorder *w)
{
    uint8_t bytes[FORMAT_HEADER_SIZE];
    struct file_header header = {
        .version = FORMAT_VERSION,
#ifdef __x86_64__
        .arch = ARCH_X86_64,
#else
        .arch = ARCH_AARCH64,
#endif
        .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
        .monotonic_ns = clock_read(CLOCK_MONOTONIC),
        .realtime_ns = clock_read(CLOCK_REALTIME),
    };
    w->began_ns = header.monotonic_ns;
    file_header_pack(&header, bytes);
    w->chunks.file_size = sizeof bytes;
    return fd_write_full(w->chunks.fd, bytes, sizeof bytes);
}

int recorder_open_fd(struct recorder **out, int take_fd, struct err *e)
{
    struct recorder *w = recorder_new(take_fd);
    int rc = write_header(w);
    if (rc < 0) {
        recorder_free(w);
        return err_sys(e, -rc, "write the recording");
    }
    *out = w;
    return 0;
}

int recorder_open(struct recorder **out, const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path); /* somebody may be reading the old one */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_sys(e, errno, "create %s", path);
    return recorder_open_fd(out, fd, e);
}

uint64_t recorder_now(const struct recorder *w)
{
    return clock_ns() - w->began_ns;
}

uint64_t recorder_size(const struct recorder *w)
{
    return w->chunks.file_size + w->halves.len + w->payload.len;
}

uint64_t recorder_payload_size(const struct recorder *w)
{
    return w->payload_size;
}

static void write_closing(struct recorder *w)
{
    struct buf body = {0};
    chunk_reserve(&body, 0);
    buf_varint(&body, w->event_count);
    buf_varint(&body, w->seq);
    write_chunk(w, CHUNK_CLOSING, &body);
}

int recorder_close(struct recorder *w, struct err *e)
{
    if (!w->is_reopened) {
        write_completeness(w);
        write_closing(w);
    }
    int rc = w->chunks.error;
    if (close(w->chunks.fd) < 0 && rc == 0)
        rc = -errno;
    w->chunks.fd = -1;
    recorder_free(w);
    return rc < 0 ? err_sys(e, -rc, "write the recording") : 0;
}

static int find_end(struct recorder *w, const char *path, struct err *e)
{
    struct recording *r;
    int rc = recording_open(&r, path, e);
    if (rc < 0)
        return rc;
    if (!recording_completeness(r)->is_closed || recording_damage(r))
        rc = err_set(e, EBADMSG, "append to %s: the recording is not whole", path);
    w->chunks.file_size = recording_good_size(r, &w->chunks.count);
    recording_free(r);
    return rc;
}

int recorder_reopen(struct recorder **out, const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "open %s", path);
    struct recorder *w = recorder_new(fd);
    w->is_reopened = true;
    int rc = find_end(w, path, e);
    if (rc == 0 && (ftruncate(fd, (off_t)w->chunks.file_size) < 0 || lseek(fd, 0, SEEK_END) < 0))
        rc = err_sys(e, errno, "append to %s", path);
    if (rc < 0) {
        recorder_free(w);
        return rc;
    }
    *out = w;
    return 0;
}
