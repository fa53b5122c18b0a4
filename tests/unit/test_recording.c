/* The recording file: what is written is what is read, also in part, also damaged. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "recording_sample.h"
#include "trace/recording_format.h"

/* The steps, events and damage of the first `size` bytes. */
static struct recording *open_bytes(const void *bytes, size_t size)
{
    struct recording *r = NULL;
    int rc = recording_open_fd(&r, memory_file(bytes, size), "FILE", NULL);
    return rc == 0 ? r : NULL;
}

static uint32_t events_of(uint32_t steps)
{
    static const uint8_t is_exit[SAMPLE_STEPS] = {[4] = 1, [8] = 1, [9] = 1, [13] = 1};
    uint32_t events = 0;
    for (uint32_t i = 0; i < steps; i++)
        events += !is_exit[i];
    return events;
}

static void round_trip(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    struct recording *r = open_bytes(bytes, size);
    assert_non_null(r);
    assert_null(recording_damage(r));
    sample_check(r, events_of(SAMPLE_STEPS), SAMPLE_STEPS);
    assert_string_equal(recording_meta(r, "command"), "sh -c true");
    assert_string_equal(recording_meta(r, "source:a.c"), "int main;\n");
    assert_null(recording_meta(r, "absent"));
    const struct completeness *c = recording_completeness(r);
    assert_true(c->is_closed && c->has_io_uring && c->has_untraced);
    assert_false(c->is_damaged || c->has_own_filter || c->has_foreign_abi || c->lost_privileges);
    assert_int_equal(c->payload_cut, (1u << 20) - 3000 + 124);
    const struct frame *frames;
    assert_int_equal(recording_stack(r, 2, &frames), 3);
    assert_int_equal(frames[1].offset, 0x29d8f);
    assert_string_equal(recording_module(r, frames[0].module)->build_id, "abcdef01");
    assert_true(recording_module(r, frames[0].module)->is_own);
    assert_false(recording_module(r, frames[1].module)->is_own);
    assert_int_equal(recording_stack(r, 0, &frames), 0);
    assert_int_equal(recording_page_size(r), sysconf(_SC_PAGESIZE));
    recording_free(r);
    free(bytes);
}

/* However much of the file is there, it opens up to the last whole chunk and says so. */
static void truncated_anywhere(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    uint32_t most = 0;
    for (size_t cut = 0; cut < size; cut++) {
        struct err e = {0};
        struct recording *r;
        int rc = recording_open_fd(&r, memory_file(bytes, cut), "FILE", &e);
        if (cut < FORMAT_HEADER_SIZE) {
            assert_true(rc < 0 && e.text[0] != '\0');
            continue;
        }
        assert_int_equal(rc, 0);
        assert_non_null(recording_damage(r));
        assert_true(recording_completeness(r)->is_damaged);
        uint32_t steps = recording_step_count(r);
        assert_true(steps >= most);
        most = steps;
        sample_check(r, events_of(steps), steps);
        recording_free(r);
    }
    assert_int_equal(most, SAMPLE_STEPS);
    free(bytes);
}

/* A flipped bit is always found, and what was before it is good. */
static void flipped_bits(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (uint8_t)(1u << (i % 8));
        struct recording *r = open_bytes(bytes, size);
        if (r) {
            bool is_padding = i < FORMAT_HEADER_SIZE;
            assert_true(is_padding || recording_damage(r));
            uint32_t steps = recording_step_count(r);
            sample_check(r, events_of(steps), steps);
        }
        recording_free(r);
        bytes[i] ^= (uint8_t)(1u << (i % 8));
    }
    free(bytes);
}

static void other_files(void **state)
{
    (void)state;
    size_t size;
    struct err e = {0};
    struct recording *r = NULL;
    assert_int_equal(recording_open(&r, "/nowhere/at/all", &e), -ENOENT);
    assert_string_equal(e.text, "open /nowhere/at/all: No such file or directory");
    assert_int_equal(recording_open(&r, "/dev/null", &e), -EINVAL);
    assert_int_equal(recording_open(&r, "/", &e), -EINVAL);
    assert_int_equal(recording_open_fd(&r, memory_file("#!/bin/sh\n", 10), "FILE", &e), -EINVAL);
    assert_string_equal(e.text, "open FILE: it is no recording");
    uint8_t *bytes = sample_bytes(&size);
    struct file_header h;
    file_header_unpack(&h, bytes, size);
    h.version = 2;
    file_header_pack(&h, bytes);
    assert_int_equal(recording_open_fd(&r, memory_file(bytes, size), "FILE", &e), -ENOTSUP);
    assert_non_null(strstr(e.text, "newer ipclab"));
    h.version = 1;
    h.features = 2; /* of which nothing is known today */
    file_header_pack(&h, bytes);
    assert_int_equal(recording_open_fd(&r, memory_file(bytes, size), "FILE", &e), -ENOTSUP);
    free(bytes);
}

/* A reader follows the file while it grows by one byte, then two, ...; pointers stay. */
static void refresh_while_growing(void **state)
{
    (void)state;
    size_t size, done = FORMAT_HEADER_SIZE;
    uint8_t *bytes = sample_bytes(&size);
    int fd = memory_file(bytes, done);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, dup(fd), "FILE", NULL), 0);
    const struct event *first = NULL;
    int steps = 0;
    for (size_t more = 1; done < size; more++) {
        size_t n = more < size - done ? more : size - done;
        assert_int_equal(fd_write_full(fd, bytes + done, n), 0);
        done += n;
        int fresh = recording_refresh(r, NULL);
        assert_true(fresh >= 0);
        steps += fresh;
        assert_int_equal(recording_step_count(r), steps);
        if (!first && steps)
            first = recording_event(r, 0);
    }
    sample_check(r, events_of(SAMPLE_STEPS), SAMPLE_STEPS);
    assert_null(recording_damage(r));
    assert_ptr_equal(first, recording_event(r, 0));
    recording_free(r);
    fd_close(&fd);
    free(bytes);
}

/* The recorder tells of a full disk, once when it happens and again at the end, and what fitted is
 * good. */
static void full_disk(void **state)
{
    (void)state;
    struct rlimit before, small = {2000, 2000};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    int fd = memory_file("", 0);
    int copy = dup(fd);
    struct recorder *w;
    struct err e = {0};
    assert_int_equal(recorder_open_fd(&w, fd, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sample_write(w);
    assert_int_equal(recorder_flush(w), -EFBIG);
    assert_int_equal(recorder_close(w, &e), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_string_equal(e.text, "write the recording: File too large");
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, copy, "FILE", NULL), 0);
    uint32_t steps = recording_step_count(r);
    assert_in_range(steps, 1, SAMPLE_STEPS - 1);
    sample_check(r, events_of(steps), steps);
    assert_string_equal(recording_damage(r),
                        "FILE has no end: its recorder did not finish, or runs still");
    recording_free(r);
    assert_int_equal(recorder_open(&w, "/dev/full", &e), -ENOSPC);
}

static void keyframes(void **state)
{
    (void)state;
    char path[] = "/tmp/ipclab-test-XXXXXX";
    int fd = mkstemp(path);
    struct recorder *w;
    struct recording *r;
    assert_int_equal(recorder_open_fd(&w, fd, NULL), 0);
    assert_int_equal(recorder_reopen(&w, path, NULL), -EBADMSG); /* not closed: w is untouched */
    sample_write(w);
    assert_int_equal(recorder_close(w, NULL), 0);
    const uint32_t seqs[] = {12, 3, 7};
    assert_int_equal(recorder_reopen(&w, path, NULL), 0);
    for (size_t i = 0; i < 3; i++)
        recorder_keyframe(w, &(struct keyframe){seqs[i], 42, (const uint8_t *)"state", 5});
    assert_int_equal(recorder_close(w, NULL), 0);
    assert_int_equal(recording_open(&r, path, NULL), 0);
    assert_null(recording_damage(r));
    assert_int_equal(recording_keyframe_count(r), 3);
    const uint32_t sorted[] = {3, 7, 12};
    for (size_t i = 0; i < 3; i++) {
        struct keyframe k = recording_keyframe(r, i);
        assert_int_equal(k.seq, sorted[i]);
        assert_int_equal(k.layout, 42);
        assert_int_equal(k.size, 5);
        assert_memory_equal(k.bytes, "state", 5);
    }
    sample_check(r, events_of(SAMPLE_STEPS), SAMPLE_STEPS);
    recording_free(r);
    unlink(path);
}

/* Who has an old recording open goes on reading it when a new one takes its name. */
static void replaced(void **state)
{
    (void)state;
    char path[] = "/tmp/ipclab-test-XXXXXX";
    fd_close(&(int){mkstemp(path)});
    struct recorder *w;
    struct recording *r;
    assert_int_equal(recorder_open(&w, path, NULL), 0);
    sample_write(w);
    assert_int_equal(recorder_close(w, NULL), 0);
    assert_int_equal(recording_open(&r, path, NULL), 0);
    assert_int_equal(recorder_open(&w, path, NULL), 0);
    assert_int_equal(recording_refresh(r, NULL), 0);
    sample_check(r, events_of(SAMPLE_STEPS), SAMPLE_STEPS);
    recording_free(r);
    assert_int_equal(recorder_close(w, NULL), 0);
    unlink(path);
}

/* Two processes that pass one byte back and forth: at most 30 bytes an event. */
static void size_of_an_event(void **state)
{
    (void)state;
    enum { TRIPS = 20000 };
    int fd = memory_file("", 0);
    int copy = dup(fd);
    struct recorder *w;
    uint64_t ns = 0;
    assert_int_equal(recorder_open_fd(&w, fd, NULL), 0);
    for (int i = 0; i < 2 * TRIPS; i++) {
        struct blob_in byte = {1, BLOB_IN, 1, 1, "x"};
        struct event out = {.call = CALL_write,
                            .tid = 4000 + i % 2,
                            .entry_ns = ns += 9000,
                            .args = {(uint64_t)(4 + i % 2), 0x7ffe00112233, 1},
                            .stack = 0};
        recorder_enter(w, &out, &byte, 1);
        out.exit_ns = ns += 11000;
        out.ret = 1;
        struct event in = {.call = CALL_read,
                           .tid = 4001 - i % 2,
                           .entry_ns = ns += 2000,
                           .args = {(uint64_t)(3 + i % 2), 0x7ffe00112244, 1}};
        recorder_enter(w, &in, NULL, 0);
        recorder_exit(w, &out, NULL, 0);
        byte.side = BLOB_OUT;
        in.exit_ns = ns += 7000;
        in.ret = 1;
        recorder_exit(w, &in, &byte, 1);
    }
    uint64_t payload = recorder_payload_size(w);
    assert_int_equal(payload, 4 * TRIPS);
    assert_int_equal(recorder_close(w, NULL), 0);
    uint64_t size = (uint64_t)lseek(copy, 0, SEEK_END) - payload;
    print_message("%.1f bytes an event, payload left out\n", (double)size / (4 * TRIPS));
    assert_true(size < 30 * 4 * TRIPS);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, copy, "FILE", NULL), 0);
    assert_int_equal(recording_event_count(r), 4 * TRIPS);
    recording_free(r);
}

/* Thousands of stacks: the same frames have the same id, whenever they come again. */
static void many_stacks(void **state)
{
    (void)state;
    enum { STACKS = 5000 };
    int fd = memory_file("", 0);
    struct recorder *w;
    struct recording *r;
    assert_int_equal(recorder_open_fd(&w, dup(fd), NULL), 0);
    struct module module = {"/bin/true", "", true};
    uint32_t id = recorder_module(w, &module);
    for (uint32_t again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < STACKS; i++) {
            struct frame frames[2] = {{id, i / 2}, {id, i % 2}};
            assert_int_equal(recorder_stack(w, frames, 2), i + 1);
        }
        recorder_flush(w);
    }
    assert_int_equal(recorder_close(w, NULL), 0);
    assert_int_equal(recording_open_fd(&r, fd, "FILE", NULL), 0);
    assert_int_equal(recording_stack_count(r), STACKS);
    const struct frame *frames;
    assert_int_equal(recording_stack(r, 4322, &frames), 2);
    assert_int_equal(frames[0].offset, 4321 / 2);
    recording_free(r);
}

/* Blobs larger than the recorder's buffer; a file that grows by megabytes, which are mapped. */
static void much_payload(void **state)
{
    (void)state;
    enum { SIZE = 300000, EVENTS = 40 };
    int fd = memory_file("", 0);
    struct recorder *w;
    struct recording *r;
    char *bytes = xmalloc(SIZE);
    assert_int_equal(recorder_open_fd(&w, dup(fd), NULL), 0);
    assert_int_equal(recording_open_fd(&r, fd, "FILE", NULL), 0);
    struct blob kept[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
        memset(bytes, 'a' + i % 26, SIZE);
        struct event ev = {.call = CALL_write, .tid = 1, .entry_ns = (uint64_t)i};
        struct blob_in blob = {1, BLOB_IN, SIZE - (uint32_t)i, SIZE, bytes};
        recorder_enter(w, &ev, &blob, 1);
        if (i % 10 != 9)
            continue;
        assert_int_equal(recorder_flush(w), 0);
        assert_int_equal(recording_refresh(r, NULL), 10);
        for (uint32_t j = (uint32_t)i - 9; j <= (uint32_t)i; j++)
            assert_true(recording_blob(r, recording_event(r, j), 1, BLOB_IN, &kept[j]));
    }
    for (int i = 0; i < EVENTS; i++) {
        assert_int_equal(kept[i].kept, SIZE - i);
        assert_int_equal(kept[i].bytes[0], 'a' + i % 26);
        assert_int_equal(kept[i].bytes[SIZE - i - 1], 'a' + i % 26);
    }
    assert_int_equal(recorder_close(w, NULL), 0);
    recording_free(r);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),       cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(flipped_bits),     cmocka_unit_test(other_files),
        cmocka_unit_test(keyframes),        cmocka_unit_test(refresh_while_growing),
        cmocka_unit_test(full_disk),        cmocka_unit_test(replaced),
        cmocka_unit_test(size_of_an_event), cmocka_unit_test(many_stacks),
        cmocka_unit_test(much_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
