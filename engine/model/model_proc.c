/* Births, exec, deaths, waiting for children, groups (fork(2), clone(2), execve(2), wait(2)). */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "model/model_internal.h"

/* ---- numbers ---- */

uint32_t model_proc_by_pid(const struct model *m, pid_t pid)
{
    return map_get(&m->by_pid_pool, pid);
}

uint32_t model_task_by_tid(const struct model *m, pid_t tid)
{
    return map_get(&m->by_tid_pool, tid);
}

static bool is_in_namespace(const struct model *m, uint32_t proc)
{
    return m->procs[proc].own_pid != m->procs[proc].pid;
}

uint32_t proc_as_seen(const struct model *m, uint32_t caller, int32_t pid)
{
    return map_get(is_in_namespace(m, caller) ? &m->by_own_pid_pool : &m->by_pid_pool, pid);
}

/* ---- the tree ---- */

static void adopt(struct model *m, uint32_t parent, uint32_t child)
{
    m->procs[child].parent = parent;
    struct proc_more *c = &m->procs_more[child];
    c->sibling = c->sibling_before = MODEL_NONE;
    if (parent == MODEL_NONE)
        return;
    struct proc_more *p = &m->procs_more[parent];
    c->sibling = p->first_child;
    if (c->sibling != MODEL_NONE)
        m->procs_more[c->sibling].sibling_before = child;
    p->first_child = child;
}

static void disown(struct model *m, uint32_t child)
{
    uint32_t parent = m->procs[child].parent;
    struct proc_more *c = &m->procs_more[child];
    if (parent == MODEL_NONE)
        return;
    if (c->sibling_before != MODEL_NONE)
        m->procs_more[c->sibling_before].sibling = c->sibling;
    else
        m->procs_more[parent].first_child = c->sibling;
    if (c->sibling != MODEL_NONE)
        m->procs_more[c->sibling].sibling_before = c->sibling_before;
    c->sibling = c->sibling_before = MODEL_NONE;
}

/* prctl(2), PR_SET_CHILD_SUBREAPER; pid_namespaces(7) for the init of a namespace. */
static uint32_t reaper_of(const struct model *m, uint32_t proc)
{
    for (uint32_t a = m->procs[proc].parent; a != MODEL_NONE; a = m->procs[a].parent)
        if (m->procs[a].state == PROC_ALIVE &&
            (m->procs[a].is_subreaper || (m->procs[a].own_pid == 1 && is_in_namespace(m, a))))
            return a;
    return MODEL_NONE;
}

/* ---- births ---- */

static uint32_t task_new(struct model *m, const struct event *ev, uint32_t proc, uint64_t mask)
{
    uint32_t task = pool_take(&m->tasks_pool);
    pool_take(&m->tasks_more_pool);
    m->tasks[task] = (struct task){.tid = ev->tid,
                                   .own_tid = ev->args[3] ? (int32_t)ev->args[3] : ev->tid,
                                   .proc = proc,
                                   .mask = mask,
                                   .last_event = ev->id};
    struct proc_more *more = &m->procs_more[proc];
    m->tasks_more[task] = (struct task_more){
        .top = MODEL_NONE, .queue = MODEL_NONE, .next_in_proc = more->first_task};
    more->first_task = task;
    more->running_tasks++;
    m->procs[proc].task_count++;
    map_put(&m->by_tid_pool, &m->head.by_tid_used, ev->tid, task);
    return task;
}

/* A number that is given out again: whoever had it is gone, though nobody saw it go. */
static void free_number(struct model *m, int32_t pid)
{
    uint32_t old = model_proc_by_pid(m, pid);
    if (old == MODEL_NONE)
        return;
    proc_end(m, old, 0, MODEL_NONE);
    proc_reap(m, old, MODEL_NONE, MODEL_NONE);
}

static uint32_t proc_new(struct model *m, const struct event *ev)
{
    free_number(m, ev->tid);
    uint32_t proc = pool_take(&m->procs_pool);
    pool_take(&m->procs_more_pool);
    m->procs[proc] = (struct proc){
        .pid = ev->tid,
        .own_pid = ev->args[3] ? (int32_t)ev->args[3] : ev->tid,
        .creator = MODEL_NONE,
        .start_event = ev->id,
        .fork_event = MODEL_NONE,
        .parent = MODEL_NONE,
        .exit_signal = SIGCHLD,
        .vfork_parent_task = MODEL_NONE,
        .exec_event = MODEL_NONE,
        .exit_event = MODEL_NONE,
        .reaped_event = MODEL_NONE,
        .reaped_by = MODEL_NONE,
        .files = MODEL_NONE,
        .handlers = MODEL_NONE,
    };
    m->procs_more[proc] = (struct proc_more){.queue = MODEL_NONE,
                                             .first_child = MODEL_NONE,
                                             .sibling = MODEL_NONE,
                                             .sibling_before = MODEL_NONE,
                                             .first_task = MODEL_NONE,
                                             .timers = MODEL_NONE};
    map_put(&m->by_pid_pool, &m->head.by_pid_used, ev->tid, proc);
    map_put(&m->by_own_pid_pool, &m->head.by_own_pid_used, m->procs[proc].own_pid, proc);
    return proc;
}

static void start_command(struct model *m, const struct event *ev)
{
    uint32_t proc = proc_new(m, ev);
    m->procs[proc].files = table_new(m);
    m->procs[proc].handlers = handlers_new(m);
    m->procs[proc].child_number = 1;
    m->procs[proc].is_foundling = m->procs[proc].has_doubtful_fds = proc != 0;
    struct dispositions *d = &m->handlers[m->procs[proc].handlers];
    for (int sig = 1; sig < MODEL_SIGNALS; sig++)
        if (ev->args[0] == 0 && (ev->args[4] >> (sig - 1) & 1))
            d->handler[sig] = (uint64_t)(uintptr_t)SIG_IGN;
    task_new(m, ev, proc, ev->args[0] == 0 ? ev->args[5] : 0);
}

static uint32_t share_or_copy_files(struct model *m, uint32_t files, uint64_t flags)
{
    if (files == MODEL_NONE)
        return table_new(m);
    if (!(flags & CLONE_FILES))
        return table_copy(m, files);
    m->tables[files].refs++;
    return files;
}

static uint32_t share_or_copy_handlers(struct model *m, uint32_t handlers, uint64_t flags)
{
    if (handlers == MODEL_NONE || (flags & CLONE_CLEAR_SIGHAND))
        return handlers_new(m);
    if (!(flags & CLONE_SIGHAND))
        return handlers_copy(m, handlers);
    m->handlers[handlers].refs++;
    return handlers;
}

static bool may_change_table(uint8_t kind)
{
    return kind == OP_OPEN || kind == OP_CLOSE || kind == OP_CLOSE_RANGE || kind == OP_DUP ||
           kind == OP_PIPE || kind == OP_NEW_FD || kind == OP_NEW_PAIR || kind == OP_RECEIVE ||
           kind == OP_FD_FLAGS || kind == OP_FORK;
}

/* fork copies the table at some instant of the call: what other threads do to it meanwhile may be
 * in the copy or not. */
static bool is_copy_doubtful(const struct model *m, uint32_t creator_task)
{
    const struct proc *p = &m->procs[m->tasks[creator_task].proc];
    if (p->has_doubtful_fds)
        return true;
    if (p->task_count < 2 || p->files == MODEL_NONE)
        return false;
    uint32_t top = m->tasks_more[creator_task].top;
    if (top != MODEL_NONE &&
        m->tables[p->files].changed_seq > recording_event(m->rec, m->pends[top].event)->entry_seq)
        return true;
    for (uint32_t i = m->head.pend_oldest; i != MODEL_NONE; i = m->pends[i].newer) {
        const struct pend *q = &m->pends[i];
        if (q->task != MODEL_NONE && q->task != creator_task && may_change_table(q->kind) &&
            m->tasks[q->task].proc == m->tasks[creator_task].proc)
            return true;
    }
    return false;
}

static void start_child(struct model *m, const struct event *ev, uint32_t creator_task)
{
    uint32_t creator = m->tasks[creator_task].proc;
    uint64_t flags = ev->args[1];
    uint32_t proc = proc_new(m, ev);
    struct proc *c = &m->procs[proc], *p = &m->procs[creator];
    c->creator = creator;
    c->child_number = ++p->child_count;
    c->fork_event = (uint32_t)ev->args[2];
    c->pgid = p->pgid;
    c->sid = p->sid;
    c->shares_memory = (flags & CLONE_VM) != 0;
    c->vfork_parent_task = flags & CLONE_VFORK ? creator_task : MODEL_NONE;
    uint32_t top = m->tasks_more[creator_task].top;
    if (top != MODEL_NONE && m->pends[top].kind == OP_FORK && m->pends[top].sig)
        c->exit_signal = m->pends[top].sig;
    c->is_foundling = recording_event(m->rec, c->fork_event)->kind != EVENT_CALL;
    c->has_doubtful_fds =
        c->is_foundling || (!(flags & CLONE_FILES) && is_copy_doubtful(m, creator_task));
    c->files = share_or_copy_files(m, p->files, flags);
    c->handlers = share_or_copy_handlers(m, p->handlers, flags);
    adopt(m, flags & CLONE_PARENT ? p->parent : creator, proc);
    task_new(m, ev, proc, m->tasks[creator_task].mask);
}

void apply_start(struct model *m, const struct event *ev)
{
    if (m->procs_pool.count == 0 || ev->args[0] == 0) {
        start_command(m, ev);
        return;
    }
    uint32_t creator = model_task_by_tid(m, (pid_t)ev->args[0]);
    if (creator == MODEL_NONE) {
        anomaly(m, "task %d was made by %d, which is not known", ev->tid, (int)ev->args[0]);
        start_command(m, ev);
        return;
    }
    if (ev->args[1] & CLONE_THREAD)
        task_new(m, ev, m->tasks[creator].proc, m->tasks[creator].mask);
    else
        start_child(m, ev, creator);
}

/* ---- exec ---- */

static void task_die(struct model *m, uint32_t task)
{
    struct task *t = &m->tasks[task];
    if (t->is_dead)
        return;
    t->is_dead = true;
    t->is_asleep = false;
    calls_drop(m, task);
    signals_forget(m, MODEL_NONE, task);
    struct proc *p = &m->procs[t->proc];
    p->task_count--;
    if (!m->tasks_more[task].is_ending)
        m->procs_more[t->proc].running_tasks--;
    for (uint32_t *link = &m->procs_more[t->proc].first_task; *link != MODEL_NONE;
         link = &m->tasks_more[*link].next_in_proc)
        if (*link == task) {
            *link = m->tasks_more[task].next_in_proc;
            break;
        }
    map_remove(&m->by_tid_pool, &m->head.by_tid_used, t->tid, task);
}

/* execve(2) in a thread: the caller goes on under the leader's number, all others are gone. */
static uint32_t become_leader(struct model *m, const struct event *ev, uint32_t caller)
{
    uint32_t proc = m->tasks[caller].proc;
    int32_t old = m->tasks[caller].tid;
    for (uint32_t t = m->procs_more[proc].first_task, next; t != MODEL_NONE; t = next) {
        next = m->tasks_more[t].next_in_proc;
        if (t != caller)
            task_die(m, t);
    }
    if (old != ev->tid) {
        map_remove(&m->by_tid_pool, &m->head.by_tid_used, old, caller);
        m->tasks[caller].tid = ev->tid;
        m->tasks[caller].own_tid = m->procs[proc].own_pid;
        map_put(&m->by_tid_pool, &m->head.by_tid_used, ev->tid, caller);
    }
    if (m->tasks_more[caller].is_ending) {
        m->tasks_more[caller].is_ending = false;
        m->procs_more[proc].running_tasks++;
    }
    return caller;
}

void apply_exec(struct model *m, const struct event *ev)
{
    uint32_t caller = model_task_by_tid(m, (pid_t)ev->args[0]);
    if (caller == MODEL_NONE)
        caller = model_task_by_tid(m, ev->tid);
    if (caller == MODEL_NONE)
        return;
    uint32_t task = become_leader(m, ev, caller);
    uint32_t proc = m->tasks[task].proc;
    uint32_t top = m->tasks_more[task].top;
    if (top == MODEL_NONE || m->pends[top].kind != OP_EXEC || !m->pends[top].is_early)
        exec_close(m, proc);
    struct proc *p = &m->procs[proc];
    p->exec_event = ev->id;
    p->shares_memory = false;
    p->vfork_parent_task = MODEL_NONE;
    if (p->state == PROC_DYING)
        p->state = PROC_ALIVE;
    handlers_exec(m, proc);
    timers_free(m, proc, true);
    m->tasks_more[task].frame_count = 0;
}

/* ---- deaths ---- */

void proc_close_all(struct model *m, uint32_t proc)
{
    uint32_t files = m->procs[proc].files;
    m->procs[proc].files = MODEL_NONE;
    if (files != MODEL_NONE)
        table_unref(m, files);
}

void apply_dying(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task == MODEL_NONE || m->tasks_more[task].is_ending)
        return;
    struct proc *p = &m->procs[m->tasks[task].proc];
    m->tasks_more[task].is_ending = true;
    m->tasks[task].is_asleep = false;
    calls_drop(m, task);
    if (--m->procs_more[m->tasks[task].proc].running_tasks == 0 && p->state == PROC_ALIVE)
        p->state = PROC_DYING;
}

static void give_children_away(struct model *m, uint32_t proc)
{
    uint32_t reaper = reaper_of(m, proc);
    for (uint32_t c; (c = m->procs_more[proc].first_child) != MODEL_NONE;) {
        disown(m, c);
        adopt(m, reaper, c);
        if (m->procs[c].state == PROC_ZOMBIE && reaper == MODEL_NONE)
            proc_reap(m, c, MODEL_NONE, MODEL_NONE);
    }
}

/* wait(2), NOTES: a parent that ignores SIGCHLD, or has SA_NOCLDWAIT, gets no zombies. */
static void tell_parent(struct model *m, uint32_t proc)
{
    struct proc *p = &m->procs[proc];
    if (p->parent == MODEL_NONE) {
        proc_reap(m, proc, MODEL_NONE, MODEL_NONE);
        return;
    }
    uint64_t flags;
    uint64_t handler = model_handler(m, p->parent, SIGCHLD, &flags);
    bool is_ignored = p->exit_signal == SIGCHLD && handler == 1;
    if (p->exit_signal && !is_ignored)
        signal_send(m, p->parent, MODEL_NONE, p->exit_signal, MODEL_NONE);
    if (is_ignored || (p->exit_signal == SIGCHLD && (flags & SA_NOCLDWAIT)))
        proc_reap(m, proc, MODEL_NONE, MODEL_NONE);
}

void proc_end(struct model *m, uint32_t proc, int wait_status, uint32_t event)
{
    struct proc *p = &m->procs[proc];
    if (p->exit_event == MODEL_NONE)
        p->exit_event = event;
    if (p->state >= PROC_ZOMBIE)
        return;
    while (m->procs_more[proc].first_task != MODEL_NONE)
        task_die(m, m->procs_more[proc].first_task);
    proc_close_all(m, proc);
    signals_forget(m, proc, MODEL_NONE);
    give_children_away(m, proc);
    p = &m->procs[proc];
    if (p->handlers != MODEL_NONE)
        handlers_unref(m, p->handlers);
    p->handlers = MODEL_NONE;
    timers_free(m, proc, false);
    p->vfork_parent_task = MODEL_NONE;
    p->is_stopped = false;
    p->state = PROC_ZOMBIE;
    p->wait_status = wait_status;
    tell_parent(m, proc);
}

void apply_dead(struct model *m, const struct event *ev)
{
    uint32_t proc = model_proc_by_pid(m, ev->tid);
    if (proc == MODEL_NONE || m->procs[proc].state >= PROC_ZOMBIE)
        return;
    m->procs[proc].state = PROC_DYING;
    proc_close_all(m, proc);
    give_children_away(m, proc);
}

void apply_exit(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    uint32_t proc = task != MODEL_NONE ? m->tasks[task].proc : model_proc_by_pid(m, ev->tid);
    if (task != MODEL_NONE)
        task_die(m, task);
    if (proc != MODEL_NONE && ev->args[1])
        proc_end(m, proc, (int)ev->args[0], ev->id);
}

void proc_reap(struct model *m, uint32_t proc, uint32_t by, uint32_t event)
{
    struct proc *p = &m->procs[proc];
    if (p->state == PROC_REAPED)
        return;
    p->state = PROC_REAPED;
    p->reaped_by = by;
    p->reaped_event = event;
    disown(m, proc);
    map_remove(&m->by_pid_pool, &m->head.by_pid_used, p->pid, proc);
    map_remove(&m->by_own_pid_pool, &m->head.by_own_pid_used, p->own_pid, proc);
}

/* ---- job control ---- */

static uint32_t told_bit(bool is_stop)
{
    return is_stop ? 1 : 2;
}

void proc_stop_told(struct model *m, uint32_t proc, bool is_stop)
{
    if (m->procs[proc].is_stopped != is_stop)
        m->procs_more[proc].told |= told_bit(is_stop);
}

static void tell_parent_stop(struct model *m, uint32_t proc, bool is_stop)
{
    uint32_t parent = m->procs[proc].parent;
    uint64_t flags = 0;
    bool is_told = m->procs_more[proc].told & told_bit(is_stop);
    m->procs_more[proc].told &= ~told_bit(is_stop);
    if (is_told)
        return;
    if (parent != MODEL_NONE && model_handler(m, parent, SIGCHLD, &flags) != 1 &&
        !(flags & SA_NOCLDSTOP))
        signal_send(m, parent, MODEL_NONE, SIGCHLD, MODEL_NONE);
}

void apply_stop(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task == MODEL_NONE)
        return;
    struct proc *p = &m->procs[m->tasks[task].proc];
    if (!p->is_stopped)
        tell_parent_stop(m, m->tasks[task].proc, true);
    p->is_stopped = true;
}

void apply_resume(struct model *m, const struct event *ev)
{
    uint32_t task = model_task_by_tid(m, ev->tid);
    if (task == MODEL_NONE)
        return;
    struct proc *p = &m->procs[m->tasks[task].proc];
    if (p->is_stopped)
        tell_parent_stop(m, m->tasks[task].proc, false);
    p->is_stopped = false;
}

/* ---- calls ---- */

static bool tells_of_a_stop(const struct model *m, const struct op *op, uint32_t child)
{
    if (op->has_status)
        return WIFSTOPPED(op->wait_status) || WIFCONTINUED(op->wait_status);
    return m->procs[child].state == PROC_ALIVE && (op->flags & (WUNTRACED | WCONTINUED));
}

void leave_wait(struct model *m, uint32_t pend, const struct op *op)
{
    uint32_t task = m->pends[pend].task, event = m->pends[pend].event;
    if (op->ret <= 0 || task == MODEL_NONE)
        return;
    uint32_t caller = m->tasks[task].proc;
    uint32_t child = proc_as_seen(m, caller, (int32_t)op->ret);
    if (child == MODEL_NONE || m->procs[child].parent != caller) {
        anomaly(m, "wait gave %d, which is no child of the caller", (int)op->ret);
        return;
    }
    if (tells_of_a_stop(m, op, child))
        return;
    if (m->procs[child].state < PROC_ZOMBIE)
        proc_end(m, child, op->has_status ? op->wait_status : 0, MODEL_NONE);
    if (!(op->flags & WNOWAIT))
        proc_reap(m, child, caller, event);
}

void leave_set_pgid(struct model *m, uint32_t pend, const struct op *op)
{
    uint32_t caller = m->tasks[m->pends[pend].task].proc;
    uint32_t target = op->pid ? proc_as_seen(m, caller, op->pid) : caller;
    if (op->ret != 0 || target == MODEL_NONE)
        return;
    uint32_t leader = op->fd2 ? proc_as_seen(m, caller, op->fd2) : target;
    m->procs[target].pgid = leader != MODEL_NONE ? m->procs[leader].pid : op->fd2;
}

void leave_set_sid(struct model *m, uint32_t pend, const struct op *op)
{
    struct proc *p = &m->procs[m->tasks[m->pends[pend].task].proc];
    if (op->ret >= 0)
        p->sid = p->pgid = p->pid;
}

void leave_prctl(struct model *m, uint32_t pend, const struct op *op)
{
    if (op->ret == 0 && op->flags == PR_SET_CHILD_SUBREAPER)
        m->procs[m->tasks[m->pends[pend].task].proc].is_subreaper = op->size != 0;
}

/* clone(2) with CLONE_PIDFD. */
void leave_fork(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret <= 0 || op->fds[0] < 0 || task_table(m, p->task) == MODEL_NONE)
        return;
    struct op fd = {.flags = O_CLOEXEC};
    uint32_t child = proc_as_seen(m, m->tasks[p->task].proc, (int32_t)op->ret);
    uint32_t object = new_fd(m, pend, op->fds[0], OBJECT_PIDFD, &fd);
    m->objects[object].proc = child;
}
