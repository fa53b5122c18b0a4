/* Never-EOF and deadlock: tasks that can never move again.
 *
 * The model says who waits hopelessly; here the hopeless are taken apart into knots (components
 * that wait for nothing outside of themselves) and each is named as a teacher would name it. A
 * reader that waits for an end of file which only itself, or processes that wait for it, could
 * bring: never-EOF. Everything else that goes round: deadlock.
 *
 * When the kernel has put all of a knot to sleep while nothing else moves, the finding is certain
 * at once. While others still run they might send a signal; then it is kept back until the members
 * die where they sat, or the run ends. */
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "diagnose/stuck.h"

/* The last bytes that a task moved through a stream. */
struct last_io {
    uint32_t object_plus_1;
    bool is_read;
};

/* A knot that was seen: reported, or kept back until it is confirmed. */
struct seen {
    uint32_t key;         /* smallest call id of its members */
    uint32_t task;        /* one member */
    uint32_t call;        /* that member's call */
    struct finding *kept; /* NULL once reported or dropped */
};

struct state {
    struct table last_io; /* by task */
    uint32_t release_seq; /* last step that may have closed a descriptor */
    struct seen *seen;
    size_t seen_count, seen_cap;
};

/* ---- gathering the hopeless ---- */

static void look_at_polled(struct context *c, struct member *m, const struct event *ev)
{
    struct op_poll polls[64];
    size_t count = call_polls(c->rec, ev, polls, 64);
    m->awaits_bytes = count > 0 && count <= 64;
    for (size_t i = 0; i < count && i < 64; i++) {
        uint32_t object = object_of_fd(c, m->proc, polls[i].fd);
        if (polls[i].fd < 0 || polls[i].events == 0)
            continue;
        m->awaits_bytes &= is_stream(c, object) && !(polls[i].events & POLLOUT);
        if (object == m->object && m->fd < 0)
            m->fd = polls[i].fd;
        if (m->object == MODEL_NONE || model_object(c->m, m->object)->kind == OBJECT_EPOLL) {
            m->object = object;
            m->fd = polls[i].fd;
        }
    }
}

static struct member member_of(struct context *c, struct state *s, const struct wait *w)
{
    struct member m = {.wait = *w, .fd = -1, .object = w->object};
    m.proc = model_task(c->m, w->task)->proc;
    m.op = (struct op){.fd = -1, .fd2 = -1};
    if (w->event != MODEL_NONE) {
        const struct event *ev = recording_event(c->rec, w->event);
        call_decode(c->rec, ev, &m.op);
        m.fd = m.op.fd;
        if (w->reason == WAIT_READY)
            look_at_polled(c, &m, ev);
        if (m.op.kind == OP_MOVE && w->reason == WAIT_PIPE_FULL)
            m.fd = m.op.fd2;
    }
    m.awaits_bytes |= w->reason == WAIT_PIPE_EMPTY;
    const struct last_io *io = table_row(&s->last_io, w->task, sizeof *io);
    m.reads_on = io->is_read && m.object != MODEL_NONE && io->object_plus_1 == m.object + 1;
    return m;
}

/* is_final: the run is over where it stands, the kernel need not confirm that each one sleeps. */
static size_t gather(struct context *c, struct state *s, bool is_final, struct member **out)
{
    size_t count = model_waits(c->m, NULL, 0), hopeless = 0;
    bool is_confirmed = true;
    struct wait *waits = xcalloc(count, sizeof *waits);
    count = model_waits(c->m, waits, count);
    *out = xcalloc(count, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        if (!waits[i].is_hopeless)
            continue;
        (*out)[hopeless++] = member_of(c, s, &waits[i]);
        is_confirmed &= is_final || model_task(c->m, waits[i].task)->is_asleep;
    }
    free(waits);
    return is_confirmed ? hopeless : 0;
}

/* ---- naming a knot ---- */

static const struct member *at(const struct knot *k, size_t i)
{
    return &k->all[k->members[i]];
}

static bool is_held_by_ancestor(struct context *c, const struct knot *k,
                                const struct member *reader)
{
    for (size_t i = 0; i < k->count; i++) {
        if (member_waits_for(reader, at(k, i)->proc) &&
            is_descendant(c, reader->proc, at(k, i)->proc))
            return true;
    }
    return false;
}

/* A reader whose end of file cannot come, because each holder of the write end is the reader itself
 * or waits for the reader to end. */
static bool awaits_waiters(const struct knot *k, const struct member *reader)
{
    if (!reader->awaits_bytes)
        return false;
    for (size_t i = 0; i < k->count; i++) {
        const struct member *m = at(k, i);
        bool waits_for_it = m->wait.reason == WAIT_CHILD && member_waits_for(m, reader->proc);
        if (member_waits_for(reader, m->proc) && m->proc != reader->proc && !waits_for_it)
            return false;
    }
    return true;
}

/* All of it are readers and waiting parents: nobody writes any more. */
static bool is_all_reading(const struct knot *k)
{
    size_t readers = 0;
    for (size_t i = 0; i < k->count; i++) {
        bool is_reader = at(k, i)->awaits_bytes;
        if (!is_reader && at(k, i)->wait.reason != WAIT_CHILD &&
            at(k, i)->wait.reason != WAIT_VFORK)
            return false;
        readers += is_reader;
    }
    return readers > 0;
}

static bool is_waited_for(const struct knot *k, const struct member *reader)
{
    for (size_t i = 0; i < k->count; i++) {
        if (at(k, i)->wait.reason == WAIT_CHILD && member_waits_for(at(k, i), reader->proc))
            return true;
    }
    return false;
}

/* The reader that a never-EOF is about, NULL for a deadlock. Where processes only read from each
 * other, it is a deadlock (each waits for the other to speak first), unless one has read before and
 * reads on: it wants the end, not an answer. Then the culprit is the parent that still holds what
 * its child reads. */
static const struct member *eof_waiter(struct context *c, const struct knot *k)
{
    const struct member *waited_for = NULL, *reads_on = NULL, *below_holder = NULL;
    if (!is_all_reading(k))
        return NULL;
    for (size_t i = 0; i < k->count; i++) {
        const struct member *m = at(k, i);
        if (awaits_waiters(k, m))
            return m;
        if (!m->awaits_bytes)
            continue;
        if (waited_for == NULL && is_waited_for(k, m))
            waited_for = m;
        if (reads_on == NULL && m->reads_on)
            reads_on = m;
        if (below_holder == NULL && is_held_by_ancestor(c, k, m))
            below_holder = m;
    }
    if (waited_for)
        return waited_for;
    return reads_on && below_holder ? below_holder : reads_on;
}

/* ---- when it could be known ---- */

static uint32_t known_since(const struct context *c, const struct state *s, const struct knot *k)
{
    uint32_t since = s->release_seq;
    for (size_t i = 0; i < k->count; i++) {
        uint32_t call = at(k, i)->wait.event;
        uint32_t entry = call == MODEL_NONE ? c->seq : recording_event(c->rec, call)->entry_seq;
        since = entry > since ? entry : since;
    }
    return since;
}

static struct finding *describe(struct context *c, struct state *s, struct knot *k)
{
    const struct member *reader = eof_waiter(c, k);
    enum rule rule = reader ? RULE_NEVER_EOF : RULE_DEADLOCK;
    struct finding *f = finding_new(rule, SEVERITY_PROBLEM, known_since(c, s, k));
    for (size_t i = 0; reader && i < k->count; i++) {
        if (at(k, i) == reader) { /* the story begins with the reader */
            size_t first = k->members[0];
            k->members[0] = k->members[i];
            k->members[i] = first;
            break;
        }
    }
    size_t cycle = knot_order(k);
    for (size_t i = 0; i < k->count; i++) {
        finding_add_proc(f, at(k, i)->proc);
        finding_add_object(f, at(k, i)->object);
        finding_add_event(f, at(k, i)->wait.event);
    }
    struct buf graph = {0};
    knot_draw(c, k, cycle, &graph);
    f->graph = buf_take(&graph);
    f->proc = at(k, 0)->proc;
    f->object = at(k, 0)->object;
    if (reader)
        tell_never_eof(c, f, k, at(k, 0));
    else
        tell_deadlock(c, f, k, cycle);
    return f;
}

/* ---- keeping back, confirming ---- */

static bool waits_for_signal(const struct knot *k)
{
    for (size_t i = 0; i < k->count; i++) {
        enum wait_reason reason = at(k, i)->wait.reason;
        if (reason == WAIT_SIGNAL || reason == WAIT_STOPPED)
            return true;
    }
    return false;
}

static bool has_handlers(const struct context *c, const struct knot *k)
{
    for (size_t i = 0; i < k->count; i++) {
        for (int sig = 1; sig < MODEL_SIGNALS; sig++) {
            if (model_handler(c->m, at(k, i)->proc, sig, NULL) > 1)
                return true;
        }
    }
    return false;
}

static struct seen *find_seen(struct state *s, uint32_t key)
{
    for (size_t i = 0; i < s->seen_count; i++) {
        if (s->seen[i].key == key)
            return &s->seen[i];
    }
    return NULL;
}

static uint32_t key_of(const struct knot *k)
{
    uint32_t key = MODEL_NONE;
    for (size_t i = 0; i < k->count; i++) {
        if (at(k, i)->wait.event < key)
            key = at(k, i)->wait.event;
    }
    return key;
}

static void judge_knot(struct context *c, struct state *s, struct knot *k, bool is_certain)
{
    uint32_t key = key_of(k);
    struct seen *seen = find_seen(s, key);
    bool could_be_woken = !is_certain && (waits_for_signal(k) || has_handlers(c, k));
    if (could_be_woken || (seen && !(seen->kept && is_certain)))
        return;
    if (seen == NULL) {
        struct finding *f = describe(c, s, k);
        seen = PUSH(s->seen);
        *seen = (struct seen){.key = key, .task = at(k, 0)->wait.task, .kept = f};
        seen->call = at(k, 0)->wait.event;
    }
    if (is_certain) {
        finding_submit(c, seen->kept);
        seen->kept = NULL;
    }
}

enum why { KERNEL_SAYS_ASLEEP, RUN_IS_CLOSED, SOMEBODY_KILLS };

static void judge(struct context *c, struct state *s, enum why why)
{
    struct member *all;
    size_t count = gather(c, s, why != KERNEL_SAYS_ASLEEP, &all);
    uint32_t components = knot_find(all, count);
    bool is_certain = why == RUN_IS_CLOSED || (why == KERNEL_SAYS_ASLEEP && model_is_stuck(c->m));
    for (uint32_t component = 0; component < components; component++) {
        if (!knot_is_sink(all, count, component))
            continue;
        struct knot k = {.all = all, .all_count = count};
        k.members = xcalloc(count, sizeof *k.members);
        for (size_t i = 0; i < count; i++) {
            if (all[i].component == component)
                k.members[k.count++] = i;
        }
        judge_knot(c, s, &k, is_certain);
        free(k.members);
    }
    free(all);
}

/* A member of a knot that was kept back died without ever coming out of its call: nobody woke it.
 */
static void confirm_dead(struct context *c, struct state *s)
{
    int status = (int)c->ev->args[0];
    for (size_t i = 0; i < s->seen_count; i++) {
        struct seen *seen = &s->seen[i];
        if (seen->kept == NULL || seen->task != c->task)
            continue;
        bool sat_still = WIFSIGNALED(status) && recording_event(c->rec, seen->call)->exit_seq == 0;
        if (sat_still)
            finding_submit(c, seen->kept);
        else
            finding_discard(seen->kept);
        seen->kept = NULL;
    }
}

/* ---- steps ---- */

static void note_io(struct context *c, struct state *s)
{
    bool is_io = c->op.kind == OP_READ || c->op.kind == OP_WRITE;
    if (!c->is_exit || !is_io || c->task == MODEL_NONE || c->op.ret <= 0 ||
        !is_stream(c, c->object))
        return;
    struct last_io *io = table_row(&s->last_io, c->task, sizeof *io);
    *io = (struct last_io){c->object + 1, c->op.kind == OP_READ};
}

static bool may_close(const struct context *c)
{
    if (c->ev->kind == EVENT_EXIT || c->ev->kind == EVENT_EXEC)
        return true;
    return c->is_exit &&
           (c->op.kind == OP_CLOSE || c->op.kind == OP_CLOSE_RANGE || c->op.kind == OP_DUP);
}

static bool ends_the_run(const struct event *ev)
{
    return ev->kind == EVENT_NOTE && (ev->args[0] == NOTE_STUCK || ev->args[0] == NOTE_TIMEOUT ||
                                      ev->args[0] == NOTE_INTERRUPTED);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    note_io(c, s);
    if (may_close(c))
        s->release_seq = c->seq;
    if (c->ev->kind == EVENT_BLOCKED)
        judge(c, s, KERNEL_SAYS_ASLEEP);
    else if (ends_the_run(c->ev))
        judge(c, s, RUN_IS_CLOSED);
    else if (c->op.kind == OP_KILL && !c->is_exit && c->op.sig != 0)
        judge(c, s,
              SOMEBODY_KILLS); /* kept back, until it is seen whether they die where they sit */
    else if (c->ev->kind == EVENT_EXIT)
        confirm_dead(c, s);
}

/* The recording ends, with a run that is not over or a file that was cut off: what was kept back is
 * said if its members still sit where they sat. */
static void on_end(struct context *c, void *state)
{
    struct state *s = state;
    judge(c, s, KERNEL_SAYS_ASLEEP);
    for (size_t i = 0; i < s->seen_count; i++) {
        struct seen *seen = &s->seen[i];
        if (seen->kept && recording_event(c->rec, seen->call)->exit_seq == 0) {
            finding_submit(c, seen->kept);
            seen->kept = NULL;
        }
    }
}

static void fini(void *state)
{
    struct state *s = state;
    for (size_t i = 0; i < s->seen_count; i++)
        finding_discard(s->seen[i].kept);
    free(s->seen);
    table_fini(&s->last_io);
}

const struct rule_ops rule_stuck = {
    .state_size = sizeof(struct state), .on_step = on_step, .on_end = on_end, .fini = fini};
