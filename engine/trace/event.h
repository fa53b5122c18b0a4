/* An event is one thing a traced process did or had done to it; it is a value.
 *
 * A system call has two halves, entry and exit, and each half has its own sequence number: a reader
 * that stands between the two sees the call under way. Everything else is a point, whose two
 * numbers are equal. Sequence numbers start at 1, have no gaps, and are in the order in which the
 * halves were observed. That order is not the kernel's (wait(2) reports whoever stands first in a
 * list, so a read can be seen to return bytes before their write does): what the kernel did
 * happened somewhere between entry and exit, and the model works out where. A moment is a sequence
 * number: the state after it. */
#ifndef IPCLAB_TRACE_EVENT_H
#define IPCLAB_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, name). What happened; which fields are valid; what a reader may conclude. */
#define EVENT_KINDS(X)                                                                             \
    /* A system call. call, args, ret (exit only; -errno on failure). exit_seq is 0 while it is    \
     * under way, for ever if the process died inside it. A call that the kernel restarted after a \
     * signal is one event from its first entry to its last exit. */                               \
    X(CALL, call)                                                                                  \
    /* A task began. args: [0] tid of its creator (0: the command itself; later: whose fork nobody \
     * saw), [1] CLONE_* flags, [2] event id of the creating call (0: not known),                  \
     * [3] its tid in its own pid namespace. It has done                                           \
     * nothing yet: descriptors and dispositions are the creator's of this moment. The command:    \
     * [4] signals that it begins with ignored, [5] blocked (bit n-1: signal n). */                \
    X(START, start)                                                                                \
    /* execve succeeded: close-on-exec descriptors and handlers are gone, other threads too.       \
     * args: [0] tid that called it (tid of the event is the leader's, which survives).            \
     * Blob 0: path of the program. */                                                             \
    X(EXEC, exec)                                                                                  \
    /* PTRACE_EVENT_EXIT: the task will run no more; args: [0] wait status. Its descriptors are    \
     * still open and close between here and EXIT. */                                              \
    X(DYING, dying)                                                                                \
    /* The task is gone. args: [0] wait status, [1] 1 when the whole process has ended: from now   \
     * on it is a zombie until its parent waits. A DYING may be missing before it (SIGKILL). */    \
    X(EXIT, exit)                                                                                  \
    /* A signal is delivered now: handler, default action or nothing. args: [0] number.            \
     * Blob 0: siginfo_t (si_code, si_pid ...). */                                                 \
    X(SIGNAL, signal)                                                                              \
    /* Job control stopped the task (args: [0] signal); RESUME ends it. */                         \
    X(STOP, stop)                                                                                  \
    X(RESUME, resume)                                                                              \
    /* The kernel has the task asleep inside its pending call (/proc/TID/stat, twice).             \
     * args: [0] event id of that call. A blocked write has filled its pipe, a blocked read found  \
     * it empty. May come more than once for one call. */                                          \
    X(BLOCKED, blocked)                                                                            \
    /* A descriptor that the command was started with. args: [0] fd, [1] open flags (fcntl.h, with \
     * O_CLOEXEC), [2] file offset, [3] st_mode, [4] st_ino, [5] st_dev; ret: the lowest fd with   \
     * the same open file description (itself if none). Blob 0: what it refers to. Such an object  \
     * is held by processes outside the run, too. */                                               \
    X(FD, fd)                                                                                      \
    /* Only in stepped runs (step.h): the process has died, its descriptors are closed and its     \
     * children have another parent; its own parent has not been told yet: EXIT does that. */      \
    X(DEAD, dead)                                                                                  \
    /* The tracer's own word. args: [0] enum note_code. Blob 0: text. */                           \
    X(NOTE, note)

enum event_kind {
#define X(NAME, name) EVENT_##NAME,
    EVENT_KINDS(X)
#undef X
        EVENT_KIND_COUNT
};

enum note_code {
    NOTE_TEXT,        /* nothing more than its text */
    NOTE_INCOMPLETE,  /* something was missed: foreign ABI, untraced child, own seccomp filter */
    NOTE_TIMEOUT,     /* the wall-clock limit ended the run */
    NOTE_STUCK,       /* nobody could move any more: the run was ended at once */
    NOTE_INTERRUPTED, /* the user ended the run */
    NOTE_FLOOD,       /* an output, process or event limit ended the run */
};

enum {
    EVENT_WAS_RESTARTED = 1, /* the kernel restarted this call at least once (signal(7)) */
    EVENT_WAS_ABANDONED = 2, /* interrupted, and its handler never returned into it */
    EVENT_IS_FOREIGN = 4,    /* another ABI's number (int 0x80, x32): call is CALL_UNKNOWN */
};

struct event {
    uint32_t id;        /* index in the recording, in order of entry */
    uint8_t kind;       /* enum event_kind */
    uint8_t flags;      /* EVENT_WAS_... */
    uint16_t call;      /* enum call (trace/call.h), for EVENT_CALL */
    int32_t tid;        /* as the tracer's pid namespace numbers it */
    uint32_t entry_seq; /* sequence number of the entry */
    uint32_t exit_seq;  /* of the exit; 0 while under way */
    uint32_t stack;     /* id of the call stack at entry, 0 when none was captured */
    uint64_t entry_ns;  /* since the recording began, CLOCK_MONOTONIC */
    uint64_t exit_ns;
    uint64_t args[6];
    int64_t ret;
    uint32_t first_blob; /* into the recording's blob table; use recording_blob() */
    uint32_t blob_count;
};

static inline bool event_is_pending(const struct event *ev)
{
    return ev->exit_seq == 0;
}

/* "call", "start" ... */
const char *event_kind_name(enum event_kind kind);

#endif
