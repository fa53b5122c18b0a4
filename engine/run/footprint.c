#include "run/footprint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Ids of different families never meet: a tag is mixed into each. */
enum tag { TAG_OBJECT, TAG_FILE, TAG_NAME, TAG_DATA, TAG_PROC, TAG_SIGNALS, TAG_GROUP };

struct sketch {
    const struct model *m;
    const struct footprint_names *names;
    const struct footprint_move *move;
    struct footprint *out;
    struct op op;
};

/* splitmix64's finisher (Steele, Lea, Flood, OOPSLA 2014) */
static uint64_t mix(enum tag tag, uint64_t value)
{
    uint64_t x = value + (uint64_t)(tag + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t hash_text(const char *text)
{
    uint64_t h = UINT64_C(1469598103934665603); /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(1099511628211);
    return h;
}

/* What an event is called in every run. */
static uint64_t event_key(const struct sketch *s, uint32_t event)
{
    return event < s->names->event_count && s->names->event_keys[event]
               ? s->names->event_keys[event]
               : (uint64_t)event + 1; /* from before the command ran: the same in each run */
}

static uint64_t proc_id(const struct sketch *s, enum tag tag, uint32_t proc)
{
    return mix(tag, proc < s->names->proc_count ? s->names->proc_names[proc] : UINT64_MAX);
}

static uint64_t path_id(enum tag tag, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return mix(tag, hash_text(path));
}

static uint64_t object_id(const struct sketch *s, uint32_t index)
{
    const struct object *o = model_object(s->m, index);
    if (o->kind == OBJECT_FIFO && o->name)
        return path_id(TAG_OBJECT, model_text(s->m, o->name));
    return mix(TAG_OBJECT, event_key(s, o->event));
}

static struct touch *add(struct sketch *s, uint64_t object, enum touch_kind kind)
{
    struct footprint *f = s->out;
    static struct touch spare;
    if (f->count == TOUCHES_MAX) {
        f->touches_all = true;
        return &spare;
    }
    struct touch *t = &f->touches[f->count++];
    *t = (struct touch){.object = object, .kind = (uint8_t)kind};
    return t;
}

/* ---- pipes ---- */

static bool is_stream(const struct object *o)
{
    return o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO;
}

static void touch_stream(struct sketch *s, uint32_t index, enum touch_kind kind, uint64_t size)
{
    const struct object *o = model_object(s->m, index);
    struct touch *t = add(s, object_id(s, index), kind);
    t->size = size;
    t->at = kind == TOUCH_STREAM_WRITE ? o->total_in : o->total_out;
    t->level = o->fill;
    t->room = o->readers ? model_pipe_room(s->m, index, size ? size : 1) : UINT64_MAX;
    if (kind == TOUCH_STREAM_READ)
        t->is_end = !o->fill && !o->writers;
    if (kind == TOUCH_STREAM_WRITE) {
        t->is_end = !o->readers;
        /* its parts, and those of others, come in between each other: pipe(7), PIPE_BUF */
        if (o->readers && size > PIPE_BUF && t->room < size)
            s->out->touches_all = true;
    }
}

/* The output that people read, and what comes from outside, is no object of the run. */
static bool is_outside(const struct file *file, const struct object *o)
{
    return file->is_outside || o->kind == OBJECT_TTY || o->kind == OBJECT_DEVICE;
}

static void touch_bytes(struct sketch *s, bool is_write)
{
    const struct fd_slot *slot = model_fd(s->m, s->move->proc, s->op.fd);
    if (!slot)
        return;
    const struct file *file = model_file(s->m, slot->file);
    const struct object *o = model_object(s->m, file->object);
    if (is_outside(file, o))
        return;
    uint64_t file_id = mix(TAG_FILE, event_key(s, file->event));
    bool moves_offset = o->kind == OBJECT_FILE && s->op.offset < 0;
    add(s, file_id, moves_offset ? TOUCH_VALUE_WRITE : TOUCH_VALUE_READ);
    if (is_stream(o)) {
        touch_stream(s, file->object, is_write ? TOUCH_STREAM_WRITE : TOUCH_STREAM_READ,
                     s->op.size);
        s->out->touches[s->out->count - 1].never_waits = file->flags & O_NONBLOCK;
    } else if (o->kind == OBJECT_FILE) {
        struct touch *t = add(s, path_id(TAG_DATA, model_text(s->m, o->name)),
                              is_write ? TOUCH_VALUE_WRITE : TOUCH_VALUE_READ);
        t->size = UINT64_MAX;
    } else if (o->kind != OBJECT_DEVICE)
        add(s, object_id(s, file->object), TOUCH_ANY);
}

static void touch_fd_any(struct sketch *s, int fd)
{
    const struct fd_slot *slot = model_fd(s->m, s->move->proc, fd);
    if (slot)
        add(s, object_id(s, model_file(s->m, slot->file)->object), TOUCH_ANY);
}

/* ---- closing ---- */

/* Descriptors of one end of a pipe, in all processes. */
static uint64_t count_ends(const struct sketch *s, uint32_t object, bool of_readers)
{
    enum { HOLDS_MAX = 256 };
    struct hold holds[HOLDS_MAX];
    size_t all = model_holders(s->m, object, holds, HOLDS_MAX);
    uint64_t n = all > HOLDS_MAX ? all - HOLDS_MAX : 0;
    for (size_t i = 0; i < all && i < HOLDS_MAX; i++)
        n += of_readers ? holds[i].can_read : holds[i].can_write;
    return n;
}

static void touch_close_end(struct sketch *s, uint32_t object, bool of_readers, uint32_t gone,
                            bool is_last)
{
    touch_stream(s, object, of_readers ? TOUCH_STREAM_CLOSE_READ : TOUCH_STREAM_CLOSE_WRITE, 0);
    struct touch *t = &s->out->touches[s->out->count - 1];
    t->size = count_ends(s, object, of_readers);
    t->done = gone;
    t->is_last = is_last;
}

/* gone: how many of the description's descriptors this move closes. */
static void touch_close(struct sketch *s, const struct fd_slot *slot, uint32_t gone)
{
    const struct file *file = model_file(s->m, slot->file);
    const struct object *o = model_object(s->m, file->object);
    if (is_outside(file, o) || !is_stream(o))
        return;
    bool is_file_closed = file->refs <= gone;
    int access = (int)(file->flags & O_ACCMODE);
    if (access != O_WRONLY)
        touch_close_end(s, file->object, true, gone, is_file_closed && o->readers == 1);
    if (access != O_RDONLY)
        touch_close_end(s, file->object, false, gone, is_file_closed && o->writers == 1);
}

static uint32_t count_of(const struct fd_slot *fds, size_t count, uint32_t file, bool cloexec_only)
{
    uint32_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += fds[i].file == file && (fds[i].is_cloexec || !cloexec_only);
    return n;
}

static void touch_closes(struct sketch *s, int first, int last, bool cloexec_only)
{
    const struct fd_slot *fds;
    size_t count = model_fds(s->m, s->move->proc, &fds);
    for (size_t i = 0; i < count; i++) {
        bool is_meant = fds[i].fd >= first && fds[i].fd <= last;
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first = is_first && fds[j].file != fds[i].file;
        if (is_meant && is_first && (fds[i].is_cloexec || !cloexec_only))
            touch_close(s, &fds[i], count_of(fds, count, fds[i].file, cloexec_only));
    }
}

static void touch_one_close(struct sketch *s, int fd)
{
    const struct fd_slot *slot = model_fd(s->m, s->move->proc, fd);
    if (slot)
        touch_close(s, slot, 1);
}

/* A process that shares its table closes nothing by ending while another still has it. */
static void touch_end(struct sketch *s)
{
    const struct proc *p = model_proc(s->m, s->move->proc);
    for (uint32_t i = 0; i < model_proc_count(s->m); i++)
        if (i != s->move->proc && p->files != MODEL_NONE && model_proc(s->m, i)->files == p->files)
            return;
    touch_closes(s, 0, INT32_MAX, false);
}

/* ---- names ---- */

static void touch_open(struct sketch *s)
{
    if (!s->op.path)
        return;
    uint64_t flags = s->op.flags;
    add(s, path_id(TAG_NAME, s->op.path), flags & O_CREAT ? TOUCH_VALUE_WRITE : TOUCH_VALUE_READ);
    if (flags & O_TRUNC)
        add(s, path_id(TAG_DATA, s->op.path), TOUCH_VALUE_WRITE)->size = UINT64_MAX;
    if (!s->move->is_fifo)
        return;
    int access = (int)(flags & O_ACCMODE);
    if (access != O_WRONLY)
        add(s, path_id(TAG_OBJECT, s->op.path), TOUCH_STREAM_OPEN_READ);
    if (access != O_RDONLY)
        add(s, path_id(TAG_OBJECT, s->op.path), TOUCH_STREAM_OPEN_WRITE);
}

/* ---- children ---- */

static void touch_wait(struct sketch *s)
{
    bool looks = s->op.flags & WNOHANG;
    uint64_t ended = 0, taken = UINT64_MAX;
    for (uint32_t i = 0; i < model_proc_count(s->m); i++) {
        const struct proc *p = model_proc(s->m, i);
        if (p->parent != s->move->proc || p->state == PROC_REAPED)
            continue;
        if (s->op.pid > 0 && p->own_pid != s->op.pid && p->pid != s->op.pid)
            continue;
        struct touch *t =
            add(s, proc_id(s, TAG_PROC, i), looks ? TOUCH_CHILD_LOOK : TOUCH_CHILD_WAIT);
        t->at = i; /* the model numbers processes in the order in which they were made */
        t->level = p->state == PROC_ZOMBIE;
        ended += t->level;
        if (t->level && i < taken)
            taken = i;
    }
    for (uint16_t i = 0; i < s->out->count && !looks; i++)
        if (s->out->touches[i].kind == TOUCH_CHILD_WAIT) {
            s->out->touches[i].room = ended;
            s->out->touches[i].size = taken;
        }
}

static bool is_heeded(const struct model *m, uint32_t proc, int sig)
{
    uint64_t flags;
    uint64_t handler = model_handler(m, proc, sig, &flags);
    bool is_void = sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH;
    if (handler == 0 && !is_void)
        return true;
    if (handler > 1)
        return true;
    for (uint32_t i = 0; i < model_task_count(m); i++) /* blocked: somebody may ask for it */
        if (model_task(m, i)->proc == proc && !model_task(m, i)->is_dead &&
            (model_task(m, i)->mask >> (sig - 1) & 1))
            return true;
    return false;
}

static void touch_signal(struct sketch *s, uint32_t proc, int sig)
{
    if (proc == MODEL_NONE || sig < 1 || sig > 64 || !is_heeded(s->m, proc, sig))
        return;
    add(s, proc_id(s, TAG_SIGNALS, proc), TOUCH_SIGNAL_SEND)->size = (uint64_t)sig;
}

static void touch_kill(struct sketch *s)
{
    bool is_group = !s->op.is_thread && s->op.pid <= 0;
    for (uint32_t i = 0; i < model_proc_count(s->m); i++) {
        const struct proc *p = model_proc(s->m, i);
        bool is_meant = is_group || p->own_pid == s->op.pid || p->pid == s->op.pid;
        if (!is_meant)
            continue;
        if (i != s->move->proc) /* whether it is still there */
            add(s, proc_id(s, TAG_PROC, i), TOUCH_CHILD_LOOK);
        if (p->state != PROC_REAPED)
            touch_signal(s, i, s->op.sig);
    }
}

static void touch_report(struct sketch *s)
{
    const struct proc *p = model_proc(s->m, s->move->proc);
    add(s, proc_id(s, TAG_PROC, s->move->proc), TOUCH_CHILD_END);
    if (p->parent != MODEL_NONE && p->exit_signal)
        touch_signal(s, p->parent, p->exit_signal);
}

/* ---- readiness ---- */

static void touch_polls(struct sketch *s)
{
    enum { POLLS_MAX = 16 };
    struct op_poll polls[POLLS_MAX];
    const struct recording *rec = model_recording(s->m);
    size_t count = call_polls(rec, recording_event(rec, s->move->event), polls, POLLS_MAX);
    if (count == 0 || count > POLLS_MAX)
        s->out->touches_all = true; /* epoll: what it watches is not looked up */
    for (size_t i = 0; i < count && i < POLLS_MAX; i++) {
        const struct fd_slot *slot = model_fd(s->m, s->move->proc, polls[i].fd);
        if (!slot)
            continue;
        uint32_t object = model_file(s->m, slot->file)->object;
        if (is_stream(model_object(s->m, object)))
            touch_stream(s, object, TOUCH_STREAM_POLL, 0);
        else
            touch_fd_any(s, polls[i].fd);
    }
}

static void touch_query(struct sketch *s)
{
    const struct fd_slot *slot = model_fd(s->m, s->move->proc, s->op.fd);
    if (!slot)
        return;
    const struct file *file = model_file(s->m, slot->file);
    add(s, mix(TAG_FILE, event_key(s, file->event)), TOUCH_VALUE_READ);
    if (is_stream(model_object(s->m, file->object)) &&
        !is_outside(file, model_object(s->m, file->object)))
        touch_stream(s, file->object, TOUCH_STREAM_POLL, 1);
}

static void touch_flags(struct sketch *s)
{
    const struct fd_slot *slot = model_fd(s->m, s->move->proc, s->op.fd);
    if (slot)
        add(s, mix(TAG_FILE, event_key(s, model_file(s->m, slot->file)->event)), TOUCH_VALUE_WRITE);
}

/* ---- all calls ---- */

static void touch_own_signals(struct sketch *s, enum touch_kind kind)
{
    add(s, proc_id(s, TAG_SIGNALS, s->move->proc), kind);
}

static void touch_op(struct sketch *s)
{
    switch (s->op.kind) {
    case OP_OPEN: touch_open(s); break;
    case OP_MKFIFO:
        if (s->op.path)
            add(s, path_id(TAG_NAME, s->op.path), TOUCH_VALUE_WRITE);
        break;
    case OP_LOOK:
    case OP_NAME:
        if (s->op.path)
            add(s, path_id(TAG_NAME, s->op.path),
                s->op.kind == OP_NAME ? TOUCH_VALUE_WRITE : TOUCH_VALUE_READ);
        break;
    case OP_CLOSE: touch_one_close(s, s->op.fd); break;
    case OP_CLOSE_RANGE: touch_closes(s, s->op.fd, s->op.fd2, false); break;
    case OP_DUP:
        if (s->op.fd2 >= 0 && s->op.fd2 != s->op.fd)
            touch_one_close(s, s->op.fd2);
        break;
    case OP_EXEC: touch_closes(s, 0, INT32_MAX, true); break;
    case OP_EXIT: touch_end(s); break;
    case OP_READ: touch_bytes(s, false); break;
    case OP_WRITE: touch_bytes(s, true); break;
    case OP_MOVE:
    case OP_TEE: touch_fd_any(s, s->op.fd2); /* fall through */
    case OP_VMSPLICE: touch_fd_any(s, s->op.fd); break;
    case OP_STATUS_FLAGS:
    case OP_NONBLOCK:
    case OP_SEEK: touch_flags(s); break;
    case OP_PIPE_SIZE: {
        const struct fd_slot *slot = model_fd(s->m, s->move->proc, s->op.fd);
        if (slot)
            touch_stream(s, model_file(s->m, slot->file)->object, TOUCH_STREAM_RESIZE, 0);
        break;
    }
    case OP_QUERY: touch_query(s); break;
    case OP_WAIT: touch_wait(s); break;
    case OP_KILL: touch_kill(s); break;
    case OP_SIGACTION:
    case OP_SIGMASK: touch_own_signals(s, TOUCH_SIGNAL_SET); break;
    case OP_POLL: touch_polls(s); break;
    case OP_SET_PGID:
    case OP_SET_SID: add(s, mix(TAG_GROUP, 0), TOUCH_VALUE_WRITE); break;
    case OP_NEW_FD:
    case OP_NEW_PAIR:
    case OP_PIPE:
    case OP_FD_FLAGS:
    case OP_FORK:
    case OP_SIGSUSPEND:
    case OP_PAUSE:
    case OP_SIGWAIT:
    case OP_SIGRETURN:
    case OP_SLEEP:
    case OP_TIMER:
    case OP_TIMER_CREATE:
    case OP_PRCTL: break;
    default: s->out->touches_all = true; break; /* not known: never silently independent */
    }
}

void footprint_of(const struct model *m, const struct footprint_names *names,
                  const struct footprint_move *move, struct footprint *out)
{
    struct sketch s = {.m = m, .names = names, .move = move, .out = out};
    *out = (struct footprint){0};
    const struct recording *rec = model_recording(m);
    bool has_call = move->event != MODEL_NONE && move->event < recording_event_count(rec);
    if (has_call)
        call_decode(rec, recording_event(rec, move->event), &s.op);
    switch ((enum move_kind)move->kind) {
    case MOVE_GO:
    case MOVE_TIMEOUT:
        if (has_call)
            touch_op(&s);
        else
            touch_end(&s);
        break;
    case MOVE_REPORT: touch_report(&s); return;
    case MOVE_TIMER: touch_signal(&s, move->proc, move->sig); return;
    case MOVE_SIGNAL: break;
    default: break;
    }
    touch_own_signals(&s, TOUCH_SIGNAL_LIVE);
}

void footprint_finish(struct footprint *f, int64_t ret)
{
    for (uint16_t i = 0; i < f->count; i++) {
        struct touch *t = &f->touches[i];
        bool is_bytes = t->kind == TOUCH_STREAM_READ || t->kind == TOUCH_STREAM_WRITE;
        if (is_bytes)
            t->done = ret > 0 ? (uint64_t)ret : 0;
        if (t->kind == TOUCH_STREAM_READ)
            t->is_end = ret == 0 && t->size;
        if (t->kind == TOUCH_STREAM_WRITE)
            t->is_end = ret == -EPIPE;
        if (t->kind == TOUCH_CHILD_LOOK && ret > 0)
            t->done = 1;
    }
}
