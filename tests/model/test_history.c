/* Keyframes and history: a state written and read back is the same; damaged bytes are refused or
 * harmless; any moment reached by a jump equals the one reached step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "model/history.h"
#include "model/model_internal.h"
#include "play.h"

static const char busy[] = "P start\n"
                           "P has 0 read pipe 77\n"
                           "P pipe = 0 3 4\n"
                           "P sigaction 10 handler 0x800 = 0\n"
                           "P sigmask block 0x200 = 0\n"
                           "P alarm 5 = 0\n"
                           "P > fork\n"
                           "P.1 start P\n"
                           "P < @P.1\n"
                           "P > fork thread\n"
                           "T start P thread\n"
                           "P < @T\n"
                           "T > read 3 10\n"
                           "P mkfifo /tmp/p = 0\n"
                           "P open /tmp/p rdwr = 5 fifo 8\n"
                           "P epoll_create 0 = 6\n"
                           "P epoll_ctl 6 add 5 in = 0\n"
                           "P write 5 \"abc\" = 3\n"
                           "P kill @P 10 = 0\n"
                           "P.1 > write 4 x*70000\n"
                           "P.1 asleep\n"
                           "T < 10 x*10\n"
                           "T > read 3 10\n"
                           "P > fork vfork\n"
                           "P.2 start P vfork\n"
                           "P.2 > execve /bin/true\n"
                           "P.2 exec\n"
                           "P < @P.2\n"
                           "P.2 dying 0\n"
                           "P.2 ended 0\n"
                           "P.1 dying 9\n"
                           "P.1 ended 9\n"
                           "P wait -1 = @P.1 9\n";

/* Everything that can be asked, once: it must end, and touch only what is there. */
static void look_at_everything(struct model *m)
{
    struct wait waits[8];
    struct hold holds[8];
    struct range ranges[8];
    struct buf text = {0};
    size_t count = model_waits(m, waits, 8);
    for (size_t i = 0; i < count && i < 8; i++)
        model_wait_text(m, &waits[i], &text);
    model_is_stuck(m);
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        const struct fd_slot *slots;
        model_proc_name(m, i, &text);
        model_fds(m, i, &slots);
        for (int sig = 0; sig < 65; sig++)
            model_handler(m, i, sig, NULL);
    }
    for (uint32_t i = 0; i < model_task_count(m); i++)
        model_pending(m, i);
    for (uint32_t i = 0; i < model_object_count(m); i++) {
        model_object_name(m, i, &text);
        model_holders(m, i, holds, 8);
        model_pipe_ranges(m, i, ranges, 8);
        model_pipe_room(m, i, 100);
    }
    buf_fini(&text);
}

static struct model *folded(const struct recording *rec, uint32_t seq)
{
    struct model *m = model_new(rec);
    while (model_seq(m) < seq)
        model_apply(m);
    return m;
}

static void assert_same(const struct model *a, const struct model *b)
{
    struct buf x = {0}, y = {0};
    model_save(a, &x);
    model_save(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_fini(&x);
    buf_fini(&y);
}

static void test_saved_and_loaded(void **state)
{
    (void)state;
    struct recording *rec = play_record(busy);
    uint32_t last = recording_step_count(rec);
    for (uint32_t seq = 0; seq <= last; seq++) {
        struct model *m = folded(rec, seq), *again = model_new(rec);
        struct buf bytes = {0};
        model_save(m, &bytes);
        assert_int_equal(model_load(again, (const uint8_t *)bytes.data, bytes.len, NULL), 0);
        assert_same(m, again);
        while (model_seq(m) < last) {
            model_apply(m);
            model_apply(again);
        }
        assert_same(m, again);
        buf_fini(&bytes);
        model_free(m);
        model_free(again);
    }
    recording_free(rec);
}

/* Bytes that load are a state like any other: it can be looked at and folded on. */
static void try_bytes(const struct recording *rec, const uint8_t *bytes, size_t size)
{
    struct model *m = model_new(rec);
    struct err e;
    if (model_load(m, bytes, size, &e) < 0) {
        assert_int_equal(model_seq(m), 0);
    } else {
        look_at_everything(m);
        while (model_seq(m) < recording_step_count(rec))
            model_apply(m);
        look_at_everything(m);
    }
    model_free(m);
}

static void test_damaged_bytes(void **state)
{
    (void)state;
    struct recording *rec = play_record(busy);
    struct model *m = folded(rec, recording_step_count(rec) - 12);
    struct buf bytes = {0};
    model_save(m, &bytes);
    for (size_t cut = 0; cut < bytes.len; cut += 7)
        try_bytes(rec, (const uint8_t *)bytes.data, cut);
    srand(7);
    for (int i = 0; i < 4000; i++) {
        uint8_t *copy = xmemdup(bytes.data, bytes.len);
        for (int flips = 1 + rand() % 3; flips > 0; flips--)
            copy[(size_t)rand() % bytes.len] ^= (uint8_t)(1 << rand() % 8);
        try_bytes(rec, copy, bytes.len);
        free(copy);
    }
    buf_fini(&bytes);
    model_free(m);
    recording_free(rec);
}

enum { ROUNDS = 3000 };

/* A recording long enough for several keyframes. */
static void put_long_script(struct buf *script)
{
    buf_puts(script, "P start\nP pipe = 0 3 4\n");
    for (int i = 0; i < ROUNDS; i++)
        buf_printf(script, "P write 4 \"abc\" = 3\nP read 3 %d = %d\n", 1 + i % 3, 1 + i % 3);
}

static struct recording *long_recording(void)
{
    struct buf script = {0};
    put_long_script(&script);
    struct recording *rec = play_record(script.data);
    buf_fini(&script);
    return rec;
}

static void test_any_moment(void **state)
{
    (void)state;
    struct recording *rec = long_recording();
    uint32_t last = recording_step_count(rec);
    struct history *h = history_new(rec);
    struct model *step = model_new(rec);
    srand(3);
    for (uint32_t seq = 0; seq <= last; seq++) {
        while (model_seq(step) < seq)
            model_apply(step);
        if (seq % 997 && seq != last)
            continue;
        history_at(h, (uint32_t)rand() % last);
        assert_same(history_at(h, seq), step);
        assert_same(history_at(h, seq), step);
    }
    assert_int_equal(model_seq(history_at(h, UINT32_MAX)), last);
    model_free(step);
    history_free(h);
    recording_free(rec);
}

static void test_saved_history(void **state)
{
    (void)state;
    char path[] = "/tmp/model-history-XXXXXX";
    struct recording *rec;
    struct err e;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct buf script = {0};
    put_long_script(&script);
    play_record_to(path, script.data);
    buf_fini(&script);
    assert_int_equal(recording_open(&rec, path, &e), 0);
    struct history *h = history_new(rec);
    assert_int_equal(history_save(h, path, &e), 0);
    struct recording *again;
    assert_int_equal(recording_open(&again, path, &e), 0);
    assert_true(recording_keyframe_count(again) > 0);
    struct history *loaded = history_new(again);
    for (uint32_t seq = 0; seq <= recording_step_count(rec); seq += 501)
        assert_same(history_at(loaded, seq), history_at(h, seq));
    history_free(h);
    history_free(loaded);
    recording_free(rec);
    recording_free(again);
    unlink(path);
}

/* Maps from numbers to indices, against a plain array. */
static void test_map(void **state)
{
    (void)state;
    enum { KEYS = 300 };
    uint32_t plain[KEYS + 1], used = 0;
    struct pool map;
    map_init(&map);
    memset(plain, 0xff, sizeof plain);
    srand(5);
    for (int i = 0; i < 20000; i++) {
        int key = 1 + rand() % KEYS;
        if (rand() % 2) {
            plain[key] = (uint32_t)i;
            map_put(&map, &used, key, plain[key]);
        } else if (plain[key] != UINT32_MAX) {
            map_remove(&map, &used, key, plain[key]);
            plain[key] = UINT32_MAX;
        }
        int other = 1 + rand() % KEYS;
        assert_int_equal(map_get(&map, other), plain[other]);
    }
    pool_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),           cmocka_unit_test(test_saved_and_loaded),
        cmocka_unit_test(test_damaged_bytes), cmocka_unit_test(test_any_moment),
        cmocka_unit_test(test_saved_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
