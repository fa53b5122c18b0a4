/* Objects: how they come and go, and which one a path, an inode or an inherited descriptor means.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

/* Its place is used again: an open of /dev/fd/N under way may still look at it. */
static void forget_in_calls(struct model *m, uint32_t object)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        struct pend *p = &m->pends[i];
        p->object = p->object == object ? MODEL_NONE : p->object;
        p->object2 = p->object2 == object ? MODEL_NONE : p->object2;
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
    if (is_kept(o->kind))
        return;
    forget_in_calls(m, object);
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

uint32_t object_of_fd_path(struct model *m, uint32_t task, const char *path)
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

uint32_t fifo_of_path(const struct model *m, const char *path)
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

enum object_kind kind_of_path(const char *path, uint64_t flags)
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
uint32_t pipe_of_inode(const struct model *m, uint64_t ino, uint64_t dev)
{
    for (uint32_t i = m->objects_pool.count; i-- > 0 && ino;) {
        const struct object *o = &m->objects[i];
        if (is_pipe_kind(o->kind) && o->is_live && o->ino == ino && o->dev == dev)
            return i;
    }
    return MODEL_NONE;
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
