/* What the files of the model share. Nothing outside engine/model includes it.
 *
 * A call under way is a `pend`: what was asked, which description and object it went to at entry,
 * and what of it has already been committed because something seen depends on it. */
#ifndef IPCLAB_MODEL_INTERNAL_H
#define IPCLAB_MODEL_INTERNAL_H

#include <fcntl.h>

#include "model/model.h"
#include "model/pool.h"

enum {
    PAGE = 4096,
    PIPE_DEFAULT = 16 * PAGE,
    FRAMES_MAX = 6, /* handlers nested in one task whose masks are kept */
    GHOSTS_MAX = 32,
    ANOMALY_MAX = 200,
};

/* A call under way; or the rest of one whose task was killed inside it (a ghost): its effect on a
 * pipe may still come to light. */
struct pend {
    uint32_t next; /* list link of free items: never used otherwise */
    uint32_t event;
    uint32_t task;         /* MODEL_NONE: a ghost */
    uint32_t outer;        /* the call that this one's handler interrupted */
    uint32_t older, newer; /* all calls under way, in order of entry */
    uint32_t file, file2;  /* of fd and fd2 at entry; MODEL_NONE */
    uint32_t object, object2;
    int32_t fd, fd2;
    uint64_t size; /* bytes asked for */
    uint64_t done; /* bytes of it that are committed */
    uint64_t flags;
    int64_t offset;
    uint8_t kind;    /* enum op_kind */
    bool is_early;   /* its whole effect is committed */
    bool is_pinned;  /* holds pins of file and file2 */
    bool was_asleep; /* the kernel has had it asleep at least once */
    bool is_crowded; /* a write: another one of the same pipe was under way, too */
    bool is_begun;   /* a write that slept: it will not merge into the last page any more */
    uint8_t sig;
    int32_t pid;
};

/* What the model alone needs to know of a task. Same index as the task. */
struct task_more {
    uint32_t next;
    uint32_t top;   /* innermost pend */
    uint32_t queue; /* signals sent to it, oldest first: into queued */
    uint32_t frame_count;
    uint64_t frames[FRAMES_MAX]; /* masks to come back to, innermost last */
    bool has_saved_mask;         /* a sigsuspend or ppoll has lent its mask */
    bool is_ending;              /* DYING was seen */
    uint32_t next_in_proc;       /* live tasks of the same process */
};

struct proc_more {
    uint32_t next;
    uint32_t queue;       /* signals sent to the process */
    uint32_t first_child; /* of those whose parent it is, and that are not reaped */
    uint32_t sibling, sibling_before;
    uint32_t first_task;    /* live ones */
    uint32_t running_tasks; /* for which no DYING was seen */
    uint32_t timers;
    uint32_t told; /* stops (1) and goings on (2) that its parent's SIGCHLD told of before they were
                      seen */
};

struct fd_table {
    uint32_t refs; /* processes that use it */
    uint32_t first, count;
    uint32_t order;       /* room for 2^order */
    uint32_t changed_seq; /* step of the last change */
};

struct dispositions {
    uint32_t refs;
    uint32_t flags[MODEL_SIGNALS];
    uint64_t handler[MODEL_SIGNALS];
    uint64_t mask[MODEL_SIGNALS];
};

struct queued {
    uint32_t next;
    int32_t sig;
    uint32_t event; /* that sent it; MODEL_NONE: the kernel */
};

/* One descriptor in an epoll set. */
struct watch {
    uint32_t next;
    uint32_t file;
    int32_t fd;
    uint32_t events;
};

/* A timer of a process that will send a signal. */
struct timer {
    uint32_t next;
    int32_t id; /* of timer_create(2); TIMER_REAL ... */
    int32_t sig;
    bool is_periodic;
    uint64_t deadline_ns; /* 0: not armed */
};
enum { TIMER_REAL = -1, TIMER_VIRTUAL = -2, TIMER_PROF = -3 };

#define MODEL_POOLS(X)                                              \
    X(struct proc, procs)                                           \
    X(struct proc_more, procs_more)                                 \
    X(struct task, tasks)                                           \
    X(struct task_more, tasks_more)                                 \
    X(struct pend, pends)                                           \
    X(struct fd_table, tables)                                      \
    X(struct fd_slot, fds)                                          \
    X(struct file, files)                                           \
    X(struct object, objects)                                       \
    X(struct slot, slots)                                           \
    X(struct dispositions, handlers)                                \
    X(struct queued, queue)                                         \
    X(struct watch, watches)                                        \
    X(struct timer, timers)                                         \
    X(struct map_entry, by_tid) /* live tasks */                    \
    X(struct map_entry, by_pid) /* processes that are not reaped */ \
    X(struct map_entry, by_own_pid)

enum model_pool {
#define X(type, name) POOL_##name,
    MODEL_POOLS(X)
#undef X
        POOL_COUNT
};

/* Everything else: plain values, copied and saved as a whole. */
struct model_head {
    uint32_t seq;
    uint32_t pend_oldest, pend_newest;
    uint32_t ghost_count;
    uint32_t by_tid_used, by_pid_used, by_own_pid_used;
    uint32_t watch_count;
    uint32_t numbers[OBJECT_KIND_COUNT];
    uint32_t fd_runs[POOL_ORDERS], slot_runs[POOL_ORDERS];
    uint32_t anomalies;
    uint64_t now_ns;
    char anomaly[ANOMALY_MAX];
};

struct model {
    const struct recording *rec;
    struct model_head head;
#define X(type, name)            \
    union {                      \
        struct pool name##_pool; \
        type *name;              \
    };
    MODEL_POOLS(X)
#undef X
    struct flow *flows; /* of the last step; not part of the state */
    size_t flows_count, flows_cap;
};

struct pool *model_pool(struct model *m, enum model_pool which);

static inline bool is_pipe_kind(uint8_t kind)
{
    return kind == OBJECT_PIPE || kind == OBJECT_FIFO;
}
/* What is open by O_PATH is only a place (open(2)). */
static inline bool file_reads(const struct file *f)
{
    return !(f->flags & O_PATH) && ((f->flags & 3) == 0 || (f->flags & 3) == 2);
}
static inline bool file_writes(const struct file *f)
{
    return !(f->flags & O_PATH) && ((f->flags & 3) == 1 || (f->flags & 3) == 2);
}

/* Counts something that no repair explains. */
void anomaly(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- model_call.c: calls under way ---- */
void call_enter(struct model *m, const struct event *ev);
void call_leave(struct model *m, const struct event *ev);
void calls_drop(struct model *m, uint32_t task); /* the task died: nothing of it will return */
struct op_rule {
    void (*enter)(struct model *m, uint32_t pend, const struct op *op);
    void (*leave)(struct model *m, uint32_t pend, const struct op *op);
    bool uses_fd; /* fd names a description whose object the call is about */
    bool uses_fd2;
    bool needs_results; /* leave wants more than op->ret */
};
bool pend_is_known(const struct model *m, uint32_t pend);

/* ---- model_proc.c: births, exec, deaths, groups ---- */
void apply_start(struct model *m, const struct event *ev);
void apply_exec(struct model *m, const struct event *ev);
void apply_dying(struct model *m, const struct event *ev);
void apply_dead(struct model *m, const struct event *ev);
void apply_exit(struct model *m, const struct event *ev);
void apply_stop(struct model *m, const struct event *ev);
void apply_resume(struct model *m, const struct event *ev);
/* The parent was told of a stop, or that the process goes on. */
void proc_stop_told(struct model *m, uint32_t proc, bool is_stop);
void proc_end(struct model *m, uint32_t proc, int wait_status, uint32_t event);
void proc_reap(struct model *m, uint32_t proc, uint32_t by, uint32_t event);
void proc_close_all(struct model *m, uint32_t proc);
void exec_close(struct model *m,
                uint32_t proc); /* close-on-exec descriptors, of a table of its own */
/* A process as a caller numbers it (kill's and wait's argument and result). */
uint32_t proc_as_seen(const struct model *m, uint32_t caller, int32_t pid);
uint32_t group_as_seen(const struct model *m, uint32_t caller, int32_t pgid);
void leave_set_pgid(struct model *m, uint32_t pend, const struct op *op);
void leave_set_sid(struct model *m, uint32_t pend, const struct op *op);
void leave_prctl(struct model *m, uint32_t pend, const struct op *op);
void leave_wait(struct model *m, uint32_t pend, const struct op *op);
void leave_fork(struct model *m, uint32_t pend, const struct op *op);

/* ---- model_fd.c: descriptor tables and descriptions ---- */
uint32_t table_new(struct model *m);
uint32_t table_copy(struct model *m, uint32_t table);
void table_unref(struct model *m, uint32_t table);
struct fd_slot *table_find(const struct model *m, uint32_t table, int fd);
void table_put(struct model *m, uint32_t table, struct fd_slot slot); /* takes one reference */
bool table_remove(struct model *m, uint32_t table, int fd);
/* A new descriptor is to stand where another thread's close is still under way: that one is done.
 */
void make_way(struct model *m, uint32_t table, int fd, uint32_t pend);
int table_lowest_free(const struct model *m, uint32_t table, int from);
uint32_t task_table(const struct model *m, uint32_t task);  /* MODEL_NONE */
uint32_t task_file(struct model *m, uint32_t task, int fd); /* repairs; MODEL_NONE when not open */
uint32_t file_new(struct model *m, uint32_t object, uint32_t flags, uint32_t event); /* refs 0 */
void file_ref(struct model *m, uint32_t file);
void file_unref(struct model *m, uint32_t file);
void file_pin(struct model *m, uint32_t file);
void file_unpin(struct model *m, uint32_t file);
/* What a close-like call takes out of the table, now; false when it has nothing to take. */
void leave_unshare(struct model *m, uint32_t pend, const struct op *op);
bool commit_close(struct model *m, uint32_t pend);
void leave_close(struct model *m, uint32_t pend, const struct op *op);
void leave_close_range(struct model *m, uint32_t pend, const struct op *op);
void leave_dup(struct model *m, uint32_t pend, const struct op *op);
void leave_fd_flags(struct model *m, uint32_t pend, const struct op *op);
void leave_status_flags(struct model *m, uint32_t pend, const struct op *op);
void leave_nonblock(struct model *m, uint32_t pend, const struct op *op);

/* ---- model_object.c ---- */
uint32_t object_new(struct model *m, enum object_kind kind, uint32_t event);
void object_unref(struct model *m, uint32_t object); /* one description less */
enum object_kind kind_of_path(const char *path, uint64_t flags);
uint32_t fifo_of_path(const struct model *m, const char *path);
uint32_t pipe_of_inode(const struct model *m, uint64_t ino, uint64_t dev);
/* What /dev/fd/N and the like mean to a task. */
uint32_t object_of_fd_path(struct model *m, uint32_t task, const char *path);
void apply_fd(struct model *m, const struct event *ev);

/* ---- model_epoll.c ---- */
void leave_epoll_ctl(struct model *m, uint32_t pend, const struct op *op);
void epoll_forget(struct model *m, uint32_t file);
void watches_free(struct model *m, uint32_t object);

/* ---- model_open.c: where descriptors come from ---- */
void enter_open(struct model *m, uint32_t pend, const struct op *op);
void leave_open(struct model *m, uint32_t pend, const struct op *op);
void leave_pipe(struct model *m, uint32_t pend, const struct op *op);
void leave_mkfifo(struct model *m, uint32_t pend, const struct op *op);
void leave_new_pair(struct model *m, uint32_t pend, const struct op *op);
void leave_receive(struct model *m, uint32_t pend, const struct op *op);
void leave_signalfd(struct model *m, uint32_t pend, const struct op *op);
uint32_t new_fd(struct model *m, uint32_t pend, int fd, enum object_kind kind, const struct op *op);
void leave_new_fd(struct model *m, uint32_t pend, const struct op *op);
void open_is_asleep(struct model *m, uint32_t pend); /* so its path is a FIFO */
/* A sibling's open, pipe or dup under way that must have made fd; false when there is none. */
bool commit_open(struct model *m, uint32_t task, int fd);

/* ---- model_pipe.c: bytes and pages of one pipe ---- */
void pipe_init(struct model *m, uint32_t object);
void pipe_fini(struct model *m, uint32_t object);
uint64_t pipe_room(const struct model *m, uint32_t object, uint64_t size, bool is_begun);
/* Puts bytes of a write in, as many as fit (all, when forced); returns how many. */
uint64_t pipe_push(struct model *m, uint32_t object, const struct pend *p, uint64_t most,
                   bool forced);
/* Takes bytes out, with flows to event; returns how many there were. */
uint64_t pipe_take(struct model *m, uint32_t object, uint64_t most, uint32_t to_event);
/* Takes back what was put in too early; returns how much of it was still there. */
uint64_t pipe_retract(struct model *m, uint32_t object, uint32_t event, uint64_t size);
/* Moves or copies ranges from one pipe to another. */
uint64_t pipe_splice(struct model *m, uint32_t from, uint32_t to, uint64_t most, bool is_copy);
/* Brings the i-th piece to the front. */
void pipe_to_front(struct model *m, uint32_t object, uint32_t i);
const struct slot *pipe_slot(const struct model *m, const struct object *o, uint32_t i);

/* ---- model_bytes.c: read, write, splice ---- */
void enter_bytes(struct model *m, uint32_t pend, const struct op *op);
void leave_read(struct model *m, uint32_t pend, const struct op *op);
void leave_write(struct model *m, uint32_t pend, const struct op *op);
void enter_vmsplice(struct model *m, uint32_t pend, const struct op *op);
void leave_move(struct model *m, uint32_t pend, const struct op *op);
void leave_tee(struct model *m, uint32_t pend, const struct op *op);
void leave_seek(struct model *m, uint32_t pend, const struct op *op);
void leave_pipe_size(struct model *m, uint32_t pend, const struct op *op);
void apply_blocked(struct model *m, const struct event *ev);

/* ---- model_repair.c: early commits ---- */
/* So that the pipe holds at least `need` bytes for this reader's event. */
void repair_bytes(struct model *m, uint32_t object, uint64_t need, const struct event *reader);
/* So that a write of `size` more bytes fits. */
void repair_room(struct model *m, uint32_t object, uint64_t size, uint32_t writer);
/* So that other readers have taken all that is inside. */
void repair_empty(struct model *m, uint32_t object, uint32_t reader);
/* Two writes under way at the same time may lie in the pipe in the wrong order: the bytes that a
 * read got tell. Brings the piece that begins like them to the front. False when no order is in
 * doubt. */
bool repair_order(struct model *m, uint32_t object, const struct event *reader, uint64_t offset);
/* So that nobody holds that end. */
void repair_release(struct model *m, uint32_t object, bool is_write_end, uint32_t pend);
uint64_t commit_bytes(struct model *m, uint32_t pend,
                      uint64_t most); /* of a write, splice or tee */

/* ---- model_signal.c ---- */
uint32_t handlers_new(struct model *m);
uint32_t handlers_copy(struct model *m, uint32_t handlers);
void handlers_unref(struct model *m, uint32_t handlers);
void handlers_exec(struct model *m, uint32_t proc);
void apply_signal(struct model *m, const struct event *ev);
void signal_send(struct model *m, uint32_t proc, uint32_t task, int sig, uint32_t event);
void signals_forget(struct model *m, uint32_t proc, uint32_t task); /* all pending ones */
uint64_t lent_mask(const struct model *m, uint32_t task);
void leave_sigaction(struct model *m, uint32_t pend, const struct op *op);
void leave_sigmask(struct model *m, uint32_t pend, const struct op *op);
void leave_kill(struct model *m, uint32_t pend, const struct op *op);
void enter_lends_mask(struct model *m, uint32_t pend, const struct op *op);
void leave_lends_mask(struct model *m, uint32_t pend, const struct op *op);
void leave_sigwait(struct model *m, uint32_t pend, const struct op *op);
void leave_sigreturn(struct model *m, uint32_t pend, const struct op *op);
void signalfd_read(struct model *m, uint32_t pend);

/* ---- model_timer.c ---- */
void leave_timer(struct model *m, uint32_t pend, const struct op *op);
void leave_timer_create(struct model *m, uint32_t pend, const struct op *op);
void timer_fired(struct model *m, uint32_t proc, int sig);
void timers_free(struct model *m, uint32_t proc, bool only_posix);

/* ---- model_check.c: the invariants, by brute force; NULL when they hold. For tests and loading.
 * ---- */
const char *model_check(const struct model *m);

#endif
