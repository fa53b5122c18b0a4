/* The invariants, by brute force: every index in range, every list ends, every count equals what
 * can be counted. Tests ask after each step; loading asks once, so that damaged bytes never become
 * a state. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

#define MUST(what)        \
    do {                  \
        if (!(what))      \
            return #what; \
    } while (0)

struct checker {
    const struct model *m;
    uint8_t *is_free[POOL_COUNT];
    uint32_t *found_refs; /* of files, then of other pools, counted afresh */
};

static bool is_event(const struct model *m, uint32_t event)
{
    return event == MODEL_NONE || event < recording_event_count(m->rec);
}

static bool is_used(const struct checker *c, enum model_pool pool, uint32_t index)
{
    const struct pool *p = model_pool((struct model *)c->m, pool);
    return index < p->count && !c->is_free[pool][index];
}

static bool is_used_or_none(const struct checker *c, enum model_pool pool, uint32_t index)
{
    return index == MODEL_NONE || is_used(c, pool, index);
}

/* ---- free lists ---- */

static bool mark_free(struct checker *c, enum model_pool pool)
{
    const struct pool *p = model_pool((struct model *)c->m, pool);
    c->is_free[pool] = xcalloc(p->count + 1, 1);
    for (uint32_t i = p->free; i != UINT32_MAX;) {
        if (i >= p->count || c->is_free[pool][i])
            return false;
        c->is_free[pool][i] = 1;
        memcpy(&i, (const uint8_t *)p->items + (size_t)i * p->size, sizeof i);
    }
    return true;
}

static bool mark_runs(struct checker *c, enum model_pool pool, const uint32_t heads[POOL_ORDERS])
{
    const struct pool *p = model_pool((struct model *)c->m, pool);
    for (unsigned order = 0; order < POOL_ORDERS; order++)
        for (uint32_t i = heads[order]; i != UINT32_MAX;) {
            uint64_t end = (uint64_t)i + (1u << order);
            if (end > p->count || c->is_free[pool][i])
                return false;
            memset(c->is_free[pool] + i, 1, 1u << order);
            memcpy(&i, (const uint8_t *)p->items + (size_t)i * p->size, sizeof i);
        }
    return true;
}

/* A run in use: in range, not free, and no other's. */
static bool claim_run(struct checker *c, enum model_pool pool, uint32_t first, uint32_t order)
{
    const struct pool *p = model_pool((struct model *)c->m, pool);
    if (order >= POOL_ORDERS || (uint64_t)first + (1u << order) > p->count)
        return false;
    for (uint32_t i = first; i < first + (1u << order); i++)
        if (c->is_free[pool][i]++)
            return false;
    return true;
}

/* ---- maps ---- */

static const char *check_map(const struct pool *map, uint32_t used, uint32_t values)
{
    const struct map_entry *entries = map->items;
    uint32_t found = 0;
    MUST(map->count >= 16 && (map->count & (map->count - 1)) == 0);
    for (uint32_t i = 0; i < map->count; i++) {
        if (entries[i].key == 0)
            continue;
        MUST(entries[i].key > 0 && entries[i].value < values);
        MUST(map_get(map, entries[i].key) == entries[i].value);
        found++;
    }
    MUST(found == used && used < map->count);
    return NULL;
}

/* ---- processes and tasks ---- */

static const char *check_proc(const struct checker *c, uint32_t i)
{
    const struct model *m = c->m;
    const struct proc *p = &m->procs[i];
    uint32_t procs = m->procs_pool.count;
    MUST(p->state <= PROC_REAPED);
    MUST(p->creator == MODEL_NONE || p->creator < i); /* so that names end */
    MUST(p->parent == MODEL_NONE || (p->parent < procs && p->parent != i));
    MUST(p->reaped_by == MODEL_NONE || p->reaped_by < procs);
    MUST(p->vfork_parent_task == MODEL_NONE || p->vfork_parent_task < m->tasks_pool.count);
    MUST(is_event(m, p->start_event) && is_event(m, p->fork_event));
    MUST(is_event(m, p->exec_event) && is_event(m, p->exit_event) && is_event(m, p->reaped_event));
    MUST(is_used_or_none(c, POOL_tables, p->files));
    MUST(is_used_or_none(c, POOL_handlers, p->handlers));
    return NULL;
}

/* Parents form no ring: each walk upwards ends. */
static const char *check_ancestors(const struct model *m)
{
    uint32_t count = m->procs_pool.count;
    uint32_t *seen = xcalloc(count + 1, sizeof *seen);
    bool is_ring = false;
    for (uint32_t i = 0; i < count && !is_ring; i++)
        for (uint32_t a = i; a != MODEL_NONE && seen[a] != i + 1 + count; a = m->procs[a].parent) {
            if (seen[a] == i + 1) {
                is_ring = true;
                break;
            }
            if (seen[a]) /* an earlier walk went on from here, and ended */
                break;
            seen[a] = i + 1;
        }
    free(seen);
    MUST(!is_ring);
    return NULL;
}

static const char *check_children(const struct checker *c)
{
    const struct model *m = c->m;
    uint32_t procs = m->procs_pool.count, listed = 0, expected = 0;
    for (uint32_t i = 0; i < procs; i++) {
        expected += m->procs[i].parent != MODEL_NONE && m->procs[i].state != PROC_REAPED;
        uint32_t before = MODEL_NONE;
        for (uint32_t k = m->procs_more[i].first_child; k != MODEL_NONE;
             k = m->procs_more[k].sibling) {
            MUST(k < procs && m->procs[k].parent == i && m->procs[k].state != PROC_REAPED);
            MUST(m->procs_more[k].sibling_before == before);
            MUST(++listed <= procs);
            before = k;
        }
    }
    MUST(listed == expected);
    return NULL;
}

static const char *check_queue(const struct checker *c, uint32_t queue, uint64_t bits,
                               uint32_t *total)
{
    uint64_t found = 0;
    for (; queue != MODEL_NONE; queue = c->m->queue[queue].next) {
        MUST(is_used(c, POOL_queue, queue));
        MUST(c->m->queue[queue].sig > 0 && c->m->queue[queue].sig < MODEL_SIGNALS);
        MUST(is_event(c->m, c->m->queue[queue].event));
        MUST(++*total <= c->m->queue_pool.count);
        found |= 1ull << (c->m->queue[queue].sig - 1);
    }
    MUST(found == bits);
    return NULL;
}

static const char *check_timers(const struct checker *c, uint32_t timer, uint32_t *total)
{
    for (; timer != MODEL_NONE; timer = c->m->timers[timer].next) {
        MUST(is_used(c, POOL_timers, timer));
        MUST(++*total <= c->m->timers_pool.count);
    }
    return NULL;
}

static const char *check_tasks_of(const struct checker *c, uint32_t proc)
{
    const struct model *m = c->m;
    uint32_t live = 0, running = 0;
    for (uint32_t t = m->procs_more[proc].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc) {
        MUST(t < m->tasks_pool.count && m->tasks[t].proc == proc && !m->tasks[t].is_dead);
        MUST(++live <= m->tasks_pool.count);
        running += !m->tasks_more[t].is_ending;
    }
    MUST(live == m->procs[proc].task_count && running == m->procs_more[proc].running_tasks);
    MUST(live == 0 || m->procs[proc].state <= PROC_DYING);
    return NULL;
}

static const char *check_task(const struct checker *c, uint32_t i)
{
    const struct model *m = c->m;
    const struct task *t = &m->tasks[i];
    MUST(t->proc < m->procs_pool.count);
    MUST(t->pending_count <= MODEL_PENDING_MAX);
    MUST(is_event(m, t->last_event));
    for (int k = 0; k < t->pending_count; k++)
        MUST(t->pending[k] != MODEL_NONE && is_event(m, t->pending[k]));
    MUST(m->tasks_more[i].frame_count <= FRAMES_MAX);
    return NULL;
}

static const char *check_people(const struct checker *c)
{
    const struct model *m = c->m;
    const char *bad = NULL;
    uint32_t queued = 0;
    MUST(m->procs_more_pool.count == m->procs_pool.count);
    MUST(m->tasks_more_pool.count == m->tasks_pool.count);
    MUST(m->procs_pool.free == UINT32_MAX && m->tasks_pool.free == UINT32_MAX);
    MUST(m->procs_more_pool.free == UINT32_MAX && m->tasks_more_pool.free == UINT32_MAX);
    for (uint32_t i = 0; i < m->tasks_pool.count && !bad; i++)
        bad = check_task(c, i);
    for (uint32_t i = 0; i < m->procs_pool.count && !bad; i++)
        bad = check_proc(c, i);
    if (!bad)
        bad = check_ancestors(m);
    if (!bad)
        bad = check_children(c);
    for (uint32_t i = 0; i < m->procs_pool.count && !bad; i++) {
        bad = check_tasks_of(c, i);
        if (!bad)
            bad = check_queue(c, m->procs_more[i].queue, m->procs[i].shared_pending, &queued);
    }
    uint32_t timers = 0;
    for (uint32_t i = 0; i < m->procs_pool.count && !bad; i++)
        bad = check_timers(c, m->procs_more[i].timers, &timers);
    for (uint32_t i = 0; i < m->tasks_pool.count && !bad; i++)
        bad = check_queue(c, m->tasks_more[i].queue, m->tasks[i].pending_signals, &queued);
    return bad;
}

/* ---- calls under way ---- */

static const char *check_pend(const struct checker *c, uint32_t i)
{
    const struct model *m = c->m;
    const struct pend *p = &m->pends[i];
    MUST(p->event != MODEL_NONE && is_event(m, p->event));
    MUST(recording_event(m->rec, p->event)->kind == EVENT_CALL);
    MUST(p->kind < OP_KIND_COUNT && p->sig < MODEL_SIGNALS && p->done <= p->size);
    MUST(p->task == MODEL_NONE || (p->task < m->tasks_pool.count && !m->tasks[p->task].is_dead));
    MUST(p->task != MODEL_NONE || (p->outer == MODEL_NONE && !p->is_pinned));
    MUST(is_used_or_none(c, POOL_objects, p->object) &&
         is_used_or_none(c, POOL_objects, p->object2));
    MUST(is_used_or_none(c, POOL_files, p->file) && is_used_or_none(c, POOL_files, p->file2));
    return NULL;
}

static const char *check_pends(const struct checker *c)
{
    const struct model *m = c->m;
    uint32_t listed = 0, stacked = 0, ghosts = 0, before = MODEL_NONE;
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        MUST(is_used(c, POOL_pends, i) && m->pends[i].older == before);
        MUST(++listed <= m->pends_pool.count);
        const char *bad = check_pend(c, i);
        if (bad)
            return bad;
        ghosts += m->pends[i].task == MODEL_NONE;
        before = i;
    }
    MUST(before == m->head.pend_newest && ghosts == m->head.ghost_count);
    for (uint32_t t = 0; t < m->tasks_pool.count; t++)
        for (uint32_t i = m->tasks_more[t].top; i != MODEL_NONE; i = m->pends[i].outer) {
            MUST(is_used(c, POOL_pends, i) && m->pends[i].task == t);
            MUST(++stacked <= listed);
        }
    MUST(stacked + ghosts == listed);
    return NULL;
}

/* ---- descriptors, descriptions, objects ---- */

static const char *check_tables(struct checker *c, uint32_t *file_refs)
{
    const struct model *m = c->m;
    uint32_t *users = xcalloc(m->tables_pool.count + 1, sizeof *users);
    const char *bad = NULL;
    for (uint32_t i = 0; i < m->procs_pool.count; i++)
        if (m->procs[i].files != MODEL_NONE)
            users[m->procs[i].files]++;
    for (uint32_t i = 0; i < m->tables_pool.count && !bad; i++) {
        const struct fd_table *t = &m->tables[i];
        if (c->is_free[POOL_tables][i])
            continue;
        if (t->refs != users[i])
            bad = "a table's users";
        else if (!claim_run(c, POOL_fds, t->first, t->order) || t->count > 1u << t->order)
            bad = "a table's run";
        for (uint32_t k = 0; k < t->count && !bad; k++) {
            const struct fd_slot *s = &m->fds[t->first + k];
            if (s->fd < 0 || (k && s[-1].fd >= s->fd) || !is_used(c, POOL_files, s->file) ||
                !is_event(m, s->event))
                bad = "a descriptor";
            else
                file_refs[s->file]++;
        }
    }
    free(users);
    return bad;
}

static const char *check_files(const struct checker *c, const uint32_t *file_refs)
{
    const struct model *m = c->m;
    uint32_t *pins = xcalloc(m->files_pool.count + 1, sizeof *pins);
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        if (m->pends[i].is_pinned && m->pends[i].file != MODEL_NONE)
            pins[m->pends[i].file]++;
        if (m->pends[i].is_pinned && m->pends[i].file2 != MODEL_NONE)
            pins[m->pends[i].file2]++;
    }
    const char *bad = NULL;
    for (uint32_t i = 0; i < m->files_pool.count && !bad; i++) {
        const struct file *f = &m->files[i];
        if (c->is_free[POOL_files][i])
            continue;
        if (f->refs != file_refs[i] + f->is_outside || f->pins != pins[i] || f->refs + f->pins == 0)
            bad = "a description's references equal its holders";
        else if (!is_used(c, POOL_objects, f->object) || !is_event(m, f->event))
            bad = "a description's object";
    }
    free(pins);
    return bad;
}

static const char *check_pipe(struct checker *c, const struct object *o)
{
    const struct model *m = c->m;
    uint64_t fill = 0;
    uint32_t pages = 0;
    if (o->capacity == 0) { /* nobody has it open any more */
        MUST(o->slot_count == 0 && o->fill == 0 && o->pages_used == 0);
        return NULL;
    }
    MUST(claim_run(c, POOL_slots, o->slot_first, o->slot_order));
    MUST(o->slot_count <= 1u << o->slot_order && o->slot_head < 1u << o->slot_order);
    for (uint32_t i = 0; i < o->slot_count; i++) {
        const struct slot *s = pipe_slot(m, o, i);
        MUST(s->length > 0 && s->length <= s->page_used && s->page_used <= PAGE);
        MUST(is_event(m, s->event) && (i > 0 || s->is_page));
        fill += s->length;
        pages += s->is_page;
    }
    MUST(fill == o->fill && pages == o->pages_used);
    MUST(o->total_in - o->total_out - o->total_lost == o->fill);
    return NULL;
}

static const char *check_watches(const struct checker *c, const struct object *o, uint32_t *total)
{
    for (uint32_t w = o->watches; w != MODEL_NONE; w = c->m->watches[w].next) {
        MUST(is_used(c, POOL_watches, w) && is_used(c, POOL_files, c->m->watches[w].file));
        MUST(++*total <= c->m->watches_pool.count);
    }
    return NULL;
}

struct ends {
    uint32_t files, readers, writers;
};

static const char *check_object(struct checker *c, uint32_t i, const struct ends *found,
                                uint32_t *watches)
{
    const struct object *o = &c->m->objects[i];
    MUST(o->kind < OBJECT_KIND_COUNT);
    MUST(o->event != MODEL_NONE && is_event(c->m, o->event));
    MUST(o->proc == MODEL_NONE || o->proc < c->m->procs_pool.count);
    MUST(o->name <= recording_event_count(c->m->rec));
    MUST(o->files == found->files && o->readers == found->readers && o->writers == found->writers);
    const char *bad = check_watches(c, o, watches);
    if (!bad && is_pipe_kind(o->kind))
        bad = check_pipe(c, o);
    return bad;
}

static const char *check_objects(struct checker *c)
{
    const struct model *m = c->m;
    struct ends *found = xcalloc(m->objects_pool.count + 1, sizeof *found);
    for (uint32_t i = 0; i < m->files_pool.count; i++) {
        const struct file *f = &m->files[i];
        if (c->is_free[POOL_files][i])
            continue;
        found[f->object].files++;
        found[f->object].readers += file_reads(f);
        found[f->object].writers += file_writes(f);
    }
    const char *bad = NULL;
    uint32_t watches = 0;
    for (uint32_t i = 0; i < m->objects_pool.count && !bad; i++)
        if (!c->is_free[POOL_objects][i])
            bad = check_object(c, i, &found[i], &watches);
    free(found);
    if (!bad && watches != m->head.watch_count)
        bad = "the number of watches";
    return bad;
}

/* ---- all ---- */

static const char *check_handlers(const struct checker *c)
{
    const struct model *m = c->m;
    uint32_t *users = xcalloc(m->handlers_pool.count + 1, sizeof *users);
    for (uint32_t i = 0; i < m->procs_pool.count; i++)
        if (m->procs[i].handlers != MODEL_NONE)
            users[m->procs[i].handlers]++;
    const char *bad = NULL;
    for (uint32_t i = 0; i < m->handlers_pool.count; i++)
        if (!c->is_free[POOL_handlers][i] && m->handlers[i].refs != users[i])
            bad = "a disposition table's users";
    free(users);
    return bad;
}

static const char *check_head(const struct model *m)
{
    MUST(m->head.seq <= recording_step_count(m->rec));
    MUST(memchr(m->head.anomaly, '\0', sizeof m->head.anomaly));
    const char *bad = check_map(&m->by_tid_pool, m->head.by_tid_used, m->tasks_pool.count);
    if (!bad)
        bad = check_map(&m->by_pid_pool, m->head.by_pid_used, m->procs_pool.count);
    if (!bad)
        bad = check_map(&m->by_own_pid_pool, m->head.by_own_pid_used, m->procs_pool.count);
    return bad;
}

static const char *check_all(struct checker *c)
{
    const struct model *m = c->m;
    for (int i = 0; i < POOL_COUNT; i++)
        MUST(mark_free(c, i));
    MUST(mark_runs(c, POOL_fds, m->head.fd_runs) && mark_runs(c, POOL_slots, m->head.slot_runs));
    const char *bad = check_head(m);
    if (!bad)
        bad = check_people(c);
    if (!bad)
        bad = check_pends(c);
    if (!bad)
        bad = check_handlers(c);
    if (!bad)
        bad = check_tables(c, c->found_refs);
    if (!bad)
        bad = check_files(c, c->found_refs);
    if (!bad)
        bad = check_objects(c);
    return bad;
}

const char *model_check(const struct model *m)
{
    struct checker c = {.m = m};
    c.found_refs = xcalloc(m->files_pool.count + 1, sizeof *c.found_refs);
    const char *bad = check_all(&c);
    for (int i = 0; i < POOL_COUNT; i++)
        free(c.is_free[i]);
    free(c.found_refs);
    return bad;
}
