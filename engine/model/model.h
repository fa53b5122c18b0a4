/* The kernel's IPC state, rebuilt from events: a pure fold.
 *
 * model_apply() takes the steps of a recording one by one. It makes no system call and reads no
 * clock: the same steps give the same state, on any machine. All state lives in arrays of plain
 * structs that refer to each other by index (never by pointer), so that a copy is a few memcpy()s:
 * that is what a keyframe is.
 *
 * Steps come in the order in which halves were observed, which is not the kernel's order. The rule
 * that repairs it: a call takes effect at its exit, or earlier if something already seen depends on
 * it. A read that returns bytes which no finished write has put there commits them from a write
 * that is still under way (the one whose payload matches, else the oldest); an end of file commits
 * the closes and exits that are under way on the write end; EPIPE those on the read end; a kernel
 * that says "asleep in write" has filled the pipe. When no such repair explains what was seen, the
 * model counts an anomaly and believes the kernel. Invariants: no pipe ever holds fewer than 0
 * bytes; bytes out <= bytes in; reference counts equal the holders that can be listed.
 *
 * A pipe is a ring of slots of one page (pipe(7)): a write first fills up the last slot if all of
 * its odd part fits, then takes new ones; a slot is free again when its last byte was read. */
#ifndef IPCLAB_MODEL_MODEL_H
#define IPCLAB_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "trace/call.h"
#include "trace/recording.h"

#define MODEL_NONE UINT32_MAX /* no such index or event */

enum { MODEL_PENDING_MAX = 8, MODEL_SIGNALS = 65 };

/* X(NAME, word) */
#define PROC_STATES(X)                                              \
    X(ALIVE, "running") /* at least one task that is not dead */    \
    X(DYING, "exiting") /* will run no more, descriptors closing */ \
    X(ZOMBIE, "zombie") /* ended, its parent has not waited */      \
    X(REAPED, "reaped") /* gone: waited for, or discarded (SIGCHLD ignored; reaper outside) */

enum proc_state {
#define X(NAME, word) PROC_##NAME,
    PROC_STATES(X)
#undef X
};

/* A process: a thread group. Index = order of birth; 0 is the command. */
struct proc {
    /* set once, at creation */
    int32_t pid;           /* as the tracer numbers it */
    int32_t own_pid;       /* as it sees itself (getpid) */
    uint32_t creator;      /* process whose fork made it; MODEL_NONE for the command */
    uint32_t child_number; /* 1 for its creator's first child: names are P, P.1, P.1.2 */
    uint32_t start_event;  /* its START */
    uint32_t fork_event;   /* the call that made it; MODEL_NONE */
    /* written by the fold only */
    uint32_t parent;     /* who may wait for it now; MODEL_NONE: somebody outside the run */
    int32_t pgid, sid;   /* as the tracer numbers them; 0: outside the run, not known */
    uint8_t exit_signal; /* what its parent gets when it ends; SIGCHLD as a rule */
    uint8_t state;       /* enum proc_state */
    bool is_stopped;     /* job control */
    bool is_subreaper;
    bool shares_memory;    /* made by vfork or CLONE_VM, and has not called exec yet */
    bool is_foundling;     /* nobody saw its fork, as its creator was killed inside of it: what
                            * descriptors and dispositions it began with is not known */
    bool has_doubtful_fds; /* born while another thread of its creator opened or closed something:
                            * which descriptors it got shows only as it uses them */
    uint32_t vfork_parent_task; /* task asleep until this one execs or ends; MODEL_NONE */
    int32_t wait_status;        /* once ZOMBIE or REAPED */
    uint32_t exec_event;        /* last EXEC; MODEL_NONE */
    uint32_t exit_event;        /* EXIT; MODEL_NONE */
    uint32_t reaped_event;      /* the wait call that took it; MODEL_NONE: not, or discarded */
    uint32_t reaped_by;         /* process; MODEL_NONE */
    uint32_t files;             /* index of its descriptor table; MODEL_NONE once closed */
    uint32_t handlers;          /* index of its dispositions */
    uint32_t task_count;        /* live tasks */
    uint32_t child_count;       /* ever made */
    uint64_t shared_pending;    /* signals sent to the process, bit n-1 */
    uint64_t merged_signals;    /* of them: sent again while pending. A standard signal is pending
                                   once, so    whether the second came before or after the first was
                                   taken    is not    known ... */
    uint64_t
        doubtful_signals; /* ... and neither is, once one was taken, whether another is pending */
    uint64_t timer_deadline_ns; /* the first of its timers that will send a signal (recording time);
                                   0: none */
    uint32_t signal_count[MODEL_SIGNALS]; /* delivered so far */
};

/* A task: a thread. */
struct task {
    int32_t tid;     /* as the tracer numbers it */
    int32_t own_tid; /* as it sees itself (gettid) */
    uint32_t proc;
    bool is_dead;
    bool is_asleep; /* the kernel said so, of the innermost pending call */
    uint8_t
        pending_count; /* calls under way: an interrupted one, its handler's ... innermost last */
    uint32_t pending[MODEL_PENDING_MAX]; /* event ids */
    uint64_t mask;
    uint64_t
        saved_mask; /* that in force before a call lent its own, or before the last handler began */
    uint64_t pending_signals; /* sent to this thread */
    uint32_t last_event;      /* latest event of this task */
};

struct fd_slot {
    int32_t fd;
    uint32_t file; /* open file description */
    bool is_cloexec;
    uint32_t event; /* that gave the number its meaning: open, pipe, dup ..., or the FD it began
                       with; what fork copied keeps the event of the original */
};

/* An open file description (open(2)): what dup and fork share. */
struct file {
    uint32_t refs; /* descriptors, in all tables, plus 1 if is_outside */
    uint32_t pins; /* calls under way that began when a table was shared: they keep it open, too */
    uint32_t object;
    uint32_t flags;  /* access mode and status flags */
    int64_t offset;  /* -1: not known (O_APPEND, or no meaning) */
    bool is_outside; /* processes outside the run hold it, too */
    uint32_t event;  /* that opened it */
};

/* Bytes of one write that lie in one page of a pipe. Several may share a page. */
struct slot {
    uint32_t event; /* the write */
    uint32_t start; /* first byte of that write's payload that is still here */
    uint32_t length;
    uint16_t page_used; /* bytes of the page that were ever used, up to the end of these */
    bool is_page;       /* the first of its page that is still here */
    bool can_merge;     /* a later write may fill up the page */
    bool is_packet;     /* O_DIRECT: one read takes all of it */
};

/* A kernel thing that processes share. */
struct object {
    uint32_t event; /* that created it or first named it */
    uint8_t kind;   /* enum object_kind */
    bool is_live;
    bool is_outside;   /* held, or reachable by name, by processes outside the run */
    uint32_t number;   /* 1 for the first of its kind: "pipe 1"; 0: inherited, or no object (a free
                          place) */
    uint64_t ino, dev; /* 0 when not known */
    uint32_t name;     /* into model_text(): path; 0 none */
    uint32_t files;    /* open file descriptions of it */
    uint32_t readers, writers; /* open file descriptions with that access (pipes, FIFOs) */
    uint32_t watches;          /* epoll: what it watches, first of a list */
    uint64_t mask;             /* signalfd: the signals it reads */
    uint32_t proc;             /* pidfd: the process; MODEL_NONE */
    bool is_armed;             /* timerfd: it will become readable */
    /* pipes and FIFOs */
    uint32_t capacity;   /* bytes */
    uint32_t pages_used; /* of capacity / page size */
    uint64_t fill;       /* bytes inside */
    uint64_t total_in, total_out;
    uint64_t total_lost; /* were inside when the last descriptor closed */
    uint64_t max_fill;
    uint32_t slot_first, slot_head, slot_count; /* ring of 2^slot_order in the slot pool */
    uint8_t slot_order;
    bool is_shuffled;  /* writes contended: who shares a page with whom is not known */
    bool was_bypassed; /* splice, tee or the outside moved bytes whose content is not known */
};

/* Why a task cannot go on. X(NAME) */
#define WAIT_REASONS(X)                                                            \
    X(PIPE_EMPTY)  /* read: no bytes, writers left */                              \
    X(PIPE_FULL)   /* write: no room, readers left */                              \
    X(FIFO_READER) /* open for writing: no reader yet */                           \
    X(FIFO_WRITER) /* open for reading: no writer yet */                           \
    X(CHILD)       /* wait: no such child has ended */                             \
    X(SIGNAL)      /* pause, sigsuspend, sigwait, read of a signalfd */            \
    X(READY)       /* poll, select, epoll_wait: nothing is ready */                \
    X(TIME)        /* a sleep */                                                   \
    X(VFORK)       /* until the vfork child execs or ends */                       \
    X(STOPPED)     /* job control: until SIGCONT */                                \
    X(OUTSIDE)     /* a terminal, a socket, an inherited pipe: not ours to know */ \
    X(UNKNOWN)     /* asleep in a call that is not followed */

enum wait_reason {
#define X(NAME) WAIT_##NAME,
    WAIT_REASONS(X)
#undef X
};

enum { WAIT_WAKERS_MAX = 64 };

struct wait {
    uint32_t task;
    uint32_t event;  /* the pending call; MODEL_NONE for STOPPED */
    uint32_t object; /* MODEL_NONE */
    enum wait_reason reason;
    bool has_timeout;     /* ends by itself: a time limit, or an armed timer of its own */
    bool has_outside;     /* somebody outside the run could end it */
    bool is_hopeless;     /* nobody that could end it can move: see model_waits */
    bool has_more_wakers; /* than wakers[] holds */
    uint32_t waker_count;
    uint32_t wakers[WAIT_WAKERS_MAX]; /* processes, any of which could end it; may name its own */
};

struct model;

struct model *model_new(const struct recording *rec); /* the state before step 1; borrows rec */
struct model *model_clone(const struct model *m);
void model_copy(struct model *to, const struct model *from); /* reuses memory */
void model_free(struct model *m);

/* Applies step model_seq(m) + 1. The recording must have it. */
void model_apply(struct model *m);
uint32_t model_seq(const struct model *m);
const struct recording *model_recording(const struct model *m);

size_t model_proc_count(const struct model *m);
const struct proc *model_proc(const struct model *m, uint32_t index);
size_t model_task_count(const struct model *m);
const struct task *model_task(const struct model *m, uint32_t index);
size_t model_object_count(const struct model *m);
const struct object *model_object(const struct model *m, uint32_t index);
const struct file *model_file(const struct model *m, uint32_t index);

/* MODEL_NONE when there is none alive with that number (the newest, if numbers were reused). */
uint32_t model_proc_by_pid(const struct model *m, pid_t pid);
uint32_t model_task_by_tid(const struct model *m, pid_t tid);

/* A process's descriptors, sorted by number; 0 when it has none any more. Borrowed. */
size_t model_fds(const struct model *m, uint32_t proc, const struct fd_slot **out);
const struct fd_slot *model_fd(const struct model *m, uint32_t proc, int fd); /* NULL: not open */

/* Who holds an object: one entry for each descriptor. Returns the true count, fills up to most. */
struct hold {
    uint32_t proc;
    int32_t fd;
    bool can_read, can_write, is_cloexec;
    uint32_t file;
};
size_t model_holders(const struct model *m, uint32_t object, struct hold *out, size_t most);

/* The bytes inside a pipe, oldest first, one range for each write: returns the true count. */
struct range {
    uint32_t event; /* the write that put them there; MODEL_NONE: content not known */
    uint32_t start; /* in that write's payload */
    uint32_t length;
};
size_t model_pipe_ranges(const struct model *m, uint32_t object, struct range *out, size_t most);
/* False when how much is inside cannot be told: processes outside the run hold the pipe, or a big
 * write sleeps half done that contended with another (the kernel lets in whom it wakes). */
bool model_fill_is_known(const struct model *m, uint32_t object);
uint32_t model_pipe_room(const struct model *m, uint32_t object,
                         uint64_t size); /* bytes a write of size takes now */

/* Dispositions: SIG_DFL (0), SIG_IGN (1) or a handler's address; SA_* flags. */
uint64_t model_handler(const struct model *m, uint32_t proc, int sig, uint64_t *flags);

/* The path by which an object is known (object.name); 0 gives "". Borrowed from the recording. */
const char *model_text(const struct model *m, uint32_t text);

/* "P.1.2"; "pipe 2"; "pipe 2 (write end)". Appended. */
void model_proc_name(const struct model *m, uint32_t proc, struct buf *out);
void model_object_name(const struct model *m, uint32_t object, struct buf *out);

/* The innermost call under way of a task; NULL when it runs. */
const struct event *model_pending(const struct model *m, uint32_t task);

/* Everything that waits, now: one entry for each task that is blocked as far as the state tells (or
 * the kernel said). is_hopeless is the greatest set of tasks in which nobody has a time limit or an
 * outside waker, and every waker of each is itself in the set: what is in it can never move again.
 * Returns the true count. */
size_t model_waits(const struct model *m, struct wait *out, size_t most);
/* One task's; false when it is not blocked. is_hopeless is not set. */
bool model_wait_of(const struct model *m, uint32_t task, struct wait *out);
/* All live tasks wait, all hopeless, and there is at least one. */
bool model_is_stuck(const struct model *m);

/* One sentence: "pipe 1 is empty, and one writer is left: P.1 itself (fd 4)". */
void model_wait_text(const struct model *m, const struct wait *w, struct buf *out);

/* What the last applied step did that its event alone does not tell; valid until the next apply.
 * For diagnoses, byte travel in views, and Lua. */
struct flow {
    uint32_t from_event; /* write */
    uint32_t to_event;   /* read */
    uint32_t object;
    uint32_t start; /* in the write's payload */
    uint32_t length;
};
size_t model_flows(const struct model *m, const struct flow **out);

/* Things seen that no repair explains; 0 on a good recording. The newest as text. */
uint32_t model_anomalies(const struct model *m);
const char *model_anomaly_text(const struct model *m);

/* Keyframes. layout changes whenever the saved form does. */
uint32_t model_layout(void);
void model_save(const struct model *m, struct buf *out);
/* 0 or -EBADMSG (then *m is unchanged). */
int model_load(struct model *m, const uint8_t *bytes, size_t size, struct err *e);

#endif
