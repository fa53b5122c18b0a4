#include "trace/recording.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/recording_state.h"

enum { MAP_FROM = 1 << 20 }; /* an extent of this size or more is mapped, a smaller one is read */

/* ---- extents ---- */

static void extent_free(struct extent *x)
{
    if (x->is_mapped)
        munmap(x->bytes, x->size);
    else
        free(x->bytes);
}

static int extent_read(struct extent *out, int fd, uint64_t from, size_t size)
{
    uint8_t *bytes = xmalloc(size);
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, bytes + done, size - done, (off_t)(from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(bytes);
            return -errno;
        }
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *out = (struct extent){bytes, done, false};
    return 0;
}

/* The bytes of the file from `from` on, `size` of them; *skip of the extent's come before them. */
static int extent_load(struct extent *out, size_t *skip, int fd, uint64_t from, size_t size)
{
    *skip = 0;
    if (size < MAP_FROM)
        return extent_read(out, fd, from, size);
    *skip = from % (uint64_t)sysconf(_SC_PAGESIZE);
    void *bytes =
        mmap(NULL, size + *skip, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, (off_t)(from - *skip));
    if (bytes == MAP_FAILED)
        return -errno;
    *out = (struct extent){bytes, size + *skip, true};
    return 0;
}

/* ---- chunks ---- */

enum chunk_result { CHUNK_GOOD, CHUNK_SHORT, CHUNK_BAD };

static enum chunk_result take_chunk(struct recording *r, const uint8_t *bytes, size_t left,
                                    size_t *used)
{
    struct chunk_header h;
    if (left < FORMAT_CHUNK_HEADER_SIZE)
        return CHUNK_SHORT;
    chunk_header_unpack(&h, bytes);
    if (h.number != r->chunk_count)
        return CHUNK_BAD;
    if (left - FORMAT_CHUNK_HEADER_SIZE < h.size)
        return CHUNK_SHORT;
    if (h.crc != chunk_crc(bytes, h.size))
        return CHUNK_BAD;
    if (!recording_parse(r, h.kind, bytes + FORMAT_CHUNK_HEADER_SIZE, h.size)) {
        r->is_malformed = true;
        return CHUNK_BAD;
    }
    *used = FORMAT_CHUNK_HEADER_SIZE + h.size;
    return CHUNK_GOOD;
}

static void set_damage(struct recording *r, enum chunk_result last, uint64_t lost)
{
    free(r->damage);
    r->damage = NULL;
    r->completeness.is_damaged = !r->completeness.is_closed;
    if (r->completeness.is_closed)
        return; /* only keyframes can come after the end: they are made anew */
    if (last == CHUNK_BAD)
        r->damage = xasprintf("%s is damaged at byte %" PRIu64 ": what came after event %" PRIu32
                              " is lost",
                              r->name, r->good_size, (uint32_t)r->events.count);
    else if (lost)
        r->damage =
            xasprintf("%s is cut off after event %" PRIu32, r->name, (uint32_t)r->events.count);
    else
        r->damage = xasprintf("%s has no end: its recorder did not finish, or runs still", r->name);
}

/* Takes in the chunks of an extent from `at` on. */
static void take_extent(struct recording *r, struct extent *x, size_t at)
{
    size_t start = at;
    enum chunk_result result = CHUNK_GOOD;
    while (at < x->size && result == CHUNK_GOOD) {
        size_t used = 0;
        result = take_chunk(r, x->bytes + at, x->size - at, &used);
        at += used;
        r->good_size += used;
        r->chunk_count += result == CHUNK_GOOD;
    }
    set_damage(r, result, x->size - at);
    if (at == start && !r->is_malformed) {
        extent_free(x);
        return;
    }
    if (x->is_mapped)
        madvise(x->bytes, x->size, MADV_DONTNEED); /* what is looked at comes back by itself */
    *PUSH(r->extent) = *x;
}

int recording_refresh(struct recording *r, struct err *e)
{
    struct stat st;
    if (fstat(r->fd, &st) < 0)
        return err_sys(e, errno, "read %s", r->name);
    if (r->is_malformed || (uint64_t)st.st_size <= r->good_size)
        return 0;
    size_t before = r->step_count, skip;
    struct extent x;
    int rc = extent_load(&x, &skip, r->fd, r->good_size, (size_t)st.st_size - r->good_size);
    if (rc < 0)
        return err_sys(e, -rc, "read %s", r->name);
    take_extent(r, &x, skip);
    return (int)(r->step_count - before);
}

/* ---- opening ---- */

static int check_header(struct recording *r, struct err *e)
{
    uint8_t bytes[FORMAT_HEADER_SIZE];
    struct stat st;
    if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, EINVAL, "open %s: it is no recording", r->name);
    ssize_t n = pread(r->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return err_sys(e, errno, "read %s", r->name);
    int rc = file_header_unpack(&r->header, bytes, (size_t)n);
    if (rc == -EINVAL)
        return err_set(e, EINVAL, "open %s: it is no recording", r->name);
    if (rc < 0)
        return err_set(e, EBADMSG, "open %s: the head of the recording is damaged", r->name);
    if (r->header.version != FORMAT_VERSION || (r->header.features & ~(uint64_t)FEATURES_KNOWN))
        return err_set(e, ENOTSUP, "open %s: the recording has format %u, made by a newer ipclab",
                       r->name, r->header.version);
    r->good_size = FORMAT_HEADER_SIZE;
    return 0;
}

int recording_open_fd(struct recording **out, int take_fd, const char *name, struct err *e)
{
    struct recording *r = xcalloc(1, sizeof *r);
    r->fd = take_fd;
    r->name = xstrdup(name);
    int rc = check_header(r, e);
    if (rc == 0) {
        set_damage(r, CHUNK_GOOD, 0);
        rc = recording_refresh(r, e);
    }
    if (rc < 0) {
        recording_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

int recording_open(struct recording **out, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_sys(e, errno, "open %s", path);
    return recording_open_fd(out, fd, path, e);
}

void recording_free(struct recording *r)
{
    if (!r)
        return;
    fd_close(&r->fd);
    recording_free_halves(r);
    for (size_t i = 0; i < r->stack_count; i++)
        free(r->stack[i].frames);
    for (size_t i = 0; i < r->extent_count; i++)
        extent_free(&r->extent[i]);
    void *arrays[] = {r->stack, r->extent,  r->module, r->meta,  r->keyframe,
                      r->call,  r->payload, r->name,   r->damage};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(r);
}

/* ---- looking ---- */

const char *recording_damage(const struct recording *r)
{
    return r->damage;
}

const struct completeness *recording_completeness(const struct recording *r)
{
    return &r->completeness;
}

uint64_t recording_good_size(const struct recording *r, uint32_t *chunk_count)
{
    *chunk_count = r->chunk_count;
    return r->good_size;
}

uint32_t recording_step_count(const struct recording *r)
{
    return (uint32_t)r->step_count;
}

struct step recording_step(const struct recording *r, uint32_t seq)
{
    assert(seq >= 1 && seq <= r->step_count);
    uint32_t packed = r->step[seq - 1];
    return (struct step){packed >> 1, packed & 1};
}

uint32_t recording_event_count(const struct recording *r)
{
    return (uint32_t)r->events.count;
}

const struct event *recording_event(const struct recording *r, uint32_t id)
{
    assert(id < r->events.count);
    return event_at(r, id);
}

bool recording_blob(const struct recording *r, const struct event *ev, int arg, enum blob_side side,
                    struct blob *out)
{
    for (uint32_t i = 0; i < ev->blob_count; i++) {
        const struct kept_blob *b = blob_at(r, ev->first_blob + i);
        if (b->arg != arg || b->side != side)
            continue;
        *out = (struct blob){b->arg, b->side, b->kept, b->length, b->bytes};
        return true;
    }
    return false;
}

size_t recording_stack(const struct recording *r, uint32_t stack, const struct frame **out)
{
    if (!stack || stack > r->stack_count) {
        *out = NULL;
        return 0;
    }
    *out = r->stack[stack - 1].frames;
    return r->stack[stack - 1].count;
}

uint32_t recording_stack_count(const struct recording *r)
{
    return (uint32_t)r->stack_count;
}

const struct module *recording_module(const struct recording *r, uint32_t module)
{
    return module && module <= r->module_count ? &r->module[module - 1] : NULL;
}

enum recording_arch recording_arch(const struct recording *r)
{
    return (enum recording_arch)r->header.arch;
}

uint32_t recording_page_size(const struct recording *r)
{
    return r->header.page_size;
}

uint64_t recording_monotonic_ns(const struct recording *r)
{
    return r->header.monotonic_ns;
}

uint64_t recording_realtime_ns(const struct recording *r)
{
    return r->header.realtime_ns;
}

bool recording_meta_at(const struct recording *r, size_t index, const char **key,
                       const char **value)
{
    if (index >= r->meta_count)
        return false;
    *key = r->meta[index].key;
    *value = r->meta[index].value;
    return true;
}

const char *recording_meta(const struct recording *r, const char *key)
{
    for (size_t i = r->meta_count; i-- > 0;)
        if (strcmp(r->meta[i].key, key) == 0)
            return r->meta[i].value;
    return NULL;
}

size_t recording_keyframe_count(const struct recording *r)
{
    return r->keyframe_count;
}

struct keyframe recording_keyframe(const struct recording *r, size_t index)
{
    assert(index < r->keyframe_count);
    return r->keyframe[index];
}
