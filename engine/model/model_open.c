/* Calls that make descriptors: open, pipe, mkfifo, and the kinds that are only named (sockets,
 * eventfd ...). */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "model/model_internal.h"

/* The FIFO that an open gave: by inode; or the one of that name, whose inode is known from now on.
 */
static uint32_t fifo_of_open(struct model *m, uint32_t pend, const struct op *op)
{
    uint32_t object = pipe_of_inode(m, op->ino, op->dev);
    if (object != MODEL_NONE)
        return object;
    object = m->pends[pend].object;
    if (object == MODEL_NONE && op->path)
        object = fifo_of_path(m, op->path);
    if (object == MODEL_NONE || m->objects[object].ino) {
        object = object_new(m, OBJECT_FIFO, m->pends[pend].event);
        m->objects[object].name = m->pends[pend].event + 1;
    }
    m->objects[object].ino = op->ino;
    m->objects[object].dev = op->dev;
    if (op->capacity)
        m->objects[object].capacity = (uint32_t)op->capacity;
    return object;
}

static uint32_t object_of_open(struct model *m, uint32_t pend, const struct op *op)
{
    uint32_t object = m->pends[pend].object, event = m->pends[pend].event;
    if (op->mode ? S_ISFIFO(op->mode) : object != MODEL_NONE)
        return op->mode ? fifo_of_open(m, pend, op) : object;
    enum object_kind kind = op->mode ? op->object_kind : kind_of_path(op->path, op->flags);
    object = object_new(m, kind, event);
    struct object *o = &m->objects[object];
    o->name = op->path ? event + 1 : 0;
    o->ino = op->ino;
    o->dev = op->dev;
    return object;
}

/* ---- calls ---- */

void enter_open(struct model *m, uint32_t pend, const struct op *op)
{
    if (!op->path)
        return;
    uint32_t object = fifo_of_path(m, op->path);
    if (object == MODEL_NONE)
        object = object_of_fd_path(m, m->pends[pend].task, op->path);
    m->pends[pend].object = object;
}

void open_is_asleep(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    if (p->object != MODEL_NONE || (p->flags & O_ACCMODE) == O_RDWR)
        return;
    struct op op;
    call_decode(m->rec, recording_event(m->rec, p->event), &op);
    if (!op.path || kind_of_path(op.path, op.flags) != OBJECT_FILE)
        return;
    uint32_t object = object_new(m, OBJECT_FIFO, p->event);
    m->objects[object].name = m->pends[pend].event + 1;
    m->pends[pend].object = object;
}

static void put_fd(struct model *m, uint32_t pend, int fd, uint32_t file, bool is_cloexec)
{
    const struct pend *p = &m->pends[pend];
    uint32_t table = task_table(m, p->task);
    if (table_find(m, table, fd))
        make_way(m, table, fd, pend);
    table_put(
        m, table,
        (struct fd_slot){.fd = fd, .file = file, .is_cloexec = is_cloexec, .event = p->event});
}

static void open_now(struct model *m, uint32_t pend, int fd, const struct op *op)
{
    if (task_table(m, m->pends[pend].task) == MODEL_NONE)
        return;
    uint32_t object = object_of_open(m, pend, op);
    uint32_t file = file_new(m, object, (uint32_t)op->flags, m->pends[pend].event);
    if (op->flags & O_APPEND)
        m->files[file].offset = -1;
    put_fd(m, pend, fd, file, (op->flags & O_CLOEXEC) != 0);
}

/* What only the exit tells of a descriptor that was put in its place early. */
static void name_object(struct model *m, uint32_t pend, const struct op *op)
{
    const struct fd_slot *slot = table_find(m, task_table(m, m->pends[pend].task), (int)op->ret);
    struct object *o = slot ? &m->objects[m->files[slot->file].object] : NULL;
    if (!o || o->event != m->pends[pend].event || !op->mode)
        return;
    o->ino = op->ino;
    o->dev = op->dev;
    if (!is_pipe_kind(o->kind) && !S_ISFIFO(op->mode))
        o->kind = (uint8_t)op->object_kind;
}

void leave_open(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret < 0)
        return;
    if (m->pends[pend].is_early)
        name_object(m, pend, op);
    else
        open_now(m, pend, (int)op->ret, op);
}

static void pipe_now(struct model *m, uint32_t pend, const int fds[2], const struct op *op)
{
    uint64_t flags = op->flags;
    if (task_table(m, m->pends[pend].task) == MODEL_NONE)
        return;
    uint32_t event = m->pends[pend].event;
    uint32_t object = object_new(m, OBJECT_PIPE, event);
    m->objects[object].ino = op->ino;
    m->objects[object].dev = op->dev;
    if (op->capacity) /* less than usual when its user has many pipes (pipe(7)) */
        m->objects[object].capacity = (uint32_t)op->capacity;
    uint32_t status = (uint32_t)flags & (O_NONBLOCK | O_DIRECT);
    uint32_t reader = file_new(m, object, O_RDONLY | status, event);
    uint32_t writer = file_new(m, object, O_WRONLY | status, event);
    put_fd(m, pend, fds[0], reader, (flags & O_CLOEXEC) != 0);
    put_fd(m, pend, fds[1], writer, (flags & O_CLOEXEC) != 0);
}

void leave_pipe(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret != 0 || m->pends[pend].is_early)
        return;
    if (op->fds[0] < 0 || op->fds[1] < 0) {
        anomaly(m, "pipe succeeded, but its descriptors were not kept");
        return;
    }
    pipe_now(m, pend, op->fds, op);
}

void leave_mkfifo(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret != 0 || !op->path)
        return;
    uint32_t event = m->pends[pend].event;
    uint32_t old = fifo_of_path(m, op->path);
    if (old != MODEL_NONE) {
        /* A new one of the same name: the old one's was taken away, which is not followed. */
        m->objects[old].name = 0;
        if (m->objects[old].files == 0)
            m->objects[old].is_live = false;
    }
    uint32_t object = object_new(m, OBJECT_FIFO, event);
    m->objects[object].name = event + 1;
}

/* Descriptors of these kinds read and write, whatever their flags say; inotify(7) only reads. */
static uint32_t access_of(enum object_kind kind, const struct op *op)
{
    if (kind == OBJECT_INOTIFY)
        return O_RDONLY;
    return op->kind == OP_NEW_FD && op->path && kind == OBJECT_OTHER
               ? op->flags & O_ACCMODE /* mq */
               : O_RDWR;
}

uint32_t new_fd(struct model *m, uint32_t pend, int fd, enum object_kind kind, const struct op *op)
{
    uint32_t event = m->pends[pend].event;
    uint32_t object = object_new(m, kind, event);
    struct object *o = &m->objects[object];
    o->name = op->path ? event + 1 : 0;
    o->ino = op->ino;
    o->dev = op->dev;
    uint32_t flags = ((uint32_t)op->flags & O_NONBLOCK) | access_of(kind, op);
    uint32_t file = file_new(m, object, flags, event);
    put_fd(m, pend, fd, file, (op->flags & O_CLOEXEC) != 0);
    return object;
}

void leave_new_fd(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret < 0 || p->is_early || task_table(m, p->task) == MODEL_NONE)
        return;
    uint32_t caller = m->tasks[p->task].proc;
    uint32_t object = new_fd(m, pend, (int)op->ret, op->object_kind, op);
    if (op->object_kind == OBJECT_SIGNALFD)
        m->objects[object].mask = op->mask;
    else if (op->object_kind == OBJECT_PIDFD)
        m->objects[object].proc = proc_as_seen(m, caller, op->pid);
}

void leave_new_pair(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret != 0 || task_table(m, m->pends[pend].task) == MODEL_NONE)
        return;
    struct op one = *op; /* the inode is that of the first */
    for (int i = 0; i < 2; i++, one.ino = one.dev = 0)
        if (op->fds[i] >= 0)
            new_fd(m, pend, op->fds[i], op->object_kind, &one);
}

/* unix(7), SCM_RIGHTS: whose descriptors they were is not followed, only that they are open now. */
void leave_receive(struct model *m, uint32_t pend, const struct op *op)
{
    int fds[64];
    const struct event *ev = recording_event(m->rec, m->pends[pend].event);
    if (op->ret < 0 || task_table(m, m->pends[pend].task) == MODEL_NONE)
        return;
    size_t count = call_received(m->rec, ev, fds, sizeof fds / sizeof *fds);
    struct op how = {
        .kind = OP_RECEIVE,
        .flags = m->pends[pend].flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0,
    };
    for (size_t i = 0; i < count && i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] < 0)
            continue;
        uint32_t object = new_fd(m, pend, fds[i], OBJECT_OTHER, &how);
        m->objects[object].is_outside = true;
    }
}

void leave_signalfd(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret >= 0 && op->has_mask && p->object != MODEL_NONE)
        m->objects[p->object].mask = op->mask;
}

/* A descriptor that the creator's other thread had opened just before the fork. */
static bool inherit_late(struct model *m, uint32_t task, int fd)
{
    const struct proc *p = &m->procs[m->tasks[task].proc];
    if (!p->has_doubtful_fds || p->creator == MODEL_NONE)
        return false;
    const struct fd_slot *slot = table_find(m, m->procs[p->creator].files, fd);
    if (!slot)
        return false;
    table_put(m, p->files, *slot);
    return true;
}

/* Threads share a table: one may use a descriptor before the other's open was seen to return. The
 * kernel gives the lowest free number, so the call that makes fd can be told. */
bool commit_open(struct model *m, uint32_t task, int fd)
{
    uint32_t table = task_table(m, task);
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        struct pend *p = &m->pends[i];
        if (p->task == MODEL_NONE || p->task == task || p->is_early ||
            task_table(m, p->task) != table)
            continue;
        int lowest = table_lowest_free(m, table, 0);
        struct op op;
        if (p->kind != OP_OPEN && p->kind != OP_PIPE && p->kind != OP_NEW_FD && p->kind != OP_DUP)
            continue;
        struct event entry = *recording_event(m->rec, p->event);
        entry.exit_seq = 0;
        call_decode(m->rec, &entry, &op);
        if (p->kind == OP_OPEN && lowest == fd) {
            open_now(m, i, fd, &op);
        } else if (p->kind == OP_NEW_FD && lowest == fd) {
            new_fd(m, i, fd, op.object_kind, &op);
        } else if (p->kind == OP_DUP && p->file != MODEL_NONE &&
                   (p->fd2 < 0 ? table_lowest_free(m, table, (int)p->size) : p->fd2) == fd) {
            put_fd(m, i, fd, p->file, (p->flags & O_CLOEXEC) != 0);
        } else if (p->kind == OP_PIPE) {
            int second = table_lowest_free(m, table, lowest + 1);
            if (fd != lowest && fd != second)
                continue;
            pipe_now(m, i, (int[2]){lowest, second}, &op);
        } else {
            continue;
        }
        m->pends[i].is_early = true;
        return true;
    }
    return inherit_late(m, task, fd);
}
