#include "recording_sample.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

/* What the recorder was given, in order: an entry, a point, or the exit of an earlier one. */
struct given {
    uint8_t kind;
    uint16_t call;
    int32_t tid;
    int exit_of; /* event id + 1; 0: an entry or a point */
    uint64_t ns;
    uint64_t args[6];
    int64_t ret;
    uint8_t flags;
    uint32_t stack;
    struct blob_in blobs[3];
    size_t blob_count;
};

static const char many[3000] = "much payload";

static const struct given all[SAMPLE_STEPS] = {
    {.kind = EVENT_START, .tid = 100, .ns = 10, .args = {0, 0, 0, 100}},
    {.kind = EVENT_FD,
     .tid = 100,
     .ns = 11,
     .args = {0, 2, 77, 010600, 5, UINT64_MAX},
     .ret = 0,
     .blobs = {{0, BLOB_IN, 8, 8, "pipe:[5]"}},
     .blob_count = 1},
    {.kind = EVENT_EXEC,
     .tid = 100,
     .ns = 12,
     .blobs = {{0, BLOB_IN, 7, 7, "/bin/sh"}},
     .blob_count = 1},
    {.call = CALL_pipe2, .tid = 100, .ns = 20, .args = {0x7ffe12345678, 02000000}, .stack = 1},
    {.exit_of = 4, .ns = 25, .blobs = {{0, BLOB_OUT, 8, 8, "\3\0\0\0\4\0\0\0"}}, .blob_count = 1},
    {.call = CALL_read, .tid = 100, .ns = 30, .args = {3, 0x7ffe12345000, 64}, .stack = 1},
    {.kind = EVENT_START, .tid = 101, .ns = 31, .args = {100, 17, 4, 101}},
    {.call = CALL_write,
     .tid = 101,
     .ns = 32,
     .args = {4, 0x5555, 5},
     .stack = 2,
     .blobs = {{1, BLOB_IN, 5, 5, "hello"}},
     .blob_count = 1},
    {.exit_of = 5, .ns = 40, .ret = 5, .blobs = {{1, BLOB_OUT, 5, 5, "hello"}}, .blob_count = 1},
    {.exit_of = 7, .ns = 39, .ret = 5},
    {.call = CALL_poll,
     .tid = 101,
     .ns = 41,
     .args = {0x5000, 1, UINT64_MAX},
     .blobs = {{0, BLOB_IN, 8, 8, "\3\0\0\0\1\0\0\0"}},
     .blob_count = 1},
    {.kind = EVENT_BLOCKED, .tid = 101, .ns = 50, .args = {7}},
    {.kind = EVENT_SIGNAL,
     .tid = 101,
     .ns = 51,
     .args = {14},
     .ret = -1,
     .blobs = {{0, BLOB_IN, 4, 128, "\x0e\0\0\0"}},
     .blob_count = 1},
    {.exit_of = 8,
     .ns = 52,
     .ret = -4,
     .flags = EVENT_WAS_RESTARTED,
     .stack = 2,
     .blobs = {{0, BLOB_OUT, 8, 8, "\3\0\0\0\1\0\1\0"}, {5, BLOB_OUT, 0, 0, NULL}},
     .blob_count = 2},
    {.call = CALL_write,
     .tid = 101,
     .ns = 60,
     .args = {4, 0x5555, 1u << 20},
     .stack = 2,
     .blobs = {{1, BLOB_IN, 3000, 1u << 20, many}},
     .blob_count = 1},
    {.kind = EVENT_STOP, .tid = 101, .ns = 61, .args = {19}},
    {.kind = EVENT_RESUME, .tid = 101, .ns = 1ull << 40},
    {.kind = EVENT_DYING, .tid = 101, .ns = (1ull << 40) + 1, .args = {9}},
    {.kind = EVENT_EXIT, .tid = 101, .ns = (1ull << 40) + 2, .args = {9, 1}},
    {.kind = EVENT_NOTE,
     .tid = 0,
     .ns = (1ull << 40) + 3,
     .args = {NOTE_TIMEOUT},
     .blobs = {{0, BLOB_IN, 8, 8, "too late"}},
     .blob_count = 1},
};

static void write_names(struct recorder *w)
{
    struct module program = {"/home/ann/prog", "abcdef01", true},
                  library = {"/lib/libc.so.6", "", false};
    assert_int_equal(recorder_module(w, &program), 1);
    assert_int_equal(recorder_module(w, &library), 2);
    assert_int_equal(recorder_module(w, &program), 1);
    struct frame frames[] = {{1, 0x1234}, {2, 0x29d8f}, {1, 0x1100}};
    assert_int_equal(recorder_stack(w, frames, 1), 1);
    assert_int_equal(recorder_stack(w, frames, 3), 2);
    assert_int_equal(recorder_stack(w, frames, 1), 1);
    assert_int_equal(recorder_stack(w, NULL, 0), 0);
}

void sample_write(struct recorder *w)
{
    recorder_meta(w, "command", "sh -c true");
    recorder_meta(w, "source:a.c", "int main;\n");
    write_names(w);
    for (size_t i = 0; i < SAMPLE_STEPS; i++) {
        const struct given *g = &all[i];
        struct event ev = {.kind = g->kind,
                           .flags = g->flags,
                           .call = g->call,
                           .tid = g->tid,
                           .stack = g->stack,
                           .entry_ns = g->ns,
                           .exit_ns = g->ns,
                           .ret = g->ret};
        memcpy(ev.args, g->args, sizeof ev.args);
        if (g->exit_of) {
            ev.id = (uint32_t)g->exit_of - 1;
            assert_int_equal(recorder_exit(w, &ev, g->blobs, g->blob_count), i + 1);
        } else {
            recorder_enter(w, &ev, g->blobs, g->blob_count);
            assert_int_equal(ev.entry_seq, i + 1);
        }
        if (i % 7 == 6)
            recorder_flush(w);
    }
    recorder_completeness(w, &(struct completeness){.has_io_uring = true, .has_untraced = true});
}

static void check_blobs(const struct recording *r, const struct event *ev, const struct given *g)
{
    for (size_t i = 0; i < g->blob_count; i++) {
        struct blob b;
        assert_true(recording_blob(r, ev, g->blobs[i].arg, g->blobs[i].side, &b));
        assert_int_equal(b.kept, g->blobs[i].kept);
        assert_int_equal(b.length, g->blobs[i].length);
        if (b.kept)
            assert_memory_equal(b.bytes, g->blobs[i].bytes, b.kept);
        assert_int_equal(b.bytes[b.kept], 0);
    }
}

static void check_step(const struct recording *r, uint32_t seq, const struct given *g, uint32_t id)
{
    struct step s = recording_step(r, seq);
    assert_int_equal(s.is_exit, g->exit_of != 0);
    assert_int_equal(s.event, g->exit_of ? (uint32_t)g->exit_of - 1 : id);
    const struct event *ev = recording_event(r, s.event);
    assert_int_equal(ev->id, s.event);
    check_blobs(r, ev, g);
    if (g->exit_of) {
        assert_int_equal(ev->exit_seq, seq);
        assert_int_equal(ev->exit_ns, g->ns);
        assert_int_equal(ev->ret, g->ret);
        assert_int_equal(ev->flags, g->flags);
        return;
    }
    assert_int_equal(ev->kind, g->kind);
    assert_int_equal(ev->call, g->call);
    assert_int_equal(ev->tid, g->tid);
    assert_int_equal(ev->entry_seq, seq);
    assert_int_equal(ev->entry_ns, g->ns);
    assert_memory_equal(ev->args, g->args, sizeof ev->args);
    if (g->stack)
        assert_int_equal(ev->stack, g->stack);
    if (g->kind != EVENT_CALL)
        assert_int_equal(ev->ret, g->ret);
}

void sample_check(const struct recording *r, uint32_t events, uint32_t steps)
{
    assert_int_equal(recording_event_count(r), events);
    assert_int_equal(recording_step_count(r), steps);
    uint32_t id = 0;
    for (uint32_t i = 0; i < steps; i++) {
        check_step(r, i + 1, &all[i], id);
        id += all[i].exit_of == 0;
    }
    assert_int_equal(id, events);
}

uint8_t *sample_bytes(size_t *size)
{
    int fd = memory_file("", 0);
    int copy = dup(fd);
    struct recorder *w;
    assert_int_equal(recorder_open_fd(&w, fd, NULL), 0);
    sample_write(w);
    assert_int_equal(recorder_close(w, NULL), 0);
    struct stat st;
    assert_int_equal(fstat(copy, &st), 0);
    uint8_t *bytes = xmalloc((size_t)st.st_size);
    assert_int_equal(pread(copy, bytes, (size_t)st.st_size, 0), st.st_size);
    fd_close(&copy);
    *size = (size_t)st.st_size;
    return bytes;
}

int memory_file(const void *bytes, size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_full(fd, bytes, size), 0);
    return fd;
}
