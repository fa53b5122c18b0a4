/* How events read. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "call_sample.h"
#include "recording_sample.h"

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
    {"process_vm_readv(4, ..., 1, ..., 1, 0) = 64",
     "process_vm_readv(4, 1, 1) = 64",
     {CALL_process_vm_readv, {4, 0x10, 1, 0x20, 1, 0}, 64}},
    {"process_vm_readv(4, ..., 1, ..., 1, 0) = -1 EPERM (Operation not permitted)",
     "process_vm_readv(4, 1, 1) = -1 EPERM (Operation not permitted)",
     {CALL_process_vm_readv, {4, 0x10, 1, 0x20, 1, 0}, -EPERM}},
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
        struct recording *r = sample_record(&c->s);
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

/* No call needs its memory so much that it cannot do without: nothing was kept of any. */
static void without_memory(void **state)
{
    (void)state;
    for (int call = 0; call < CALL_COUNT; call++) {
        for (int pending = 0; pending < 2; pending++) {
            struct sample s = {(enum call)call,
                               {1, 0x1000, 0x2000, 3, 0x3000, 5},
                               .ret = 4,
                               .is_pending = pending};
            struct recording *r = sample_record(&s);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(texts_of_points),
        cmocka_unit_test(statuses),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
