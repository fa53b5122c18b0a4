/* Objects, and the calls that make descriptors: open, pipe, mkfifo, and the kinds that are only
 * named (sockets, eventfd ...). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "model/model_internal.h"

uint32_t object_new(struct model *m, enum object_kind kind, uint32_t event)
{
    uint32_t index = pool_take(&m->objects_pool);
    m->objects[index] = (struct object){
        .kind = (uint8_t)kind,
        .is_live = true,
        .event = event,
        .number = ++m->head.numbers[kind],
        .watches = MODEL_NONE,
        .proc = MODEL_NONE,
    };
    if (is_pipe_kind((uint8_t)kind))
        pipe_init(m, index);
    return index;
}

/* Objects that processes share keep their index for ever: findings name them. The others come and
 * go by the thousand, and their places are used again. */
static bool is_kept(uint8_t kind)
{
    return kind != OBJECT_FILE && kind != OBJECT_DIR && kind != OBJECT_DEVICE &&
           kind != OBJECT_OTHER;
}

static void watches_free(struct model *m, uint32_t object)
{
    uint32_t w = m->objects[object].watches;
    m->objects[object].watches = MODEL_NONE;
    while (w != MODEL_NONE) {
        uint32_t next = m->watches[w].next;
        pool_give(&m->watches_pool, w);
        m->head.watch_count--;
        w = next;
    }
}

void object_unref(struct model *m, uint32_t object)
{
    struct object *o = &m->objects[object];
    if (o->files || o->is_outside)
        return;
    if (is_pipe_kind(o->kind))
        pipe_fini(m, object); /* a FIFO nobody has open forgets its bytes, and keeps its name */
    if (o->kind == OBJECT_FIFO && o->name)
        return;
    o->is_live = false;
    watches_free(m, object);
    if (!is_kept(o->kind))
        pool_give(&m->objects_pool, object);
}

const char *model_text(const struct model *m, uint32_t text)
{
    if (text == 0 || text > recording_event_count(m->rec))
        return "";
    const struct event *ev = recording_event(m->rec, text - 1);
    struct blob blob;
    struct op op;
    if (ev->kind == EVENT_FD)
        return recording_blob(m->rec, ev, 0, BLOB_IN, &blob) ? (const char *)blob.bytes : "";
    if (ev->kind == EVENT_CALL && (call_decode(m->rec, ev, &op) == 0 || op.path) && op.path)
        return op.path;
    return "";
}

/* ---- what a path stands for ---- */

/* N of /dev/fd/N, /proc/self/fd/N, /dev/stdin ...; *pid gets a process number that is named; -1. */
static int fd_of_path(const char *path, int *pid)
{
    static const char *const standard[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    *pid = 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(path, standard[i]) == 0)
            return i;
    int fd = -1, end = 0;
    const char *rest = path;
    if (strncmp(path, "/dev/fd/", 8) == 0)
        rest = path + 8;
    else if (strncmp(path, "/proc/self/fd/", 14) == 0)
        rest = path + 14;
    else if (strncmp(path, "/proc/thread-self/fd/", 21) == 0)
        rest = path + 21;
    else if (sscanf(path, "/proc/%d/fd/%n", pid, &end) == 1 && end > 0)
        rest = path + end;
    else
        return -1;
    if (sscanf(rest, "%d%n", &fd, &end) != 1 || rest[end] != '\0')
        return -1;
    return fd;
}

static uint32_t object_of_fd_path(struct model *m, uint32_t task, const char *path)
{
    int pid;
    int fd = fd_of_path(path, &pid);
    if (fd < 0)
        return MODEL_NONE;
    uint32_t file = MODEL_NONE;
    if (pid) {
        uint32_t proc = proc_as_seen(m, m->tasks[task].proc, pid);
        const struct fd_slot *slot =
            proc == MODEL_NONE ? NULL : table_find(m, m->procs[proc].files, fd);
        file = slot ? slot->file : MODEL_NONE;
    } else {
        file = task_file(m, task, fd);
    }
    return file == MODEL_NONE ? MODEL_NONE : m->files[file].object;
}

static const char *plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        for (path += 2; *path == '/';)
            path++;
    return path;
}

/* The same file, as far as names tell: equal, or one is relative and ends the other. The working
 * directory is not followed. */
static bool is_same_path(const char *a, const char *b)
{
    a = plain(a);
    b = plain(b);
    size_t la = strlen(a), lb = strlen(b);
    if (la == lb)
        return memcmp(a, b, la) == 0;
    if (la > lb) {
        const char *c = a;
        size_t l = la;
        a = b, la = lb;
        b = c, lb = l;
    }
    return la > 0 && a[0] != '/' && b[lb - la - 1] == '/' && memcmp(a, b + lb - la, la) == 0;
}

static uint32_t fifo_of_path(const struct model *m, const char *path)
{
    if (m->head.numbers[OBJECT_FIFO] == 0)
        return MODEL_NONE;
    for (uint32_t i = m->objects_pool.count; i-- > 0;) {
        const struct object *o = &m->objects[i];
        if (o->is_live && o->kind == OBJECT_FIFO && o->name &&
            is_same_path(model_text(m, o->name), path))
            return i;
    }
    return MODEL_NONE;
}

static enum object_kind kind_of_path(const char *path, uint64_t flags)
{
    if (flags & O_DIRECTORY)
        return OBJECT_DIR;
    if (!path)
        return OBJECT_OTHER;
    if (strncmp(path, "/dev/tty", 8) == 0 || strncmp(path, "/dev/pts/", 9) == 0 ||
        strcmp(path, "/dev/console") == 0 || strcmp(path, "/dev/ptmx") == 0)
        return OBJECT_TTY;
    if (strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0)
        return OBJECT_DEVICE;
    return OBJECT_FILE;
}

/* A pipe or FIFO that is known by its inode. */
static uint32_t pipe_of_inode(const struct model *m, uint64_t ino, uint64_t dev)
{
    for (uint32_t i = m->objects_pool.count; i-- > 0 && ino;) {
        const struct object *o = &m->objects[i];
        if (is_pipe_kind(o->kind) && o->is_live && o->ino == ino && o->dev == dev)
            return i;
    }
    return MODEL_NONE;
}

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

/* ---- epoll sets (epoll_ctl(2)) ---- */

static uint32_t *watch_link(struct model *m, uint32_t epoll, int fd, uint32_t file)
{
    uint32_t *link = &m->objects[epoll].watches;
    while (*link != MODEL_NONE) {
        const struct watch *w = &m->watches[*link];
        if (w->file == file && (fd < 0 || w->fd == fd))
            break;
        link = &m->watches[*link].next;
    }
    return link;
}

static void watch_remove(struct model *m, uint32_t *link)
{
    uint32_t w = *link;
    *link = m->watches[w].next;
    pool_give(&m->watches_pool, w);
    m->head.watch_count--;
}

void leave_epoll_ctl(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret != 0 || p->file == MODEL_NONE || p->file2 == MODEL_NONE ||
        m->objects[p->object].kind != OBJECT_EPOLL)
        return;
    uint32_t epoll = p->object;
    int fd = p->fd2;
    uint32_t file = p->file2;
    uint32_t *link = watch_link(m, epoll, fd, file);
    if (op->flags == EPOLL_CTL_DEL) {
        if (*link != MODEL_NONE)
            watch_remove(m, link);
        return;
    }
    if (*link == MODEL_NONE) {
        uint32_t w = pool_take(&m->watches_pool);
        m->watches[w] = (struct watch){.next = m->objects[epoll].watches, .file = file, .fd = fd};
        m->objects[epoll].watches = w;
        m->head.watch_count++;
        link = &m->objects[epoll].watches;
    }
    m->watches[*link].events = (uint32_t)op->size;
}

void epoll_forget(struct model *m, uint32_t file)
{
    for (uint32_t i = 0; i < m->objects_pool.count; i++) {
        if (m->objects[i].kind != OBJECT_EPOLL || !m->objects[i].is_live)
            continue;
        for (;;) {
            uint32_t *link = watch_link(m, i, -1, file);
            if (*link == MODEL_NONE)
                break;
            watch_remove(m, link);
        }
    }
}

/* ---- what the command was started with ---- */

static enum object_kind kind_of_mode(uint32_t mode, const char *text)
{
    static const struct {
        const char *text;
        enum object_kind kind;
    } anonymous[] = {{"[eventfd]", OBJECT_EVENTFD}, {"[signalfd]", OBJECT_SIGNALFD},
                     {"[timerfd]", OBJECT_TIMERFD}, {"[pidfd]", OBJECT_PIDFD},
                     {"[eventpoll]", OBJECT_EPOLL}, {"inotify", OBJECT_INOTIFY}};
    if (S_ISFIFO(mode))
        return strncmp(text, "pipe:", 5) == 0 || text[0] == '\0' ? OBJECT_PIPE : OBJECT_FIFO;
    if (S_ISREG(mode))
        return OBJECT_FILE;
    if (S_ISDIR(mode))
        return OBJECT_DIR;
    if (S_ISSOCK(mode))
        return OBJECT_SOCKET;
    if (S_ISCHR(mode)) {
        enum object_kind kind = kind_of_path(text, 0);
        return kind == OBJECT_TTY ? OBJECT_TTY : OBJECT_DEVICE;
    }
    for (size_t i = 0; i < sizeof anonymous / sizeof *anonymous; i++)
        if (strstr(text, anonymous[i].text))
            return anonymous[i].kind;
    return OBJECT_OTHER;
}

static uint32_t object_of_inode(struct model *m, const struct event *ev)
{
    uint64_t ino = ev->args[4], dev = ev->args[5];
    for (uint32_t i = 0; i < m->objects_pool.count; i++)
        if (m->objects[i].is_live && m->objects[i].ino == ino && m->objects[i].dev == dev && ino)
            return i;
    enum object_kind kind = kind_of_mode((uint32_t)ev->args[3], model_text(m, ev->id + 1));
    uint32_t object = object_new(m, kind, ev->id);
    struct object *o = &m->objects[object];
    o->ino = ino;
    o->dev = dev;
    o->name = ev->id + 1;
    o->is_outside = true;
    o->number =
        0; /* the run's own things are counted from 1; this one is known by its descriptor */
    m->head.numbers[kind]--;
    return object;
}

void apply_fd(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    uint32_t table = task_table(m, task);
    if (table == MODEL_NONE)
        return;
    int fd = (int)ev->args[0], same = (int)ev->ret;
    uint32_t file;
    const struct fd_slot *shared = same == fd ? NULL : table_find(m, table, same);
    if (shared) {
        file = shared->file;
    } else {
        uint32_t object = object_of_inode(m, ev);
        file = file_new(m, object, (uint32_t)ev->args[1], ev->id);
        m->files[file].is_outside = true;
        m->files[file].refs = 1;
        if (m->objects[object].kind == OBJECT_FILE && !(ev->args[1] & O_APPEND))
            m->files[file].offset = (int64_t)ev->args[2];
    }
    table_put(
        m, table,
        (struct fd_slot){
            .fd = fd, .file = file, .is_cloexec = (ev->args[1] & O_CLOEXEC) != 0, .event = ev->id});
}
