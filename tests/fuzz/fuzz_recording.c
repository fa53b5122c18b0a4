/* Any bytes as a recording: they open or they do not; whatever is in them can be looked at.
 * Checksums are put right first, else hardly an input would come past them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "fuzz.h"
#include "trace/recording.h"
#include "trace/recording_format.h"

/* ---- looking at everything ---- */

static size_t seen; /* so that no reading is optimised away */

static void look_at_event(const struct recording *r, const struct event *ev)
{
    struct op op;
    struct op_poll polls[16];
    int fds[16];
    struct buf text = {0};
    const struct frame *frames;
    seen += (size_t)call_decode(r, ev, &op);
    seen += op.path ? strlen(op.path) : 0;
    seen += call_polls(r, ev, polls, 16) + call_received(r, ev, fds, 16);
    call_format(r, ev, false, &text);
    call_format(r, ev, true, &text);
    seen += text.len;
    buf_fini(&text);
    for (int arg = 0; arg <= CALL_RESULT; arg++) {
        for (int side = 0; side < 2; side++) {
            struct blob b;
            if (recording_blob(r, ev, arg, (enum blob_side)side, &b))
                seen += b.bytes[b.kept] + (b.kept ? b.bytes[b.kept - 1] : 0u);
        }
    }
    size_t count = recording_stack(r, ev->stack, &frames);
    for (size_t i = 0; i < count; i++) {
        const struct module *m = recording_module(r, frames[i].module);
        seen += m ? strlen(m->path) + strlen(m->build_id) : 0;
    }
}

static void look(const struct recording *r)
{
    const char *key, *value;
    for (uint32_t seq = 1; seq <= recording_step_count(r); seq++)
        seen += recording_step(r, seq).event;
    for (uint32_t id = 0; id < recording_event_count(r); id++)
        look_at_event(r, recording_event(r, id));
    for (size_t i = 0; recording_meta_at(r, i, &key, &value); i++)
        seen += strlen(key) + strlen(value);
    for (size_t i = 0; i < recording_keyframe_count(r); i++) {
        struct keyframe k = recording_keyframe(r, i);
        seen += k.size ? k.bytes[k.size - 1] : 0u;
    }
    seen += recording_damage(r) ? strlen(recording_damage(r)) : 0;
}

/* ---- the target ---- */

static void repair(uint8_t *bytes, size_t size)
{
    struct file_header head;
    struct chunk_header chunk;
    unsigned sum = 0;
    if (size < FORMAT_HEADER_SIZE)
        return;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    if (file_header_unpack(&head, bytes, size) < 0)
        head = (struct file_header){.version = FORMAT_VERSION, .arch = bytes[8] & 3};
    head.features = sum & 1 ? FEATURE_MANY_SOURCES : 0;
    file_header_pack(&head, bytes);
    uint32_t number = 0;
    for (size_t at = FORMAT_HEADER_SIZE; size - at >= FORMAT_CHUNK_HEADER_SIZE;) {
        chunk_header_unpack(&chunk, bytes + at);
        if (chunk.size > size - at - FORMAT_CHUNK_HEADER_SIZE)
            break;
        chunk_seal(bytes + at, chunk.kind, chunk.size, number++);
        at += FORMAT_CHUNK_HEADER_SIZE + chunk.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    uint8_t *bytes = xmemdup(data, size ? size : 1);
    repair(bytes, size);
    struct recording *r;
    size_t half = size / 2;
    if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, half, 0) < 0)
        abort();
    if (recording_open_fd(&r, dup(fd), "FILE", NULL) == 0) {
        if (pwrite(fd, bytes + half, size - half, (off_t)half) < 0)
            abort();
        recording_refresh(r, NULL);
        look(r);
        recording_free(r);
    }
    free(bytes);
    return 0;
}

/* ---- where mutation starts: every call and every kind of point, with memory for each argument
 * ---- */

static void add_names(struct recorder *w)
{
    struct module m = {"/home/ann/program", "0123abcd", true};
    struct frame frames[2] = {{recorder_module(w, &m), 0x1139}, {1, 0x2000}};
    recorder_meta(w, "command", "program");
    recorder_meta(w, "line:1:1139", "12 main program.c");
    recorder_stack(w, frames, 2);
}

static void add_call(struct recorder *w, enum call call)
{
    static const int memory[40] = {17, 0, 3, 1, 1000, 1, 3, 0, 5, 1, 1, 8, 1};
    struct blob_in in[6], out[7];
    for (uint8_t arg = 0; arg < 7; arg++) {
        if (arg < 6)
            in[arg] = (struct blob_in){arg, BLOB_IN, 128, 128, memory};
        out[arg] = (struct blob_in){arg, BLOB_OUT, 32, 4000, memory};
    }
    struct event ev = {.call = (uint16_t)call,
                       .tid = 100 + (int)call % 3,
                       .stack = 1,
                       .entry_ns = 10u * call,
                       .args = {3, 0x1000, 2, 0x2000, 4, 0x3000}};
    recorder_enter(w, &ev, in, 6);
    ev.ret = 2;
    ev.exit_ns = 10u * call + 5;
    recorder_exit(w, &ev, out, 7);
}

uint8_t *fuzz_seed_input(size_t *size)
{
    struct recorder *w;
    struct stat st;
    int fd = memfd_create("seed", MFD_CLOEXEC);
    if (fd < 0 || recorder_open_fd(&w, dup(fd), NULL) < 0)
        abort();
    add_names(w);
    for (int kind = 1; kind < EVENT_KIND_COUNT; kind++) {
        struct event ev = {.kind = (uint8_t)kind, .tid = 100, .args = {9, 1, 2, 3}};
        recorder_enter(w, &ev, &(struct blob_in){0, BLOB_IN, 9, 9, "some text"}, 1);
    }
    for (int call = 0; call < CALL_COUNT; call++) {
        add_call(w, (enum call)call);
        if (call % 16 == 0)
            recorder_flush(w);
    }
    recorder_keyframe(w, &(struct keyframe){5, 1, (const uint8_t *)"state", 5});
    if (recorder_close(w, NULL) < 0 || fstat(fd, &st) < 0)
        abort();
    *size = (size_t)st.st_size;
    uint8_t *bytes = xmalloc(*size);
    if (pread(fd, bytes, *size, 0) != st.st_size)
        abort();
    fd_close(&fd);
    return bytes;
}
