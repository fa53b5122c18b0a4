#include "model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

struct pool *model_pool(struct model *m, enum model_pool which)
{
    static const size_t offsets[POOL_COUNT] = {
#define X(type, name) offsetof(struct model, name##_pool),
        MODEL_POOLS(X)
#undef X
    };
    return (struct pool *)((char *)m + offsets[which]);
}

static const struct pool *pool_const(const struct model *m, enum model_pool which)
{
    return model_pool((struct model *)m, which);
}

struct model *model_new(const struct recording *rec)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->rec = rec;
#define X(type, name) pool_init(&m->name##_pool, sizeof(type));
    MODEL_POOLS(X)
#undef X
    map_init(&m->by_tid_pool);
    map_init(&m->by_pid_pool);
    map_init(&m->by_own_pid_pool);
    m->head.pend_oldest = m->head.pend_newest = MODEL_NONE;
    for (int i = 0; i < POOL_ORDERS; i++)
        m->head.fd_runs[i] = m->head.slot_runs[i] = MODEL_NONE;
    return m;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    for (int i = 0; i < POOL_COUNT; i++)
        pool_fini(model_pool(m, i));
    free(m->flows);
    free(m);
}

void model_copy(struct model *to, const struct model *from)
{
    to->rec = from->rec;
    to->head = from->head;
    for (int i = 0; i < POOL_COUNT; i++)
        pool_copy(model_pool(to, i), pool_const(from, i));
    to->flows_count = 0;
    for (size_t i = 0; i < from->flows_count; i++)
        *PUSH(to->flows) = from->flows[i];
}

struct model *model_clone(const struct model *m)
{
    struct model *copy = model_new(m->rec);
    model_copy(copy, m);
    return copy;
}

void anomaly(struct model *m, const char *format, ...)
{
    char text[ANOMALY_MAX - 24];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    m->head.anomalies++;
    snprintf(m->head.anomaly, sizeof m->head.anomaly, "seq %u: %s", m->head.seq, text);
}

/* ---- applying ---- */

static void touch(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task != MODEL_NONE)
        m->tasks[task].last_event = ev->id;
}

static void apply_point(struct model *m, const struct event *ev)
{
    switch ((enum event_kind)ev->kind) {
    case EVENT_START: apply_start(m, ev); break;
    case EVENT_EXEC: apply_exec(m, ev); break;
    case EVENT_DYING: apply_dying(m, ev); break;
    case EVENT_DEAD: apply_dead(m, ev); break;
    case EVENT_EXIT: apply_exit(m, ev); break;
    case EVENT_SIGNAL: apply_signal(m, ev); break;
    case EVENT_STOP: apply_stop(m, ev); break;
    case EVENT_RESUME: apply_resume(m, ev); break;
    case EVENT_BLOCKED: apply_blocked(m, ev); return;
    case EVENT_FD: apply_fd(m, ev); return;
    case EVENT_CALL:
    case EVENT_NOTE:
    case EVENT_KIND_COUNT: return;
    }
    touch(m, ev);
}

void model_apply(struct model *m)
{
    struct step step = recording_step(m->rec, ++m->head.seq);
    const struct event *ev = recording_event(m->rec, step.event);
    uint64_t ns = step.is_exit ? ev->exit_ns : ev->entry_ns;
    if (ns > m->head.now_ns)
        m->head.now_ns = ns;
    m->flows_count = 0;
    if (ev->kind != EVENT_CALL)
        apply_point(m, ev);
    else if (step.is_exit)
        call_leave(m, ev);
    else
        call_enter(m, ev);
}

/* ---- reading ---- */

uint32_t model_seq(const struct model *m)
{
    return m->head.seq;
}

const struct recording *model_recording(const struct model *m)
{
    return m->rec;
}

size_t model_proc_count(const struct model *m)
{
    return m->procs_pool.count;
}

const struct proc *model_proc(const struct model *m, uint32_t index)
{
    return &m->procs[index];
}

size_t model_task_count(const struct model *m)
{
    return m->tasks_pool.count;
}

const struct task *model_task(const struct model *m, uint32_t index)
{
    return &m->tasks[index];
}

size_t model_object_count(const struct model *m)
{
    return m->objects_pool.count;
}

const struct object *model_object(const struct model *m, uint32_t index)
{
    return &m->objects[index];
}

const struct file *model_file(const struct model *m, uint32_t index)
{
    return &m->files[index];
}

size_t model_fds(const struct model *m, uint32_t proc, const struct fd_slot **out)
{
    uint32_t table = m->procs[proc].files;
    if (table == MODEL_NONE)
        return 0;
    *out = &m->fds[m->tables[table].first];
    return m->tables[table].count;
}

const struct fd_slot *model_fd(const struct model *m, uint32_t proc, int fd)
{
    return table_find(m, m->procs[proc].files, fd);
}

size_t model_holders(const struct model *m, uint32_t object, struct hold *out, size_t most)
{
    size_t count = 0;
    for (uint32_t p = 0; p < m->procs_pool.count; p++) {
        const struct fd_slot *slots = NULL;
        size_t fds = model_fds(m, p, &slots);
        for (size_t i = 0; i < fds; i++) {
            const struct file *f = &m->files[slots[i].file];
            if (f->object != object)
                continue;
            if (count < most)
                out[count] = (struct hold){.proc = p,
                                           .fd = slots[i].fd,
                                           .can_read = file_reads(f),
                                           .can_write = file_writes(f),
                                           .is_cloexec = slots[i].is_cloexec,
                                           .file = slots[i].file};
            count++;
        }
    }
    return count;
}

size_t model_flows(const struct model *m, const struct flow **out)
{
    *out = m->flows;
    return m->flows_count;
}

uint32_t model_anomalies(const struct model *m)
{
    return m->head.anomalies;
}

const char *model_anomaly_text(const struct model *m)
{
    return m->head.anomaly;
}
