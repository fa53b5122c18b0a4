/* System calls, the same on every architecture, and what each one means.
 *
 * calls.def has one row for each call: its number on each architecture, the shape of its arguments,
 * and its decoder. The shape alone tells the tracer which memory to keep and the printer how to show
 * it. The decoder turns a recorded call into an `op`: what was asked of the kernel, whatever the
 * variant (read, readv and preadv2 are all OP_READ). The recording holds only raw facts; decoding is a
 * pure function of them, done whenever somebody reads.
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

/* The shape of a call is one letter for each argument:
 *   f fd   d int   u unsigned   x hexadecimal   o octal mode   l length   p pid   g signal number
 *   s path or other string, read at entry
 *   w bytes read at entry, as many as the next argument says      r bytes written by the kernel: ret
 *   v iovec read at entry (count: next argument)                  V iovec filled by the kernel: ret
 *   2 int[2] filled by the kernel      i int filled by the kernel (wait status)
 *   n int or loff_t read at entry      N loff_t, in and out
 *   a sigaction in    A sigaction out  m sigset in   M sigset out   k siginfo out   K siginfo in
 *   t timespec in     T timespec out   j timeval in  q itimerval/itimerspec in
 *   P pollfd array, in and out (count: next argument)     S fd_set in and out (count: argument 0)
 *   e epoll_event in  E epoll_event array out (count: ret)
 *   c clone_args in (size: next argument)   z argv (strings, for execve)   . not looked at
 *   O open flags   D AT_ directory fd   W wait options   C clone flags   Q request number (fcntl, ioctl,
 *   prctl) */

enum blob_side { BLOB_IN, BLOB_OUT };

#define OP_KINDS(X)                                                                                 \
    X(NONE)         /* nothing that the model follows */                                            \
    X(OPEN)         /* path, flags, dirfd in fd; ret: new fd */                                     \
    X(CLOSE)        /* fd */                                                                        \
    X(CLOSE_RANGE)  /* fd .. fd2, flags CLOSE_RANGE_* */                                            \
    X(DUP)          /* fd to fd2 (-1: lowest free, at least size); flags: O_CLOEXEC; ret: new fd */ \
    X(FD_FLAGS)     /* fd: close-on-exec becomes flags & FD_CLOEXEC */                              \
    X(STATUS_FLAGS) /* fd: file status flags become flags (F_SETFL) */                              \
    X(NONBLOCK)     /* fd: O_NONBLOCK on (flags) or off (FIONBIO) */                                \
    X(PIPE)         /* fds[0], fds[1], flags */                                                     \
    X(MKFIFO)       /* path */                                                                      \
    X(PIPE_SIZE)    /* fd, ret: new capacity in bytes */                                            \
    X(READ)         /* fd, size; offset >= 0: positioned; ret: bytes */                             \
    X(WRITE)        /* as READ */                                                                   \
    X(MOVE)         /* splice, sendfile, copy_file_range: ret bytes from fd to fd2 */               \
    X(TEE)          /* ret bytes copied from pipe fd to pipe fd2, none consumed */                  \
    X(SEEK)         /* fd, ret: new offset */                                                       \
    X(NEW_FD)       /* ret: a new descriptor; object_kind tells of what; flags: O_CLOEXEC */        \
    X(FORK)         /* flags CLONE_*, sig: exit signal; ret: child (its START event says more) */   \
    X(EXEC)         /* path; success shows as an EVENT_EXEC */                                      \
    X(EXIT)         /* status in size; flags 1: the whole process (exit_group) */                   \
    X(WAIT)         /* pid as waitpid's; flags: W*; ret: reaped pid, status in wait_status */       \
    X(SET_PGID)     /* pid, fd2: group */                                                           \
    X(SET_SID)      /* */                                                                           \
    X(PRCTL)        /* flags: PR_*; size: argument */                                               \
    X(SIGACTION)    /* sig, handler (SIG_DFL, SIG_IGN or an address), flags SA_* */                 \
    X(SIGMASK)      /* flags: SIG_BLOCK ...; mask in; has_mask */                                   \
    X(KILL)         /* pid as kill's (a tid when is_thread), sig */                                 \
    X(SIGSUSPEND)   /* mask while it waits */                                                       \
    X(PAUSE)        /* */                                                                           \
    X(SIGWAIT)      /* mask waited for; timeout_ns; ret: signal */                                  \
    X(SIGRETURN)    /* a handler returned */                                                        \
    X(SLEEP)        /* timeout_ns */                                                                \
    X(TIMER)        /* alarm, setitimer, timer_settime: timeout_ns until SIGALRM or sig, 0 disarms */ \
    X(POLL)         /* poll, select, epoll_wait: timeout_ns; op_polls() lists what is watched */    \
    X(EPOLL_CTL)    /* fd, fd2: watched fd; flags: EPOLL_CTL_*; size: events */                     \
    X(QUERY)        /* looks only: FIONREAD, F_GETFL ... */

enum op_kind {
#define X(NAME) OP_##NAME,
    OP_KINDS(X)
#undef X
        OP_KIND_COUNT
};

/* What a descriptor can refer to, as far as the model tells them apart. */
#define OBJECT_KINDS(X)                                                                             \
    X(PIPE, "pipe") X(FIFO, "FIFO") X(FILE, "file") X(DIR, "directory") X(TTY, "terminal")          \
    X(DEVICE, "device") X(SOCKET, "socket") X(EVENTFD, "eventfd") X(SIGNALFD, "signalfd")           \
    X(TIMERFD, "timerfd") X(PIDFD, "pidfd") X(EPOLL, "epoll") X(INOTIFY, "inotify") X(OTHER, "other")

enum object_kind {
#define X(NAME, text) OBJECT_##NAME,
    OBJECT_KINDS(X)
#undef X
        OBJECT_KIND_COUNT
};
const char *object_kind_name(enum object_kind kind);

struct op {
    enum op_kind kind;
    enum object_kind object_kind; /* OP_NEW_FD */
    int fd, fd2;                  /* -1 when the call has none */
    int fds[2];                   /* OP_PIPE */
    int sig;
    bool is_thread;     /* OP_KILL: pid is a tid (tgkill) */
    bool has_mask;      /* mask is valid */
    bool is_done;       /* the call has returned */
    bool never_returns; /* exit, rt_sigreturn */
    pid_t pid;          /* as the caller gave it: numbered in the caller's namespace */
    int wait_status;    /* OP_WAIT with ret > 0, when the caller asked for it */
    bool has_status;
    uint64_t size;      /* bytes asked for, or as the kind says */
    uint64_t flags;
    uint64_t handler;   /* OP_SIGACTION */
    uint64_t mask;      /* bit n-1: signal n */
    int64_t offset;     /* -1: the description's own */
    int64_t timeout_ns; /* -1: no time limit; valid for calls that can wait */
    int64_t ret;        /* -errno on failure; valid when is_done */
    const char *path;   /* borrowed from the recording; NULL when not kept */
};

/* Decodes a call event. Returns 0, or -EBADMSG when needed memory was not kept (then kind is set,
 * and the fields that could be decoded). Any event that is not a call gives OP_NONE. */
int call_decode(const struct recording *rec, const struct event *ev, struct op *out);

/* One descriptor that a poll, select or epoll_wait watches. */
struct op_poll {
    int fd;
    short events;  /* POLLIN | POLLOUT ... */
    short revents; /* what came back, 0 while pending */
};

/* For poll, ppoll, select and pselect: up to `most` entries into out[]; returns their true number.
 * epoll_wait gives 0: what it watches is model state. */
size_t call_polls(const struct recording *rec, const struct event *ev, struct op_poll *out, size_t most);

/* "read"; "unknown" for CALL_UNKNOWN. */
const char *call_name(enum call call);
enum call call_by_name(const char *name, size_t length); /* CALL_UNKNOWN when there is none */

/* This machine's number for a call, -1 when it has none; and back, CALL_UNKNOWN when not followed. */
int call_number(enum call call);
enum call call_by_number(long nr);

/* Appends the call as a person reads it: `read(3, "hello", 64) = 5`, `= -1 EPIPE (Broken pipe)`;
 * pending: `read(3, ...`. is_short leaves out arguments that seldom matter. Any event kind works. */
void call_format(const struct recording *rec, const struct event *ev, bool is_short, struct buf *out);

/* "SIGPIPE"; "EPIPE". Never NULL. */
const char *signal_name(int sig);
const char *errno_name(int code);

/* "exited 3", "killed by SIGPIPE", for a wait status. */
void status_format(int wait_status, struct buf *out);

#endif
