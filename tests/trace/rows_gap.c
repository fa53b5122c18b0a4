/* What a recording cannot see, it says: traps 20, 22, 23. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_incomplete(struct traced *t)
{
    get(t, (struct want){.kind = EVENT_NOTE, .has_arg = true, .arg = NOTE_INCOMPLETE});
}

/* ---- 20: other ABIs ---- */

#ifdef __x86_64__
/* close(1000) of the i386 ABI, from a 64-bit program. */
static int call_of_i386(void *arg)
{
    long result;
    (void)arg;
    signal(SIGSEGV, SIG_DFL); /* what a kernel without these calls does to it */
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(6), "b"(1000)
                     : "memory", "r8", "r9", "r10", "r11");
    return result == -EBADF ? 0 : 1;
}

static int i386_tracee(void)
{
    int status = reap(run_child(call_of_i386, NULL));
    return WIFSIGNALED(status) ? SKIPPED : status;
}

static void i386_check(struct traced *t)
{
    if (t->result.wait_status == SKIPPED << 8)
        skip("this kernel has no 32-bit calls");
    CHECK_EQ(t->result.wait_status, 0);
    const struct event *call = get(t, (struct want){.tid = child(t, 0)});
    while (call->call != CALL_UNKNOWN)
        call = get(t, (struct want){.tid = child(t, 0), .from = call->id + 1});
    CHECK_EQ(call->flags, EVENT_IS_FOREIGN);
    CHECK_EQ(call->ret, -EBADF);
    CHECK(recording_completeness(t->rec)->has_foreign_abi);
    expect_incomplete(t);
}

static int x32_tracee(void)
{
    long result = syscall(0x40000000 | SYS_getpid); /* ENOSYS where the kernel lacks it */
    return result == getpid() || errno == ENOSYS ? 0 : 1;
}

static void x32_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK(recording_completeness(t->rec)->has_foreign_abi);
    expect_incomplete(t);
}
#endif

/* ---- 22: blind spots: refused, or followed ---- */

static int uring_tracee(void)
{
    char params[120] = {0};
    long result = syscall(SYS_io_uring_setup, 8, params);
    return result < 0 && errno == ENOSYS ? 0 : 1;
}

static void uring_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK_EQ(get(t, (struct want){.call = CALL_io_uring_setup})->ret, -ENOSYS);
    CHECK(recording_completeness(t->rec)->has_io_uring);
    expect_incomplete(t);
}

static int splice_tracee(void)
{
    int a[2], b[2];
    char text[] = "0123456789";
    struct iovec piece = {text, 10};
    TRY(pipe(a));
    TRY(pipe(b));
    CHECK_EQ(vmsplice(a[1], &piece, 1, 0), 10);
    CHECK_EQ(tee(a[0], b[1], 4, 0), 4);
    CHECK_EQ(splice(a[0], NULL, b[1], NULL, 7, 0), 7);
    int fd = (int)TRY(open("/proc/self/exe", O_RDONLY));
    CHECK_EQ(sendfile(b[1], fd, NULL, 100), 100);
    return 0;
}

static void splice_check(struct traced *t)
{
    struct blob bytes;
    CHECK_EQ(t->result.wait_status, 0);
    const struct event *vmsplice = get(t, (struct want){.call = CALL_vmsplice});
    CHECK(blob(t, vmsplice, 1, BLOB_IN, &bytes));
    CHECK(bytes.kept == 10 && memcmp(bytes.bytes, "0123456789", 10) == 0);
    CHECK_EQ(get(t, (struct want){.call = CALL_tee})->ret, 4);
    CHECK_EQ(get(t, (struct want){.call = CALL_splice})->ret, 7);
    CHECK_EQ(get(t, (struct want){.call = CALL_sendfile})->ret, 100);
    CHECK(!recording_completeness(t->rec)->has_io_uring);
}

/* ---- 23: a filter of the program's own may hide calls ---- */

static int filter_tracee(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    TRY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    return dup2(1, 100) < 0 && errno == EPERM ? 0 : 1;
}

static void filter_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK(!find(t, (struct want){.call = CALL_dup2}));
    CHECK(recording_completeness(t->rec)->has_own_filter);
    expect_incomplete(t);
}

const struct row rows_gap[] = {
#ifdef __x86_64__
    {.name = "trap20-i386", .tracee = i386_tracee, .check = i386_check},
    {.name = "trap20-x32", .tracee = x32_tracee, .check = x32_check},
#endif
    {.name = "trap22-io-uring", .tracee = uring_tracee, .check = uring_check},
    {.name = "trap22-splice", .tracee = splice_tracee, .check = splice_check},
    {.name = "trap23-own-filter", .tracee = filter_tracee, .check = filter_check},
    {0},
};
