/* Early commits: what must have happened already, because something seen depends on it.
 *
 * Halves are observed in an order that is not the kernel's. Each repair looks through the calls
 * under way, oldest first, for one that explains what was seen, and commits as much of it as the
 * kernel would have done by then. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "model/model_internal.h"

static bool pours_into(const struct pend *p, uint32_t object)
{
    return (p->kind == OP_WRITE && p->object == object) ||
           ((p->kind == OP_MOVE || p->kind == OP_TEE) && p->object2 == object);
}

static bool drains(const struct pend *p, uint32_t object)
{
    return (p->kind == OP_READ || p->kind == OP_MOVE) && p->object == object;
}

uint64_t commit_bytes(struct model *m, uint32_t pend, uint64_t most)
{
    struct pend *p = &m->pends[pend];
    if (most > p->size - p->done)
        most = p->size - p->done;
    uint64_t put;
    if (p->kind == OP_WRITE) {
        put = pipe_push(m, p->object, p, most, false);
    } else if (p->object != MODEL_NONE && is_pipe_kind(m->objects[p->object].kind)) {
        uint64_t room = pipe_room(m, p->object2, most, true);
        put = pipe_splice(m, p->object, p->object2, room, p->kind == OP_TEE);
    } else {
        m->objects[p->object2].was_bypassed = true;
        put = pipe_push(m, p->object2, p, most, false);
    }
    m->pends[pend].done += put;
    return put;
}

/* Do the bytes of a write from `start` on equal the read's from `offset` on, as far as both were
 * kept? *is_known: at least one byte of both was. */
static bool is_same_payload(const struct model *m, uint32_t write, uint64_t start, uint64_t most,
                            const struct blob *read, uint64_t offset, bool *is_known)
{
    struct blob written;
    *is_known = recording_blob(m->rec, recording_event(m->rec, write), 1, BLOB_IN, &written) &&
                start < written.kept && offset < read->kept;
    if (!*is_known)
        return false;
    uint64_t size = written.kept - start;
    size = size < read->kept - offset ? size : read->kept - offset;
    size = size < most ? size : most;
    return memcmp(written.bytes + start, read->bytes + offset, size) == 0;
}

static bool payload_fits(const struct model *m, const struct pend *p, const struct blob *read,
                         uint64_t offset)
{
    bool is_known;
    return p->kind == OP_WRITE && read->bytes &&
           is_same_payload(m, p->event, p->done, p->size, read, offset, &is_known);
}

/* ---- the order of bytes ---- */

enum { DOUBTFUL_MAX = 16 }; /* pieces that are looked through */

/* Was the second write begun before the first was seen to return? Then either may have come first.
 */
static bool may_precede(const struct model *m, uint32_t second, uint32_t first)
{
    if (first == MODEL_NONE || second == MODEL_NONE)
        return false;
    const struct event *a = recording_event(m->rec, first), *b = recording_event(m->rec, second);
    bool is_over = a->exit_seq && a->exit_seq <= m->head.seq;
    return a->tid != b->tid && (!is_over || b->entry_seq < a->exit_seq);
}

static uint32_t pend_of_event(const struct model *m, uint32_t event)
{
    uint32_t i = m->head.pend_newest;
    while (i != MODEL_NONE && m->pends[i].event != event)
        i = m->pends[i].older;
    return i;
}

/* The first bytes are thought to be of a write that sleeps, and the read got those of another that
 * sleeps: then that one was let in. */
static bool swap_sleepers(struct model *m, uint32_t object, const struct blob *read,
                          uint64_t offset)
{
    uint32_t wrong = pend_of_event(m, pipe_slot(m, &m->objects[object], 0)->event);
    if (wrong == MODEL_NONE || !m->pends[wrong].is_crowded)
        return false;
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        if (i == wrong || !pours_into(&m->pends[i], object) ||
            !payload_fits(m, &m->pends[i], read, offset))
            continue;
        struct pend *p = &m->pends[wrong];
        p->done -= pipe_retract(m, object, p->event, p->done);
        commit_bytes(m, i, UINT64_MAX);
        commit_bytes(m, wrong, UINT64_MAX);
        return true;
    }
    return false;
}

bool repair_order(struct model *m, uint32_t object, const struct event *reader, uint64_t offset)
{
    const struct object *o = &m->objects[object];
    uint32_t count = o->slot_count < DOUBTFUL_MAX ? o->slot_count : DOUBTFUL_MAX;
    bool in_doubt = false, is_known;
    struct blob read;
    in_doubt = o->is_shuffled && o->slot_count > 0;
    for (uint32_t i = 1; i < count && !in_doubt; i++)
        in_doubt = may_precede(m, pipe_slot(m, o, i)->event, pipe_slot(m, o, 0)->event);
    if (!in_doubt || !recording_blob(m->rec, reader, 1, BLOB_OUT, &read))
        return in_doubt;
    const struct slot *head = pipe_slot(m, o, 0);
    if (is_same_payload(m, head->event, head->start, head->length, &read, offset, &is_known) ||
        !is_known)
        return true;
    for (uint32_t i = 1; i < count; i++) {
        const struct slot *s = pipe_slot(m, o, i);
        if (may_precede(m, s->event, head->event) &&
            is_same_payload(m, s->event, s->start, s->length, &read, offset, &is_known)) {
            pipe_to_front(m, object, i);
            return true;
        }
    }
    swap_sleepers(m, object, &read, offset);
    return true;
}

/* ---- bytes that are not there yet ---- */

static uint32_t best_writer(const struct model *m, uint32_t object, const struct blob *read,
                            uint64_t offset)
{
    uint32_t oldest = MODEL_NONE;
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *p = &m->pends[i];
        if (!pours_into(p, object) || p->done >= p->size)
            continue;
        if (payload_fits(m, p, read, offset))
            return i;
        if (oldest == MODEL_NONE)
            oldest = i;
    }
    return oldest;
}

void repair_bytes(struct model *m, uint32_t object, uint64_t need, const struct event *reader)
{
    struct blob read = {0};
    if (reader && !recording_blob(m->rec, reader, 1, BLOB_OUT, &read))
        read = (struct blob){0};
    while (m->objects[object].fill < need) {
        uint32_t writer = best_writer(m, object, &read, m->objects[object].fill);
        if (writer == MODEL_NONE || commit_bytes(m, writer, UINT64_MAX) == 0)
            return;
    }
}

/* What a reader under way has taken, because without it a write would not have fitted. */
static bool drain_some(struct model *m, uint32_t object, uint32_t reader, uint64_t most)
{
    struct pend *p = &m->pends[reader];
    uint64_t left = p->size - p->done;
    uint64_t taken = pipe_take(m, object, left < most ? left : most, p->event);
    m->pends[reader].done += taken;
    return taken > 0;
}

void repair_room(struct model *m, uint32_t object, uint64_t size, uint32_t writer)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        bool is_begun = m->pends[writer].done > 0;
        while (drains(&m->pends[i], object) && i != writer) {
            if (pipe_room(m, object, size, is_begun) >= size || m->objects[object].slot_count == 0)
                return;
            if (!drain_some(m, object, i, pipe_slot(m, &m->objects[object], 0)->length))
                break;
        }
    }
}

void repair_empty(struct model *m, uint32_t object, uint32_t reader)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer)
        if (i != reader && drains(&m->pends[i], object) && !m->pends[i].was_asleep)
            drain_some(m, object, i, UINT64_MAX);
}

/* ---- closes ---- */

static bool is_that_end(const struct model *m, uint32_t file, uint32_t object, bool is_write_end)
{
    const struct file *f = &m->files[file];
    return f->object == object && (is_write_end ? file_writes(f) : file_reads(f));
}

static uint32_t ends(const struct model *m, uint32_t object, bool is_write_end)
{
    const struct object *o = &m->objects[object];
    return is_write_end ? o->writers : o->readers;
}

static bool table_has_end(const struct model *m, uint32_t table, int first, int last,
                          bool only_cloexec, uint32_t object, bool is_write_end)
{
    if (table == MODEL_NONE)
        return false;
    const struct fd_table *t = &m->tables[table];
    for (uint32_t i = 0; i < t->count; i++) {
        const struct fd_slot *s = &m->fds[t->first + i];
        if (s->fd >= first && s->fd <= last && (!only_cloexec || s->is_cloexec) &&
            is_that_end(m, s->file, object, is_write_end))
            return true;
    }
    return false;
}

/* Would finishing this call close a descriptor of that end? */
static bool would_close(const struct model *m, const struct pend *p, uint32_t object,
                        bool is_write_end)
{
    uint32_t table = task_table(m, p->task);
    int last = p->fd2 < 0 || p->kind == OP_CLOSE ? INT32_MAX : p->fd2;
    switch (p->kind) {
    case OP_CLOSE: return table_has_end(m, table, p->fd, p->fd, false, object, is_write_end);
    case OP_CLOSE_RANGE: return table_has_end(m, table, p->fd, last, false, object, is_write_end);
    case OP_DUP:
        return p->fd2 >= 0 && table_has_end(m, table, p->fd2, p->fd2, false, object, is_write_end);
    case OP_EXEC: return table_has_end(m, table, 0, INT32_MAX, true, object, is_write_end);
    default: return false;
    }
}

static bool is_doomed(const struct model *m, uint32_t proc)
{
    const struct proc *p = &m->procs[proc];
    if (p->state == PROC_DYING)
        return true;
    return p->state == PROC_ALIVE && (p->shared_pending >> (SIGKILL - 1) & 1);
}

static bool release_by_calls(struct model *m, uint32_t object, bool is_write_end, uint32_t pend)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        if (ends(m, object, is_write_end) == 0)
            return true;
        const struct pend *p = &m->pends[i];
        if (i == pend || p->task == MODEL_NONE || p->is_early)
            continue;
        uint32_t proc = m->tasks[p->task].proc;
        if (p->kind == OP_EXIT && (p->flags & 1 || m->procs[proc].task_count <= 1))
            proc_close_all(m, proc);
        else if (would_close(m, p, object, is_write_end))
            commit_close(m, i);
    }
    return ends(m, object, is_write_end) == 0;
}

/* A kill -9 under way: its victims may be gone before it was seen to return. */
static void release_by_kills(struct model *m, uint32_t object, bool is_write_end)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *p = &m->pends[i];
        if (p->kind != OP_KILL || p->sig != SIGKILL || p->task == MODEL_NONE)
            continue;
        uint32_t victim = proc_as_seen(m, m->tasks[p->task].proc, p->pid);
        if (victim != MODEL_NONE &&
            table_has_end(m, m->procs[victim].files, 0, INT32_MAX, false, object, is_write_end))
            proc_close_all(m, victim);
    }
}

/* A child that was born while another thread closed that end did not get it, after all. */
static void release_doubtful(struct model *m, uint32_t object, bool is_write_end)
{
    for (uint32_t i = 0; i < m->procs_pool.count; i++) {
        uint32_t table = m->procs[i].has_doubtful_fds ? m->procs[i].files : MODEL_NONE;
        for (uint32_t k = table == MODEL_NONE ? 0 : m->tables[table].count; k-- > 0;) {
            const struct fd_slot *s = &m->fds[m->tables[table].first + k];
            if (is_that_end(m, s->file, object, is_write_end))
                table_remove(m, table, s->fd);
        }
    }
}

void repair_release(struct model *m, uint32_t object, bool is_write_end, uint32_t pend)
{
    if (ends(m, object, is_write_end) == 0)
        return;
    for (uint32_t i = 0; i < m->procs_pool.count; i++)
        if (is_doomed(m, i) &&
            table_has_end(m, m->procs[i].files, 0, INT32_MAX, false, object, is_write_end))
            proc_close_all(m, i);
    if (release_by_calls(m, object, is_write_end, pend))
        return;
    release_by_kills(m, object, is_write_end);
    if (ends(m, object, is_write_end))
        release_doubtful(m, object, is_write_end);
    const struct object *o = &m->objects[object];
    if (ends(m, object, is_write_end) && !o->is_outside && o->kind == OBJECT_PIPE)
        anomaly(m, "%s, but %u open descriptions of that end are left",
                is_write_end ? "an end of file was seen" : "EPIPE was seen",
                ends(m, object, is_write_end));
}
