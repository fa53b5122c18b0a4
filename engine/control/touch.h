/* What one move does to the things that processes share: its footprint.
 *
 * Two moves of different tasks are dependent if they touch a common object and the order of the two
 * touches can be observed. Whether it can depends on the state (a read and a write of one pipe
 * commute when the read would get all it asks for without the write, and the write has room without
 * the read), so a touch carries the facts of the moment at which it happened, or would happen. The
 * table of pairs is touch.def; that every pair is in it is a unit test. After RacePro (SOSP 2011,
 * load and store operations for each system call) and SimGrid (one rule for each pair of
 * transitions). */
#ifndef IPCLAB_CONTROL_TOUCH_H
#define IPCLAB_CONTROL_TOUCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, name): what is done to an object, and which facts it carries. Objects of one kind know
 * only the touches listed under that kind; a touch of another kind on the same object id is a bug
 * (assert). */
#define TOUCH_KINDS(X)                                                                             \
    /* Anything not known better: dependent with every touch of that object. */                    \
    X(ANY, any)                                                                                    \
    /* A byte stream in one direction (pipe, FIFO). at: position in the stream at which it begins  \
     * (bytes ever written, or ever read, before it); size: bytes asked for; done: bytes that      \
     * moved; level: bytes in the pipe before; room: bytes that could be written before without    \
     * blocking; is_end: a read that got end of file, a write that got EPIPE. */                   \
    X(STREAM_READ, stream_read)                                                                    \
    X(STREAM_WRITE, stream_write)                                                                  \
    /* size: descriptors of this end before; done: how many of them go; is_last: all of them. */   \
    X(STREAM_CLOSE_READ, stream_close_read)                                                        \
    X(STREAM_CLOSE_WRITE, stream_close_write)                                                      \
    X(STREAM_OPEN_READ, stream_open_read) /* FIFO open: rendezvous with OPEN_WRITE */              \
    X(STREAM_OPEN_WRITE, stream_open_write)                                                        \
    /* poll, select, FIONREAD: level and room as above; at: bytes ever read; size: not 0 when the  \
     * level itself is seen. */                                                                    \
    X(STREAM_POLL, stream_poll)                                                                    \
    X(STREAM_RESIZE, stream_resize) /* F_SETPIPE_SZ */                                             \
    /* A counter that blocks at zero (eventfd, semaphore, token): done: amount; level: before; at: \
     * sum of all that was ever added, or ever taken, before. */                                   \
    X(COUNT_ADD, count_add)                                                                        \
    X(COUNT_TAKE, count_take)                                                                      \
    X(COUNT_LOOK, count_look)                                                                      \
    /* A lock. */                                                                                  \
    X(LOCK_TAKE, lock_take)   /* exclusive */                                                      \
    X(LOCK_SHARE, lock_share) /* shared */                                                         \
    X(LOCK_RELEASE, lock_release)                                                                  \
    X(LOCK_LOOK, lock_look) /* trylock that failed, F_GETLK */                                     \
    /* A value with a reader-writer rule: an open file description's offset or flags, a file's     \
     * bytes [at, at+size), a name in a directory, a memory word, a process's group. */            \
    X(VALUE_READ, value_read)                                                                      \
    X(VALUE_WRITE, value_write)                                                                    \
    /* A child's end. object: the child's process. */                                              \
    X(CHILD_END, child_end) /* its death is reported to its parent */                              \
    /* A wait that may take it. at: its place among the children, eldest first; level: 1 when it   \
     * has ended; room: how many of those that the wait may take have ended; size: the place of    \
     * the one that it takes, UINT64_MAX when none has ended. */                                   \
    X(CHILD_WAIT, child_wait)                                                                      \
    /* WNOHANG (level: it has ended; done: it was taken), kill(pid, 0). */                         \
    X(CHILD_LOOK, child_look)                                                                      \
    /* Signals. object: the process (or task) that gets them; size: the signal number. */          \
    X(SIGNAL_SEND, signal_send) /* also SIGCHLD by CHILD_END */                                    \
    X(SIGNAL_SET, signal_set)   /* sigaction, sigprocmask, ... of its own */                       \
    X(SIGNAL_LIVE, signal_live) /* every move of a task to which a signal may come: where the      \
                                 * signal lands is observable */

enum touch_kind {
#define X(NAME, name) TOUCH_##NAME,
    TOUCH_KINDS(X)
#undef X
        TOUCH_KIND_COUNT
};

struct touch {
    uint64_t object; /* stable across the runs of one exploration (from logical names) */
    uint8_t kind;    /* enum touch_kind */
    bool is_last, is_end;
    bool never_waits; /* where others wait, it fails: O_NONBLOCK, a signal is pending (EINTR), its
                       * deadline passes */
    uint64_t at, size, done, level, room;
};

enum { TOUCHES_MAX = 24 };

/* A move that touches more than fits becomes `touches_all`: dependent with everything. */
struct footprint {
    uint16_t count;
    bool touches_all;
    struct touch touches[TOUCHES_MAX];
};

/* How two moves of different tasks relate, from weak to strong. */
enum relation {
    RELATION_COMMUTES, /* either order gives the same state and the same results */
    RELATION_ENABLES,  /* the second could not have been without the first: no order to reverse */
    RELATION_DEPENDS,  /* the order matters, and both orders may exist */
};

/* first happened before second, with the facts of the run that had them in this order. */
enum relation touch_order(const struct touch *first, const struct touch *second);
enum relation footprint_order(const struct footprint *first, const struct footprint *second);

/* Both are possible now, with the facts of this very state: COMMUTES or DEPENDS. */
enum relation touch_now(const struct touch *a, const struct touch *b);
enum relation footprint_now(const struct footprint *a, const struct footprint *b);

/* first was executed before second: some touch of first ENABLES one of second, whatever else lies
 * between them. second can then not have come first. */
bool footprint_enables(const struct footprint *first, const struct footprint *second);

const char *touch_kind_name(enum touch_kind kind);

#endif
