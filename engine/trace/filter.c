/* The seccomp filter: calls of calls.def stop at the tracer, all others run at full speed. What
 * comes in by another door (int 0x80, x32) stops, too: it must not go unseen. seccomp(2). */
#include "trace/spawn.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

enum { PROGRAM_MAX = 4096 }; /* BPF_MAXINSNS */

/* Filled once each: for free runs, and for those where one task moves at a time. */
static struct sock_fprog programs[2];

static const bool is_stepped_only[CALL_COUNT] = {
#define CALL(name, x86_64, aarch64, shape, decoder)
#define STEPPED_CALL(name, x86_64, aarch64, shape, decoder) [CALL_##name] = true,
#include "trace/calls.def"
#undef CALL
};

/* The requests that touch what the model follows; the kernel looks at 32 bits of them. */
static int add_ioctl(scmp_filter_ctx ctx, int nr)
{
    static const unsigned long requests[] = {FIOCLEX,     FIONCLEX,      FIONBIO,      FIONREAD,
                                             TIOCGPTPEER, NS_GET_USERNS, NS_GET_PARENT};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int status = seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), nr, 1,
                                      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, requests[i]));
        if (status < 0)
            return status;
    }
    return 0;
}

/* Only of standard output: that is where stdio makes its buffer. */
static int add_fstat(scmp_filter_ctx ctx, int nr)
{
    return seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), nr, 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, STDOUT_FILENO));
}

static int add_call(scmp_filter_ctx ctx, enum call call, int nr, bool is_stepped)
{
    switch (call) {
    case CALL_ioctl: return add_ioctl(ctx, nr);
    case CALL_newfstatat:
        if (is_stepped)
            return seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), nr, 0);
        /* fall through */
    case CALL_fstat: return add_fstat(ctx, nr);
    default: return seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), nr, 0);
    }
}

static int add_calls(scmp_filter_ctx ctx, bool is_stepped)
{
    for (int call = CALL_UNKNOWN + 1; call < CALL_COUNT; call++) {
        int nr = call_number((enum call)call);
        if (nr < 0 || (is_stepped_only[call] && !is_stepped))
            continue;
        int status = add_call(ctx, (enum call)call, nr, is_stepped);
        if (status < 0)
            return status;
    }
    return 0;
}

/* libseccomp writes the program to a descriptor. */
static int export_program(scmp_filter_ctx ctx, struct sock_fprog *program)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int status = seccomp_export_bpf(ctx, fd);
    off_t size = lseek(fd, 0, SEEK_END);
    if (status == 0 && (size <= 0 || size > PROGRAM_MAX * (off_t)sizeof *program->filter))
        status = -E2BIG;
    struct sock_filter *code = NULL;
    if (status == 0) {
        code = xmalloc((size_t)size);
        if (pread(fd, code, (size_t)size, 0) != size)
            status = -EIO;
    }
    close(fd);
    if (status < 0) {
        free(code);
        return status;
    }
    program->filter = code;
    program->len = (unsigned short)((size_t)size / sizeof *code);
    return 0;
}

static int make_program(bool is_stepped)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx)
        return -ENOMEM;
    int status = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRACE(0));
    /* a binary tree of numbers, where this libseccomp knows how */
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (status == 0)
        status = add_calls(ctx, is_stepped);
    if (status == 0)
        status = export_program(ctx, &programs[is_stepped]);
    seccomp_release(ctx);
    return status;
}

const void *filter_program(bool is_stepped, size_t *instructions, struct err *e)
{
    const struct sock_fprog *program = &programs[is_stepped];
    int status = program->len ? 0 : make_program(is_stepped);
    if (status < 0) {
        err_sys(e, -status, "make the seccomp filter");
        return NULL;
    }
    *instructions = program->len;
    return program->filter;
}

static int install(bool is_stepped)
{
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &programs[is_stepped]);
}

/* With privileges no NO_NEW_PRIVS is needed, and set-uid programs keep working. */
int filter_install(bool is_stepped)
{
    if (install(is_stepped) == 0)
        return 0;
    if (errno != EACCES)
        return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || install(is_stepped) < 0)
        return -errno;
    return 0;
}
