/* Timers that will send a signal: alarm, setitimer, timer_create. What matters is that a task whose
 * process has one armed does not wait for ever. */
#include <signal.h>
#include <string.h>

#include "model/model_internal.h"

static uint32_t *timer_link(struct model *m, uint32_t proc, int32_t id)
{
    uint32_t *link = &m->procs_more[proc].timers;
    while (*link != MODEL_NONE && m->timers[*link].id != id)
        link = &m->timers[*link].next;
    return link;
}

static struct timer *timer_get(struct model *m, uint32_t proc, int32_t id)
{
    uint32_t found = *timer_link(m, proc, id);
    if (found == MODEL_NONE) {
        found = pool_take(&m->timers_pool);
        m->timers[found] = (struct timer){.id = id, .next = m->procs_more[proc].timers};
        m->procs_more[proc].timers = found;
    }
    return &m->timers[found];
}

static void find_first(struct model *m, uint32_t proc)
{
    uint64_t first = 0;
    for (uint32_t t = m->procs_more[proc].timers; t != MODEL_NONE; t = m->timers[t].next) {
        uint64_t deadline = m->timers[t].sig ? m->timers[t].deadline_ns : 0;
        if (deadline && (!first || deadline < first))
            first = deadline;
    }
    m->procs[proc].timer_deadline_ns = first;
}

/* it_interval, the first 16 bytes of itimerval and itimerspec. */
static bool has_interval(const struct model *m, const struct event *ev)
{
    static const uint8_t none[16];
    struct blob blob;
    int arg = ev->call == CALL_setitimer ? 1 : 2;
    if (ev->call != CALL_setitimer && ev->call != CALL_timer_settime)
        return false;
    return recording_blob(m->rec, ev, arg, BLOB_IN, &blob) && blob.kept >= sizeof none &&
           memcmp(blob.bytes, none, sizeof none) != 0;
}

static int32_t id_of(const struct op *op)
{
    if (op->flags & 1)
        return (int32_t)op->size;
    return op->sig == SIGVTALRM ? TIMER_VIRTUAL : op->sig == SIGPROF ? TIMER_PROF : TIMER_REAL;
}

void leave_timer(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret < 0)
        return;
    if (p->fd >= 0) {
        if (p->object != MODEL_NONE)
            m->objects[p->object].is_armed = op->timeout_ns > 0;
        return;
    }
    uint32_t proc = m->tasks[p->task].proc;
    struct timer *t = timer_get(m, proc, id_of(op));
    if (!(op->flags & 1))
        t->sig = op->sig;
    t->is_periodic = has_interval(m, recording_event(m->rec, p->event));
    t->deadline_ns = op->timeout_ns > 0 ? m->head.now_ns + (uint64_t)op->timeout_ns : 0;
    find_first(m, proc);
}

void leave_timer_create(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret < 0)
        return;
    struct timer *t = timer_get(m, m->tasks[m->pends[pend].task].proc, (int32_t)op->size);
    t->sig = op->sig;
    t->deadline_ns = 0;
}

void timer_fired(struct model *m, uint32_t proc, int sig)
{
    for (uint32_t t = m->procs_more[proc].timers; t != MODEL_NONE; t = m->timers[t].next) {
        struct timer *timer = &m->timers[t];
        if (timer->sig == sig && !timer->is_periodic && timer->deadline_ns <= m->head.now_ns)
            timer->deadline_ns = 0;
    }
    if (m->procs_more[proc].timers != MODEL_NONE)
        find_first(m, proc);
}

/* timer_create(2): those do not survive exec; alarm and setitimer do. */
void timers_free(struct model *m, uint32_t proc, bool only_posix)
{
    uint32_t *link = &m->procs_more[proc].timers;
    while (*link != MODEL_NONE) {
        uint32_t t = *link;
        if (only_posix && m->timers[t].id < 0) {
            link = &m->timers[t].next;
            continue;
        }
        *link = m->timers[t].next;
        pool_give(&m->timers_pool, t);
    }
    find_first(m, proc);
}
