/* System calls, the same on every architecture, and what each one means.
 *
 * calls.def has one row for each call: its number on each architecture, the shape of its arguments,
 * and its decoder. The shape alone tells the tracer which memory to keep and the printer how to
 * show it. The decoder turns a recorded call into an `op`: what was asked of the kernel, whatever
 * the variant (read, readv and preadv2 are all OP_READ). The recording holds only raw facts;
 * decoding is a pure function of them, done whenever somebody reads.
 *
 * Adding a call: a row in calls.def, a decoder (or an existing one), a traced test. */
#ifndef IPCLAB_TRACE_CALL_H
#define IPCLAB_TRACE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "trace/event.h"

struct recording;

enum call {
    CALL_UNKNOWN,
#define CALL(name, x86_64, aarch64, shape, decoder) CALL_##name,
#include "trace/calls.def"
#undef CALL
    CALL_COUNT
};

/* The shape of a call is one letter for each argument (missing ones are not looked at), and "=f" at
 * its end when the result is a new descriptor.
 *
 * Values:
 *   f descriptor     d int           u unsigned        x hexadecimal    o octal mode    l length
 *   n signed 64-bit  p pid           g signal number   O open flags     D AT_ directory descriptor
 *   W wait options   C clone flags   Q request number (fcntl, ioctl, prctl, epoll_ctl, ptrace)
 *   . not looked at
 * Memory read at entry:
 *   s a string (NUL-terminated)           z argv: a NULL-terminated array of strings
 *   w bytes, as many as the next argument says
 *   v iovec (count: next argument): the bytes it gathers
 *   a struct sigaction, the kernel's      m sigset_t, 8 bytes           K siginfo_t
 *   t timespec   j timeval                q itimerval or itimerspec     Y sigevent
 *   e epoll_event                         h open_how (size: next argument)
 *   G pointer to {sigset pointer, size}: the set
 * Memory written by the kernel, read at the exit of a successful call:
 *   r bytes, as many as the result says   V iovec: the array at entry; the bytes, result, at exit
 *   2 int[2]    i int (wait status: when the result is > 0)   A struct sigaction   M sigset_t
 *   k siginfo_t T timespec left over (after EINTR)            E epoll_event array (count: result)
 *   y the pidfd that clone stores         R msghdr: its control bytes (recvmmsg: result many)
 * Both:
 *   P pollfd array (count: next argument) S fd_set (bits: argument 0)   N loff_t
 *   c clone_args at entry (size: next argument), at exit the pidfd it points to
 *   X what the request in argument 1 says: FIONBIO an int at entry, FIONREAD an int at exit */
const char *call_shape(enum call call);

enum blob_side { BLOB_IN, BLOB_OUT };

/* How to get at memory that a shape names. All else is bytes. */
enum capture_kind {
    CAPTURE_BYTES,   /* length bytes at address */
    CAPTURE_STRING,  /* up to and without its NUL; length: the most there can be */
    CAPTURE_STRINGS, /* of a NULL-terminated array of pointers: each string with its NUL */
    CAPTURE_IOVEC,   /* count iovecs at address: the bytes they name, one after the other, at most
                      * length (the blob's true length: the lesser of their sum and length) */
    CAPTURE_CONTROL, /* count msghdrs at address, one every `stride` bytes: the msg_controllen bytes
                      * at msg_control of each, each padded with zeros to a multiple of 8 */
    CAPTURE_INDIRECT, /* address holds a pointer (8 bytes): length bytes there; NULL: nothing */
    CAPTURE_OBJECT, /* address is a descriptor of the caller: struct object_fact, from fstatat(2) of
                     * /proc/TID/fd/N */
    CAPTURE_OBJECT_AT, /* address holds a descriptor (int): as CAPTURE_OBJECT */
};

struct capture {
    uint8_t arg;     /* 0 to 5, or CALL_RESULT */
    uint8_t side;    /* enum blob_side */
    uint8_t kind;    /* enum capture_kind */
    bool is_payload; /* what is kept is limited by the user's cap; all else only by CAPTURE_MAX */
    uint32_t count;
    uint32_t stride;
    uint64_t address; /* never 0, except as a descriptor */
    uint64_t length;
};

enum {
    CALL_RESULT = 6, /* as the arg of a blob: the object that the new descriptor refers to */
    CAPTURE_MAX = 65536,
    CAPTURES_MAX = 8, /* for one half of one call */
};

/* What the kernel says a new descriptor refers to: the blob of a CAPTURE_OBJECT, in this layout. */
struct object_fact {
    uint64_t mode; /* st_mode */
    uint64_t ino;
    uint64_t dev;
    uint64_t capacity; /* of a pipe or FIFO, bytes (F_GETPIPE_SZ); else 0. Not in recordings of
                        * before: a shorter blob */
};

/* Which memory to keep with one half of a call: fills out[], returns the count (at most
 * CAPTURES_MAX). Pure. At the exit, ret is the result as the program sees it. */
size_t call_captures(enum call call, const uint64_t args[6], int64_t ret, bool at_exit,
                     struct capture out[CAPTURES_MAX]);

#define OP_KINDS(X)                                                                                \
    X(NONE)        /* nothing that the model follows */                                            \
    X(OPEN)        /* path, flags, dirfd in fd; ret: new fd */                                     \
    X(CLOSE)       /* fd */                                                                        \
    X(CLOSE_RANGE) /* fd .. fd2, flags CLOSE_RANGE_* */                                            \
    X(DUP)         /* fd to fd2 (-1: lowest free, at least size); flags: O_CLOEXEC; ret: new fd */ \
    X(FD_FLAGS)    /* fd: close-on-exec becomes flags & FD_CLOEXEC */                              \
    X(STATUS_FLAGS) /* fd: file status flags become flags (F_SETFL) */                             \
    X(NONBLOCK)     /* fd: O_NONBLOCK on (flags) or off (FIONBIO) */                               \
    X(PIPE)         /* fds[0], fds[1], flags */                                                    \
    X(MKFIFO)       /* path */                                                                     \
    X(PIPE_SIZE)    /* fd, ret: new capacity in bytes */                                           \
    X(READ)         /* fd, size; offset >= 0: positioned; ret: bytes */                            \
    X(WRITE)        /* as READ */                                                                  \
    X(MOVE)         /* splice, sendfile, copy_file_range: ret bytes from fd to fd2 */              \
    X(VMSPLICE)     /* pipe fd: a WRITE of ret bytes when fd is a write end, else a READ */        \
    X(TEE)          /* ret bytes copied from pipe fd to pipe fd2, none consumed */                 \
    X(SEEK)         /* fd, ret: new offset */                                                      \
    X(NEW_FD)       /* ret: a new descriptor; object_kind tells of what; flags: O_CLOEXEC */       \
    X(NEW_PAIR)     /* fds[0], fds[1]: new descriptors of object_kind (socketpair), flags */       \
    X(RECEIVE)      /* fd: a socket; call_received() lists the descriptors that came with it */    \
    X(SIGNALFD)     /* fd: an existing signalfd now takes the signals in mask */                   \
    X(FORK)         /* flags CLONE_*, sig: exit signal; ret: child (its START event says more);    \
                     * fds[0]: the pidfd that the caller got with it, or -1 */                     \
    X(UNSHARE)      /* flags CLONE_*: CLONE_FILES gives the task a descriptor table of its own */  \
    X(EXEC)         /* path; success shows as an EVENT_EXEC */                                     \
    X(EXIT)         /* status in size; flags 1: the whole process (exit_group) */                  \
    X(WAIT)         /* pid as waitpid's; flags: W*; ret: reaped pid, status in wait_status */      \
    X(SET_PGID)     /* pid, fd2: group */                                                          \
    X(SET_SID)      /* */                                                                          \
    X(PRCTL)        /* flags: PR_*; size: argument */                                              \
    X(SIGACTION)    /* sig, handler (SIG_DFL, SIG_IGN or an address), flags SA_* */                \
    X(SIGMASK)      /* flags: SIG_BLOCK ...; mask in; has_mask */                                  \
    X(KILL)         /* pid as kill's (a tid when is_thread), sig */                                \
    X(SIGSUSPEND)   /* mask while it waits */                                                      \
    X(PAUSE)        /* */                                                                          \
    X(SIGWAIT)      /* mask waited for; timeout_ns; ret: signal */                                 \
    X(SIGRETURN)    /* a handler returned */                                                       \
    X(SLEEP)        /* timeout_ns */                                                               \
    X(TIMER)        /* timeout_ns until sig comes, 0 disarms; flags 1: a POSIX timer, size its id  \
                     * and sig 0 (TIMER_CREATE said which); fd >= 0: a timerfd becomes readable */ \
    X(TIMER_CREATE) /* size: its id, sig: what it will send (0: none) */                           \
    X(POLL)         /* poll, select, epoll_wait: timeout_ns; call_polls() lists what is watched */ \
    X(EPOLL_CTL)    /* fd, fd2: watched fd; flags: EPOLL_CTL_*; size: events */                    \
    X(LOOK)         /* path: looks at what it names (stat, access) */                              \
    X(NAME)         /* path: changes what it names (unlink, mkdir, truncate) */                    \
    X(QUERY)        /* looks only: FIONREAD, F_GETFL ... */

enum op_kind {
#define X(NAME) OP_##NAME,
    OP_KINDS(X)
#undef X
        OP_KIND_COUNT
};

/* What a descriptor can refer to, as far as the model tells them apart. */
#define OBJECT_KINDS(X)     \
    X(PIPE, "pipe")         \
    X(FIFO, "FIFO")         \
    X(FILE, "file")         \
    X(DIR, "directory")     \
    X(TTY, "terminal")      \
    X(DEVICE, "device")     \
    X(SOCKET, "socket")     \
    X(EVENTFD, "eventfd")   \
    X(SIGNALFD, "signalfd") \
    X(TIMERFD, "timerfd")   \
    X(PIDFD, "pidfd")       \
    X(EPOLL, "epoll")       \
    X(INOTIFY, "inotify")   \
    X(OTHER, "other")

enum object_kind {
#define X(NAME, text) OBJECT_##NAME,
    OBJECT_KINDS(X)
#undef X
        OBJECT_KIND_COUNT
};
const char *object_kind_name(enum object_kind kind);

struct op {
    enum op_kind kind;
    enum object_kind
        object_kind; /* OP_NEW_FD, OP_NEW_PAIR; OP_OPEN: as mode says, OTHER when not known */
    int fd, fd2;     /* -1 when the call has none */
    int fds[2];      /* OP_PIPE */
    int sig;
    bool is_thread;     /* OP_KILL: pid is a tid (tgkill) */
    bool has_mask;      /* mask is valid */
    bool is_done;       /* the call has returned */
    bool never_returns; /* exit, rt_sigreturn */
    pid_t pid;          /* as the caller gave it: numbered in the caller's namespace */
    int wait_status;    /* OP_WAIT with ret > 0, when the caller asked for it */
    bool has_status;
    uint64_t size; /* bytes asked for, or as the kind says */
    uint64_t flags;
    uint64_t handler;   /* OP_SIGACTION */
    uint64_t mask;      /* bit n-1: signal n */
    int64_t offset;     /* -1: the description's own */
    int64_t timeout_ns; /* -1: no time limit; valid for calls that can wait */
    int64_t ret;        /* -errno on failure; valid when is_done */
    const char *path;   /* borrowed from the recording; NULL when not kept */
    uint64_t capacity;  /* of a pipe behind a new descriptor, bytes; 0: not known */
    uint64_t mode, ino,
        dev; /* of the object behind a new descriptor (pipe: of both); 0: not known */
};

/* Decodes a call event. Returns 0, or -EBADMSG when needed memory was not kept (then kind is set,
 * and the fields that could be decoded). What only the exit tells (fds, a status, what came back)
 * is there when is_done; has_mask, has_status and fd -1 say what is not. A failed call has its kind
 * too. Any event that is not a call gives OP_NONE. */
int call_decode(const struct recording *rec, const struct event *ev, struct op *out);

/* One descriptor that a poll, select or epoll_wait watches. */
struct op_poll {
    int fd;
    short events;  /* POLLIN | POLLOUT ... */
    short revents; /* what came back, 0 while pending */
};

/* For poll, ppoll, select and pselect: up to `most` entries into out[]; returns their true number.
 * epoll_wait gives 0: what it watches is model state. */
size_t call_polls(const struct recording *rec, const struct event *ev, struct op_poll *out,
                  size_t most);

/* Descriptors that came with a message (SCM_RIGHTS, unix(7)): up to `most`; returns their number.
 */
size_t call_received(const struct recording *rec, const struct event *ev, int *out, size_t most);

/* "read"; "unknown" for CALL_UNKNOWN. */
const char *call_name(enum call call);
enum call call_by_name(const char *name, size_t length); /* CALL_UNKNOWN when there is none */

/* This machine's number for a call, -1 when it has none; and back, CALL_UNKNOWN when not followed.
 */
int call_number(enum call call);
enum call call_by_number(long nr);

/* Appends the call as a person reads it: `read(3, "hello", 64) = 5`, `= -1 EPIPE (Broken pipe)`;
 * pending: `read(3, ...`. is_short leaves out arguments that seldom matter. Any event kind works.
 */
void call_format(const struct recording *rec, const struct event *ev, bool is_short,
                 struct buf *out);

/* "SIGPIPE"; "EPIPE". Never NULL. */
const char *signal_name(int sig);
const char *errno_name(int code);

/* "exited 3", "killed by SIGPIPE", for a wait status. */
void status_format(int wait_status, struct buf *out);

#endif
