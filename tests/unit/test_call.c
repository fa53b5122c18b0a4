/* The table of calls: numbers, what is captured, what it means. */
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

#include "call_sample.h"

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
     {.arg = CALL_RESULT,
      .side = BLOB_OUT,
      .kind = CAPTURE_OBJECT,
      .address = 3,
      .length = sizeof(struct object_fact)}},
    {CALL_openat,
     {0, 0x1000, 0},
     0,
     true,
     1, /* descriptor 0 is one, too */
     {.arg = CALL_RESULT,
      .side = BLOB_OUT,
      .kind = CAPTURE_OBJECT,
      .address = 0,
      .length = sizeof(struct object_fact)}},
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
    struct recording *r = sample_record(s);
    struct op op;
    assert_int_equal(call_decode(r, recording_event(r, 0), &op), expected);
    recording_free(r);
    return op;
}

static void decode_opening(void **state)
{
    (void)state;
    struct object_fact fact = {S_IFIFO | 0600, 42, 9, 4096};
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
    assert_int_equal(op.capacity, 0); /* of recordings before the capacity was kept */
    s.blobs[1].length = s.blobs[1].kept = sizeof fact;
    assert_int_equal(decoded(&s, 0).capacity, 4096);
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
    struct recording *r = sample_record(
        &(struct sample){CALL_poll,
                         {0x10, 3, 100},
                         .ret = 1,
                         .blobs = {{0, BLOB_IN, 24, 24, in}, {0, BLOB_OUT, 24, 24, out}}});
    struct op_poll polls[2];
    assert_int_equal(call_polls(r, recording_event(r, 0), polls, 2), 3);
    assert_int_equal(polls[0].events, POLLIN);
    assert_int_equal(call_polls(r, recording_event(r, 0), NULL, 0), 3);
    recording_free(r);
    uint64_t reads = 1 << 5 | 1 << 7, writes = 1 << 7, ready = 1 << 7;
    r = sample_record(&(struct sample){CALL_select,
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
    struct recording *r = sample_record(&(struct sample){
        CALL_recvmsg, {3, 0x10, 0}, .ret = 1, .blobs = {{1, BLOB_OUT, 32, 32, &control}}});
    int fds[2];
    assert_int_equal(call_received(r, recording_event(r, 0), fds, 2), 3);
    assert_int_equal(fds[0], 8);
    assert_int_equal(fds[1], 9);
    recording_free(r);
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
        cmocka_unit_test(watched),
        cmocka_unit_test(received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
