/* The table of calls: numbers, what is captured, how it is decoded and shown. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "recording_sample.h"
#include "trace/recording.h"

/* In the tables below what is left out is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BLOB(arg, side, bytes)                                 \
    {                                                          \
        arg, side, sizeof(bytes) - 1, sizeof(bytes) - 1, bytes \
    }

/* A call as the tracer would record it. */
struct sample {
    enum call call;
    uint64_t args[6];
    int64_t ret;
    bool is_pending;
    struct blob_in blobs[6];
};

static struct recording *record(const struct sample *s)
{
    int fd = memory_file("", 0);
    struct recorder *w;
    assert_int_equal(recorder_open_fd(&w, dup(fd), NULL), 0);
    struct blob_in in[6], out[6];
    size_t in_count = 0, out_count = 0;
    for (size_t i = 0; i < 6 && s->blobs[i].bytes; i++)
        if (s->blobs[i].side == BLOB_OUT)
            out[out_count++] = s->blobs[i];
        else
            in[in_count++] = s->blobs[i];
    struct event ev = {.call = (uint16_t)s->call, .tid = 7, .ret = s->ret};
    memcpy(ev.args, s->args, sizeof ev.args);
    recorder_enter(w, &ev, in, in_count);
    if (!s->is_pending)
        recorder_exit(w, &ev, out, out_count);
    assert_int_equal(recorder_close(w, NULL), 0);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, fd, "FILE", NULL), 0);
    return r;
}

/* ---- the table ---- */

static void numbers(void **state)
{
    (void)state;
#define CALL(name, x86_64, aarch64, shape, decoder) \
    assert_true(call_number(CALL_##name) == -1 ||   \
                call_by_number(call_number(CALL_##name)) == CALL_##name);
#include "trace/calls.def"
#undef CALL
    assert_int_equal(call_number(CALL_read), SYS_read);
    assert_int_equal(call_number(CALL_clone3), SYS_clone3);
    assert_int_equal(call_number(CALL_ppoll), SYS_ppoll);
    assert_int_equal(call_number(CALL_epoll_pwait2), SYS_epoll_pwait2);
    assert_int_equal(call_number(CALL_UNKNOWN), -1);
    assert_int_equal(call_by_number(-1), CALL_UNKNOWN);
    assert_int_equal(call_by_number(100000), CALL_UNKNOWN);
    assert_int_equal(call_by_number(SYS_getpid), CALL_UNKNOWN);
}

static void names(void **state)
{
    (void)state;
    for (int call = 1; call < CALL_COUNT; call++) {
        const char *name = call_name((enum call)call);
        assert_int_equal(call_by_name(name, strlen(name)), call);
    }
    assert_string_equal(call_name(CALL_COUNT), "unknown");
    assert_int_equal(call_by_name("reading", 7), CALL_UNKNOWN);
    assert_int_equal(call_by_name("rea", 3), CALL_UNKNOWN);
    assert_string_equal(signal_name(SIGPIPE), "SIGPIPE");
    assert_string_equal(signal_name(34), "SIGRTMIN");
    assert_string_equal(signal_name(0), "SIG?");
    assert_string_equal(signal_name(-5), "SIG?");
    assert_string_equal(errno_name(EPIPE), "EPIPE");
    assert_string_equal(errno_name(9999), "E?");
}

static void shapes(void **state)
{
    (void)state;
    for (int call = 0; call < CALL_COUNT; call++) {
        const char *shape = call_shape((enum call)call);
        size_t args = strcspn(shape, "=");
        assert_true(args <= 6);
        assert_true(shape[args] == '\0' || strcmp(shape + args, "=f") == 0);
        assert_int_equal(strspn(shape, "fduxolnpgODWCQ.szwvamKtjqYehGrV2iAMkTEyRPSNcX"), args);
    }
}

/* ---- captures ---- */

struct capture_case {
    enum call call;
    uint64_t args[6];
    int64_t ret;
    bool at_exit;
    size_t count;
    struct capture first;
};

static const struct capture_case capture_cases[] = {
    {CALL_read, {3, 0x1000, 64}, 0, false, 0, {0}},
    {CALL_read,
     {3, 0x1000, 64},
     5,
     true,
     1,
     {.arg = 1,
      .side = BLOB_OUT,
      .kind = CAPTURE_BYTES,
      .is_payload = true,
      .address = 0x1000,
      .length = 5}},
    {CALL_read, {3, 0x1000, 64}, 0, true, 0, {0}},
    {CALL_read, {3, 0x1000, 64}, -EAGAIN, true, 0, {0}},
    {CALL_write,
     {3, 0x1000, 64},
     0,
     false,
     1,
     {.arg = 1,
      .side = BLOB_IN,
      .kind = CAPTURE_BYTES,
      .is_payload = true,
      .address = 0x1000,
      .length = 64}},
    {CALL_openat,
     {0, 0x1000, 0},
     0,
     false,
     1,
     {.arg = 1, .kind = CAPTURE_STRING, .address = 0x1000, .length = 4096}},
    {CALL_openat,
     {0, 0x1000, 0},
     3,
     true,
     1,
     {.arg = CALL_RESULT, .side = BLOB_OUT, .kind = CAPTURE_OBJECT, .address = 3, .length = 24}},
    {CALL_openat,
     {0, 0x1000, 0},
     0,
     true,
     1, /* descriptor 0 is one, too */
     {.arg = CALL_RESULT, .side = BLOB_OUT, .kind = CAPTURE_OBJECT, .address = 0, .length = 24}},
    {CALL_openat, {0, 0x1000, 0}, -ENOENT, true, 0, {0}},
    {CALL_pipe2,
     {0x2000, 0},
     0,
     true,
     2,
     {.arg = 0, .side = BLOB_OUT, .kind = CAPTURE_BYTES, .address = 0x2000, .length = 8}},
    {CALL_wait4,
     {~0ull, 0x10, 0, 0},
     77,
     true,
     1,
     {.arg = 1, .side = BLOB_OUT, .kind = CAPTURE_BYTES, .address = 0x10, .length = 4}},
    {CALL_wait4, {~0ull, 0x10, 1, 0}, 0, true, 0, {0}},
    {CALL_wait4, {~0ull, 0, 0, 0}, 77, true, 0, {0}},
    {CALL_writev,
     {1, 0x3000, 2},
     0,
     false,
     1,
     {.arg = 1,
      .kind = CAPTURE_IOVEC,
      .is_payload = true,
      .count = 2,
      .address = 0x3000,
      .length = UINT64_MAX}},
    {CALL_readv,
     {1, 0x3000, 2},
     9,
     true,
     1,
     {.arg = 1,
      .side = BLOB_OUT,
      .kind = CAPTURE_IOVEC,
      .is_payload = true,
      .count = 2,
      .address = 0x3000,
      .length = 9}},
    {CALL_nanosleep,
     {0x10, 0x20},
     -EINTR,
     true,
     1,
     {.arg = 1, .side = BLOB_OUT, .kind = CAPTURE_BYTES, .address = 0x20, .length = 16}},
    {CALL_ioctl, {0, FIONBIO, 0x40}, 0, false, 1, {.arg = 2, .address = 0x40, .length = 4}},
    {CALL_ioctl, {0, TCGETS, 0x40}, 0, true, 0, {0}},
    {CALL_clone3,
     {0x100, 88},
     5,
     true,
     1,
     {.arg = 0, .side = BLOB_OUT, .kind = CAPTURE_INDIRECT, .address = 0x108, .length = 4}},
    {CALL_recvmmsg,
     {3, 0x100, 8},
     2,
     true,
     1,
     {.arg = 1,
      .side = BLOB_OUT,
      .kind = CAPTURE_CONTROL,
      .count = 2,
      .stride = 64,
      .address = 0x100,
      .length = CAPTURE_MAX}},
};

static void captures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof capture_cases / sizeof *capture_cases; i++) {
        const struct capture_case *c = &capture_cases[i];
        struct capture out[CAPTURES_MAX];
        assert_int_equal(call_captures(c->call, c->args, c->ret, c->at_exit, out), c->count);
        if (!c->count)
            continue;
        assert_int_equal(out[0].arg, c->first.arg);
        assert_int_equal(out[0].side, c->first.side);
        assert_int_equal(out[0].kind, c->first.kind);
        assert_int_equal(out[0].is_payload, c->first.is_payload);
        assert_int_equal(out[0].address, c->first.address);
        assert_int_equal(out[0].length, c->first.length);
        if (c->first.count)
            assert_int_equal(out[0].count, c->first.count);
        assert_int_equal(out[0].stride, c->first.stride);
    }
}

/* Whatever a program passes: few captures, none without bound but a payload's. */
static void captures_of_hostile_arguments(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 0x7fffffff, 0x80000000, UINT64_MAX};
    for (int call = 0; call < CALL_COUNT; call++) {
        for (size_t v = 0; v < 5; v++) {
            uint64_t args[6] = {values[v], values[v], values[v], values[v], values[v], values[v]};
            struct capture out[CAPTURES_MAX];
            for (int at_exit = 0; at_exit < 2; at_exit++) {
                size_t count =
                    call_captures((enum call)call, args, (int64_t)(values[v] >> 1), at_exit, out);
                assert_true(count <= CAPTURES_MAX);
                for (size_t i = 0; i < count; i++)
                    assert_true(out[i].is_payload || out[i].length <= 16 * CAPTURE_MAX);
            }
        }
    }
}

/* ---- decoding ---- */

static struct op decoded(const struct sample *s, int expected)
{
    struct recording *r = record(s);
    struct op op;
    assert_int_equal(call_decode(r, recording_event(r, 0), &op), expected);
    recording_free(r);
    return op;
}

static void decode_opening(void **state)
{
    (void)state;
    struct object_fact fact = {S_IFIFO | 0600, 42, 9};
    struct sample s = {CALL_openat,
                       {(uint64_t)AT_FDCWD, 0x1000, O_RDONLY | O_CLOEXEC},
                       .ret = 3,
                       .blobs = {BLOB(1, BLOB_IN, "fifo"), {CALL_RESULT, BLOB_OUT, 24, 24, &fact}}};
    struct op op = decoded(&s, 0);
    assert_int_equal(op.kind, OP_OPEN);
    assert_int_equal(op.fd, AT_FDCWD);
    assert_int_equal(op.flags, O_RDONLY | O_CLOEXEC);
    assert_int_equal(op.ret, 3);
    assert_int_equal(op.ino, 42);
    assert_int_equal(op.object_kind, OBJECT_FIFO);
    s.blobs[0].bytes = NULL;
    op = decoded(&s, -EBADMSG);
    assert_int_equal(op.kind, OP_OPEN);
    op = decoded(&(struct sample){CALL_eventfd2, {7, O_CLOEXEC}, .ret = 4}, 0);
    assert_int_equal(op.kind, OP_NEW_FD);
    assert_int_equal(op.object_kind, OBJECT_EVENTFD);
    op = decoded(&(struct sample){CALL_pipe2,
                                  {0x10, O_CLOEXEC},
                                  .blobs = {BLOB(0, BLOB_OUT, "\5\0\0\0\6\0\0\0")}},
                 0);
    assert_int_equal(op.kind, OP_PIPE);
    assert_int_equal(op.fds[0], 5);
    assert_int_equal(op.fds[1], 6);
    op = decoded(&(struct sample){CALL_pipe2, {0x10, 0}, .ret = -EMFILE}, 0);
    assert_int_equal(op.fds[0], -1);
}

static void decode_copying(void **state)
{
    (void)state;
    struct op op = decoded(&(struct sample){CALL_fcntl, {1, F_DUPFD_CLOEXEC, 10}, .ret = 10}, 0);
    assert_int_equal(op.kind, OP_DUP);
    assert_int_equal(op.fd2, -1);
    assert_int_equal(op.size, 10);
    assert_int_equal(op.flags, O_CLOEXEC);
    op = decoded(&(struct sample){CALL_dup3, {1, 8, O_CLOEXEC}, .ret = 8}, 0);
    assert_int_equal(op.fd2, 8);
    op = decoded(&(struct sample){CALL_fcntl, {1, F_SETFL, O_NONBLOCK}}, 0);
    assert_int_equal(op.kind, OP_STATUS_FLAGS);
    op = decoded(&(struct sample){CALL_fcntl, {1, 1031, 4096}, .ret = 4096}, 0);
    assert_int_equal(op.kind, OP_PIPE_SIZE);
    op = decoded(
        &(struct sample){CALL_ioctl, {1, FIONBIO, 0x10}, .blobs = {BLOB(2, BLOB_IN, "\1\0\0\0")}},
        0);
    assert_int_equal(op.kind, OP_NONBLOCK);
    assert_int_equal(op.flags, 1);
    op = decoded(&(struct sample){CALL_close_range, {3, ~0u, 0}}, 0);
    assert_int_equal(op.kind, OP_CLOSE_RANGE);
    assert_int_equal(op.fd2, INT32_MAX);
}

static void decode_life(void **state)
{
    (void)state;
    struct op op =
        decoded(&(struct sample){CALL_clone, {CLONE_VM | CLONE_VFORK | SIGCHLD}, .ret = 9}, 0);
    assert_int_equal(op.kind, OP_FORK);
    assert_int_equal(op.flags, CLONE_VM | CLONE_VFORK);
    assert_int_equal(op.sig, SIGCHLD);
    uint64_t args[8] = {CLONE_PIDFD, 0x77, 0, 0, SIGUSR1};
    op = decoded(
        &(struct sample){CALL_clone3,
                         {0x1000, 64},
                         .ret = 9,
                         .blobs = {{0, BLOB_IN, 64, 64, args}, BLOB(0, BLOB_OUT, "\x0b\0\0\0")}},
        0);
    assert_int_equal(op.flags, CLONE_PIDFD);
    assert_int_equal(op.sig, SIGUSR1);
    assert_int_equal(op.fds[0], 11);
    op = decoded(&(struct sample){CALL_exit_group, {256 + 3}, .is_pending = true}, 0);
    assert_int_equal(op.kind, OP_EXIT);
    assert_int_equal(op.size, 3);
    assert_true(op.never_returns && !op.is_done);
    op = decoded(
        &(struct sample){
            CALL_wait4, {UINT64_MAX, 0x10, 1}, .ret = 50, .blobs = {BLOB(1, BLOB_OUT, "\0\3\0\0")}},
        0);
    assert_int_equal(op.kind, OP_WAIT);
    assert_int_equal(op.pid, -1);
    assert_int_equal(op.wait_status, 0x300);
    assert_int_equal(op.timeout_ns, 0);
    int info[7] = {SIGCHLD, 0, CLD_DUMPED, 0, 60, 0, SIGSEGV};
    op = decoded(&(struct sample){CALL_waitid,
                                  {P_PGID, 5, 0x10, WEXITED},
                                  .blobs = {{2, BLOB_OUT, 28, 128, info}}},
                 0);
    assert_int_equal(op.pid, -5);
    assert_int_equal(op.ret, 60);
    assert_true(op.has_status);
    assert_int_equal(op.wait_status, SIGSEGV | 0x80);
}

static void decode_signals(void **state)
{
    (void)state;
    uint64_t action[4] = {0x401000, SA_RESTART, 0, 1 << (SIGINT - 1)}, mask = 1u << (SIGCHLD - 1);
    struct op op = decoded(&(struct sample){CALL_rt_sigaction,
                                            {SIGCHLD, 0x10, 0, 8},
                                            .blobs = {{1, BLOB_IN, 32, 32, action}}},
                           0);
    assert_int_equal(op.kind, OP_SIGACTION);
    assert_int_equal(op.handler, 0x401000);
    assert_int_equal(op.flags, SA_RESTART);
    assert_int_equal(op.mask, 1 << (SIGINT - 1));
    op = decoded(&(struct sample){CALL_rt_sigaction, {SIGCHLD, 0, 0x10, 8}}, 0);
    assert_int_equal(op.kind, OP_QUERY);
    op = decoded(&(struct sample){CALL_rt_sigprocmask,
                                  {SIG_BLOCK, 0x10, 0, 8},
                                  .blobs = {{1, BLOB_IN, 8, 8, &mask}}},
                 0);
    assert_int_equal(op.kind, OP_SIGMASK);
    assert_true(op.has_mask);
    assert_int_equal(op.mask, mask);
    op = decoded(&(struct sample){CALL_tgkill, {1, 2, SIGUSR1}}, 0);
    assert_int_equal(op.pid, 2);
    assert_true(op.is_thread);
    op = decoded(&(struct sample){CALL_signalfd4,
                                  {0xffffffff, 0x10, 8, O_CLOEXEC},
                                  .ret = 3,
                                  .blobs = {{1, BLOB_IN, 8, 8, &mask}}},
                 0);
    assert_int_equal(op.kind, OP_NEW_FD);
    assert_int_equal(op.object_kind, OBJECT_SIGNALFD);
}

static void decode_waiting(void **state)
{
    (void)state;
    int64_t times[4] = {0, 0, 1, 500000000}; /* interval, value */
    struct op op = decoded(&(struct sample){CALL_timerfd_settime,
                                            {5, 0, 0x10},
                                            .blobs = {{2, BLOB_IN, 32, 32, times}}},
                           0);
    assert_int_equal(op.kind, OP_TIMER);
    assert_int_equal(op.fd, 5);
    assert_int_equal(op.timeout_ns, 1500000000);
    op = decoded(&(struct sample){CALL_timerfd_settime,
                                  {5, 1, 0x10},
                                  .blobs = {{2, BLOB_IN, 32, 32, times}}},
                 0);
    assert_int_equal(op.timeout_ns, 1); /* long past: at once */
    op = decoded(&(struct sample){CALL_setitimer,
                                  {0, 0x10},
                                  .blobs = {{1, BLOB_IN, 32, 32, (int64_t[4]){0, 0, 2, 500000}}}},
                 0);
    assert_int_equal(op.sig, SIGALRM);
    assert_int_equal(op.timeout_ns, 2500000000);
    op = decoded(&(struct sample){CALL_alarm, {3}}, 0);
    assert_int_equal(op.timeout_ns, 3000000000);
    op =
        decoded(&(struct sample){CALL_epoll_wait, {4, 0x10, 8, 0xffffffff}, .is_pending = true}, 0);
    assert_int_equal(op.kind, OP_POLL);
    assert_int_equal(op.timeout_ns, -1);
    op = decoded(&(struct sample){CALL_ppoll, {0, 0, 0, 0, 8}, .is_pending = true}, 0);
    assert_int_equal(op.timeout_ns, -1);
    op = decoded(&(struct sample){CALL_clock_nanosleep,
                                  {CLOCK_MONOTONIC, 1, 0x10},
                                  .blobs = {{2, BLOB_IN, 16, 16, times}}},
                 0);
    assert_int_equal(op.timeout_ns, 0);
}

static void watched(void **state)
{
    (void)state;
    struct pollfd in[3] = {{3, POLLIN, 0}, {-1, 0, 0}, {4, POLLOUT, 0}}, out[3];
    memcpy(out, in, sizeof in);
    out[2].revents = POLLERR;
    struct recording *r =
        record(&(struct sample){CALL_poll,
                                {0x10, 3, 100},
                                .ret = 1,
                                .blobs = {{0, BLOB_IN, 24, 24, in}, {0, BLOB_OUT, 24, 24, out}}});
    struct op_poll polls[2];
    assert_int_equal(call_polls(r, recording_event(r, 0), polls, 2), 3);
    assert_int_equal(polls[0].events, POLLIN);
    assert_int_equal(call_polls(r, recording_event(r, 0), NULL, 0), 3);
    recording_free(r);
    uint64_t reads = 1 << 5 | 1 << 7, writes = 1 << 7, ready = 1 << 7;
    r = record(&(struct sample){CALL_select,
                                {8, 0x10, 0x20, 0, 0},
                                .ret = 1,
                                .blobs = {{1, BLOB_IN, 8, 8, &reads},
                                          {2, BLOB_IN, 8, 8, &writes},
                                          {2, BLOB_OUT, 8, 8, &ready}}});
    assert_int_equal(call_polls(r, recording_event(r, 0), polls, 2), 2);
    assert_int_equal(polls[0].fd, 5);
    assert_int_equal(polls[1].events, POLLIN | POLLOUT);
    assert_int_equal(polls[1].revents, POLLOUT);
    recording_free(r);
}

static void received(void **state)
{
    (void)state;
    const struct {
        uint64_t length;
        int32_t level, type;
        int32_t fds[4];
    } control = {16 + 12, 1, 1, {8, 9, 10, 0}};
    struct recording *r = record(&(struct sample){
        CALL_recvmsg, {3, 0x10, 0}, .ret = 1, .blobs = {{1, BLOB_OUT, 32, 32, &control}}});
    int fds[2];
    assert_int_equal(call_received(r, recording_event(r, 0), fds, 2), 3);
    assert_int_equal(fds[0], 8);
    assert_int_equal(fds[1], 9);
    recording_free(r);
}

/* No call needs its memory so much that it cannot do without: nothing was kept of any. */
static void decode_without_memory(void **state)
{
    (void)state;
    for (int call = 0; call < CALL_COUNT; call++) {
        for (int pending = 0; pending < 2; pending++) {
            struct sample s = {(enum call)call,
                               {1, 0x1000, 0x2000, 3, 0x3000, 5},
                               .ret = 4,
                               .is_pending = pending};
            struct recording *r = record(&s);
            struct buf text = {0};
            struct op op;
            struct op_poll polls[4];
            int rc = call_decode(r, recording_event(r, 0), &op);
            assert_true(rc == 0 || (rc == -EBADMSG && op.kind != OP_NONE));
            assert_int_equal(call_polls(r, recording_event(r, 0), polls, 4), 0);
            call_format(r, recording_event(r, 0), pending, &text);
            assert_true(text.len > 0);
            buf_fini(&text);
            recording_free(r);
        }
    }
}

/* ---- text ---- */

static const uint64_t sigchld = 1u << (SIGCHLD - 1), almost_all = ~0ull & ~(1ull << (SIGKILL - 1));
static const int64_t one_and_a_half[2] = {1, 500000000};
static const uint64_t ignoring[4] = {1, SA_RESTART | 0x04000000, 0x7000, 0};
static const int child_info[7] = {SIGCHLD, 0, CLD_EXITED, 0, 1234, 0, 3};

static const struct text_case {
    const char *text, *brief; /* brief NULL: the same */
    struct sample s;
} text_cases[] = {
    {"read(3, \"hello\", 64) = 5",
     NULL,
     {CALL_read, {3, 0x10, 64}, 5, .blobs = {BLOB(1, BLOB_OUT, "hello")}}},
    {"read(3, \"\", 64) = 0", NULL, {CALL_read, {3, 0x10, 64}, 0}},
    {"read(3, ...", NULL, {CALL_read, {3, 0x10, 64}, .is_pending = true}},
    {"read(3, ..., 64) = -1 EAGAIN (Resource temporarily unavailable)",
     NULL,
     {CALL_read, {3, 0x10, 64}, -EAGAIN}},
    {"write(4, \"a\\n\", 2) = -1 EPIPE (Broken pipe)",
     NULL,
     {CALL_write, {4, 0x10, 2}, -EPIPE, .blobs = {BLOB(1, BLOB_IN, "a\n")}}},
    {"write(4, \"a\\n\", 2) ...",
     NULL,
     {CALL_write, {4, 0x10, 2}, .is_pending = true, .blobs = {BLOB(1, BLOB_IN, "a\n")}}},
    {"write(1, \"abc\"..., 9000) = 9000",
     NULL,
     {CALL_write, {1, 0x10, 9000}, 9000, .blobs = {{1, BLOB_IN, 3, 9000, "abc"}}}},
    {"openat(AT_FDCWD, \"f\", O_WRONLY|O_CREAT, 0644) = 3",
     "openat(\"f\", O_WRONLY|O_CREAT, 0644) = 3",
     {CALL_openat,
      {(uint64_t)AT_FDCWD, 0x10, O_WRONLY | O_CREAT, 0644},
      3,
      .blobs = {BLOB(1, BLOB_IN, "f")}}},
    {"openat(5, \"f\", O_RDONLY|O_CLOEXEC) = 3",
     NULL,
     {CALL_openat, {5, 0x10, O_CLOEXEC, 0xdead}, 3, .blobs = {BLOB(1, BLOB_IN, "f")}}},
    {"pipe2([3, 4], O_CLOEXEC) = 0",
     NULL,
     {CALL_pipe2, {0x10, O_CLOEXEC}, 0, .blobs = {BLOB(0, BLOB_OUT, "\3\0\0\0\4\0\0\0")}}},
    {"pipe2(..., 0) = -1 EMFILE (Too many open files)", NULL, {CALL_pipe2, {0x10, 0}, -EMFILE}},
    {"fcntl(3, F_GETFL) = 2", NULL, {CALL_fcntl, {3, F_GETFL, 0xdeadbeef}, 2}},
    {"fcntl(3, F_SETFL, O_NONBLOCK) = 0", NULL, {CALL_fcntl, {3, F_SETFL, O_NONBLOCK}, 0}},
    {"fcntl(3, F_DUPFD_CLOEXEC, 10) = 10", NULL, {CALL_fcntl, {3, F_DUPFD_CLOEXEC, 10}, 10}},
    {"close_range(3, 4294967295, 0) = 0",
     "close_range(3, 4294967295) = 0",
     {CALL_close_range, {3, ~0u, 0}, 0}},
    {"wait4(-1, [exited 3], WNOHANG, NULL) = 50",
     "wait4(-1, [exited 3], WNOHANG) = 50",
     {CALL_wait4, {UINT64_MAX, 0x10, 1, 0}, 50, .blobs = {BLOB(1, BLOB_OUT, "\0\3\0\0")}}},
    {"wait4(-1, ...", NULL, {CALL_wait4, {UINT64_MAX, 0x10, 0, 0}, .is_pending = true}},
    {"wait4(-1, NULL, 0, NULL) ...",
     "wait4(-1, NULL, 0) ...",
     {CALL_wait4, {UINT64_MAX, 0, 0, 0}, .is_pending = true}},
    {"waitid(0, 0, SIGCHLD from 1234, exited 3, WEXITED, NULL) = 0",
     "waitid(0, 0, SIGCHLD from 1234, exited 3, WEXITED) = 0",
     {CALL_waitid, {0, 0, 0x10, 4, 0}, 0, .blobs = {{2, BLOB_OUT, 28, 28, child_info}}}},
    {"exit_group(1)", NULL, {CALL_exit_group, {1}, .is_pending = true}},
    {"rt_sigaction(SIGCHLD, {SIG_IGN, SA_RESTART}, NULL, 8) = 0",
     "rt_sigaction(SIGCHLD, {SIG_IGN, SA_RESTART}) = 0",
     {CALL_rt_sigaction, {SIGCHLD, 0x10, 0, 8}, 0, .blobs = {{1, BLOB_IN, 32, 32, ignoring}}}},
    {"rt_sigprocmask(0, [SIGCHLD], NULL, 8) = 0",
     "rt_sigprocmask(0, [SIGCHLD]) = 0",
     {CALL_rt_sigprocmask, {0, 0x10, 0, 8}, 0, .blobs = {{1, BLOB_IN, 8, 8, &sigchld}}}},
    {"rt_sigsuspend(all but [SIGKILL], 8) ...",
     "rt_sigsuspend(all but [SIGKILL]) ...",
     {CALL_rt_sigsuspend,
      {0x10, 8},
      .is_pending = true,
      .blobs = {{0, BLOB_IN, 8, 8, &almost_all}}}},
    {"kill(-50, SIGTERM) = 0", NULL, {CALL_kill, {(uint64_t)-50, SIGTERM}, 0}},
    {"kill(50, 0) = 0", NULL, {CALL_kill, {50, 0}, 0}},
    {"nanosleep(1.5 s, ...",
     "nanosleep(1.5 s) ...",
     {CALL_nanosleep,
      {0x10, 0x20},
      .is_pending = true,
      .blobs = {{0, BLOB_IN, 16, 16, one_and_a_half}}}},
    {"pause() = -1 EINTR (Interrupted system call)", NULL, {CALL_pause, {0}, -EINTR}},
    {"poll([3 POLLIN: POLLHUP], 1, -1) = 1",
     NULL,
     {CALL_poll,
      {0x10, 1, 0xffffffff},
      1,
      .blobs = {BLOB(0, BLOB_IN, "\3\0\0\0\1\0\0\0"), BLOB(0, BLOB_OUT, "\3\0\0\0\1\0\x10\0")}}},
    {"select(4, [0 3]: [3], NULL, NULL, NULL) = 1",
     NULL,
     {CALL_select,
      {4, 0x10, 0, 0, 0},
      1,
      .blobs = {BLOB(1, BLOB_IN, "\x09\0\0\0\0\0\0\0"), BLOB(1, BLOB_OUT, "\x08\0\0\0\0\0\0\0")}}},
    {"execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x30) = 0",
     "execve(\"/bin/ls\", [\"ls\", \"-l\"]) = 0",
     {CALL_execve,
      {0x10, 0x20, 0x30},
      0,
      .blobs = {BLOB(0, BLOB_IN, "/bin/ls"), BLOB(1, BLOB_IN, "ls\0-l\0")}}},
    {"splice(3, NULL, 4, NULL, 100, 0) = 5",
     "splice(3, 4, 100) = 5",
     {CALL_splice, {3, 0, 4, 0, 100, 0}, 5}},
    {"lseek(3, -5, 2) = 7", NULL, {CALL_lseek, {3, (uint64_t)-5, 2}, 7}},
    {"a call of another ABI", NULL, {CALL_UNKNOWN, {0}, 0}},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        const struct text_case *c = &text_cases[i];
        struct recording *r = record(&c->s);
        struct buf text = {0}, brief = {0};
        call_format(r, recording_event(r, 0), false, &text);
        call_format(r, recording_event(r, 0), true, &brief);
        assert_string_equal(text.data, c->text);
        assert_string_equal(brief.data, c->brief ? c->brief : c->text);
        buf_fini(&text);
        buf_fini(&brief);
        recording_free(r);
    }
}

static void texts_of_points(void **state)
{
    (void)state;
    static const char *const expected[] = {"the command begins",
                                           "has descriptor 0 from the start: \"pipe:[5]\"",
                                           "becomes \"/bin/sh\"",
                                           NULL,
                                           NULL,
                                           "a new process begins, made by 100",
                                           NULL,
                                           NULL,
                                           "asleep in poll",
                                           "SIGALRM is delivered",
                                           NULL,
                                           "stopped by SIGSTOP",
                                           "goes on",
                                           "is ending: killed by SIGKILL",
                                           "the process is gone: killed by SIGKILL",
                                           "too late"};
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, memory_file(bytes, size), "FILE", NULL), 0);
    for (uint32_t i = 0; i < recording_event_count(r); i++) {
        struct buf text = {0};
        call_format(r, recording_event(r, i), false, &text);
        assert_true(text.len > 0);
        if (expected[i])
            assert_string_equal(text.data, expected[i]);
        buf_fini(&text);
    }
    recording_free(r);
    free(bytes);
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {{0x300, "exited 3"},
                 {13, "killed by SIGPIPE"},
                 {0x8b, "killed by SIGSEGV (core dumped)"},
                 {0x137f, "stopped by SIGSTOP"},
                 {0xffff, "continued"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = {0};
        status_format(cases[i].status, &text);
        assert_string_equal(text.data, cases[i].text);
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(names),
        cmocka_unit_test(shapes),
        cmocka_unit_test(captures),
        cmocka_unit_test(captures_of_hostile_arguments),
        cmocka_unit_test(decode_opening),
        cmocka_unit_test(decode_copying),
        cmocka_unit_test(decode_life),
        cmocka_unit_test(decode_signals),
        cmocka_unit_test(decode_waiting),
        cmocka_unit_test(decode_without_memory),
        cmocka_unit_test(watched),
        cmocka_unit_test(received),
        cmocka_unit_test(texts),
        cmocka_unit_test(texts_of_points),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
