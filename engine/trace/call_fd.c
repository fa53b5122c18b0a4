/* Calls that make, copy, change or close descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "trace/call_decode.h"

enum {
    F_SETPIPE_SIZE = 1031, /* <linux/fcntl.h>: needed whatever the headers' age */
    IOCTL_GET_PTY_PEER = 0x5441,
    IOCTL_FIRST_NAMESPACE = 0xb701, /* <linux/nsfs.h>: NS_GET_USERNS, NS_GET_PARENT */
    IOCTL_LAST_NAMESPACE = 0xb702,
    FS_CLOEXEC = 1, /* fsopen, fsmount, fspick */
};

static const char *const kind_names[OBJECT_KIND_COUNT] = {
#define X(NAME, text) [OBJECT_##NAME] = text,
    OBJECT_KINDS(X)
#undef X
};

const char *object_kind_name(enum object_kind kind)
{
    return (unsigned)kind < OBJECT_KIND_COUNT ? kind_names[kind] : "unknown";
}

/* ---- opening ---- */

static bool is_terminal_path(const char *path)
{
    return path && (strncmp(path, "/dev/tty", 8) == 0 || strncmp(path, "/dev/pts/", 9) == 0 ||
                    strcmp(path, "/dev/console") == 0 || strcmp(path, "/dev/ptmx") == 0);
}

static enum object_kind kind_of_mode(uint64_t mode, const char *path)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return OBJECT_FILE;
    case S_IFDIR: return OBJECT_DIR;
    case S_IFIFO: return OBJECT_FIFO;
    case S_IFSOCK: return OBJECT_SOCKET;
    case S_IFBLK: return OBJECT_DEVICE;
    case S_IFCHR: return is_terminal_path(path) ? OBJECT_TTY : OBJECT_DEVICE;
    default: return OBJECT_OTHER;
    }
}

static int opened(const struct raw *raw, struct op *op, int path_arg, uint64_t flags)
{
    op->kind = OP_OPEN;
    op->flags = flags;
    op->path = raw_string(raw, path_arg);
    raw_object(raw, op);
    op->object_kind = kind_of_mode(op->mode, op->path);
    return op->path ? 0 : -EBADMSG;
}

int decode_open(const struct raw *raw, struct op *op)
{
    op->fd = AT_FDCWD;
    return opened(raw, op, 0, raw_arg(raw, 1));
}

int decode_openat(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return opened(raw, op, 1, raw_arg(raw, 2));
}

int decode_openat2(const struct raw *raw, struct op *op)
{
    uint64_t flags = 0; /* first in struct open_how */
    bool is_kept = raw_memory(raw, 2, BLOB_IN, 0, &flags, sizeof flags);
    op->fd = raw_int(raw, 0);
    int rc = opened(raw, op, 1, flags);
    return is_kept ? rc : -EBADMSG;
}

int decode_creat(const struct raw *raw, struct op *op)
{
    op->fd = AT_FDCWD;
    return opened(raw, op, 0, O_CREAT | O_WRONLY | O_TRUNC);
}

int decode_open_by_handle_at(const struct raw *raw, struct op *op)
{
    op->kind = OP_OPEN;
    op->fd = raw_int(raw, 0);
    op->flags = raw_arg(raw, 2);
    raw_object(raw, op);
    op->object_kind = kind_of_mode(op->mode, NULL);
    return 0;
}

/* ---- closing and copying ---- */

int decode_close(const struct raw *raw, struct op *op)
{
    op->kind = OP_CLOSE;
    op->fd = raw_int(raw, 0);
    return 0;
}

/* close_range(2) takes unsigned numbers; ~0 means "all from here on". */
int decode_close_range(const struct raw *raw, struct op *op)
{
    uint32_t first = (uint32_t)raw_arg(raw, 0), last = (uint32_t)raw_arg(raw, 1);
    op->kind = OP_CLOSE_RANGE;
    op->fd = first > INT32_MAX ? INT32_MAX : (int)first;
    op->fd2 = last > INT32_MAX ? INT32_MAX : (int)last;
    op->flags = raw_arg(raw, 2);
    return 0;
}

static int copied(struct op *op, int fd, int to, uint64_t flags)
{
    op->kind = OP_DUP;
    op->fd = fd;
    op->fd2 = to;
    op->flags = flags;
    return 0;
}

int decode_dup(const struct raw *raw, struct op *op)
{
    return copied(op, raw_int(raw, 0), -1, 0);
}

int decode_dup2(const struct raw *raw, struct op *op)
{
    return copied(op, raw_int(raw, 0), raw_int(raw, 1), 0);
}

int decode_dup3(const struct raw *raw, struct op *op)
{
    return copied(op, raw_int(raw, 0), raw_int(raw, 1), raw_arg(raw, 2) & O_CLOEXEC);
}

int decode_fcntl(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    switch (raw_int(raw, 1)) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        op->size = raw_arg(raw, 2);
        return copied(op, op->fd, -1, raw_int(raw, 1) == F_DUPFD ? 0 : O_CLOEXEC);
    case F_SETFD: op->kind = OP_FD_FLAGS; break;
    case F_SETFL: op->kind = OP_STATUS_FLAGS; break;
    case F_SETPIPE_SIZE: op->kind = OP_PIPE_SIZE; break;
    case F_SETLK:
    case F_SETLKW: return 0; /* a lock */
    default: op->kind = OP_QUERY; break;
    }
    op->flags = raw_arg(raw, 2);
    return 0;
}

int decode_ioctl(const struct raw *raw, struct op *op)
{
    uint32_t request = (uint32_t)raw_arg(raw, 1);
    int value = 0;
    op->fd = raw_int(raw, 0);
    op->kind = OP_QUERY;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX:
        op->kind = OP_FD_FLAGS;
        op->flags = request == FIOCLEX ? FD_CLOEXEC : 0;
        return 0;
    case FIONBIO:
        op->kind = OP_NONBLOCK;
        if (!raw_memory(raw, 2, BLOB_IN, 0, &value, sizeof value))
            return -EBADMSG;
        op->flags = value != 0;
        return 0;
    case FIONREAD:
        if (raw_memory(raw, 2, BLOB_OUT, 0, &value, sizeof value))
            op->size = (uint64_t)value;
        return 0;
    case IOCTL_GET_PTY_PEER:
        op->kind = OP_NEW_FD;
        op->object_kind = OBJECT_TTY;
        op->flags = raw_arg(raw, 2) & O_CLOEXEC;
        return 0;
    default:
        if (request < IOCTL_FIRST_NAMESPACE || request > IOCTL_LAST_NAMESPACE)
            return 0;
        op->kind = OP_NEW_FD;
        op->object_kind = OBJECT_OTHER;
        op->flags = O_CLOEXEC;
        return 0;
    }
}

int decode_lseek(const struct raw *raw, struct op *op)
{
    op->kind = OP_SEEK;
    op->fd = raw_int(raw, 0);
    op->offset = (int64_t)raw_arg(raw, 1);
    op->flags = raw_arg(raw, 2);
    return 0;
}

/* ---- pipes and FIFOs ---- */

static int made_pair(const struct raw *raw, struct op *op, int arg)
{
    if (!raw_has_succeeded(raw))
        return 0;
    raw_object(raw, op);
    return raw_memory(raw, arg, BLOB_OUT, 0, op->fds, sizeof op->fds) ? 0 : -EBADMSG;
}

int decode_pipe(const struct raw *raw, struct op *op)
{
    op->kind = OP_PIPE;
    op->object_kind = OBJECT_PIPE;
    return made_pair(raw, op, 0);
}

int decode_pipe2(const struct raw *raw, struct op *op)
{
    op->flags = raw_arg(raw, 1);
    return decode_pipe(raw, op);
}

int decode_socketpair(const struct raw *raw, struct op *op)
{
    op->kind = OP_NEW_PAIR;
    op->object_kind = OBJECT_SOCKET;
    op->flags = raw_arg(raw, 1) & (O_CLOEXEC | O_NONBLOCK); /* SOCK_CLOEXEC and SOCK_NONBLOCK */
    return made_pair(raw, op, 3);
}

static int made_node(const struct raw *raw, struct op *op, int path_arg)
{
    if (!S_ISFIFO((mode_t)raw_arg(raw, path_arg + 1)))
        return 0;
    op->kind = OP_MKFIFO;
    op->mode = raw_arg(raw, path_arg + 1);
    op->path = raw_string(raw, path_arg);
    return op->path ? 0 : -EBADMSG;
}

int decode_mknod(const struct raw *raw, struct op *op)
{
    op->fd = AT_FDCWD;
    return made_node(raw, op, 0);
}

int decode_mknodat(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return made_node(raw, op, 1);
}

/* ---- other objects ---- */

static int made(const struct raw *raw, struct op *op, enum object_kind kind, uint64_t flags)
{
    op->kind = OP_NEW_FD;
    op->object_kind = kind;
    op->flags = flags;
    raw_object(raw, op);
    return 0;
}

static uint64_t cloexec_if(uint64_t condition)
{
    return condition ? O_CLOEXEC : 0;
}

int decode_memfd_create(const struct raw *raw, struct op *op)
{
    op->path = raw_string(raw, 0);
    return made(raw, op, OBJECT_FILE, cloexec_if(raw_arg(raw, 1) & 1)); /* MFD_CLOEXEC */
}

int decode_new_cloexec_fd(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, O_CLOEXEC);
}

int decode_eventfd(const struct raw *raw, struct op *op)
{
    op->size = raw_arg(raw, 0); /* the counter's first value */
    return made(raw, op, OBJECT_EVENTFD, raw_arg(raw, 1));
}

int decode_timerfd_create(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_TIMERFD, raw_arg(raw, 1));
}

int decode_epoll_create(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_EPOLL, 0);
}

int decode_epoll_create1(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_EPOLL, raw_arg(raw, 0));
}

int decode_inotify_init(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_INOTIFY, raw_arg(raw, 0));
}

int decode_fanotify_init(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, cloexec_if(raw_arg(raw, 0) & 1)); /* FAN_CLOEXEC */
}

int decode_pidfd_open(const struct raw *raw, struct op *op)
{
    op->pid = raw_int(raw, 0);
    return made(raw, op, OBJECT_PIDFD, O_CLOEXEC | raw_arg(raw, 1));
}

int decode_pidfd_getfd(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    op->fd2 = raw_int(raw, 1);
    made(raw, op, OBJECT_OTHER, O_CLOEXEC);
    op->object_kind = kind_of_mode(op->mode, NULL);
    return 0;
}

int decode_open_tree(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_DIR, raw_arg(raw, 2) & O_CLOEXEC);
}

int decode_fsopen(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, cloexec_if(raw_arg(raw, 1) & FS_CLOEXEC));
}

int decode_fspick(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, cloexec_if(raw_arg(raw, 2) & FS_CLOEXEC));
}

int decode_userfaultfd(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, raw_arg(raw, 0));
}

int decode_perf_event_open(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_OTHER, cloexec_if(raw_arg(raw, 4) & 8)); /* PERF_FLAG_FD_CLOEXEC */
}

/* bpf(2): these commands give a descriptor, always close-on-exec. */
int decode_bpf(const struct raw *raw, struct op *op)
{
    static const uint64_t makers = 1ull << 0 | 1ull << 5 | 1ull << 7 | 1ull << 13 | 1ull << 14 |
                                   1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 28 | 1ull << 30 |
                                   1ull << 32 | 1ull << 33 | 1ull << 36;
    uint64_t command = raw_arg(raw, 0);
    if (command < 64 && makers >> command & 1)
        return made(raw, op, OBJECT_OTHER, O_CLOEXEC);
    op->kind = OP_QUERY;
    return 0;
}

/* With a flag it only tells the ABI's version. */
int decode_landlock(const struct raw *raw, struct op *op)
{
    if (raw_arg(raw, 2) == 0)
        return made(raw, op, OBJECT_OTHER, O_CLOEXEC);
    op->kind = OP_QUERY;
    return 0;
}

int decode_mq_open(const struct raw *raw, struct op *op)
{
    op->path = raw_string(raw, 0);
    return made(raw, op, OBJECT_OTHER, O_CLOEXEC | raw_arg(raw, 1)); /* mq_overview(7) */
}

int decode_socket(const struct raw *raw, struct op *op)
{
    return made(raw, op, OBJECT_SOCKET, raw_arg(raw, 1) & (O_CLOEXEC | O_NONBLOCK));
}

int decode_accept(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return made(raw, op, OBJECT_SOCKET, 0);
}

int decode_accept4(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return made(raw, op, OBJECT_SOCKET, raw_arg(raw, 3));
}

/* signalfd4(2): with a descriptor it changes what that one takes. */
int decode_signalfd(const struct raw *raw, struct op *op)
{
    op->has_mask = raw_memory(raw, 1, BLOB_IN, 0, &op->mask, sizeof op->mask);
    if (raw_int(raw, 0) == -1) {
        made(raw, op, OBJECT_SIGNALFD, raw_arg(raw, 3));
    } else {
        op->kind = OP_SIGNALFD;
        op->fd = raw_int(raw, 0);
    }
    return op->has_mask ? 0 : -EBADMSG;
}

/* ---- names ---- */

static int named(const struct raw *raw, struct op *op, int arg, enum op_kind kind)
{
    op->kind = kind;
    op->path = raw_string(raw, arg);
    return op->path ? 0 : -EBADMSG;
}

int decode_look(const struct raw *raw, struct op *op)
{
    return named(raw, op, 0, OP_LOOK);
}

int decode_look_at(const struct raw *raw, struct op *op)
{
    return named(raw, op, 1, OP_LOOK);
}

int decode_name(const struct raw *raw, struct op *op)
{
    return named(raw, op, 0, OP_NAME);
}

int decode_name_at(const struct raw *raw, struct op *op)
{
    return named(raw, op, 1, OP_NAME);
}
