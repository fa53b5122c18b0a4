/* Calls under way: what each kind of call does when it begins and when it has returned. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "model/model_internal.h"

static const struct op_rule rules[OP_KIND_COUNT] = {
    [OP_OPEN] = {.enter = enter_open, .leave = leave_open, .needs_results = true},
    [OP_CLOSE] = {.leave = leave_close, .uses_fd = true},
    [OP_CLOSE_RANGE] = {.leave = leave_close_range},
    [OP_DUP] = {.leave = leave_dup, .uses_fd = true},
    [OP_FD_FLAGS] = {.leave = leave_fd_flags, .uses_fd = true},
    [OP_STATUS_FLAGS] = {.leave = leave_status_flags, .uses_fd = true},
    [OP_NONBLOCK] = {.leave = leave_nonblock, .uses_fd = true, .needs_results = true},
    [OP_PIPE] = {.leave = leave_pipe, .needs_results = true},
    [OP_MKFIFO] = {.leave = leave_mkfifo, .needs_results = true},
    [OP_PIPE_SIZE] = {.leave = leave_pipe_size, .uses_fd = true},
    [OP_READ] = {.enter = enter_bytes, .leave = leave_read, .uses_fd = true},
    [OP_WRITE] = {.enter = enter_bytes, .leave = leave_write, .uses_fd = true},
    [OP_VMSPLICE] = {.enter = enter_vmsplice, .uses_fd = true},
    [OP_MOVE] = {.enter = enter_bytes,
                 .leave = leave_move,
                 .uses_fd = true,
                 .uses_fd2 = true,
                 .needs_results = true},
    [OP_TEE] = {.enter = enter_bytes, .leave = leave_tee, .uses_fd = true, .uses_fd2 = true},
    [OP_SEEK] = {.leave = leave_seek, .uses_fd = true},
    [OP_NEW_FD] = {.leave = leave_new_fd, .needs_results = true},
    [OP_NEW_PAIR] = {.leave = leave_new_pair, .needs_results = true},
    [OP_RECEIVE] = {.leave = leave_receive, .uses_fd = true},
    [OP_SIGNALFD] = {.leave = leave_signalfd, .uses_fd = true, .needs_results = true},
    [OP_FORK] = {.leave = leave_fork, .needs_results = true},
    [OP_UNSHARE] = {.leave = leave_unshare},
    [OP_WAIT] = {.leave = leave_wait, .uses_fd = true, .needs_results = true},
    [OP_SET_PGID] = {.leave = leave_set_pgid, .needs_results = true},
    [OP_SET_SID] = {.leave = leave_set_sid},
    [OP_PRCTL] = {.leave = leave_prctl, .needs_results = true},
    [OP_SIGACTION] = {.leave = leave_sigaction, .needs_results = true},
    [OP_SIGMASK] = {.leave = leave_sigmask, .needs_results = true},
    [OP_KILL] = {.leave = leave_kill, .uses_fd = true, .needs_results = true},
    [OP_SIGSUSPEND] = {.enter = enter_lends_mask, .leave = leave_lends_mask},
    [OP_SIGWAIT] = {.leave = leave_sigwait},
    [OP_SIGRETURN] = {.leave = leave_sigreturn},
    [OP_TIMER] = {.leave = leave_timer, .uses_fd = true, .needs_results = true},
    [OP_TIMER_CREATE] = {.leave = leave_timer_create, .needs_results = true},
    [OP_POLL] = {.enter = enter_lends_mask, .leave = leave_lends_mask, .uses_fd = true},
    [OP_EPOLL_CTL] = {.leave = leave_epoll_ctl,
                      .uses_fd = true,
                      .uses_fd2 = true,
                      .needs_results = true},
};

/* ---- the list of all calls under way, in order of entry ---- */

static void list_append(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    p->older = m->head.pend_newest;
    p->newer = MODEL_NONE;
    if (p->older != MODEL_NONE)
        m->pends[p->older].newer = pend;
    else
        m->head.pend_oldest = pend;
    m->head.pend_newest = pend;
}

static void list_remove(struct model *m, uint32_t pend)
{
    const struct pend *p = &m->pends[pend];
    if (p->older != MODEL_NONE)
        m->pends[p->older].newer = p->newer;
    else
        m->head.pend_oldest = p->newer;
    if (p->newer != MODEL_NONE)
        m->pends[p->newer].older = p->older;
    else
        m->head.pend_newest = p->older;
}

/* The part of it that everybody may see: the ids, innermost last. */
static void show_pending(struct model *m, uint32_t task)
{
    struct task *t = &m->tasks[task];
    uint32_t stack[MODEL_PENDING_MAX];
    uint8_t count = 0;
    for (uint32_t i = m->tasks_more[task].top; i != MODEL_NONE && count < MODEL_PENDING_MAX;
         i = m->pends[i].outer)
        stack[count++] = m->pends[i].event;
    for (uint8_t i = 0; i < count; i++)
        t->pending[i] = stack[count - 1 - i];
    t->pending_count = count;
}

static void unpin(struct model *m, uint32_t pend)
{
    struct pend *p = &m->pends[pend];
    if (!p->is_pinned)
        return;
    p->is_pinned = false;
    uint32_t file = p->file, file2 = p->file2;
    file_unpin(m, file);
    file_unpin(m, file2);
}

static void pend_free(struct model *m, uint32_t pend)
{
    unpin(m, pend);
    if (m->pends[pend].task == MODEL_NONE)
        m->head.ghost_count--;
    list_remove(m, pend);
    pool_give(&m->pends_pool, pend);
}

/* ---- entry ---- */

static void find_files(struct model *m, uint32_t pend, const struct op_rule *rule)
{
    struct pend *p = &m->pends[pend];
    uint32_t task = p->task;
    uint32_t table = task_table(m, task);
    if (table == MODEL_NONE)
        return;
    const struct fd_slot *slot = rule->uses_fd ? table_find(m, table, p->fd) : NULL;
    const struct fd_slot *slot2 = rule->uses_fd2 ? table_find(m, table, p->fd2) : NULL;
    p->file = slot ? slot->file : MODEL_NONE;
    p->file2 = slot2 ? slot2->file : MODEL_NONE;
    p->object = slot ? m->files[slot->file].object : MODEL_NONE;
    p->object2 = slot2 ? m->files[slot2->file].object : MODEL_NONE;
    /* Another thread may close the descriptor while the call goes on: the kernel keeps the
     * description open until it returns (fdget in fs/file.c). */
    if (m->tables[table].refs > 1 || m->procs[m->tasks[task].proc].task_count > 1) {
        p->is_pinned = true;
        file_pin(m, p->file);
        file_pin(m, p->file2);
    }
}

static uint32_t pend_new(struct model *m, uint32_t task, uint32_t event, const struct op *op)
{
    uint32_t pend = pool_take(&m->pends_pool);
    m->pends[pend] = (struct pend){
        .event = event,
        .task = task,
        .outer = m->tasks_more[task].top,
        .file = MODEL_NONE,
        .file2 = MODEL_NONE,
        .object = MODEL_NONE,
        .object2 = MODEL_NONE,
        .fd = op->fd,
        .fd2 = op->fd2,
        .size = op->size,
        .flags = op->flags,
        .offset = op->offset,
        .kind = (uint8_t)op->kind,
        .sig = op->sig > 0 && op->sig < MODEL_SIGNALS ? (uint8_t)op->sig : 0,
        .pid = op->pid,
    };
    list_append(m, pend);
    m->tasks_more[task].top = pend;
    return pend;
}

void call_enter(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task == MODEL_NONE)
        return;
    struct event entry = *ev; /* what the future brings is not to be known here */
    entry.exit_seq = 0;
    entry.ret = 0;
    struct op op;
    call_decode(m->rec, &entry, &op);
    uint32_t pend = pend_new(m, task, ev->id, &op);
    m->tasks[task].last_event = ev->id;
    m->tasks[task].is_asleep = false;
    show_pending(m, task);
    const struct op_rule *rule = &rules[op.kind];
    if (rule->uses_fd)
        find_files(m, pend, rule);
    if (rule->enter)
        rule->enter(m, pend, &op);
}

/* ---- exit ---- */

static uint32_t pend_of(const struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task != MODEL_NONE)
        for (uint32_t i = m->tasks_more[task].top; i != MODEL_NONE; i = m->pends[i].outer)
            if (m->pends[i].event == ev->id)
                return i;
    /* An exec in a thread returns under another tid. */
    for (uint32_t i = m->head.pend_newest; i != MODEL_NONE; i = m->pends[i].older)
        if (m->pends[i].event == ev->id && m->pends[i].task != MODEL_NONE)
            return i;
    return MODEL_NONE;
}

static void take_from_stack(struct model *m, uint32_t pend)
{
    uint32_t task = m->pends[pend].task;
    uint32_t *link = &m->tasks_more[task].top;
    while (*link != pend)
        link = &m->pends[*link].outer;
    *link = m->pends[pend].outer;
    show_pending(m, task);
}

void call_leave(struct model *m, const struct event *ev)
{
    uint32_t pend = pend_of(m, ev);
    if (pend == MODEL_NONE)
        return;
    uint32_t task = m->pends[pend].task;
    const struct op_rule *rule = &rules[m->pends[pend].kind];
    struct op op = {.kind = m->pends[pend].kind, .ret = ev->ret, .is_done = true};
    if (rule->needs_results)
        call_decode(m->rec, ev, &op);
    m->tasks[task].is_asleep = false;
    m->tasks[task].last_event = ev->id;
    if (rule->leave)
        rule->leave(m, pend, &op);
    take_from_stack(m, pend);
    pend_free(m, pend);
}

/* ---- death ---- */

/* A task killed inside a read or write of a pipe may have done it all the same. */
static bool may_haunt(const struct model *m, uint32_t pend)
{
    const struct pend *p = &m->pends[pend];
    if (m->head.ghost_count >= GHOSTS_MAX || (p->kind != OP_READ && p->kind != OP_WRITE))
        return false;
    return p->object != MODEL_NONE && is_pipe_kind(m->objects[p->object].kind) && p->done < p->size;
}

void calls_drop(struct model *m, uint32_t task)
{
    for (uint32_t i = m->tasks_more[task].top, outer; i != MODEL_NONE; i = outer) {
        outer = m->pends[i].outer;
        unpin(m, i);
        if (may_haunt(m, i)) {
            m->pends[i].task = m->pends[i].outer = MODEL_NONE;
            m->pends[i].file = m->pends[i].file2 = MODEL_NONE;
            m->head.ghost_count++;
        } else {
            pend_free(m, i);
        }
    }
    m->tasks_more[task].top = MODEL_NONE;
    m->tasks[task].pending_count = 0;
}

const struct event *model_pending(const struct model *m, uint32_t task)
{
    uint32_t top = m->tasks_more[task].top;
    return top == MODEL_NONE ? NULL : recording_event(m->rec, m->pends[top].event);
}
