/* Who waits for whom, worked out from the state.
 *
 * A task waits when its innermost call cannot go on as things stand. For calls that the state says
 * nothing about, the kernel's word (a BLOCKED event) is taken. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "model/model_internal.h"

/* A wait while it is worked out: wakers beyond the array still count. */
struct finder {
    const struct model *m;
    struct wait *w;
    uint32_t proc;
    const struct pend *p;
    bool is_asleep;
};

static void add_waker(struct finder *f, uint32_t proc)
{
    struct wait *w = f->w;
    for (uint32_t i = 0; i < w->waker_count; i++)
        if (w->wakers[i] == proc)
            return;
    if (w->waker_count < WAIT_WAKERS_MAX)
        w->wakers[w->waker_count++] = proc;
    else
        w->has_more_wakers = true;
}

static void add_holders(struct finder *f, uint32_t object, bool of_write_end)
{
    const struct model *m = f->m;
    for (uint32_t p = 0; p < m->procs_pool.count; p++) {
        const struct fd_slot *slots = NULL;
        size_t count = model_fds(m, p, &slots);
        for (size_t i = 0; i < count; i++) {
            const struct file *file = &m->files[slots[i].file];
            if (file->object == object && (of_write_end ? file_writes(file) : file_reads(file))) {
                add_waker(f, p);
                break;
            }
        }
    }
    /* Held by a call alone (its descriptor was closed by another thread); or about to be opened. */
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *p = &m->pends[i];
        if (p->task == MODEL_NONE || p->object != object)
            continue;
        if (p->is_pinned || p->kind == OP_OPEN)
            add_waker(f, m->tasks[p->task].proc);
    }
    f->w->has_outside |= m->objects[object].is_outside;
}

/* Any process may send a signal or open a name; a single thread cannot do so for itself. */
static void add_everybody(struct finder *f)
{
    const struct model *m = f->m;
    for (uint32_t p = 0; p < m->procs_pool.count; p++)
        if (m->procs[p].state <= PROC_DYING && (p != f->proc || m->procs[p].task_count > 1))
            add_waker(f, p);
}

static bool found(struct finder *f, enum wait_reason reason, uint32_t object)
{
    f->w->reason = reason;
    f->w->object = object;
    return true;
}

static bool found_outside(struct finder *f, uint32_t object)
{
    f->w->has_outside = true;
    return f->is_asleep && found(f, WAIT_OUTSIDE, object);
}

/* ---- pipes ---- */

static bool waits_for_bytes(struct finder *f, uint32_t object)
{
    const struct object *o = &f->m->objects[object];
    if (f->p->size == 0 || o->fill > 0 || (o->writers == 0 && !o->is_outside))
        return false;
    if (o->is_outside && !f->is_asleep)
        return false;
    add_holders(f, object, true);
    return found(f, WAIT_PIPE_EMPTY, object);
}

static bool waits_for_room(struct finder *f, uint32_t object)
{
    const struct model *m = f->m;
    const struct object *o = &m->objects[object];
    uint64_t left = f->p->size - f->p->done;
    if (left == 0 || (o->readers == 0 && !o->is_outside))
        return false;
    uint64_t room = pipe_room(m, object, left, f->p->done > 0);
    bool is_atomic = f->p->kind == OP_WRITE && f->p->size <= PAGE;
    if (o->is_outside ? !f->is_asleep : room > 0 && (!is_atomic || room == left))
        return false;
    add_holders(f, object, false);
    return found(f, WAIT_PIPE_FULL, object);
}

static bool is_nonblocking(const struct finder *f, uint32_t file)
{
    return file != MODEL_NONE && (f->m->files[file].flags & O_NONBLOCK);
}

static bool waits_in_bytes(struct finder *f, uint32_t object, uint32_t file, bool is_reading)
{
    if (object == MODEL_NONE || is_nonblocking(f, file))
        return false;
    const struct object *o = &f->m->objects[object];
    if (is_pipe_kind(o->kind))
        return is_reading ? waits_for_bytes(f, object) : waits_for_room(f, object);
    if (o->kind == OBJECT_SIGNALFD && f->is_asleep) {
        add_everybody(f);
        return found(f, WAIT_SIGNAL, object);
    }
    if (o->kind == OBJECT_TIMERFD && f->is_asleep) {
        f->w->has_timeout = o->is_armed;
        return found(f, WAIT_TIME, object);
    }
    return found_outside(f, object);
}

static bool waits_in_move(struct finder *f)
{
    const struct pend *p = f->p;
    if (!f->is_asleep)
        return false;
    return waits_in_bytes(f, p->object, p->file, true) ||
           waits_in_bytes(f, p->object2, p->file2, false);
}

static bool has_opener(const struct model *m, uint32_t object, bool is_writer)
{
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *p = &m->pends[i];
        int mode = (int)(p->flags & O_ACCMODE);
        if (p->kind == OP_OPEN && p->object == object &&
            (mode == O_RDWR || mode == (is_writer ? O_WRONLY : O_RDONLY)))
            return true;
    }
    return false;
}

static bool waits_in_open(struct finder *f)
{
    const struct pend *p = f->p;
    int mode = (int)(p->flags & O_ACCMODE);
    if (p->object == MODEL_NONE || f->m->objects[p->object].kind != OBJECT_FIFO)
        return f->is_asleep && found(f, WAIT_UNKNOWN, MODEL_NONE);
    if (mode == O_RDWR || (p->flags & O_NONBLOCK))
        return false;
    const struct object *o = &f->m->objects[p->object];
    bool needs_writer = mode == O_RDONLY;
    if ((needs_writer ? o->writers : o->readers) > 0 || has_opener(f->m, p->object, needs_writer))
        return false;
    bool is_ours = recording_event(f->m->rec, o->event)->kind == EVENT_CALL && o->event != p->event;
    f->w->has_outside = o->is_outside || !is_ours;
    add_everybody(f);
    return found(f, needs_writer ? WAIT_FIFO_WRITER : WAIT_FIFO_READER, p->object);
}

/* ---- children and signals ---- */

static bool is_asked_for(const struct finder *f, const struct op *op, uint32_t child)
{
    const struct model *m = f->m;
    if (f->p->object != MODEL_NONE) /* waitid(2), P_PIDFD */
        return m->objects[f->p->object].proc == child;
    if (op->pid > 0)
        return proc_as_seen(m, f->proc, op->pid) == child;
    if (op->pid == 0)
        return m->procs[child].pgid == m->procs[f->proc].pgid;
    if (op->pid == -1)
        return true;
    uint32_t leader = proc_as_seen(m, f->proc, -op->pid);
    return m->procs[child].pgid == (leader == MODEL_NONE ? -op->pid : m->procs[leader].pid);
}

static bool waits_for_child(struct finder *f, const struct op *op)
{
    if (op->flags & WNOHANG)
        return false;
    const struct model *m = f->m;
    bool has_child = false;
    for (uint32_t c = m->procs_more[f->proc].first_child; c != MODEL_NONE;
         c = m->procs_more[c].sibling) {
        if (!is_asked_for(f, op, c))
            continue;
        if (m->procs[c].state == PROC_ZOMBIE)
            return false;
        if (m->procs[c].is_stopped && (op->flags & WUNTRACED) && !f->is_asleep)
            return false;
        has_child = true;
        add_waker(f, c);
    }
    return has_child && found(f, WAIT_CHILD, MODEL_NONE);
}

static bool waits_for_signal(struct finder *f, const struct op *op)
{
    const struct model *m = f->m;
    const struct task *t = &m->tasks[f->w->task];
    uint64_t pending = t->pending_signals | m->procs[f->proc].shared_pending;
    uint64_t wanted = op->kind == OP_SIGWAIT ? op->mask : ~t->mask;
    if ((pending & wanted) && !f->is_asleep)
        return false;
    if (op->kind == OP_SIGWAIT && op->timeout_ns == 0)
        return false;
    f->w->has_timeout |= op->kind == OP_SIGWAIT && op->timeout_ns > 0;
    add_everybody(f);
    return found(f, WAIT_SIGNAL, MODEL_NONE);
}

/* ---- poll, select, epoll ---- */

/* Would this one end the poll? Adds who could make it so, when not. */
static bool is_ready(struct finder *f, uint32_t file, uint32_t events)
{
    const struct model *m = f->m;
    uint32_t object = m->files[file].object;
    const struct object *o = &m->objects[object];
    bool in = events & (POLLIN | POLLRDNORM), out = events & (POLLOUT | POLLWRNORM);
    if (o->kind == OBJECT_FILE || o->kind == OBJECT_DIR)
        return in || out;
    if (!is_pipe_kind(o->kind) || o->is_outside) {
        if (o->kind == OBJECT_PIDFD && o->proc != MODEL_NONE) {
            if (m->procs[o->proc].state >= PROC_ZOMBIE)
                return true;
            add_waker(f, o->proc);
        } else if (o->kind == OBJECT_TIMERFD)
            f->w->has_timeout |= o->is_armed;
        else if (o->kind == OBJECT_SIGNALFD)
            add_everybody(f);
        else
            f->w->has_outside = true;
        return false;
    }
    const struct file *d = &m->files[file];
    if (file_reads(d) && ((in && o->fill > 0) || o->writers == 0))
        return true;
    if (file_writes(d) && ((out && o->pages_used < o->capacity / PAGE) || o->readers == 0))
        return true;
    if (file_reads(d))
        add_holders(f, object, true);
    if (file_writes(d))
        add_holders(f, object, false);
    f->w->object = f->w->object == MODEL_NONE ? object : f->w->object;
    return false;
}

enum { POLLS_MAX = 1024 };

static bool any_polled_is_ready(struct finder *f)
{
    const struct event *ev = recording_event(f->m->rec, f->p->event);
    struct event entry = *ev;
    entry.exit_seq = 0;
    struct op_poll *polls = xcalloc(POLLS_MAX, sizeof *polls);
    size_t count = call_polls(f->m->rec, &entry, polls, POLLS_MAX);
    bool ready = false;
    for (size_t i = 0; i < count && i < POLLS_MAX && !ready; i++) {
        const struct fd_slot *slot = model_fd(f->m, f->proc, polls[i].fd);
        if (slot)
            ready = is_ready(f, slot->file, (uint32_t)polls[i].events);
        else if (polls[i].fd >= 0)
            ready = true; /* POLLNVAL */
    }
    free(polls);
    return ready;
}

static bool any_watched_is_ready(struct finder *f, uint32_t epoll)
{
    const struct model *m = f->m;
    for (uint32_t i = m->objects[epoll].watches; i != MODEL_NONE; i = m->watches[i].next) {
        bool ready = is_ready(f, m->watches[i].file, m->watches[i].events);
        /* Edge-triggered: told once, then silent though still ready. */
        if (ready && !(m->watches[i].events & (EPOLLET | EPOLLONESHOT)))
            return true;
    }
    return false;
}

static bool waits_until_ready(struct finder *f, const struct op *op)
{
    if (op->timeout_ns == 0)
        return false;
    f->w->has_timeout |= op->timeout_ns > 0;
    f->w->object = MODEL_NONE;
    uint32_t object = f->p->object;
    bool is_epoll = object != MODEL_NONE && f->m->objects[object].kind == OBJECT_EPOLL;
    bool ready = is_epoll ? any_watched_is_ready(f, object) : any_polled_is_ready(f);
    if (ready || (f->w->has_outside && !f->is_asleep))
        return false;
    return found(f, WAIT_READY, is_epoll ? object : f->w->object);
}

/* ---- one task ---- */

static bool waits_for_vfork(struct finder *f)
{
    const struct model *m = f->m;
    for (uint32_t c = m->procs_more[f->proc].first_child; c != MODEL_NONE;
         c = m->procs_more[c].sibling)
        if (m->procs[c].vfork_parent_task == f->w->task) {
            add_waker(f, c);
            return found(f, WAIT_VFORK, MODEL_NONE);
        }
    return f->is_asleep && found(f, WAIT_UNKNOWN, MODEL_NONE);
}

static bool waits_in_call(struct finder *f)
{
    const struct pend *p = f->p;
    struct op op;
    struct event entry = *recording_event(f->m->rec, p->event);
    entry.exit_seq = 0;
    entry.ret = 0;
    switch (p->kind) {
    case OP_READ: return waits_in_bytes(f, p->object, p->file, true);
    case OP_WRITE: return waits_in_bytes(f, p->object, p->file, false);
    case OP_MOVE:
    case OP_TEE: return waits_in_move(f);
    case OP_OPEN: return waits_in_open(f);
    case OP_FORK: return waits_for_vfork(f);
    case OP_SLEEP: f->w->has_timeout = true; return found(f, WAIT_TIME, MODEL_NONE);
    case OP_WAIT: call_decode(f->m->rec, &entry, &op); return waits_for_child(f, &op);
    case OP_PAUSE:
    case OP_SIGSUSPEND:
    case OP_SIGWAIT: call_decode(f->m->rec, &entry, &op); return waits_for_signal(f, &op);
    case OP_POLL: call_decode(f->m->rec, &entry, &op); return waits_until_ready(f, &op);
    default: f->w->has_outside = true; return f->is_asleep && found(f, WAIT_UNKNOWN, p->object);
    }
}

bool model_wait_of(const struct model *m, uint32_t task, struct wait *out)
{
    const struct task *t = &m->tasks[task];
    const struct proc *proc = &m->procs[t->proc];
    if (t->is_dead || proc->state != PROC_ALIVE || m->tasks_more[task].is_ending)
        return false;
    *out = (struct wait){.task = task, .event = MODEL_NONE, .object = MODEL_NONE};
    struct finder f = {m, out, t->proc, NULL, t->is_asleep};
    if (proc->is_stopped) {
        out->has_outside = proc->parent == MODEL_NONE;
        add_everybody(&f);
        return found(&f, WAIT_STOPPED, MODEL_NONE);
    }
    uint32_t top = m->tasks_more[task].top;
    if (top == MODEL_NONE)
        return false;
    f.p = &m->pends[top];
    out->event = f.p->event;
    if (!waits_in_call(&f))
        return false;
    out->has_timeout |= proc->timer_deadline_ns > 0;
    return true;
}

/* ---- all of them ---- */

/* Can a process do anything? Not when each of its tasks is in the set of the hopeless. */
static bool can_move(const struct model *m, const bool *is_in, uint32_t proc)
{
    if (m->procs[proc].state == PROC_DYING)
        return true;
    for (uint32_t t = m->procs_more[proc].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc)
        if (!is_in[t] && !m->tasks_more[t].is_ending)
            return true;
    return false;
}

static bool has_moving_waker(const struct model *m, const bool *is_in, const struct wait *w)
{
    for (uint32_t i = 0; i < w->waker_count; i++)
        if (can_move(m, is_in, w->wakers[i]))
            return true;
    return w->has_more_wakers;
}

/* The greatest fixed point: begin with all that could be hopeless, and drop whoever has a way out.
 */
static void find_hopeless(const struct model *m, struct wait *waits, size_t count)
{
    bool *is_in = xcalloc(m->tasks_pool.count + 1, sizeof *is_in);
    for (size_t i = 0; i < count; i++)
        is_in[waits[i].task] = !waits[i].has_timeout && !waits[i].has_outside;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++)
            if (is_in[waits[i].task] && has_moving_waker(m, is_in, &waits[i])) {
                is_in[waits[i].task] = false;
                changed = true;
            }
    }
    for (size_t i = 0; i < count; i++)
        waits[i].is_hopeless = is_in[waits[i].task];
    free(is_in);
}

static struct wait *all_waits(const struct model *m, size_t *count)
{
    struct wait *all = NULL;
    size_t all_count = 0, all_cap = 0;
    for (uint32_t t = 0; t < m->tasks_pool.count; t++) {
        struct wait w;
        if (model_wait_of(m, t, &w))
            *PUSH(all) = w;
    }
    find_hopeless(m, all, all_count);
    *count = all_count;
    return all;
}

size_t model_waits(const struct model *m, struct wait *out, size_t most)
{
    size_t count;
    struct wait *all = all_waits(m, &count);
    for (size_t i = 0; i < count && i < most; i++)
        out[i] = all[i];
    free(all);
    return count;
}

bool model_is_stuck(const struct model *m)
{
    size_t count, live = 0, hopeless = 0;
    for (uint32_t p = 0; p < m->procs_pool.count; p++)
        if (m->procs[p].state == PROC_DYING)
            return false;
    for (uint32_t t = 0; t < m->tasks_pool.count; t++)
        live += !m->tasks[t].is_dead && !m->tasks_more[t].is_ending;
    struct wait *all = all_waits(m, &count);
    for (size_t i = 0; i < count; i++)
        hopeless += all[i].is_hopeless;
    free(all);
    return live > 0 && hopeless == live;
}
