#include "run/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "trace/probe.h"

enum { LINES_MAX = 100, TASKS_MAX = 4096 };

/* One open descriptor of one process, as both sides see it. */
struct entry {
    uint32_t proc;
    pid_t pid;
    int fd;
    uint32_t file, object; /* the model's */
    uint64_t ino, dev;     /* the kernel's */
    uint32_t mode;
};

struct verify {
    uint64_t points, disagreements;
    struct buf text;
    /* the comparison going on */
    const struct model *m;
    struct entry *entries;
    size_t entries_count, entries_cap;
};

struct verify *verify_new(void)
{
    return xcalloc(1, sizeof(struct verify));
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    buf_fini(&v->text);
    free(v->entries);
    free(v);
}

uint64_t verify_points(const struct verify *v)
{
    return v->points;
}

uint64_t verify_disagreements(const struct verify *v)
{
    return v->disagreements;
}

const char *verify_text(const struct verify *v)
{
    return v->text.data ? v->text.data : "";
}

/* "seq 41: P.1 " and what is wrong with it. */
static void disagree(struct verify *v, uint32_t proc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void disagree(struct verify *v, uint32_t proc, const char *format, ...)
{
    if (v->disagreements++ >= LINES_MAX)
        return;
    buf_printf(&v->text, "seq %u: ", model_seq(v->m));
    if (proc != MODEL_NONE) {
        model_proc_name(v->m, proc, &v->text);
        buf_putc(&v->text, ' ');
    }
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&v->text, format, ap);
    va_end(ap);
    buf_putc(&v->text, '\n');
}

static const char *state_word(uint8_t state)
{
    static const char *const words[] = {
#define X(NAME, word) word,
        PROC_STATES(X)
#undef X
    };
    return words[state];
}

/* ---- processes ---- */

static void compare_family(struct verify *v, uint32_t index, const struct probe_process *k)
{
    const struct proc *p = model_proc(v->m, index);
    uint32_t kernels = model_proc_by_pid(v->m, k->ppid);
    if (kernels != p->parent)
        disagree(v, index, "parent: model says %d, kernel says %d",
                 p->parent == MODEL_NONE ? 0 : model_proc(v->m, p->parent)->pid, k->ppid);
    if (p->pgid && p->pgid != k->pgid)
        disagree(v, index, "group: model says %d, kernel says %d", p->pgid, k->pgid);
    if (p->sid && p->sid != k->sid)
        disagree(v, index, "session: model says %d, kernel says %d", p->sid, k->sid);
}

/* A zombie whose parent is inside wait may be gone at any instant: its end has woken the parent. */
static bool may_be_reaped(const struct verify *v, const struct proc *p)
{
    for (uint32_t i = 0; i < model_task_count(v->m) && p->state == PROC_ZOMBIE; i++) {
        const struct task *t = model_task(v->m, i);
        const struct event *ev = t->is_dead || t->proc != p->parent ? NULL : model_pending(v->m, i);
        if (ev && (ev->call == CALL_wait4 || ev->call == CALL_waitid))
            return true;
    }
    return false;
}

/* True when the process runs, as both say. */
static bool compare_state(struct verify *v, uint32_t index)
{
    const struct proc *p = model_proc(v->m, index);
    struct probe_process k;
    int rc = probe_process(p->pid, &k);
    if (rc < 0 || k.state == 'X') {
        if (may_be_reaped(v, p))
            return false;
        disagree(v, index, "model says %s, kernel says gone", state_word(p->state));
        return false;
    }
    bool is_zombie = k.state == 'Z';
    if (is_zombie != (p->state == PROC_ZOMBIE)) {
        /* A leader that ended before its other threads is a zombie to /proc alone; and one that is
         * ending becomes a zombie before the tracer hears of it. */
        bool may_be = p->state == PROC_DYING || (p->state == PROC_ALIVE && p->task_count > 1);
        if (!(is_zombie && may_be))
            disagree(v, index, "model says %s, kernel says %s (%c)", state_word(p->state),
                     is_zombie ? "zombie" : "alive", k.state);
        return false;
    }
    compare_family(v, index, &k);
    return !is_zombie && p->state == PROC_ALIVE;
}

/* ---- signals ---- */

/* Signals that the kernel sends by its own clock, unseen until they are delivered. */
static uint64_t unseen_signals(void)
{
    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGKILL, SIGWINCH};
    uint64_t set = 0;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        set |= 1ull << (signals[i] - 1);
    return set;
}

/* Signals whose delivery was the last thing that some task of the process did: another one of the
 * same number, sent at that time, was merged with it or waits, and the order of the two is not
 * known. */
static uint64_t just_delivered(const struct verify *v, uint32_t proc)
{
    uint64_t set = 0;
    for (uint32_t i = 0; i < model_task_count(v->m); i++) {
        const struct task *t = model_task(v->m, i);
        const struct event *ev = recording_event(model_recording(v->m), t->last_event);
        if (!t->is_dead && t->proc == proc && ev->kind == EVENT_SIGNAL && ev->args[0] - 1 < 64)
            set |= 1ull << (ev->args[0] - 1);
    }
    return set;
}

static void compare_pending(struct verify *v, uint32_t proc, const char *what, uint64_t model,
                            uint64_t kernel)
{
    uint64_t differing = (model ^ kernel) & ~unseen_signals();
    if (differing)
        differing &= ~just_delivered(v, proc) & ~model_proc(v->m, proc)->doubtful_signals;
    if (differing)
        disagree(v, proc, "pending signals of the %s: model says %llx, kernel says %llx", what,
                 (unsigned long long)model, (unsigned long long)kernel);
}

static enum event_kind last_kind(const struct model *m, const struct task *t)
{
    return recording_event(model_recording(m), t->last_event)->kind;
}

static void compare_task(struct verify *v, uint32_t index)
{
    const struct task *t = model_task(v->m, index);
    const struct event *ev = model_pending(v->m, index);
    struct probe_process k;
    struct op op = {.kind = OP_NONE};
    if (probe_process(t->tid, &k) < 0 || k.state == 'Z') {
        if (last_kind(v->m, t) == EVENT_DYING) /* and goes while others are held */
            return;
        disagree(v, t->proc, "task %d: model says alive, kernel says gone", t->tid);
        return;
    }
    if (ev)
        call_decode(model_recording(v->m), ev, &op);
    /* A call lends its mask once the kernel is inside; a handler's comes into force when the task
     * goes on from the stop at which its signal was seen. */
    bool may_differ = op.kind == OP_SIGSUSPEND || (op.kind == OP_POLL && op.has_mask) ||
                      last_kind(v->m, t) == EVENT_SIGNAL;
    bool is_known = !model_proc(v->m, t->proc)->is_foundling;
    if (is_known && k.sig_blocked != t->mask && !(may_differ && k.sig_blocked == t->saved_mask))
        disagree(v, t->proc, "task %d mask: model says %llx, kernel says %llx", t->tid,
                 (unsigned long long)t->mask, (unsigned long long)k.sig_blocked);
    compare_pending(v, t->proc, "task", t->pending_signals, k.sig_pending);
}

static void compare_dispositions(struct verify *v, uint32_t index)
{
    const struct proc *p = model_proc(v->m, index);
    struct probe_process k;
    if (p->is_foundling || probe_process(p->pid, &k) < 0)
        return;
    uint64_t ignored = 0, caught = 0;
    for (int sig = 1; sig < MODEL_SIGNALS; sig++) {
        uint64_t handler = model_handler(v->m, index, sig, NULL);
        ignored |= (uint64_t)(handler == 1) << (sig - 1);
        caught |= (uint64_t)(handler > 1) << (sig - 1);
    }
    if (ignored != k.sig_ignored)
        disagree(v, index, "ignored signals: model says %llx, kernel says %llx",
                 (unsigned long long)ignored, (unsigned long long)k.sig_ignored);
    if (caught != k.sig_caught)
        disagree(v, index, "caught signals: model says %llx, kernel says %llx",
                 (unsigned long long)caught, (unsigned long long)k.sig_caught);
    compare_pending(v, index, "process", p->shared_pending, k.sig_shared_pending);
}

/* ---- descriptors ---- */

static bool kind_fits(uint8_t kind, uint32_t mode)
{
    switch (kind) {
    case OBJECT_PIPE:
    case OBJECT_FIFO: return S_ISFIFO(mode);
    case OBJECT_FILE: return S_ISREG(mode);
    case OBJECT_DIR: return S_ISDIR(mode);
    case OBJECT_SOCKET: return S_ISSOCK(mode);
    case OBJECT_TTY: return S_ISCHR(mode);
    case OBJECT_DEVICE: return S_ISCHR(mode) || S_ISBLK(mode);
    default: return !S_ISFIFO(mode);
    }
}

static void compare_fd(struct verify *v, uint32_t proc, const struct fd_slot *s,
                       const struct probe_fd *k)
{
    const uint64_t shown = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_PATH;
    const struct file *f = model_file(v->m, s->file);
    const struct object *o = model_object(v->m, f->object);
    if (o->kind == OBJECT_OTHER && o->is_outside) /* came from another process: not known */
        return;
    if (s->is_cloexec != ((k->flags & O_CLOEXEC) != 0))
        disagree(v, proc, "fd %d: model says close-on-exec %d, kernel says %d", s->fd,
                 s->is_cloexec, (k->flags & O_CLOEXEC) != 0);
    if ((f->flags & shown) != (k->flags & shown))
        disagree(v, proc, "fd %d: model says flags %llo, kernel says %llo", s->fd,
                 (unsigned long long)(f->flags & shown), (unsigned long long)(k->flags & shown));
    if (!kind_fits(o->kind, k->mode))
        disagree(v, proc, "fd %d: model says %s, kernel says mode %o", s->fd,
                 object_kind_name(o->kind), k->mode);
    if (o->ino && (o->ino != k->ino || o->dev != k->dev))
        disagree(v, proc, "fd %d: model says inode %llu, kernel says %llu", s->fd,
                 (unsigned long long)o->ino, (unsigned long long)k->ino);
    if (S_ISREG(k->mode) && f->offset >= 0 && f->offset != k->offset)
        disagree(v, proc, "fd %d: model says offset %lld, kernel says %lld", s->fd,
                 (long long)f->offset, (long long)k->offset);
    *PUSH(v->entries) = (struct entry){.proc = proc,
                                       .pid = model_proc(v->m, proc)->pid,
                                       .fd = s->fd,
                                       .file = s->file,
                                       .object = f->object,
                                       .ino = k->ino,
                                       .dev = k->dev,
                                       .mode = k->mode};
}

/* Before its exec the command has descriptors of the handshake, all close-on-exec, which are not
 * recorded (trace/begin.c). */
static bool is_of_handshake(const struct verify *v, uint32_t proc, const struct probe_fd *k)
{
    return proc == 0 && model_proc(v->m, proc)->exec_event == MODEL_NONE && (k->flags & O_CLOEXEC);
}

static void compare_table(struct verify *v, uint32_t proc)
{
    const struct fd_slot *slots = NULL;
    size_t count = model_fds(v->m, proc, &slots);
    struct probe_fd *kernel = NULL;
    ssize_t there = probe_fds(model_proc(v->m, proc)->pid, &kernel);
    if (there < 0) {
        disagree(v, proc, "descriptors: kernel says %s", strerror((int)-there));
        return;
    }
    bool in_doubt = model_proc(v->m, proc)->has_doubtful_fds;
    size_t i = 0, k = 0;
    while (i < count || k < (size_t)there) {
        bool has_model = i < count, has_kernel = k < (size_t)there;
        if (has_model && (!has_kernel || slots[i].fd < kernel[k].fd)) {
            if (!in_doubt)
                disagree(v, proc, "fd %d: model says open, kernel says closed", slots[i].fd);
            i++;
        } else if (has_kernel && (!has_model || kernel[k].fd < slots[i].fd)) {
            if (!in_doubt && !is_of_handshake(v, proc, &kernel[k]))
                disagree(v, proc, "fd %d: model says closed, kernel says open", kernel[k].fd);
            k++;
        } else {
            compare_fd(v, proc, &slots[i++], &kernel[k++]);
        }
    }
    free(kernel);
}

/* ---- what is shared ---- */

static int by_inode_and_file(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->file == y->file ? 0 : x->file < y->file ? -1 : 1;
}

static void compare_pair(struct verify *v, const struct entry *a, const struct entry *b)
{
    int same = probe_same_file(a->pid, a->fd, b->pid, b->fd);
    if (same < 0 || same == (a->file == b->file))
        return;
    disagree(v, a->proc, "fd %d and fd %d of process %d: model says %s open file description",
             a->fd, b->fd, b->pid, a->file == b->file ? "the same" : "not the same");
}

/* Entries of one description are neighbours: each is compared with the first of its own, and the
 * first of each description with the first of the next on the same inode. */
static void compare_sharing(struct verify *v)
{
    qsort(v->entries, v->entries_count, sizeof *v->entries, by_inode_and_file);
    size_t first = 0;
    for (size_t i = 1; i < v->entries_count; i++) {
        const struct entry *a = &v->entries[first], *b = &v->entries[i];
        if (a->ino == b->ino && a->dev == b->dev)
            compare_pair(v, a, b);
        if (a->ino != b->ino || a->dev != b->dev || a->file != b->file)
            first = i;
    }
}

static void compare_pipe(struct verify *v, const struct entry *e)
{
    const struct object *o = model_object(v->m, e->object);
    int64_t fill = probe_pipe_fill(e->pid, e->fd), size = probe_pipe_size(e->pid, e->fd);
    struct buf name = {0};
    model_object_name(v->m, e->object, &name);
    if (fill >= 0 && model_fill_is_known(v->m, e->object) && (uint64_t)fill != o->fill)
        disagree(v, MODEL_NONE, "%s: model says %llu bytes inside, kernel says %lld", name.data,
                 (unsigned long long)o->fill, (long long)fill);
    if (size >= 0 && !o->is_outside && (uint64_t)size != o->capacity)
        disagree(v, MODEL_NONE, "%s: model says capacity %u, kernel says %lld", name.data,
                 o->capacity, (long long)size);
    buf_fini(&name);
}

static int by_object(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->object == y->object ? 0 : x->object < y->object ? -1 : 1;
}

static void compare_pipes(struct verify *v)
{
    qsort(v->entries, v->entries_count, sizeof *v->entries, by_object);
    for (size_t i = 0; i < v->entries_count; i++) {
        const struct entry *e = &v->entries[i], *before = i ? e - 1 : NULL;
        if (!S_ISFIFO(e->mode))
            continue;
        if (!before || before->object != e->object)
            compare_pipe(v, e);
        else if (before->ino != e->ino || before->dev != e->dev)
            disagree(v, e->proc, "fd %d: model says one object, kernel says two inodes", e->fd);
    }
}

/* ---- all ---- */

static void compare_task_lists(struct verify *v, const struct tracer *t)
{
    pid_t *tids = xcalloc(TASKS_MAX, sizeof *tids);
    size_t count = tracer_tasks(t, tids, TASKS_MAX);
    for (size_t i = 0; i < count && i < TASKS_MAX; i++)
        if (model_task_by_tid(v->m, tids[i]) == MODEL_NONE)
            disagree(v, MODEL_NONE, "task %d is traced, but the model does not know it", tids[i]);
    free(tids);
}

void verify_compare(struct verify *v, const struct model *m, const struct tracer *t)
{
    v->m = m;
    v->points++;
    v->entries_count = 0;
    compare_task_lists(v, t);
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        if (model_proc(m, i)->state == PROC_REAPED || !compare_state(v, i))
            continue;
        compare_dispositions(v, i);
        compare_table(v, i);
    }
    for (uint32_t i = 0; i < model_task_count(m); i++) {
        const struct task *task = model_task(m, i);
        if (!task->is_dead && model_proc(m, task->proc)->state == PROC_ALIVE)
            compare_task(v, i);
    }
    compare_sharing(v);
    compare_pipes(v);
    v->m = NULL;
}
