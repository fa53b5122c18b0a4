/* Descriptors that a child inherited, never used and never closed.
 *
 * After fork: the write end of a pipe that somebody else writes to. As long as the child lives,
 * readers wait for an end of file that the real writer has long given. (A pipe that nobody ever
 * writes to may be held on purpose: its end of file tells that the holder died.) Across exec:
 * anything above 2 that the new program cannot know about; a warning for the end of a pipe or a
 * socket, for the rest worth knowing.
 *
 * Judged when the process ends, for only then it is sure that the descriptor was never used. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "diagnose/rule.h"

enum { USED_MAX = 64 };

/* What one process did with its descriptors since it began, or since its exec. */
struct usage {
    uint32_t files[USED_MAX];
    uint32_t count;            /* above USED_MAX: too many to tell, all count as used */
    uint32_t exec_plus_1;      /* its last EXEC */
    uint32_t passed[USED_MAX]; /* open file descriptions above fd 2 that came through that exec */
    uint32_t passed_count;
    bool is_users_exec; /* made by the user's own program */
    bool worked;        /* it moved bytes or waited: no mere moment between fork and end */
    bool has_written;   /* to a stream */
    bool is_judged;
};

struct state {
    struct table procs;
    struct table writers; /* by object: struct writers */
    bool is_ended_by_tracer;
};

/* Who wrote to an object: the first, and whether it was not the only one. */
struct writers {
    uint32_t first_plus_1;
    bool are_many;
};

static struct usage *usage_of(struct state *s, uint32_t proc)
{
    return table_row(&s->procs, proc, sizeof(struct usage));
}

static void note_use(struct usage *u, uint32_t file)
{
    if (file == MODEL_NONE || u->count > USED_MAX)
        return;
    for (uint32_t i = 0; i < u->count; i++) {
        if (u->files[i] == file)
            return;
    }
    if (u->count < USED_MAX)
        u->files[u->count] = file;
    u->count++;
}

static bool is_used(const struct usage *u, uint32_t file)
{
    if (u->count > USED_MAX)
        return true;
    for (uint32_t i = 0; i < u->count; i++) {
        if (u->files[i] == file)
            return true;
    }
    return false;
}

static void note_polled(struct context *c, struct usage *u)
{
    struct op_poll polls[64];
    size_t count = call_polls(c->rec, c->ev, polls, 64);
    for (size_t i = 0; i < count && i < 64; i++) {
        const struct fd_slot *slot = polls[i].fd < 0 ? NULL : model_fd(c->m, c->proc, polls[i].fd);
        if (slot)
            note_use(u, slot->file);
    }
}

static void note_write(struct context *c, struct state *s)
{
    if (!is_stream(c, c->object))
        return;
    struct writers *w = table_row(&s->writers, c->object, sizeof *w);
    w->are_many |= w->first_plus_1 != 0 && w->first_plus_1 != c->proc + 1;
    w->first_plus_1 = c->proc + 1;
    usage_of(s, c->proc)->has_written = true;
}

static void note_call(struct context *c, struct state *s)
{
    struct usage *u = usage_of(s, c->proc);
    if (c->op.kind == OP_WRITE)
        note_write(c, s);
    switch (c->op.kind) {
    case OP_READ:
    case OP_WRITE:
        u->worked = true;
        note_use(u, c->file);
        break;
    case OP_MOVE:
    case OP_TEE: {
        const struct fd_slot *slot = c->op.fd2 < 0 ? NULL : model_fd(c->m, c->proc, c->op.fd2);
        u->worked = true;
        note_use(u, c->file);
        note_use(u, slot ? slot->file : MODEL_NONE);
        break;
    }
    case OP_DUP:
    case OP_SEEK:
    case OP_EPOLL_CTL:
    case OP_PIPE_SIZE:
    case OP_FD_FLAGS:
    case OP_STATUS_FLAGS: note_use(u, c->file); break;
    case OP_POLL:
        u->worked = true;
        note_polled(c, u);
        break;
    case OP_SLEEP:
    case OP_PAUSE:
    case OP_SIGSUSPEND:
    case OP_WAIT: u->worked = true; break;
    default: break;
    }
}

static bool can_write(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

static bool is_from_outside(const struct context *c, const struct file *f)
{
    return f->is_outside ||
           (f->event != MODEL_NONE && recording_event(c->rec, f->event)->kind == EVENT_FD);
}

/* A reader of this pipe was left without its end of file, for ever: that finding says it all. */
static bool is_known(const struct context *c, uint32_t object)
{
    static const enum rule rules[] = {RULE_NEVER_EOF, RULE_DEADLOCK};
    for (size_t r = 0; r < 2; r++) {
        const struct finding *f;
        for (size_t i = 0; (f = finding_of(c, rules[r], i)) != NULL; i++) {
            for (size_t n = 0; n < f->object_count; n++) {
                if (f->objects[n] == object)
                    return true;
            }
        }
    }
    return false;
}

/* All that one process got without need: one finding. */
struct leaks {
    struct finding *finding;
    struct buf list; /* "fd 4 (pipe 1), fd 7 (pipe 2)" */
};

static void add_leak(struct context *c, struct leaks *leaks, enum rule rule,
                     const struct fd_slot *slot, bool is_warning)
{
    const struct file *file = model_file(c->m, slot->file);
    if (leaks->finding == NULL) {
        leaks->finding = finding_new(rule, SEVERITY_NORMAL, c->seq);
        leaks->finding->proc = c->proc;
        leaks->finding->object = file->object;
        leaks->finding->cause = origin_of(c, c->proc, slot);
    }
    struct finding *f = leaks->finding;
    if (is_warning)
        f->severity = SEVERITY_WARNING;
    finding_add_event(f, origin_of(c, c->proc, slot));
    finding_add_event(f, file->event);
    finding_add_proc(f, c->proc);
    finding_add_object(f, file->object);
    buf_printf(&leaks->list, "%sfd %d (%s)", leaks->list.len ? ", " : "", slot->fd,
               object_name(c, file->object));
}

static void submit_leaks(struct context *c, struct leaks *leaks)
{
    finding_submit(c, leaks->finding);
    buf_fini(&leaks->list);
}

/* ---- after fork ---- */

/* Workers share a pipe for their answers; one that had nothing to say yet is no leak. */
static bool is_shared_by_workers(struct context *c, struct state *s, uint32_t object)
{
    const struct writers *w = table_row(&s->writers, object, sizeof *w);
    bool is_parents_alone =
        !w->are_many && w->first_plus_1 == model_proc(c->m, c->proc)->creator + 1;
    return !is_parents_alone && !usage_of(s, c->proc)->has_written;
}

static bool is_leaked_writer(struct context *c, const struct usage *u, const struct fd_slot *slot)
{
    const struct file *file = model_file(c->m, slot->file);
    const struct object *o = model_object(c->m, file->object);
    bool is_pipe = o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO;
    return is_pipe && can_write(file) && is_inherited(c, c->proc, slot) && o->total_in > 0 &&
           !is_used(u, slot->file) && !is_from_outside(c, file) && !o->is_outside &&
           !is_known(c, file->object);
}

static void judge_fork(struct context *c, struct state *s)
{
    struct usage *u = usage_of(s, c->proc);
    const struct fd_slot *slots;
    const struct proc *p = model_proc(c->m, c->proc);
    size_t count = model_fds(c->m, c->proc, &slots);
    if (c->proc == 0 || u->exec_plus_1 != 0 || !u->worked)
        return;
    struct leaks leaks = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t object = model_file(c->m, slots[i].file)->object;
        bool is_leak = is_leaked_writer(c, u, &slots[i]) && !is_shared_by_workers(c, s, object);
        if (is_leak)
            add_leak(c, &leaks, RULE_FD_LEAK, &slots[i], is_users_own(c, p->fork_event));
    }
    if (leaks.finding == NULL)
        return;
    finding_say(
        leaks.finding,
        "%s inherited a write end at its fork, never used it and never closed it (%s): until %s "
        "ended no reader could see the end of file",
        proc_name(c, c->proc), leaks.list.data, proc_name(c, c->proc));
    finding_say_next(
        leaks.finding,
        "Close it in the child right after the fork, or make the pipe after the fork of "
        "processes that have no part in it.");
    submit_leaks(c, &leaks);
}

/* ---- across exec ---- */

/* The call that led to an EXEC is still under way. */
static bool was_users_call(const struct context *c)
{
    const struct event *call = model_pending(c->m, c->task);
    return call != NULL && is_users_own(c, call->id);
}

/* A name like /dev/fd/63 in its arguments is how a shell passes a descriptor on: whoever opens it
 * uses what came through the exec. */
static void note_open(struct context *c, struct state *s)
{
    struct usage *u = usage_of(s, c->proc);
    uint32_t object = object_of_fd(c, c->proc, (int)c->op.ret);
    for (uint32_t i = 0; object != MODEL_NONE && i < u->passed_count; i++) {
        if (model_file(c->m, u->passed[i])->object == object)
            note_use(u, u->passed[i]);
    }
}

static void note_exec(struct context *c, struct state *s)
{
    struct usage *u = usage_of(s, c->proc);
    const struct fd_slot *slots;
    size_t count = model_fds(c->m, c->proc, &slots);
    *u = (struct usage){.exec_plus_1 = c->ev->id + 1, .is_users_exec = was_users_call(c)};
    for (size_t i = 0; i < count && u->passed_count < USED_MAX; i++) {
        bool is_given = slots[i].fd <= 2 || is_from_outside(c, model_file(c->m, slots[i].file));
        if (!is_given)
            u->passed[u->passed_count++] = slots[i].file;
    }
}

static bool has_passed(const struct usage *u, uint32_t file)
{
    for (uint32_t i = 0; i < u->passed_count; i++) {
        if (u->passed[i] == file)
            return true;
    }
    return false;
}

/* A descriptor's twin at 0, 1 or 2 is what the new program uses. */
static bool is_standard_too(const struct fd_slot *slots, size_t count, uint32_t file)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].fd <= 2 && slots[i].file == file)
            return true;
    }
    return false;
}

static bool is_pipe_in_use(const struct object *o)
{
    bool is_pipe = o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO;
    return o->kind == OBJECT_SOCKET || (is_pipe && o->total_in > 0);
}

static void judge_exec(struct context *c, struct usage *u)
{
    const struct fd_slot *slots;
    size_t count = model_fds(c->m, c->proc, &slots);
    if (u->exec_plus_1 == 0)
        return;
    struct leaks leaks = {0};
    for (size_t i = 0; i < count; i++) {
        const struct fd_slot *slot = &slots[i];
        const struct object *o = model_object(c->m, model_file(c->m, slot->file)->object);
        bool is_unused = slot->fd > 2 && has_passed(u, slot->file) && !is_used(u, slot->file);
        if (!is_unused || is_known(c, model_file(c->m, slot->file)->object))
            continue;
        bool does_harm =
            !is_standard_too(slots, count, slot->file) && is_pipe_in_use(o) && u->is_users_exec;
        add_leak(c, &leaks, RULE_FD_LEAK_EXEC, slot, does_harm);
    }
    if (leaks.finding == NULL)
        return;
    finding_add_event(leaks.finding, u->exec_plus_1 - 1);
    finding_say(leaks.finding,
                "%s was started with descriptors open that the new program never used: %s",
                proc_name(c, c->proc), leaks.list.data);
    finding_say_next(
        leaks.finding,
        "Open such a descriptor with O_CLOEXEC (pipe2, dup3, F_DUPFD_CLOEXEC), or close it "
        "between fork and exec.");
    submit_leaks(c, &leaks);
}

/* ---- steps ---- */

/* The last moment at which the descriptors can still be seen. */
static void judge(struct context *c, struct state *s)
{
    struct usage *u = usage_of(s, c->proc);
    bool is_last_task = model_proc(c->m, c->proc)->task_count <= 1;
    bool is_whole = c->ev->kind == EVENT_DYING ? is_last_task : c->op.flags & 1;
    if (u->is_judged || s->is_ended_by_tracer || !is_whole)
        return;
    u->is_judged = true;
    judge_fork(c, s);
    judge_exec(c, u);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->ev->kind == EVENT_NOTE && c->ev->args[0] != NOTE_TEXT &&
        c->ev->args[0] != NOTE_INCOMPLETE)
        s->is_ended_by_tracer = true;
    if (c->proc == MODEL_NONE)
        return;
    if (c->ev->kind == EVENT_EXEC)
        note_exec(c, s);
    else if (c->ev->kind == EVENT_DYING || (c->op.kind == OP_EXIT && !c->is_exit))
        judge(c, s);
    else if (is_return_of(c, OP_OPEN) && c->op.ret >= 0)
        note_open(c, s);
    else if (c->ev->kind == EVENT_CALL && !c->is_exit)
        note_call(c, s);
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->procs);
    table_fini(&s->writers);
}

const struct rule_ops rule_leak = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
