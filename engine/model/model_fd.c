/* Descriptor tables and open file descriptions (open(2), dup(2), fcntl(2)). */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <string.h>

#include "model/model_internal.h"

/* ---- descriptions ---- */

static void count_ends(struct model *m, const struct file *f, int by)
{
    struct object *o = &m->objects[f->object];
    o->files += (uint32_t)by;
    o->readers += file_reads(f) ? (uint32_t)by : 0;
    o->writers += file_writes(f) ? (uint32_t)by : 0;
}

uint32_t file_new(struct model *m, uint32_t object, uint32_t flags, uint32_t event)
{
    uint32_t index = pool_take(&m->files_pool);
    struct file *f = &m->files[index];
    *f = (struct file){.object = object, .event = event};
    f->flags = flags & ~(uint32_t)(O_CLOEXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    f->offset = -1;
    if (m->objects[object].kind == OBJECT_FILE && !(flags & O_PATH))
        f->offset = 0;
    count_ends(m, f, 1);
    return index;
}

void file_ref(struct model *m, uint32_t file)
{
    m->files[file].refs++;
}

/* Calls that a handler has interrupted may look at a description that the handler closed. */
static void forget_in_calls(struct model *m, uint32_t file)
{
    bool is_pipe = is_pipe_kind(m->objects[m->files[file].object].kind);
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        struct pend *p = &m->pends[i];
        if (p->file == file) {
            p->file = MODEL_NONE;
            p->object = is_pipe ? p->object : MODEL_NONE;
        }
        if (p->file2 == file) {
            p->file2 = MODEL_NONE;
            p->object2 = is_pipe ? p->object2 : MODEL_NONE;
        }
    }
}

static void file_settle(struct model *m, uint32_t file)
{
    struct file *f = &m->files[file];
    if (f->refs || f->pins)
        return;
    uint32_t object = f->object;
    forget_in_calls(m, file);
    count_ends(m, f, -1);
    if (m->head.watch_count)
        epoll_forget(m, file);
    pool_give(&m->files_pool, file);
    object_unref(m, object);
}

void file_unref(struct model *m, uint32_t file)
{
    assert(m->files[file].refs > 0);
    m->files[file].refs--;
    file_settle(m, file);
}

void file_pin(struct model *m, uint32_t file)
{
    if (file != MODEL_NONE)
        m->files[file].pins++;
}

void file_unpin(struct model *m, uint32_t file)
{
    if (file == MODEL_NONE)
        return;
    assert(m->files[file].pins > 0);
    m->files[file].pins--;
    file_settle(m, file);
}

/* ---- tables: a sorted run of slots each ---- */

uint32_t table_new(struct model *m)
{
    uint32_t index = pool_take(&m->tables_pool);
    uint32_t first = pool_take_run(&m->fds_pool, m->head.fd_runs, 2);
    m->tables[index] = (struct fd_table){.refs = 1, .first = first, .order = 2};
    return index;
}

uint32_t table_copy(struct model *m, uint32_t table)
{
    struct fd_table from = m->tables[table];
    uint32_t first = pool_take_run(&m->fds_pool, m->head.fd_runs, from.order);
    uint32_t index = pool_take(&m->tables_pool);
    struct fd_slot *slots = &m->fds[first];
    memcpy(slots, &m->fds[from.first], from.count * sizeof *slots);
    for (uint32_t i = 0; i < from.count; i++)
        file_ref(m, slots[i].file);
    m->tables[index] =
        (struct fd_table){.refs = 1, .first = first, .count = from.count, .order = from.order};
    return index;
}

void table_unref(struct model *m, uint32_t table)
{
    struct fd_table *t = &m->tables[table];
    if (--t->refs)
        return;
    for (uint32_t i = 0; i < t->count; i++)
        file_unref(m, m->fds[t->first + i].file);
    pool_give_run(&m->fds_pool, m->head.fd_runs, t->order, t->first);
    pool_give(&m->tables_pool, table);
}

/* Where fd is, or would be. */
static uint32_t table_place(const struct model *m, const struct fd_table *t, int fd)
{
    const struct fd_slot *slots = &m->fds[t->first];
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (slots[middle].fd < fd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct fd_slot *table_find(const struct model *m, uint32_t table, int fd)
{
    if (table == MODEL_NONE)
        return NULL;
    const struct fd_table *t = &m->tables[table];
    uint32_t i = table_place(m, t, fd);
    struct fd_slot *slot = &m->fds[t->first + i];
    return i < t->count && slot->fd == fd ? slot : NULL;
}

static void table_grow(struct model *m, uint32_t table)
{
    struct fd_table old = m->tables[table];
    if (old.count < 1u << old.order)
        return;
    uint32_t first = pool_take_run(&m->fds_pool, m->head.fd_runs, old.order + 1);
    memcpy(&m->fds[first], &m->fds[old.first], old.count * sizeof *m->fds);
    pool_give_run(&m->fds_pool, m->head.fd_runs, old.order, old.first);
    m->tables[table].first = first;
    m->tables[table].order = old.order + 1;
}

void table_put(struct model *m, uint32_t table, struct fd_slot slot)
{
    struct fd_slot *old = table_find(m, table, slot.fd);
    m->tables[table].changed_seq = m->head.seq;
    file_ref(m, slot.file);
    if (slot.fd < 0) { /* a recording may come from anywhere: no kernel gives such a number */
        file_unref(m, slot.file);
        return;
    }
    if (old) {
        uint32_t file = old->file;
        *old = slot;
        file_unref(m, file);
        return;
    }
    table_grow(m, table);
    struct fd_table *t = &m->tables[table];
    uint32_t i = table_place(m, t, slot.fd);
    struct fd_slot *slots = &m->fds[t->first];
    memmove(&slots[i + 1], &slots[i], (t->count - i) * sizeof *slots);
    slots[i] = slot;
    t->count++;
}

bool table_remove(struct model *m, uint32_t table, int fd)
{
    struct fd_slot *slot = table_find(m, table, fd);
    if (!slot)
        return false;
    struct fd_table *t = &m->tables[table];
    t->changed_seq = m->head.seq;
    uint32_t i = (uint32_t)(slot - &m->fds[t->first]);
    uint32_t file = slot->file;
    memmove(slot, slot + 1, (t->count - i - 1) * sizeof *slot);
    t->count--;
    file_unref(m, file);
    return true;
}

int table_lowest_free(const struct model *m, uint32_t table, int from)
{
    const struct fd_table *t = &m->tables[table];
    for (uint32_t i = table_place(m, t, from); i < t->count; i++, from++)
        if (m->fds[t->first + i].fd != from)
            break;
    return from;
}

uint32_t task_table(const struct model *m, uint32_t task)
{
    if (task == MODEL_NONE)
        return MODEL_NONE;
    return m->procs[m->tasks[task].proc].files;
}

uint32_t task_file(struct model *m, uint32_t task, int fd)
{
    uint32_t table = task_table(m, task);
    if (fd < 0 || table == MODEL_NONE)
        return MODEL_NONE;
    struct fd_slot *slot = table_find(m, table, fd);
    if (!slot && commit_open(m, task, fd))
        slot = table_find(m, table, fd);
    return slot ? slot->file : MODEL_NONE;
}

/* ---- calls ---- */

static void close_range_now(struct model *m, uint32_t table, const struct pend *p)
{
    uint32_t first = (uint32_t)p->fd, last = (uint32_t)p->fd2;
    const struct fd_table *t = &m->tables[table];
    for (uint32_t i = t->count; i-- > 0;) {
        struct fd_slot *slot = &m->fds[t->first + i];
        if ((uint32_t)slot->fd < first || (uint32_t)slot->fd > last)
            continue;
        if (p->flags & CLOSE_RANGE_CLOEXEC)
            slot->is_cloexec = true;
        else
            table_remove(m, table, slot->fd);
    }
}

/* close_range(2) with CLOSE_RANGE_UNSHARE, unshare(2) with CLONE_FILES, exec: a table of its own.
 */
static uint32_t own_table(struct model *m, uint32_t proc)
{
    uint32_t table = m->procs[proc].files;
    if (table != MODEL_NONE && m->tables[table].refs > 1) {
        uint32_t copy = table_copy(m, table);
        m->tables[table].refs--;
        m->procs[proc].files = table = copy;
    }
    return table;
}

bool commit_close(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    uint32_t table = task_table(m, p->task);
    if (p->is_early || table == MODEL_NONE)
        return false;
    uint32_t proc = m->tasks[p->task].proc;
    switch (p->kind) {
    case OP_CLOSE: p->is_early = table_remove(m, table, p->fd); return p->is_early;
    case OP_CLOSE_RANGE:
        if (p->flags & CLOSE_RANGE_UNSHARE)
            table = own_table(m, proc);
        close_range_now(m, table, &m->pends[pend]);
        p->is_early = true;
        return true;
    case OP_DUP:
        if (p->fd2 < 0 || p->fd2 == p->fd || p->file == MODEL_NONE)
            return false;
        table_put(m, table,
                  (struct fd_slot){.fd = p->fd2,
                                   .file = p->file,
                                   .is_cloexec = (p->flags & O_CLOEXEC) != 0,
                                   .event = p->event});
        p->is_early = true;
        return true;
    case OP_EXEC:
        exec_close(m, proc);
        p->is_early = true;
        return true;
    default: return false;
    }
}

void leave_close(struct model *m, uint32_t pend, const struct op *op)
{
    /* close(2): the descriptor is gone even when EINTR or EIO comes back. */
    const struct pend *p = &m->pends[pend];
    uint32_t table = task_table(m, p->task);
    if (p->is_early || table == MODEL_NONE)
        return;
    if (op->ret == -EBADF) {
        if (m->procs[m->tasks[p->task].proc].has_doubtful_fds)
            table_remove(m, table, p->fd);
        return;
    }
    if (!table_find(m, table, p->fd))
        commit_open(m, p->task, p->fd);
    if (!table_remove(m, table, p->fd) && !m->procs[m->tasks[p->task].proc].is_foundling)
        anomaly(m, "close(%d) succeeded, but it was not open", p->fd);
}

void leave_close_range(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret == 0)
        commit_close(m, pend);
}

void make_way(struct model *m, uint32_t table, int fd, uint32_t pend)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        if (i == pend || task_table(m, m->pends[i].task) != table)
            continue;
        if (m->pends[i].kind == OP_CLOSE && m->pends[i].fd == fd && commit_close(m, i))
            return;
    }
}

void leave_dup(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    uint32_t table = task_table(m, p->task);
    if (op->ret < 0 || table == MODEL_NONE)
        return;
    int fd = (int)op->ret;
    if (p->is_early || (p->fd2 >= 0 && p->fd2 == p->fd))
        return;
    uint32_t file = p->file != MODEL_NONE ? p->file : task_file(m, p->task, p->fd);
    if (file == MODEL_NONE) {
        if (!m->procs[m->tasks[p->task].proc].is_foundling)
            anomaly(m, "dup of %d succeeded, but it was not open", p->fd);
        uint32_t object = object_new(m, OBJECT_OTHER, p->event);
        m->objects[object].is_outside = true;
        file = file_new(m, object, O_RDWR, p->event);
    }
    if (p->fd2 < 0 && table_find(m, table, fd))
        make_way(m, table, fd, pend);
    table_put(
        m, table,
        (struct fd_slot){
            .fd = fd, .file = file, .is_cloexec = (p->flags & O_CLOEXEC) != 0, .event = p->event});
}

void leave_fd_flags(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    struct fd_slot *slot = table_find(m, task_table(m, p->task), p->fd);
    if (op->ret >= 0 && slot)
        slot->is_cloexec = (p->flags & FD_CLOEXEC) != 0;
}

void leave_status_flags(struct model *m, uint32_t pend, const struct op *op)
{
    /* fcntl(2): F_SETFL changes only these. */
    const uint32_t can_change = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;
    const struct pend *p = &m->pends[pend];
    if (op->ret < 0 || p->file == MODEL_NONE)
        return;
    struct file *f = &m->files[p->file];
    f->flags = (f->flags & ~can_change) | ((uint32_t)p->flags & can_change);
}

void leave_nonblock(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret < 0 || p->file == MODEL_NONE)
        return;
    struct file *f = &m->files[p->file];
    f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) | (op->flags ? O_NONBLOCK : 0);
}

void leave_unshare(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret == 0 && (m->pends[pend].flags & CLONE_FILES))
        own_table(m, m->tasks[m->pends[pend].task].proc);
}

void exec_close(struct model *m, uint32_t proc)
{
    uint32_t table = own_table(m, proc);
    if (table == MODEL_NONE)
        return;
    for (uint32_t i = m->tables[table].count; i-- > 0;) {
        const struct fd_slot *slot = &m->fds[m->tables[table].first + i];
        if (slot->is_cloexec)
            table_remove(m, table, slot->fd);
    }
}
