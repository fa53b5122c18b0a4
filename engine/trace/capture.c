#include "trace/capture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/xalloc.h"
#include "trace/probe.h"
#include "trace/remote.h"

enum {
    STRING_FIRST = 256, /* most paths are shorter */
    STRINGS_MAX = 1024, /* pointers of an argv looked at */
    PAGE = 4096,
    MSGHDR_CONTROL = 32,      /* offset of msg_control in struct msghdr */
    MSGHDR_CONTROL_SIZE = 40, /* of msg_controllen */
};

void capturer_init(struct capturer *c, size_t payload_cap)
{
    *c = (struct capturer){.payload_cap = payload_cap};
}

void capturer_fini(struct capturer *c)
{
    free(c->bytes);
}

/* Room for size bytes, zeroed by nobody; returns where it begins. */
static size_t take_room(struct capturer *c, size_t size)
{
    size_t at = c->bytes_count;
    xgrow(&c->bytes, &c->bytes_cap, at + size + 8, 1);
    c->bytes_count = at + size;
    return at;
}

/* ---- the simple captures: plain bytes, all in one system call ---- */

/* A capture under way; `at` counts from c->bytes, which may move. */
struct reading {
    struct capture what;
    size_t at, kept;
    uint64_t length;
};

static size_t limit_of(const struct capturer *c, const struct capture *what)
{
    return what->is_payload ? c->payload_cap : CAPTURE_MAX;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Bytes that the first system call reads for it: 0 when it needs steps of its own. */
static size_t first_size(const struct capturer *c, const struct capture *what)
{
    switch (what->kind) {
    case CAPTURE_BYTES: return (size_t)lesser(what->length, limit_of(c, what));
    case CAPTURE_STRING: return (size_t)lesser(STRING_FIRST, PAGE - what->address % PAGE);
    default: return 0;
    }
}

static void read_first(struct capturer *c, const struct capture_plan *plan, struct reading *list,
                       size_t count)
{
    struct piece pieces[1 + CAPTURES_MAX];
    size_t n = 0;
    if (plan->slice_size) {
        take_room(c, plan->slice_size);
        pieces[n++] = (struct piece){plan->sp, plan->slice_size};
    }
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &list[i];
        r->length = r->what.length;
        r->kept = first_size(c, &r->what);
        r->at = take_room(c, r->kept);
        if (r->kept)
            pieces[n++] = (struct piece){r->what.address, r->kept};
    }
    if (!n)
        return;
    size_t got = remote_read_pieces(plan->tid, pieces, n, c->bytes);
    c->slice_size = got < plan->slice_size ? got : plan->slice_size;
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &list[i];
        if (r->at + r->kept > got) /* stopped short: this one, or one before it, has a bad page */
            r->kept = remote_read(plan->tid, r->what.address, c->bytes + r->at, r->kept);
    }
}

/* ---- captures that take more steps ---- */

/* Moves a reading to the end of the bytes, where it can grow. */
static void move_to_end(struct capturer *c, struct reading *r)
{
    size_t at = take_room(c, r->kept);
    memcpy(c->bytes + at, c->bytes + r->at, r->kept);
    r->at = at;
}

static void append(struct capturer *c, struct reading *r, pid_t tid, uint64_t address, size_t size)
{
    size_t at = take_room(c, size);
    size_t got = remote_read(tid, address, c->bytes + at, size);
    c->bytes_count = at + got;
    r->kept += got;
}

/* Cuts at the NUL, if there is one. */
static bool end_string(struct capturer *c, struct reading *r, size_t from)
{
    const void *start = c->bytes + r->at + from;
    const uint8_t *nul = r->kept > from ? memchr(start, 0, r->kept - from) : NULL;
    if (!nul)
        return false;
    r->kept = (size_t)(nul - (c->bytes + r->at));
    return true;
}

static void read_string(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    bool is_whole = end_string(c, r, 0);
    if (!is_whole)
        move_to_end(c, r);
    while (!is_whole && r->kept < r->what.length) {
        size_t from = r->kept;
        uint64_t next = r->what.address + from;
        append(c, r, plan->tid, next, (size_t)(PAGE - next % PAGE));
        if (r->kept == from)
            break;
        is_whole = end_string(c, r, from);
    }
    r->length = r->kept;
    if (!is_whole && !r->kept)
        r->what.kind = CAPTURE_BYTES; /* nothing there: not the same as an empty string */
}

static void read_strings(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    uint64_t pointers[STRINGS_MAX];
    size_t got = remote_read(plan->tid, r->what.address, pointers, sizeof pointers);
    r->at = take_room(c, 0);
    for (size_t i = 0; i < got / 8 && pointers[i] && r->kept < CAPTURE_MAX; i++) {
        struct reading one = {.what = {.address = pointers[i], .length = CAPTURE_MAX - r->kept},
                              .at = r->at + r->kept};
        read_string(c, plan, &one);
        c->bytes_count = one.at + one.kept; /* it read beyond the NUL */
        c->bytes[take_room(c, 1)] = '\0';
        r->kept += one.kept + 1;
    }
    r->length = r->kept;
}

static void read_iovec(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    struct iovec vec[1024]; /* UIO_MAXIOV */
    size_t size = r->what.count * sizeof vec[0];
    size_t got = remote_read(plan->tid, r->what.address, vec, size) / sizeof vec[0];
    uint64_t most = lesser(r->what.length, limit_of(c, &r->what));
    uint64_t total = 0;
    r->at = take_room(c, 0);
    for (size_t i = 0; i < got; i++) {
        uint64_t left = most > r->kept ? most - r->kept : 0;
        uint64_t part = lesser(vec[i].iov_len, left);
        if (part)
            append(c, r, plan->tid, (uint64_t)(uintptr_t)vec[i].iov_base, (size_t)part);
        total += vec[i].iov_len;
    }
    r->length = lesser(total, r->what.length);
}

static void read_control(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    r->at = take_room(c, 0);
    for (uint32_t i = 0; i < r->what.count && r->kept < CAPTURE_MAX; i++) {
        uint64_t header = r->what.address + (uint64_t)i * r->what.stride;
        uint64_t control[2]; /* pointer, length */
        _Static_assert(MSGHDR_CONTROL + 8 == MSGHDR_CONTROL_SIZE, "they are neighbours");
        if (remote_read(plan->tid, header + MSGHDR_CONTROL, control, sizeof control) <
            sizeof control)
            break;
        size_t size = (size_t)lesser(control[1], CAPTURE_MAX - r->kept);
        if (control[0] && size)
            append(c, r, plan->tid, control[0], size);
        size_t padding = (size_t)(-r->kept & 7u);
        memset(c->bytes + take_room(c, padding), 0, padding);
        r->kept += padding;
    }
    r->length = r->kept;
}

static void read_indirect(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    uint64_t pointer = 0;
    r->at = take_room(c, 0);
    remote_read(plan->tid, r->what.address, &pointer, sizeof pointer);
    if (pointer)
        append(c, r, plan->tid, pointer, (size_t)lesser(r->what.length, CAPTURE_MAX));
}

static void read_object(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    int fd = (int)r->what.address;
    if (r->what.kind == CAPTURE_OBJECT_AT &&
        remote_read(plan->tid, r->what.address, &fd, sizeof fd) < sizeof fd)
        return;
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)plan->tid, fd);
    struct stat st;
    if (fstatat(AT_FDCWD, path, &st, 0) < 0)
        return;
    struct object_fact fact = {.mode = st.st_mode, .ino = st.st_ino, .dev = st.st_dev};
    int64_t capacity = S_ISFIFO(st.st_mode) ? probe_pipe_size(plan->tid, fd) : 0;
    if (capacity > 0)
        fact.capacity = (uint64_t)capacity;
    r->at = take_room(c, sizeof fact);
    r->kept = sizeof fact;
    memcpy(c->bytes + r->at, &fact, sizeof fact);
}

static void read_rest(struct capturer *c, const struct capture_plan *plan, struct reading *r)
{
    switch (r->what.kind) {
    case CAPTURE_STRING: read_string(c, plan, r); break;
    case CAPTURE_STRINGS: read_strings(c, plan, r); break;
    case CAPTURE_IOVEC: read_iovec(c, plan, r); break;
    case CAPTURE_CONTROL: read_control(c, plan, r); break;
    case CAPTURE_INDIRECT: read_indirect(c, plan, r); break;
    case CAPTURE_OBJECT:
    case CAPTURE_OBJECT_AT: read_object(c, plan, r); break;
    default: break;
    }
}

/* A blob that could not be read at all is left out: its reader must know the difference from an
 * empty one. An empty string is empty, not missing. */
static void hand_out(struct capturer *c, const struct reading *r)
{
    bool is_text = r->what.kind == CAPTURE_STRING || r->what.kind == CAPTURE_STRINGS;
    if (!r->kept && !is_text)
        return;
    if (r->what.is_payload && r->length > r->kept)
        c->payload_cut += r->length - r->kept;
    c->blobs[c->blob_count++] = (struct blob_in){.arg = r->what.arg,
                                                 .side = r->what.side,
                                                 .kept = (uint32_t)r->kept,
                                                 .length = r->length,
                                                 .bytes = c->bytes + r->at};
}

void capture(struct capturer *c, const struct capture_plan *plan)
{
    struct capture wanted[CAPTURES_MAX];
    struct reading list[CAPTURES_MAX];
    size_t count = call_captures(plan->call, plan->args, plan->ret, plan->at_exit, wanted);
    c->bytes_count = 0;
    c->blob_count = 0;
    c->slice_size = 0;
    for (size_t i = 0; i < count; i++)
        list[i] = (struct reading){.what = wanted[i]};
    read_first(c, plan, list, count);
    for (size_t i = 0; i < count; i++)
        if (list[i].what.kind != CAPTURE_BYTES)
            read_rest(c, plan, &list[i]);
    for (size_t i = 0; i < count; i++)
        hand_out(c, &list[i]);
}

const void *capture_find(const struct capturer *c, int arg, size_t size)
{
    for (size_t i = 0; i < c->blob_count; i++)
        if (c->blobs[i].arg == arg && c->blobs[i].kept >= size)
            return c->blobs[i].bytes;
    return NULL;
}
