/* Signals: dispositions, masks, what is pending, delivery (signal(7)). */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "model/model_internal.h"

static uint64_t bit(int sig)
{
    return sig > 0 && sig < MODEL_SIGNALS ? 1ull << (sig - 1) : 0;
}

static bool is_valid(int sig)
{
    return sig > 0 && sig < MODEL_SIGNALS;
}

/* SIGKILL and SIGSTOP cannot be blocked. */
static uint64_t blockable(uint64_t mask)
{
    return mask & ~(bit(SIGKILL) | bit(SIGSTOP));
}

/* ---- dispositions ---- */

uint32_t handlers_new(struct model *m)
{
    uint32_t index = pool_take(&m->handlers_pool);
    m->handlers[index].refs = 1;
    return index;
}

uint32_t handlers_copy(struct model *m, uint32_t handlers)
{
    uint32_t index = pool_take(&m->handlers_pool);
    m->handlers[index] = m->handlers[handlers];
    m->handlers[index].refs = 1;
    return index;
}

void handlers_unref(struct model *m, uint32_t handlers)
{
    if (--m->handlers[handlers].refs == 0)
        pool_give(&m->handlers_pool, handlers);
}

void handlers_exec(struct model *m, uint32_t proc)
{
    uint32_t h = m->procs[proc].handlers;
    if (h == MODEL_NONE)
        return;
    if (m->handlers[h].refs > 1) {
        uint32_t own = handlers_copy(m, h);
        handlers_unref(m, h);
        m->procs[proc].handlers = h = own;
    }
    struct dispositions *d = &m->handlers[h];
    for (int sig = 1; sig < MODEL_SIGNALS; sig++) {
        if (d->handler[sig] != (uint64_t)(uintptr_t)SIG_IGN)
            d->handler[sig] = (uint64_t)(uintptr_t)SIG_DFL;
        d->flags[sig] = 0;
        d->mask[sig] = 0;
    }
}

uint64_t model_handler(const struct model *m, uint32_t proc, int sig, uint64_t *flags)
{
    uint32_t h = m->procs[proc].handlers;
    if (flags)
        *flags = 0;
    if (h == MODEL_NONE || !is_valid(sig))
        return 0;
    if (flags)
        *flags = m->handlers[h].flags[sig];
    return m->handlers[h].handler[sig];
}

/* ---- what is pending ---- */

static void queue_free(struct model *m, uint32_t *queue, uint64_t sigs)
{
    while (*queue != MODEL_NONE) {
        struct queued *q = &m->queue[*queue];
        if (!(bit(q->sig) & sigs)) {
            queue = &q->next;
            continue;
        }
        uint32_t gone = *queue;
        *queue = q->next;
        pool_give(&m->queue_pool, gone);
    }
}

/* Takes the oldest sig out of a queue; clears its bit when it was the last. */
static bool queue_take(struct model *m, uint32_t *queue, uint64_t *bits, int sig)
{
    while (*queue != MODEL_NONE && m->queue[*queue].sig != sig)
        queue = &m->queue[*queue].next;
    if (*queue == MODEL_NONE)
        return false;
    uint32_t gone = *queue;
    *queue = m->queue[gone].next;
    pool_give(&m->queue_pool, gone);
    uint32_t rest = *queue;
    while (rest != MODEL_NONE && m->queue[rest].sig != sig)
        rest = m->queue[rest].next;
    if (rest == MODEL_NONE)
        *bits &= ~bit(sig);
    return true;
}

static void queue_drop(struct model *m, uint32_t proc, uint64_t sigs)
{
    m->procs[proc].shared_pending &= ~sigs;
    queue_free(m, &m->procs_more[proc].queue, sigs);
    for (uint32_t t = m->procs_more[proc].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc) {
        m->tasks[t].pending_signals &= ~sigs;
        queue_free(m, &m->tasks_more[t].queue, sigs);
    }
}

void signals_forget(struct model *m, uint32_t proc, uint32_t task)
{
    if (proc != MODEL_NONE) {
        m->procs[proc].shared_pending = 0;
        m->procs[proc].merged_signals = m->procs[proc].doubtful_signals = 0;
        queue_free(m, &m->procs_more[proc].queue, UINT64_MAX);
    }
    if (task != MODEL_NONE) {
        m->tasks[task].pending_signals = 0;
        queue_free(m, &m->tasks_more[task].queue, UINT64_MAX);
    }
}

/* A process that has begun to end as a whole gets no more signals (prepare_signal in
 * kernel/signal.c): since which instant of its call is not known. */
static bool is_leaving(const struct model *m, uint32_t proc)
{
    uint64_t pending = m->procs[proc].shared_pending;
    for (uint32_t t = m->procs_more[proc].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc) {
        uint32_t top = m->tasks_more[t].top;
        pending |= m->tasks[t].pending_signals;
        if (top != MODEL_NONE && m->pends[top].kind == OP_EXIT && m->pends[top].flags)
            return true;
    }
    return (pending & bit(SIGKILL)) || m->procs[proc].state == PROC_DYING;
}

/* Whoever was seen asleep before a signal that it does not block is awake now: a traced task stops
 * for it even if it is ignored. */
static void wake(struct model *m, uint32_t owner, uint32_t task, int sig)
{
    for (uint32_t t = m->procs_more[owner].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc)
        if ((task == MODEL_NONE || t == task) && !(m->tasks[t].mask & bit(sig)))
            m->tasks[t].is_asleep = false;
}

void signal_send(struct model *m, uint32_t proc, uint32_t task, int sig, uint32_t event)
{
    if (!is_valid(sig))
        return;
    uint32_t owner = task != MODEL_NONE ? m->tasks[task].proc : proc;
    if (m->procs[owner].state >= PROC_ZOMBIE)
        return;
    wake(m, owner, task, sig);
    if (is_leaving(m, owner))
        m->procs[owner].doubtful_signals |= bit(sig);
    const uint64_t stops = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
    if (sig == SIGCONT)
        queue_drop(m, owner, stops);
    else if (stops & bit(sig))
        queue_drop(m, owner, bit(SIGCONT));
    uint64_t *bits =
        task != MODEL_NONE ? &m->tasks[task].pending_signals : &m->procs[owner].shared_pending;
    if ((*bits & bit(sig)) && sig < 32) { /* a standard signal is pending once */
        if (task == MODEL_NONE)
            m->procs[owner].merged_signals |= bit(sig);
        return;
    }
    *bits |= bit(sig);
    uint32_t item = pool_take(&m->queue_pool);
    m->queue[item] = (struct queued){.next = MODEL_NONE, .sig = sig, .event = event};
    uint32_t *link = task != MODEL_NONE ? &m->tasks_more[task].queue : &m->procs_more[owner].queue;
    while (*link != MODEL_NONE)
        link = &m->queue[*link].next;
    *link = item;
}

/* A signal left the pending set of a task or of its process: by delivery, sigwait or signalfd. */
static void signal_taken(struct model *m, uint32_t task, int sig)
{
    struct task *t = &m->tasks[task];
    if (queue_take(m, &m->tasks_more[task].queue, &t->pending_signals, sig))
        return;
    uint32_t proc = t->proc;
    struct proc *p = &m->procs[proc];
    if (queue_take(m, &m->procs_more[proc].queue, &p->shared_pending, sig)) {
        p->doubtful_signals = (p->doubtful_signals & ~bit(sig)) | (p->merged_signals & bit(sig));
        p->merged_signals &= ~bit(sig);
        return;
    }
    p->doubtful_signals &= ~bit(sig);
    /* Delivered before the kill that sent it was seen to return. */
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        struct pend *kill = &m->pends[i];
        if (kill->kind == OP_KILL && kill->sig == sig && !kill->is_early &&
            kill->task != MODEL_NONE &&
            (kill->pid == m->tasks[task].tid || kill->pid == m->tasks[task].own_tid ||
             kill->pid == p->pid || kill->pid == p->own_pid)) {
            kill->is_early = true;
            return;
        }
    }
}

/* ---- delivery and masks ---- */

static void frame_push(struct model *m, uint32_t task, uint64_t mask)
{
    struct task_more *t = &m->tasks_more[task];
    if (t->frame_count == FRAMES_MAX) { /* left by longjmp, as a rule */
        memmove(&t->frames[0], &t->frames[1], (FRAMES_MAX - 1) * sizeof *t->frames);
        t->frame_count--;
    }
    t->frames[t->frame_count++] = mask;
}

/* The SIGCHLD of a child's stop may be seen before the stop itself. */
static void look_for_stop(struct model *m, uint32_t proc, const struct event *ev)
{
    int info[5]; /* si_signo, si_errno, si_code, padding, si_pid: so on all 64-bit machines */
    struct blob blob;
    if (!recording_blob(m->rec, ev, 0, BLOB_IN, &blob) || blob.kept < sizeof info)
        return;
    memcpy(info, blob.bytes, sizeof info);
    uint32_t child = proc_as_seen(m, proc, info[4]);
    bool is_stop = info[2] == CLD_STOPPED;
    if (child != MODEL_NONE && (is_stop || info[2] == CLD_CONTINUED))
        proc_stop_told(m, child, is_stop);
}

void apply_signal(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    int sig = (int)ev->args[0];
    if (task == MODEL_NONE || !is_valid(sig))
        return;
    signal_taken(m, task, sig);
    uint32_t proc = m->tasks[task].proc;
    if (sig == SIGCHLD)
        look_for_stop(m, proc, ev);
    m->procs[proc].signal_count[sig]++;
    timer_fired(m, proc, sig);
    uint32_t h = m->procs[proc].handlers;
    if (h == MODEL_NONE || m->handlers[h].handler[sig] <= 1)
        return;
    struct dispositions *d = &m->handlers[h];
    struct task *t = &m->tasks[task];
    struct task_more *more = &m->tasks_more[task];
    frame_push(m, task, more->has_saved_mask ? t->saved_mask : t->mask);
    more->has_saved_mask = false;
    t->saved_mask = t->mask; /* in force until the task moves on from here */
    t->mask |= d->mask[sig] | (d->flags[sig] & SA_NODEFER ? 0 : bit(sig));
    t->mask = blockable(t->mask);
    if (d->flags[sig] & SA_RESETHAND)
        d->handler[sig] = 0;
}

void leave_sigreturn(struct model *m, uint32_t pend, const struct op *op)
{
    (void)op;
    uint32_t task = m->pends[pend].task;
    struct task_more *t = &m->tasks_more[task];
    if (t->frame_count)
        m->tasks[task].mask = t->frames[--t->frame_count];
}

/* sigsuspend(2), ppoll(2), pselect(2), epoll_pwait(2): another mask while the call lasts. A handler
 * that ends it starts from the lent mask and returns to the old one. */
void enter_lends_mask(struct model *m, uint32_t pend, const struct op *op)
{
    struct task *t = &m->tasks[m->pends[pend].task];
    if (!op->has_mask)
        return;
    t->saved_mask = t->mask;
    t->mask = blockable(op->mask);
    m->tasks_more[m->pends[pend].task].has_saved_mask = true;
}

void leave_lends_mask(struct model *m, uint32_t pend, const struct op *op)
{
    (void)op;
    uint32_t task = m->pends[pend].task;
    struct task_more *more = &m->tasks_more[task];
    if (!more->has_saved_mask)
        return;
    m->tasks[task].mask = m->tasks[task].saved_mask;
    more->has_saved_mask = false;
}

void leave_sigmask(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret != 0 || !op->has_mask)
        return;
    struct task *t = &m->tasks[m->pends[pend].task];
    if (op->flags == SIG_BLOCK)
        t->mask |= op->mask;
    else if (op->flags == SIG_UNBLOCK)
        t->mask &= ~op->mask;
    else if (op->flags == SIG_SETMASK)
        t->mask = op->mask;
    t->mask = blockable(t->mask);
}

static bool is_ignored_by_default(int sig)
{
    return sig == SIGCONT || sig == SIGCHLD || sig == SIGWINCH || sig == SIGURG;
}

void leave_sigaction(struct model *m, uint32_t pend, const struct op *op)
{
    uint32_t proc = m->tasks[m->pends[pend].task].proc;
    uint32_t h = m->procs[proc].handlers;
    if (op->ret != 0 || h == MODEL_NONE || !is_valid(op->sig) || !op->has_mask)
        return;
    struct dispositions *d = &m->handlers[h];
    d->handler[op->sig] = op->handler;
    d->flags[op->sig] = (uint32_t)op->flags;
    d->mask[op->sig] = op->mask;
    /* POSIX: setting a pending signal to be ignored discards it, blocked or not. */
    if (op->handler == 1 || (op->handler == 0 && is_ignored_by_default(op->sig)))
        queue_drop(m, proc, bit(op->sig));
}

/* ---- sending ---- */

static uint32_t task_as_seen(const struct model *m, uint32_t caller, int32_t tid)
{
    if (m->procs[caller].own_pid == m->procs[caller].pid)
        return model_task_by_tid(m, tid);
    /* Inside a namespace; one of its own, as a rule (pthread_kill, raise). */
    for (uint32_t t = m->procs_more[caller].first_task; t != MODEL_NONE;
         t = m->tasks_more[t].next_in_proc)
        if (m->tasks[t].own_tid == tid)
            return t;
    for (uint32_t t = 0; t < m->tasks_pool.count; t++)
        if (!m->tasks[t].is_dead && m->tasks[t].own_tid == tid)
            return t;
    return MODEL_NONE;
}

static void send_to_group(struct model *m, uint32_t caller, int32_t pgid, int sig, uint32_t event)
{
    uint32_t leader = proc_as_seen(m, caller, pgid);
    int32_t group = leader == MODEL_NONE ? pgid : m->procs[leader].pid;
    for (uint32_t i = 0; i < m->procs_pool.count; i++)
        if (m->procs[i].state < PROC_ZOMBIE && m->procs[i].pgid == group)
            signal_send(m, i, MODEL_NONE, sig, event);
}

void leave_kill(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret != 0 || op->sig == 0 || p->is_early)
        return;
    uint32_t caller = m->tasks[p->task].proc, event = p->event;
    if (p->fd >= 0) { /* pidfd_send_signal(2) */
        uint32_t target = p->object == MODEL_NONE ? MODEL_NONE : m->objects[p->object].proc;
        if (target != MODEL_NONE)
            signal_send(m, target, MODEL_NONE, op->sig, event);
    } else if (op->is_thread) {
        uint32_t task = task_as_seen(m, caller, op->pid);
        if (task != MODEL_NONE)
            signal_send(m, MODEL_NONE, task, op->sig, event);
    } else if (op->pid > 0) {
        uint32_t target = proc_as_seen(m, caller, op->pid);
        if (target != MODEL_NONE)
            signal_send(m, target, MODEL_NONE, op->sig, event);
    } else if (op->pid == 0) {
        int32_t group = m->procs[caller].pgid;
        for (uint32_t i = 0; i < m->procs_pool.count; i++)
            if (m->procs[i].state < PROC_ZOMBIE && m->procs[i].pgid == group)
                signal_send(m, i, MODEL_NONE, op->sig, event);
    } else if (op->pid == -1) {
        for (uint32_t i = 0; i < m->procs_pool.count; i++)
            if (m->procs[i].state < PROC_ZOMBIE && i != caller)
                signal_send(m, i, MODEL_NONE, op->sig, event);
    } else {
        send_to_group(m, caller, -op->pid, op->sig, event);
    }
}

void leave_sigwait(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret > 0)
        signal_taken(m, m->pends[pend].task, (int)op->ret);
}

void signalfd_read(struct model *m, uint32_t pend)
{
    const struct pend *p = &m->pends[pend];
    struct blob blob;
    if (!recording_blob(m->rec, recording_event(m->rec, p->event), 1, BLOB_OUT, &blob))
        return;
    for (size_t at = 0; at + sizeof(struct signalfd_siginfo) <= blob.kept;
         at += sizeof(struct signalfd_siginfo)) {
        uint32_t sig; /* ssi_signo, the first member */
        memcpy(&sig, blob.bytes + at, sizeof sig);
        signal_taken(m, p->task, (int)sig);
    }
}
