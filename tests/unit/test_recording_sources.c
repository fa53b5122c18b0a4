/* Recordings of several sources: the reader merges them by sequence number, the model folds what it
 * gets. The bytes are made here by hand, from docs/recording-format.md. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "model/model.h"
#include "recording_sample.h"
#include "trace/recording_format.h"

/* ---- a file in the making ---- */

struct made {
    struct buf bytes, halves, payload;
    uint32_t chunks;
    uint64_t first_seq; /* of the halves */
    uint64_t next_seq;
};

enum { NAME_PIPE2 = 1, NAME_READ, NAME_WRITE }; /* the file's numbers of calls */

static void put_chunk(struct made *f, enum chunk_kind kind, const struct buf *body)
{
    uint8_t head[FORMAT_CHUNK_HEADER_SIZE] = {0};
    size_t at = f->bytes.len;
    buf_put(&f->bytes, head, sizeof head);
    buf_put(&f->bytes, body->data, body->len);
    chunk_seal((uint8_t *)f->bytes.data + at, kind, (uint32_t)body->len, f->chunks++);
}

static void begin_file(struct made *f, uint64_t features)
{
    static const char calls[] = "\6pipe2\0\5read\0\6write";
    struct file_header head = {
        .version = FORMAT_VERSION, .arch = ARCH_X86_64, .page_size = 4096, .features = features};
    uint8_t bytes[FORMAT_HEADER_SIZE];
    file_header_pack(&head, bytes);
    buf_put(&f->bytes, bytes, sizeof bytes);
    struct buf body = {0};
    buf_put(&body, calls, sizeof calls);
    put_chunk(f, CHUNK_CALLS, &body);
    buf_fini(&body);
}

/* The halves since the last such call, as a chunk of this source; their payload before it. */
static void end_chunk(struct made *f, uint64_t source)
{
    struct buf body = {0};
    buf_varint(&body, source);
    buf_varint(&body, f->first_seq);
    buf_put(&body, f->halves.data, f->halves.len);
    if (f->payload.len)
        put_chunk(f, CHUNK_PAYLOAD, &f->payload);
    put_chunk(f, CHUNK_HALVES, &body);
    buf_fini(&body);
    buf_reset(&f->halves);
    buf_reset(&f->payload);
    f->first_seq = 0;
}

static void put_closing(struct made *f, uint64_t events, uint64_t halves)
{
    struct buf body = {0};
    buf_varint(&body, events);
    buf_varint(&body, halves);
    put_chunk(f, CHUNK_CLOSING, &body);
    buf_fini(&body);
}

/* The tag of the half with this number, and the gap before it. */
static void put_tag(struct made *f, uint64_t seq, unsigned tag)
{
    bool is_first = f->first_seq == 0;
    uint64_t gap = is_first ? 0 : seq - f->next_seq;
    f->first_seq = is_first ? seq : f->first_seq;
    f->next_seq = seq + 1;
    buf_putc(&f->halves, (char)(tag | (gap ? HALF_HAS_GAP : 0)));
    if (gap)
        buf_varint(&f->halves, gap);
}

static void put_blob(struct made *f, unsigned tag, const void *bytes, size_t size)
{
    buf_varint(&f->halves, 1);
    buf_putc(&f->halves, (char)tag);
    buf_varint(&f->halves, size);
    buf_put(&f->payload, bytes, size);
    buf_putc(&f->payload, '\0');
}

/* Differences are from 0 or from the source's half before: the caller knows. */
static void put_entry(struct made *f, uint64_t seq, int call, int ns, int tid,
                      const int64_t args[3])
{
    put_tag(f, seq, call == NAME_WRITE ? HALF_HAS_BLOBS : 0);
    buf_varint(&f->halves, (uint64_t)call);
    buf_zigzag(&f->halves, ns);
    buf_zigzag(&f->halves, tid);
    buf_putc(&f->halves, 7);
    for (int i = 0; i < 3; i++)
        buf_zigzag(&f->halves, args[i]);
    if (call == NAME_WRITE)
        put_blob(f, 1, "hello", 5);
}

static void put_exit(struct made *f, uint64_t seq, uint64_t back, int ns, int64_t ret)
{
    put_tag(f, seq, HALF_IS_EXIT);
    buf_varint(&f->halves, back);
    buf_zigzag(&f->halves, ns);
    buf_zigzag(&f->halves, ret);
}

static void put_start(struct made *f, uint64_t seq, int tid)
{
    put_tag(f, seq, HALF_IS_POINT);
    buf_varint(&f->halves, EVENT_START);
    buf_zigzag(&f->halves, 10);
    buf_zigzag(&f->halves, tid);
    buf_putc(&f->halves, 0);
    buf_zigzag(&f->halves, 0);
}

static void put_pipe(struct made *f, uint64_t entry_seq, uint64_t exit_seq)
{
    const int fds[2] = {3, 4};
    put_entry(f, entry_seq, NAME_PIPE2, 10, 0, (int64_t[3]){0x1000, 0, 0});
    put_tag(f, exit_seq, HALF_IS_EXIT | HALF_HAS_BLOBS);
    buf_varint(&f->halves, 0);
    buf_zigzag(&f->halves, 10);
    buf_zigzag(&f->halves, 0);
    put_blob(f, BLOB_IS_OUT, fds, sizeof fds);
}

static struct recording *open_file(const struct made *f)
{
    struct recording *r = NULL;
    struct err e;
    if (recording_open_fd(&r, memory_file(f->bytes.data, f->bytes.len), "FILE", &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static void fini(struct made *f)
{
    buf_fini(&f->bytes);
    buf_fini(&f->halves);
    buf_fini(&f->payload);
}

/* ---- two sources: the tracer, and one that sees reads and writes ---- */

/* seq     1      2      3      4        5        6       7       8
 * source  0      0      0      1        1        1       0       1
 *         START  pipe>  pipe<  write>   write<   read>   START   read<   */
static void put_tracer(struct made *f)
{
    put_start(f, 1, 100);
    put_pipe(f, 2, 3);
    put_start(f, 7, 1);
    end_chunk(f, 0);
}

static void put_other(struct made *f)
{
    put_entry(f, 4, NAME_WRITE, 41, 100, (int64_t[3]){4, 0x2000, 5});
    put_exit(f, 5, 0, 1, 5);
    end_chunk(f, 1);
    put_entry(f, 6, NAME_READ, 1, 0, (int64_t[3]){3, 0x3000, 2});
    put_exit(f, 8, 0, 1, 2);
    end_chunk(f, 1);
}

static void check_order(const struct recording *r)
{
    static const struct {
        uint32_t event;
        bool is_exit;
    } order[] = {{0, 0}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0}, {4, 0}, {3, 1}};
    assert_int_equal(recording_step_count(r), 8);
    assert_int_equal(recording_event_count(r), 5);
    for (uint32_t seq = 1; seq <= 8; seq++) {
        struct step step = recording_step(r, seq);
        assert_int_equal(step.event, order[seq - 1].event);
        assert_int_equal(step.is_exit, order[seq - 1].is_exit);
    }
    const struct event *write = recording_event(r, 2), *read = recording_event(r, 3);
    struct blob bytes;
    assert_int_equal(write->call, CALL_write);
    assert_int_equal(write->tid, 100);
    assert_int_equal(write->entry_ns, 41);
    assert_int_equal(write->exit_seq, 5);
    assert_int_equal(write->ret, 5);
    assert_true(recording_blob(r, write, 1, BLOB_IN, &bytes));
    assert_string_equal((const char *)bytes.bytes, "hello");
    assert_int_equal(read->call, CALL_read);
    assert_int_equal(read->entry_seq, 6);
    assert_int_equal(read->exit_seq, 8);
    assert_int_equal(read->args[2], 2);
    assert_true(recording_blob(r, recording_event(r, 1), 0, BLOB_OUT, &bytes));
    assert_int_equal(bytes.kept, 8);
}

static void check_model(const struct recording *r)
{
    static const uint64_t fills[] = {0, 0, 0, 0, 5, 5, 5, 3};
    struct model *m = model_new(r);
    for (uint32_t seq = 1; seq <= 8; seq++) {
        model_apply(m);
        if (seq >= 3)
            assert_int_equal(model_object(m, 0)->fill, fills[seq - 1]);
    }
    assert_int_equal(model_proc_count(m), 2);
    assert_string_equal(model_anomalies(m) ? model_anomaly_text(m) : "", "");
    model_free(m);
}

static void merged(void **state)
{
    (void)state;
    struct made f = {0};
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_tracer(&f);
    put_other(&f);
    put_closing(&f, 5, 8);
    struct recording *r = open_file(&f);
    assert_null(recording_damage(r));
    assert_true(recording_completeness(r)->is_closed);
    check_order(r);
    check_model(r);
    recording_free(r);
    fini(&f);
}

/* The other's chunks come first: none of them can be shown before the tracer's. */
static void out_of_order(void **state)
{
    (void)state;
    struct made f = {0};
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_start(&f, 1, 100);
    end_chunk(&f, 0);
    put_other(&f);
    int fd = memory_file(f.bytes.data, f.bytes.len);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, dup(fd), "FILE", NULL), 0);
    assert_int_equal(recording_step_count(r), 1);
    const struct event *first = recording_event(r, 0);
    size_t before = f.bytes.len;
    put_pipe(&f, 2, 3);
    end_chunk(&f, 0);
    assert_int_equal(fd_write_full(fd, f.bytes.data + before, f.bytes.len - before), 0);
    assert_int_equal(recording_refresh(r, NULL), 5); /* up to the 7th, which is missing */
    assert_true(event_is_pending(recording_event(r, 3)));
    before = f.bytes.len;
    put_start(&f, 7, 1);
    end_chunk(&f, 0);
    put_closing(&f, 5, 8);
    assert_int_equal(fd_write_full(fd, f.bytes.data + before, f.bytes.len - before), 0);
    assert_int_equal(recording_refresh(r, NULL), 2);
    assert_ptr_equal(first, recording_event(r, 0));
    assert_null(recording_damage(r));
    check_order(r);
    check_model(r);
    recording_free(r);
    fd_close(&fd);
    fini(&f);
}

/* A source was lost: what comes after its first number is not shown, and that is said. */
static void one_is_missing(void **state)
{
    (void)state;
    struct made f = {0};
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_tracer(&f);
    struct recording *r = open_file(&f);
    assert_int_equal(recording_step_count(r), 3);
    assert_non_null(recording_damage(r));
    recording_free(r);
    put_closing(&f, 2, 3); /* a recorder that miscounts */
    r = open_file(&f);
    assert_false(recording_completeness(r)->is_closed);
    assert_non_null(strstr(recording_damage(r), "is damaged"));
    recording_free(r);
    fini(&f);
}

static void expect_refused(struct made *f, uint32_t steps)
{
    struct recording *r = open_file(f);
    assert_int_equal(recording_step_count(r), steps);
    assert_non_null(strstr(recording_damage(r), "FILE is damaged at byte"));
    recording_free(r);
    fini(f);
}

static void refused(void **state)
{
    (void)state;
    struct made f = {0};
    begin_file(&f, FEATURE_MANY_SOURCES); /* one number twice: at once, and of one that waits */
    put_start(&f, 1, 100);
    end_chunk(&f, 0);
    put_start(&f, 1, 101);
    end_chunk(&f, 1);
    expect_refused(&f, 1);

    f = (struct made){0};
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_start(&f, 2, 100);
    end_chunk(&f, 0);
    put_start(&f, 2, 101);
    end_chunk(&f, 1);
    put_start(&f, 1, 102);
    end_chunk(&f, 2);
    expect_refused(&f, 2);

    f = (struct made){0}; /* a source goes back */
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_start(&f, 3, 100);
    end_chunk(&f, 0);
    put_start(&f, 2, 1);
    end_chunk(&f, 0);
    expect_refused(&f, 0);

    f = (struct made){0}; /* an exit of another source's event */
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_entry(&f, 1, NAME_READ, 1, 100, (int64_t[3]){3, 0x3000, 2});
    end_chunk(&f, 0);
    put_exit(&f, 2, 0, 1, 2);
    end_chunk(&f, 1);
    expect_refused(&f, 1);

    f = (struct made){0}; /* a source that was skipped */
    begin_file(&f, FEATURE_MANY_SOURCES);
    put_start(&f, 1, 100);
    end_chunk(&f, 1);
    expect_refused(&f, 0);

    f = (struct made){0}; /* the header says that there is but one */
    begin_file(&f, 0);
    put_start(&f, 1, 100);
    end_chunk(&f, 0);
    put_start(&f, 2, 101);
    end_chunk(&f, 1);
    expect_refused(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(one_is_missing),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
