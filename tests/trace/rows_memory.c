/* Memory and stacks of stopped tasks: trap 21, and what a learner's line is made of. */
#include "traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CAP = 1000, BIG = 10000, PAGE = 4096 };

static void cap_set(struct tracer_options *o)
{
    o->payload_cap = CAP;
}

/* ---- 21: what was there at entry, and what the kernel put there ---- */

static int payload_tracee(void)
{
    static char bytes[BIG], back[BIG];
    int fds[2], flags[2];
    for (int i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 7);
    TRY(pipe(fds));
    CHECK_EQ(write(fds[1], bytes, BIG), BIG);
    CHECK_EQ(read(fds[0], back, 300), 300);
    CHECK_EQ(read(fds[0], back, BIG), BIG - 300);
    TRY(pipe2(flags, O_NONBLOCK));
    TRY(fcntl(flags[1], F_SETPIPE_SZ, PAGE));
    CHECK_EQ(write(flags[1], bytes, BIG), PAGE); /* short */
    return 0;
}

static bool is_payload(const struct blob *b, size_t from, size_t kept)
{
    for (size_t i = 0; i < kept; i++)
        if (b->bytes[i] != (uint8_t)((from + i) * 7))
            return false;
    return b->kept == kept;
}

static void payload_check(struct traced *t)
{
    struct blob b;
    CHECK_EQ(t->result.wait_status, 0);
    const struct event *write = get(t, (struct want){.call = CALL_write});
    CHECK(blob(t, write, 1, BLOB_IN, &b));
    CHECK(is_payload(&b, 0, CAP));
    CHECK_EQ(b.length, BIG);
    const struct event *read = get(t, (struct want){.call = CALL_read, .from = write->id});
    CHECK(blob(t, read, 1, BLOB_OUT, &b));
    CHECK(is_payload(&b, 0, 300));
    read = get(t, (struct want){.call = CALL_read, .from = read->id + 1});
    CHECK(blob(t, read, 1, BLOB_OUT, &b));
    CHECK(is_payload(&b, 300, CAP));
    CHECK_EQ(b.length, BIG - 300);
    CHECK(recording_completeness(t->rec)->payload_cut >= BIG - CAP + BIG - 300 - CAP);
}

static int vectors_tracee(void)
{
    char a[] = "abc", b[] = "defgh", c[4], d[100];
    struct iovec out[3] = {{a, 3}, {NULL, 0}, {b, 5}}, in[2] = {{c, 4}, {d, sizeof d}};
    int fds[2];
    TRY(pipe(fds));
    CHECK_EQ(writev(fds[1], out, 3), 8);
    CHECK_EQ(readv(fds[0], in, 2), 8);
    return 0;
}

static void vectors_check(struct traced *t)
{
    struct blob b;
    const struct event *writev = get(t, (struct want){.call = CALL_writev});
    CHECK(blob(t, writev, 1, BLOB_IN, &b));
    CHECK(b.kept == 8 && b.length == 8 && memcmp(b.bytes, "abcdefgh", 8) == 0);
    const struct event *readv = get(t, (struct want){.call = CALL_readv});
    CHECK(blob(t, readv, 1, BLOB_OUT, &b));
    CHECK(b.kept == 8 && b.length == 8 && memcmp(b.bytes, "abcdefgh", 8) == 0);
}

/* Buffers that end in unmapped memory, and memory that is not there at all. */
static int edges_tracee(void)
{
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + PAGE, PAGE);
    char *path = page + PAGE - 6;
    memcpy(path, "/nofi", 6);
    CHECK_EQ(open(path, O_RDONLY), -1);
    memcpy(path, "/nofil", 6); /* not ended */
    CHECK(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY) < 0 && errno == EFAULT);
    /* past the C library: a sanitizer would look at these buffers itself */
    CHECK(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY) < 0 && errno == EFAULT);
    CHECK(open("", O_RDONLY) < 0 && errno == ENOENT);
    int fds[2];
    TRY(pipe(fds));
    memset(page + PAGE - 10, 'x', 10);
    ssize_t n = syscall(SYS_write, fds[1], page + PAGE - 10, 100);
    CHECK(n == 10 || (n < 0 && errno == EFAULT));
    CHECK(syscall(SYS_write, fds[1], 8, 100) < 0 && errno == EFAULT);
    return 0;
}

static void edges_check(struct traced *t)
{
    struct blob b;
    CHECK_EQ(t->result.wait_status, 0);
    const struct event *open = get(t, (struct want){.call = CALL_openat});
    while (!blob(t, open, 1, BLOB_IN, &b) || strcmp((const char *)b.bytes, "/nofi") != 0)
        open = get(t, (struct want){.call = CALL_openat, .from = open->id + 1});
    open = get(t, (struct want){.call = CALL_openat, .from = open->id + 1});
    CHECK(blob(t, open, 1, BLOB_IN, &b));
    CHECK(b.kept == 6 && memcmp(b.bytes, "/nofil", 6) == 0);
    open = get(t, (struct want){.call = CALL_openat, .from = open->id + 1});
    CHECK(!blob(t, open, 1, BLOB_IN, &b));
    open = get(t, (struct want){.call = CALL_openat, .from = open->id + 1});
    CHECK(blob(t, open, 1, BLOB_IN, &b) && b.kept == 0);
    const struct event *write = get(t, (struct want){.call = CALL_write});
    CHECK(blob(t, write, 1, BLOB_IN, &b));
    CHECK(b.kept == 10 && b.length == 100);
    write = get(t, (struct want){.call = CALL_write, .from = write->id + 1});
    CHECK(!blob(t, write, 1, BLOB_IN, &b));
}

/* ---- stacks: the user's own frames, through libc ---- */

/* Not static, and not inlined: the dynamic symbols say where they begin and end. */
int stack_inner(FILE *file);
int stack_outer(FILE *file);

__attribute__((noinline)) int stack_inner(FILE *file)
{
    fprintf(file, "%s %.3f\n", "through printf", 1.5);
    return fflush(file);
}

__attribute__((noinline)) int stack_outer(FILE *file)
{
    return stack_inner(file) + 1;
}

static int compare(const void *a, const void *b)
{
    TRY(lseek(1, 0, SEEK_CUR));
    return *(const int *)a - *(const int *)b;
}

static int stacks_tracee(void)
{
    int numbers[] = {2, 1};
    stack_outer(stdout);
    qsort(numbers, 2, sizeof *numbers, compare);
    abort();
}

static bool is_in(const struct frame *f, void *function)
{
    Dl_info info;
    ElfW(Sym) * symbol;
    if (!dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
        fail_at(__FILE__, __LINE__, "no symbol");
    /* a return address: behind its call, perhaps behind the function */
    return f->offset > symbol->st_value && f->offset <= symbol->st_value + symbol->st_size;
}

static void stacks_check(struct traced *t)
{
    const struct frame *frames;
    pid_t pid = command(t);
    const struct event *write =
        get(t, (struct want){.call = CALL_write, .tid = pid, .has_arg = true, .arg = 1});
    size_t n = recording_stack(t->rec, write->stack, &frames);
    CHECK(n >= 3);
    CHECK(is_in(&frames[0], (void *)(uintptr_t)stack_inner));
    CHECK(is_in(&frames[1], (void *)(uintptr_t)stack_outer));
    const struct module *module = recording_module(t->rec, frames[0].module);
    CHECK(module->is_own);
    CHECK(strcmp(module->path, own_path()) == 0);
    CHECK_EQ(frames[1].module, frames[0].module);
    /* a callback: its own frame, and nothing beyond the library that called it */
    const struct event *seek = get(t, (struct want){.call = CALL_lseek, .from = write->id});
    CHECK(recording_stack(t->rec, seek->stack, &frames) >= 1);
    CHECK(!is_in(&frames[0], (void *)(uintptr_t)stack_inner));
    const struct event *crash =
        get(t, (struct want){.kind = EVENT_SIGNAL, .has_arg = true, .arg = SIGABRT});
    CHECK(recording_stack(t->rec, crash->stack, &frames) >= 1);
    CHECK(strcmp(recording_module(t->rec, frames[0].module)->path, own_path()) == 0);
}

/* A crash names the instruction itself. */
int crash_here(volatile int *p);

__attribute__((noinline, no_sanitize("undefined", "address"))) int crash_here(volatile int *p)
{
    return *p;
}

static int crash_tracee(void)
{
    volatile int *nowhere = NULL;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would end it otherwise */
    return crash_here(nowhere);
}

static void crash_check(struct traced *t)
{
    const struct frame *frames;
    const struct event *crash = get(t, (struct want){.kind = EVENT_SIGNAL});
    CHECK_EQ(crash->args[0], SIGSEGV);
    CHECK(recording_stack(t->rec, crash->stack, &frames) >= 2);
    CHECK(is_in(&frames[0], (void *)(uintptr_t)crash_here));
    CHECK_EQ(t->result.wait_status & 0x7f, SIGSEGV);
}

/* vfork and clone hide their return address from whoever looks (no call frame information). */
int spawn_here(void);

__attribute__((noinline)) int spawn_here(void)
{
    pid_t pid = (pid_t)TRY(vfork());
    if (pid == 0)
        _exit(0);
    return reap(pid);
}

static int vfork_stack_tracee(void)
{
    return spawn_here();
}

static void vfork_stack_check(struct traced *t)
{
    const struct frame *frames;
#ifdef __SANITIZE_ADDRESS__
    skip("AddressSanitizer has a vfork of its own");
#endif
    const struct event *vfork = get(t, (struct want){.call = CALL_vfork});
    CHECK(recording_stack(t->rec, vfork->stack, &frames) >= 1);
    CHECK(is_in(&frames[0], (void *)(uintptr_t)spawn_here));
}

/* System programs have no lines: no stacks. */
static char *const true_argv[] = {(char[]){"/bin/true"}, NULL};

static void no_stack_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    for (uint32_t id = 0; id < recording_event_count(t->rec); id++)
        CHECK_EQ(recording_event(t->rec, id)->stack, 0);
}

const struct row rows_memory[] = {
    {.name = "trap21-payload", .tracee = payload_tracee, .check = payload_check, .set = cap_set},
    {.name = "trap21-vectors", .tracee = vectors_tracee, .check = vectors_check},
    {.name = "trap21-edges", .tracee = edges_tracee, .check = edges_check},
    {.name = "stack-printf", .tracee = stacks_tracee, .check = stacks_check},
    {.name = "stack-crash", .tracee = crash_tracee, .check = crash_check},
    {.name = "stack-vfork", .tracee = vfork_stack_tracee, .check = vfork_stack_check},
    {.name = "stack-system", .argv = true_argv, .check = no_stack_check},
    {0},
};
