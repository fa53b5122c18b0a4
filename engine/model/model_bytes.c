/* Calls that move bytes: read, write, splice, tee, sendfile; offsets; a pipe's size. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "model/model_internal.h"

static bool on_pipe(const struct model *m, uint32_t object)
{
    return object != MODEL_NONE && is_pipe_kind(m->objects[object].kind);
}

/* Of a single sleeping writer it is known how much is inside: all that fits. When two contend, the
 * kernel lets in whom it wakes, and how full the pages are depends on the order; until the pipe is
 * empty again. */
bool model_fill_is_known(const struct model *m, uint32_t object)
{
    if (m->objects[object].is_outside)
        return false;
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *p = &m->pends[i];
        if (p->object == object && p->kind == OP_WRITE && p->size > PAGE &&
            (p->task == MODEL_NONE ||
             (p->was_asleep && (p->is_crowded || m->objects[object].is_shuffled))))
            return false;
    }
    return true;
}

static void note_crowd(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    for (uint32_t i = m->head.pend_oldest; i != pend && i != MODEL_NONE; i = m->pends[i].newer) {
        struct pend *q = &m->pends[i];
        if (q->object == p->object && q->kind == OP_WRITE)
            p->is_crowded = q->is_crowded = m->objects[p->object].is_shuffled = true;
    }
}

/* Bytes of it come and go in ways that cannot be told. */
static bool is_vague(const struct model *m, uint32_t object)
{
    return m->objects[object].was_bypassed || !model_fill_is_known(m, object);
}

void enter_bytes(struct model *m, uint32_t pend, const struct op *op)
{
    struct pend *p = &m->pends[pend];
    p->size = op->size;
    p->offset = op->offset;
    uint32_t file = p->kind == OP_MOVE || p->kind == OP_TEE ? p->file2 : p->file;
    p->flags = file == MODEL_NONE ? 0 : m->files[file].flags;
    if (p->kind == OP_WRITE && on_pipe(m, p->object))
        note_crowd(m, pend);
}

/* vmsplice(2) writes to a write end and reads from a read end. */
void enter_vmsplice(struct model *m, uint32_t pend, const struct op *op)
{
    struct pend *p = &m->pends[pend];
    bool is_write = p->file != MODEL_NONE && file_writes(&m->files[p->file]);
    p->kind = is_write ? OP_WRITE : OP_READ;
    if (p->object != MODEL_NONE && is_write)
        m->objects[p->object].was_bypassed = true; /* its pages follow the caller's memory */
    enter_bytes(m, pend, op);
}

/* A descriptor that became known only after the call had begun (another thread's open). */
static void find_late(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    if (p->file != MODEL_NONE || p->fd < 0)
        return;
    uint32_t file = task_file(m, p->task, p->fd);
    p = &m->pends[pend];
    p->file = file;
    if (file == MODEL_NONE) {
        if (!m->procs[m->tasks[p->task].proc].is_foundling)
            anomaly(m, "descriptor %d was used, but it was not open", p->fd);
        return;
    }
    p->object = m->files[file].object;
    p->flags = m->files[file].flags;
    file_pin(m, p->is_pinned ? file : MODEL_NONE);
}

/* Reads and writes of one description take turns with its offset, but not those of a memfd: of two
 * at the same time one may undo what the other added (FMODE_ATOMIC_POS in fs/open.c is for files
 * that were opened by name). */
static bool takes_turns(const struct model *m, const struct file *f)
{
    const struct event *ev = recording_event(m->rec, f->event);
    if (ev->kind == EVENT_CALL)
        return ev->call != CALL_memfd_create;
    return strncmp(model_text(m, f->event + 1), "/memfd:", 7) != 0;
}

static bool is_disputed(const struct model *m, const struct pend *p, uint32_t file)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *q = &m->pends[i];
        bool moves = q->kind == OP_READ || q->kind == OP_WRITE || q->kind == OP_MOVE;
        if (q != p && moves && q->offset < 0 && (q->file == file || q->file2 == file))
            return !takes_turns(m, &m->files[file]);
    }
    return false;
}

static void advance(struct model *m, const struct pend *p, uint32_t file, uint64_t by)
{
    if (file == MODEL_NONE || p->offset >= 0)
        return;
    struct file *f = &m->files[file];
    if (f->offset >= 0 && (is_disputed(m, p, file) || by > (uint64_t)(INT64_MAX - f->offset)))
        f->offset = -1;
    else if (f->offset >= 0)
        f->offset += (int64_t)by;
}

/* ---- reading ---- */

static void read_end_of_file(struct model *m, uint32_t pend)
{
    uint32_t object = m->pends[pend].object;
    if (m->objects[object].fill > 0)
        repair_empty(m, object, pend);
    if (m->objects[object].writers > 0)
        repair_release(m, object, true, pend);
}

/* Piece by piece while their order is in doubt, then all at once. */
static uint64_t take_in_order(struct model *m, uint32_t pend, uint64_t most, const struct event *ev)
{
    uint32_t object = m->pends[pend].object;
    uint64_t taken = 0, before = m->pends[pend].done;
    while (taken < most && m->objects[object].slot_count > 0 &&
           repair_order(m, object, ev, before + taken)) {
        uint64_t length = pipe_slot(m, &m->objects[object], 0)->length;
        uint64_t left = most - taken;
        taken += pipe_take(m, object, length < left ? length : left, ev->id);
    }
    return taken + pipe_take(m, object, most - taken, ev->id);
}

static void read_bytes(struct model *m, uint32_t pend, uint64_t count)
{
    struct pend *p = &m->pends[pend];
    uint32_t object = p->object;
    if (p->done > count) {
        if (!is_vague(m, object))
            anomaly(m, "a read took %llu bytes less than others depend on",
                    (unsigned long long)(p->done - count));
        return;
    }
    uint64_t left = count - p->done;
    const struct event *ev = recording_event(m->rec, p->event);
    if (m->objects[object].fill < left)
        repair_bytes(m, object, left, ev);
    uint64_t taken = take_in_order(m, pend, left, ev);
    if (taken == left)
        return;
    if (is_vague(m, object))
        m->objects[object].was_bypassed = true;
    else
        anomaly(m, "a read got %llu bytes that nobody is known to have written",
                (unsigned long long)(left - taken));
}

void leave_read(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret < 0)
        return;
    find_late(m, pend);
    const struct pend *p = &m->pends[pend];
    if (p->file == MODEL_NONE)
        return;
    if (on_pipe(m, p->object)) {
        if (op->ret > 0)
            read_bytes(m, pend, (uint64_t)op->ret);
        else if (p->size > 0)
            read_end_of_file(m, pend);
        return;
    }
    advance(m, p, p->file, (uint64_t)op->ret);
    if (m->objects[p->object].kind == OBJECT_SIGNALFD && op->ret > 0)
        signalfd_read(m, pend);
}

/* ---- writing ---- */

/* This write is done, and does not fit: what was taken to be inside of others that sleep is not. */
static void take_back_from_others(struct model *m, uint32_t pend, uint64_t left)
{
    uint32_t object = m->pends[pend].object;
    for (uint32_t i = m->head.pend_newest; i != MODEL_NONE; i = m->pends[i].older) {
        struct pend *q = &m->pends[i];
        const struct object *o = &m->objects[object];
        if (o->fill + left <= o->capacity)
            return;
        if (i != pend && q->kind == OP_WRITE && q->object == object && q->done)
            q->done -= pipe_retract(m, object, q->event, o->fill + left - o->capacity);
    }
}

/* What was read of a write that sleeps was of this one in truth: no other bytes can have made room.
 */
static void take_over_reads(struct model *m, uint32_t pend, uint64_t count)
{
    uint32_t object = m->pends[pend].object;
    for (uint32_t i = m->head.pend_newest; i != MODEL_NONE; i = m->pends[i].older) {
        struct pend *q = &m->pends[i];
        const struct object *o = &m->objects[object];
        uint64_t left = count - m->pends[pend].done;
        if (i == pend || q->kind != OP_WRITE || q->object != object ||
            o->fill + left <= o->capacity)
            continue;
        uint64_t excess = o->fill + left - o->capacity;
        uint64_t part = q->done < excess ? q->done : excess;
        q->done -= part;
        m->pends[pend].done += part;
    }
}

static void write_bytes(struct model *m, uint32_t pend, uint64_t count)
{
    struct pend *p = &m->pends[pend];
    uint32_t object = p->object;
    if (p->done > count) {
        uint64_t excess = p->done - count;
        if (pipe_retract(m, object, p->event, excess) < excess && !is_vague(m, object))
            anomaly(m, "a write put fewer bytes than were read of it");
        return;
    }
    uint64_t left = count - p->done;
    commit_bytes(m, pend, left);
    left = count - m->pends[pend].done;
    if (left == 0)
        return;
    repair_room(m, object, left, pend);
    commit_bytes(m, pend, left);
    left = count - m->pends[pend].done;
    if (left == 0)
        return;
    take_back_from_others(m, pend, left);
    take_over_reads(m, pend, count);
    left = count - m->pends[pend].done;
    /* The order of two writes may differ from the kernel's, and with it who shares a page: only
     * bytes beyond the capacity are a contradiction. */
    const struct object *o = &m->objects[object];
    uint64_t capacity = o->capacity;
    if (o->fill + left > capacity) {
        if (!is_vague(m, object))
            anomaly(m, "a write put %llu bytes more than there was room for",
                    (unsigned long long)(o->fill + left - capacity));
        pipe_take(m, object, o->fill + left - capacity, MODEL_NONE); /* somebody read them */
        m->flows_count = 0;
    }
    pipe_push(m, object, &m->pends[pend], left < capacity ? left : capacity, true);
    m->pends[pend].done = count < m->pends[pend].size ? count : m->pends[pend].size;
}

static void write_failed(struct model *m, uint32_t pend, int64_t ret)
{
    struct pend *p = &m->pends[pend];
    uint32_t object = p->object, task = p->task;
    if (p->done)
        pipe_retract(m, object, p->event, p->done);
    if (ret != -EPIPE)
        return;
    repair_release(m, object, false, pend);
    if (task != MODEL_NONE)
        signal_send(m, MODEL_NONE, task, SIGPIPE, MODEL_NONE);
}

void leave_write(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret != -EBADF) /* the program's own error: there is nothing to find */
        find_late(m, pend);
    const struct pend *p = &m->pends[pend];
    if (p->file == MODEL_NONE)
        return;
    if (on_pipe(m, p->object)) {
        if (op->ret >= 0)
            write_bytes(m, pend, (uint64_t)op->ret);
        else
            write_failed(m, pend, op->ret);
        return;
    }
    if (op->ret < 0)
        return;
    if ((m->files[p->file].flags & O_APPEND) && p->offset < 0)
        m->files[p->file].offset = -1;
    else
        advance(m, p, p->file, (uint64_t)op->ret);
}

/* ---- without passing through the process: splice, sendfile, copy_file_range, tee ---- */

void leave_move(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret < 0)
        return;
    find_late(m, pend);
    const struct pend *p = &m->pends[pend];
    if (p->file == MODEL_NONE || p->file2 == MODEL_NONE)
        return;
    uint64_t count = (uint64_t)op->ret;
    bool from_pipe = on_pipe(m, p->object), to_pipe = on_pipe(m, p->object2);
    if (count == 0) {
        if (from_pipe && p->size > 0 && !(m->files[p->file].flags & O_NONBLOCK))
            read_end_of_file(m, pend);
        return;
    }
    if (to_pipe) {
        uint32_t out = p->object2;
        uint64_t left = count > p->done ? count - p->done : 0;
        if (from_pipe && m->objects[p->object].fill < left)
            repair_bytes(m, p->object, left, NULL);
        if (pipe_room(m, out, left, true) < left)
            repair_room(m, out, left, pend);
        uint64_t moved = commit_bytes(m, pend, left);
        if (moved < left && !is_vague(m, out))
            anomaly(m, "a splice moved %llu bytes that nobody is known to have written",
                    (unsigned long long)(left - moved));
    } else if (from_pipe) {
        read_bytes(m, pend, count);
    }
    p = &m->pends[pend];
    if (!from_pipe && op->offset < 0)
        advance(m, p, p->file, count);
    if (!to_pipe && p->file2 != MODEL_NONE)
        m->files[p->file2].offset = -1; /* its own offset argument is not decoded */
}

void leave_tee(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret <= 0 || !on_pipe(m, p->object) || !on_pipe(m, p->object2))
        return;
    uint64_t left = (uint64_t)op->ret > p->done ? (uint64_t)op->ret - p->done : 0;
    if (m->objects[p->object].fill < left)
        repair_bytes(m, p->object, left, NULL);
    if (pipe_room(m, m->pends[pend].object2, left, true) < left)
        repair_room(m, m->pends[pend].object2, left, pend);
    commit_bytes(m, pend, left);
}

void leave_seek(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret >= 0 && p->file != MODEL_NONE)
        m->files[p->file].offset = m->objects[p->object].kind == OBJECT_FILE ? op->ret : -1;
}

void leave_pipe_size(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret > 0 && on_pipe(m, p->object))
        m->objects[p->object].capacity = (uint32_t)op->ret;
}

/* ---- the kernel says: asleep ---- */

/* A write sleeps only when the pipe is full: what fits of it is inside, and before it went what
 * other writes under way had put there. */
static void write_is_asleep(struct model *m, uint32_t pend)
{
    const struct pend *p = &m->pends[pend];
    uint32_t object = p->object;
    uint64_t left = p->size - p->done;
    if (pipe_room(m, object, left, p->done > 0) >= left) {
        for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
            const struct pend *q = &m->pends[i];
            if (i != pend && q->kind == OP_WRITE && q->object == object &&
                (!q->was_asleep || q->size > PAGE))
                commit_bytes(m, i, q->size - q->done);
            if (pipe_room(m, object, left, m->pends[pend].done > 0) < left)
                break;
        }
    }
    if (pipe_room(m, object, left, m->pends[pend].done > 0) < left)
        commit_bytes(m, pend, left);
    else if (!is_vague(m, object))
        anomaly(m, "a write sleeps, but there is room for all of it");
    m->pends[pend].is_begun = true;
}

void apply_blocked(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task == MODEL_NONE)
        return;
    uint32_t pend = m->tasks_more[task].top;
    if (pend == MODEL_NONE || m->pends[pend].event != (uint32_t)ev->args[0])
        return;
    m->tasks[task].is_asleep = true;
    struct pend *p = &m->pends[pend];
    p->was_asleep = true;
    if (p->kind == OP_OPEN)
        open_is_asleep(m, pend);
    else if (p->kind == OP_WRITE && on_pipe(m, p->object))
        write_is_asleep(m, pend);
    else if (p->kind == OP_READ && on_pipe(m, p->object) && m->objects[p->object].fill)
        repair_empty(m, p->object, pend);
}
