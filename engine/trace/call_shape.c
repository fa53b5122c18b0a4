/* The letters of the shapes, seen from memory: which bytes to keep with a half of a call. */
#include "trace/call.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    SIGACTION_SIZE = 32, /* handler, flags, restorer, mask: the same on both architectures */
    SIGSET_SIZE = 8,
    SIGINFO_SIZE = 128,
    SIGEVENT_SIZE = 64,
    TIMESPEC_SIZE = 16,
    POLLFD_SIZE = 8,
    MSGHDR_SIZE = 56,
    MMSGHDR_SIZE = 64,
    IOVEC_SIZE = 16,
    PATH_SIZE = 4096,
    CLONE_ARGS_PIDFD = 8, /* offset in struct clone_args */
#ifdef __x86_64__
    EPOLL_EVENT_SIZE = 12, /* packed there, and only there */
#else
    EPOLL_EVENT_SIZE = 16,
#endif
};

static const char *const shapes[CALL_COUNT] = {
    "",
#define CALL(name, x86_64, aarch64, shape, decoder) shape,
#include "trace/calls.def"
#undef CALL
};

const char *call_shape(enum call call)
{
    return (unsigned)call < CALL_COUNT ? shapes[call] : "";
}

/* One half of a call, and the captures gathered so far. */
struct half {
    enum call call;
    const uint64_t *args;
    int64_t ret;
    struct capture *out;
    size_t count;
    struct capture none; /* written to when there is nothing to keep */
};

static struct capture *keep(struct half *h, int arg, enum capture_kind kind, uint64_t address,
                            uint64_t length)
{
    if (!address || !length)
        return &h->none;
    assert(h->count < CAPTURES_MAX);
    struct capture *c = &h->out[h->count++];
    *c = (struct capture){.arg = (uint8_t)arg,
                          .kind = (uint8_t)kind,
                          .address = address,
                          .length = length,
                          .count = 1};
    return c;
}

static struct capture *keep_bytes(struct half *h, int arg, uint64_t length)
{
    return keep(h, arg, CAPTURE_BYTES, h->args[arg], length);
}

/* A count that a program gave may be anything: the kernel refuses more than this, and so need we
 * not. */
static uint64_t times(uint64_t count, uint64_t size)
{
    return count > CAPTURE_MAX ? CAPTURE_MAX : count * size;
}

static uint64_t fd_set_bytes(const struct half *h)
{
    int bits = (int)h->args[0];
    return bits <= 0 ? 0 : times(((unsigned)bits + 63u) / 64u, 8);
}

static void keep_iovec(struct half *h, int arg, uint64_t length)
{
    uint64_t entries = h->args[arg + 1];
    struct capture *c = keep(h, arg, CAPTURE_IOVEC, h->args[arg], length);
    c->count = entries > 1024 ? 1024 : (uint32_t)entries; /* IOV_MAX */
    c->is_payload = true;
}

static bool request_is(const struct half *h, enum call call, uint32_t request)
{
    return h->call == call && (uint32_t)h->args[1] == request;
}

static void enter_arg(struct half *h, char letter, int arg)
{
    const uint64_t *a = h->args;
    switch (letter) {
    case 's': keep(h, arg, CAPTURE_STRING, a[arg], PATH_SIZE); break;
    case 'z': keep(h, arg, CAPTURE_STRINGS, a[arg], CAPTURE_MAX); break;
    case 'w': keep_bytes(h, arg, a[arg + 1])->is_payload = true; break;
    case 'v': keep_iovec(h, arg, UINT64_MAX); break;
    case 'V': keep_bytes(h, arg, times(a[arg + 1], IOVEC_SIZE)); break;
    case 'a': keep_bytes(h, arg, SIGACTION_SIZE); break;
    case 'm': keep_bytes(h, arg, SIGSET_SIZE); break;
    case 'K': keep_bytes(h, arg, SIGINFO_SIZE); break;
    case 't':
    case 'j': keep_bytes(h, arg, TIMESPEC_SIZE); break;
    case 'q': keep_bytes(h, arg, 2 * TIMESPEC_SIZE); break;
    case 'Y': keep_bytes(h, arg, SIGEVENT_SIZE); break;
    case 'e': keep_bytes(h, arg, EPOLL_EVENT_SIZE); break;
    case 'h':
    case 'c': keep_bytes(h, arg, a[arg + 1] < PATH_SIZE ? a[arg + 1] : PATH_SIZE); break;
    case 'G': keep(h, arg, CAPTURE_INDIRECT, a[arg], SIGSET_SIZE); break;
    case 'P': keep_bytes(h, arg, times(a[arg + 1], POLLFD_SIZE)); break;
    case 'S': keep_bytes(h, arg, fd_set_bytes(h)); break;
    case 'N': keep_bytes(h, arg, 8); break;
    case 'X':
        if (request_is(h, CALL_ioctl, FIONBIO))
            keep_bytes(h, arg, 4);
        break;
    default: break;
    }
}

static void keep_control(struct half *h, int arg)
{
    struct capture *c = keep(h, arg, CAPTURE_CONTROL, h->args[arg], CAPTURE_MAX);
    bool is_many = h->call == CALL_recvmmsg;
    c->stride = is_many ? MMSGHDR_SIZE : MSGHDR_SIZE;
    c->count = is_many ? (uint32_t)h->ret : 1;
}

static void exit_arg(struct half *h, char letter, int arg)
{
    uint64_t ret = (uint64_t)h->ret;
    switch (letter) {
    case 'r': keep_bytes(h, arg, ret)->is_payload = true; break;
    case 'V':
        if (ret)
            keep_iovec(h, arg, ret);
        break;
    case '2':
        keep_bytes(h, arg, 8);
        keep(h, CALL_RESULT, CAPTURE_OBJECT_AT, h->args[arg], sizeof(struct object_fact));
        break;
    case 'i':
        if (h->call != CALL_wait4 || ret)
            keep_bytes(h, arg, 4);
        break;
    case 'A': keep_bytes(h, arg, SIGACTION_SIZE); break;
    case 'M': keep_bytes(h, arg, SIGSET_SIZE); break;
    case 'k': keep_bytes(h, arg, SIGINFO_SIZE); break;
    case 'E': keep_bytes(h, arg, times(ret, EPOLL_EVENT_SIZE)); break;
    case 'y':
        if (h->args[0] & CLONE_PIDFD)
            keep_bytes(h, arg, 4);
        break;
    case 'c':
        if (h->args[0])
            keep(h, arg, CAPTURE_INDIRECT, h->args[arg] + CLONE_ARGS_PIDFD, 4);
        break;
    case 'R': keep_control(h, arg); break;
    case 'P': keep_bytes(h, arg, times(h->args[arg + 1], POLLFD_SIZE)); break;
    case 'S': keep_bytes(h, arg, fd_set_bytes(h)); break;
    case 'N': keep_bytes(h, arg, 8); break;
    case 'X':
        if (request_is(h, CALL_ioctl, FIONREAD))
            keep_bytes(h, arg, 4);
        break;
    default: break;
    }
}

static void exit_result(struct half *h)
{
    struct capture *c = keep(h, CALL_RESULT, CAPTURE_OBJECT, 1, sizeof(struct object_fact));
    c->address = (uint64_t)h->ret;
}

size_t call_captures(enum call call, const uint64_t args[6], int64_t ret, bool at_exit,
                     struct capture out[CAPTURES_MAX])
{
    struct half h = {.call = call, .args = args, .ret = ret, .out = out};
    const char *shape = call_shape(call);
    bool has_failed = at_exit && ret < 0;
    for (int arg = 0; shape[arg] && shape[arg] != '='; arg++) {
        if (!at_exit)
            enter_arg(&h, shape[arg], arg);
        else if (!has_failed)
            exit_arg(&h, shape[arg], arg);
        else if (shape[arg] == 'T' && ret == -EINTR)
            keep_bytes(&h, arg, TIMESPEC_SIZE);
    }
    if (at_exit && !has_failed && strchr(shape, '='))
        exit_result(&h);
    for (size_t i = 0; at_exit && i < h.count; i++)
        out[i].side = BLOB_OUT;
    return h.count;
}
