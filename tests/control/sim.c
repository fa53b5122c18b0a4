#include "sim.h"

#include <assert.h>
#include <string.h>

enum {
    OBJECT_PIPE_0 = 100,
    OBJECT_COUNTER_0 = 200,
    OBJECT_LOCK_0 = 300,
    OBJECT_VALUE_0 = 400,
    OBJECT_CHILD_0 = 500,
    OBJECT_SIGNAL_0 = 600
};

void sim_init(struct sim *s, const struct sim_program *p)
{
    memset(s, 0, sizeof *s);
    s->program = p;
    bool is_born[SIM_TASKS] = {false};
    for (int t = 0; t < p->task_count; t++)
        for (int i = 0; p->ops[t][i].kind != SIM_END; i++)
            if (p->ops[t][i].kind == SIM_FORK) {
                is_born[p->ops[t][i].object] = true;
                s->tasks[p->ops[t][i].object].parent = (uint8_t)t;
                s->tasks[p->ops[t][i].object].has_parent = 1;
            }
    for (int t = 0; t < p->task_count; t++) {
        s->tasks[t].state = is_born[t] ? SIM_UNBORN : SIM_HELD;
        for (int i = 0; i < SIM_PIPES; i++) {
            s->pipes[i].readers += p->read_ends[t] >> i & 1;
            s->pipes[i].writers += p->write_ends[t] >> i & 1;
        }
    }
    for (int i = 0; i < SIM_OBJECTS; i++)
        s->level[i] = s->added[i] = p->level[i];
}

static const struct sim_op *op_of(const struct sim *s, int t)
{
    return &s->program->ops[t][s->tasks[t].pc];
}

static uint16_t room(const struct sim *s, int pipe)
{
    uint16_t capacity = s->program->capacity[pipe] ? s->program->capacity[pipe] : SIM_BYTES;
    return (uint16_t)(capacity - (s->pipes[pipe].in - s->pipes[pipe].out));
}

static uint16_t level(const struct sim *s, int pipe)
{
    return (uint16_t)(s->pipes[pipe].in - s->pipes[pipe].out);
}

/* ---- footprints ---- */

static struct touch *touch(struct footprint *f, int object, enum touch_kind kind)
{
    struct touch *t = &f->touches[f->count++];
    *t = (struct touch){.object = (uint64_t)object, .kind = (uint8_t)kind};
    return t;
}

static struct touch *touch_pipe(const struct sim *s, struct footprint *f, int i,
                                enum touch_kind kind)
{
    const struct sim_pipe *p = &s->pipes[i];
    struct touch *t = touch(f, OBJECT_PIPE_0 + i, kind);
    t->at = kind == TOUCH_STREAM_WRITE ? p->in : p->out;
    t->level = level(s, i);
    t->room = p->readers ? room(s, i) : UINT64_MAX;
    if (kind == TOUCH_STREAM_READ)
        t->is_end = t->level == 0 && p->writers == 0;
    if (kind == TOUCH_STREAM_WRITE)
        t->is_end = p->readers == 0;
    return t;
}

static void touch_close(const struct sim *s, struct footprint *f, int i, bool of_readers)
{
    struct touch *t =
        touch_pipe(s, f, i, of_readers ? TOUCH_STREAM_CLOSE_READ : TOUCH_STREAM_CLOSE_WRITE);
    t->size = of_readers ? s->pipes[i].readers : s->pipes[i].writers;
    t->done = 1;
    t->is_last = t->size == 1;
}

static bool holds(const struct sim *s, int t, int pipe, bool of_readers)
{
    uint8_t ends = of_readers ? s->program->read_ends[t] : s->program->write_ends[t];
    if (!(ends >> pipe & 1))
        return false;
    for (int i = 0; i < s->tasks[t].pc; i++) {
        const struct sim_op *op = &s->program->ops[t][i];
        if (op->object == pipe && op->kind == (of_readers ? SIM_CLOSE_R : SIM_CLOSE_W))
            return false;
    }
    return true;
}

static void touch_exit(const struct sim *s, struct footprint *f, int t)
{
    for (int i = 0; i < SIM_PIPES; i++) {
        if (holds(s, t, i, true))
            touch_close(s, f, i, true);
        if (holds(s, t, i, false))
            touch_close(s, f, i, false);
    }
}

static bool is_child(const struct sim *s, int parent, int t)
{
    return s->tasks[t].has_parent && s->tasks[t].parent == parent &&
           s->tasks[t].state != SIM_UNBORN;
}

/* A zombie is one that is dead and reported: SIM_GONE with its flag `reg` still 0xff. */
enum { ZOMBIE = 0xff };

static bool is_zombie(const struct sim *s, int t)
{
    return s->tasks[t].state == SIM_GONE && s->tasks[t].reg == ZOMBIE;
}

static bool is_unreaped(const struct sim *s, int t)
{
    return s->tasks[t].state != SIM_GONE || is_zombie(s, t);
}

static int eldest_zombie(const struct sim *s, int parent)
{
    for (int t = 0; t < s->program->task_count; t++)
        if (is_child(s, parent, t) && is_zombie(s, t))
            return t;
    return -1;
}

static void touch_wait(const struct sim *s, struct footprint *f, int parent)
{
    uint64_t ended = 0;
    int taken = eldest_zombie(s, parent);
    for (int t = 0; t < s->program->task_count; t++)
        ended += is_child(s, parent, t) && is_zombie(s, t);
    for (int t = 0; t < s->program->task_count; t++) {
        if (!is_child(s, parent, t) || !is_unreaped(s, t))
            continue;
        struct touch *w = touch(f, OBJECT_CHILD_0 + t, TOUCH_CHILD_WAIT);
        w->at = (uint64_t)t;
        w->level = is_zombie(s, t);
        w->room = ended;
        w->size = taken < 0 ? UINT64_MAX : (uint64_t)taken;
    }
}

static bool is_signalled_by_some(const struct sim *s, int t)
{
    for (int i = 0; i < s->program->task_count; i++)
        for (int k = 0; s->program->ops[i][k].kind != SIM_END; k++)
            if (s->program->ops[i][k].kind == SIM_SEND && s->program->ops[i][k].object == t)
                return true;
    return false;
}

static void touch_op(const struct sim *s, int t, enum move_kind kind, struct footprint *f)
{
    if (s->tasks[t].state == SIM_DEAD) {
        touch(f, OBJECT_CHILD_0 + t, TOUCH_CHILD_END);
        return;
    }
    if (is_signalled_by_some(s, t))
        touch(f, OBJECT_SIGNAL_0 + t, TOUCH_SIGNAL_LIVE);
    if (kind == MOVE_SIGNAL)
        return;
    const struct sim_op *op = op_of(s, t);
    switch ((enum sim_op_kind)op->kind) {
    case SIM_END: touch_exit(s, f, t); break;
    case SIM_READ:
    case SIM_READ_NB: {
        struct touch *r = touch_pipe(s, f, op->object, TOUCH_STREAM_READ);
        r->size = op->n;
        r->never_waits = op->kind == SIM_READ_NB;
        break;
    }
    case SIM_WRITE:
    case SIM_WRITE_NB: {
        struct touch *w = touch_pipe(s, f, op->object, TOUCH_STREAM_WRITE);
        w->size = op->n;
        w->never_waits = op->kind == SIM_WRITE_NB;
        break;
    }
    case SIM_POLL: touch_pipe(s, f, op->object, TOUCH_STREAM_POLL); break;
    case SIM_CLOSE_R: touch_close(s, f, op->object, true); break;
    case SIM_CLOSE_W: touch_close(s, f, op->object, false); break;
    case SIM_ADD:
    case SIM_TAKE: {
        bool adds = op->kind == SIM_ADD;
        struct touch *c =
            touch(f, OBJECT_COUNTER_0 + op->object, adds ? TOUCH_COUNT_ADD : TOUCH_COUNT_TAKE);
        c->done = op->n;
        c->level = s->level[op->object];
        c->at = adds ? s->added[op->object] : s->taken[op->object];
        break;
    }
    case SIM_LOCK: touch(f, OBJECT_LOCK_0 + op->object, TOUCH_LOCK_TAKE); break;
    case SIM_UNLOCK: touch(f, OBJECT_LOCK_0 + op->object, TOUCH_LOCK_RELEASE); break;
    case SIM_LOAD: touch(f, OBJECT_VALUE_0 + op->object, TOUCH_VALUE_READ); break;
    case SIM_STORE: touch(f, OBJECT_VALUE_0 + op->object, TOUCH_VALUE_WRITE); break;
    case SIM_WAIT: touch_wait(s, f, t); break;
    case SIM_SEND:
        if (s->tasks[op->object].state < SIM_DEAD)
            touch(f, OBJECT_SIGNAL_0 + op->object, TOUCH_SIGNAL_SEND);
        break;
    case SIM_LOCAL:
    case SIM_FORK:
    case SIM_PAUSE:
    case SIM_SKIP_IF_SIGNALLED:
    case SIM_OP_KINDS: break;
    }
}

static void footprint_of(const struct sim *s, int t, enum move_kind kind, struct footprint *f)
{
    f->count = 0;
    f->touches_all = false;
    touch_op(s, t, kind, f);
    for (uint16_t i = 0; i < f->count && s->tasks[t].pending; i++)
        f->touches[i].never_waits = true;
}

/* ---- moving ---- */

static bool waits_in_vain(const struct sim *s, int t)
{
    if (eldest_zombie(s, t) >= 0)
        return false;
    for (int c = 0; c < s->program->task_count; c++)
        if (is_child(s, t, c) && is_unreaped(s, c))
            return true;
    return false;
}

static bool would_block(const struct sim *s, int t)
{
    const struct sim_op *op = op_of(s, t);
    switch ((enum sim_op_kind)op->kind) {
    case SIM_READ: return !level(s, op->object) && s->pipes[op->object].writers;
    case SIM_WRITE: return s->pipes[op->object].readers && room(s, op->object) < op->n;
    case SIM_TAKE: return s->level[op->object] < op->n;
    case SIM_LOCK: return s->owner[op->object];
    case SIM_WAIT: return waits_in_vain(s, t);
    case SIM_PAUSE: return true;
    default: return false;
    }
}

static bool may_block(uint8_t kind)
{
    return kind == SIM_READ || kind == SIM_WRITE || kind == SIM_TAKE || kind == SIM_LOCK ||
           kind == SIM_WAIT || kind == SIM_PAUSE;
}

static void add_option(const struct sim *s, int t, enum move_kind kind, struct choice *o)
{
    const struct sim_task *task = &s->tasks[t];
    uint8_t op = op_of(s, t)->kind;
    *o = (struct choice){.move = {(uint16_t)t, (uint8_t)kind}, .op = task->moves + 1u};
    footprint_of(s, t, kind, &o->footprint);
    if (kind != MOVE_GO || task->pending)
        return; /* ENABLED_YES: at worst EINTR */
    if (s->program->tries && may_block(op))
        o->enabled = ENABLED_UNKNOWN;
    else
        o->enabled = would_block(s, t) ? ENABLED_NO : ENABLED_YES;
    bool fails = (op == SIM_READ_NB && !level(s, op_of(s, t)->object)) ||
                 (op == SIM_WRITE_NB && room(s, op_of(s, t)->object) < op_of(s, t)->n);
    o->is_yield = fails;
}

size_t sim_options(const struct sim *s, struct choice *out)
{
    size_t n = 0;
    for (int t = 0; t < s->program->task_count; t++) {
        const struct sim_task *task = &s->tasks[t];
        if (task->state == SIM_DEAD)
            add_option(s, t, MOVE_REPORT, &out[n++]);
        if (task->state != SIM_HELD || (op_of(s, t)->kind == SIM_END && !task->has_parent))
            continue;
        add_option(s, t, MOVE_GO, &out[n++]);
        if (task->pending)
            add_option(s, t, MOVE_SIGNAL, &out[n++]);
    }
    return n;
}

static void note(struct sim_task *t, uint64_t result)
{
    t->log = (t->log ^ (result + 0x9e3779b97f4a7c15u)) * 0x100000001b3u;
    t->log ^= t->log >> 29;
}

static void handle_signal(struct sim_task *t)
{
    t->pending = 0;
    t->flag = 1;
    note(t, 7777u + t->pc);
}

static void close_end(struct sim *s, int pipe, bool of_readers)
{
    uint8_t *n = of_readers ? &s->pipes[pipe].readers : &s->pipes[pipe].writers;
    (*n)--;
}

static uint64_t do_read(struct sim *s, const struct sim_op *op, uint16_t *done)
{
    struct sim_pipe *p = &s->pipes[op->object];
    uint64_t seen = 0;
    while (*done < op->n && p->in > p->out) {
        seen = seen * 31 + p->bytes[p->out++ % SIM_BYTES] + 1u;
        (*done)++;
    }
    return seen;
}

static uint64_t do_write(struct sim *s, int t, const struct sim_op *op, uint16_t *done)
{
    struct sim_pipe *p = &s->pipes[op->object];
    if (p->readers == 0)
        return 32;
    if (room(s, op->object) < op->n)
        return 11;
    for (; *done < op->n; (*done)++)
        p->bytes[p->in++ % SIM_BYTES] = (uint8_t)(t + 1);
    return *done;
}

static void do_exit(struct sim *s, int t)
{
    for (int i = 0; i < SIM_PIPES; i++) {
        if (holds(s, t, i, true))
            close_end(s, i, true);
        if (holds(s, t, i, false))
            close_end(s, i, false);
    }
    s->tasks[t].state = SIM_DEAD;
}

/* The call itself; not for one that would block. */
static void execute(struct sim *s, int t, struct act *act)
{
    struct sim_task *task = &s->tasks[t];
    const struct sim_op *op = op_of(s, t);
    uint16_t done = 0;
    uint64_t result = 0;
    switch ((enum sim_op_kind)op->kind) {
    case SIM_END: do_exit(s, t); return;
    case SIM_READ:
    case SIM_READ_NB: result = do_read(s, op, &done); break;
    case SIM_WRITE:
    case SIM_WRITE_NB: result = do_write(s, t, op, &done); break;
    case SIM_POLL:
        result = (level(s, op->object) > 0) + 2u * (room(s, op->object) > 0) +
                 4u * (s->pipes[op->object].writers == 0) +
                 8u * (s->pipes[op->object].readers == 0);
        break;
    case SIM_CLOSE_R:
        if (holds(s, t, op->object, true))
            close_end(s, op->object, true);
        break;
    case SIM_CLOSE_W:
        if (holds(s, t, op->object, false))
            close_end(s, op->object, false);
        break;
    case SIM_ADD:
        s->level[op->object] = (uint16_t)(s->level[op->object] + op->n);
        s->added[op->object] = (uint16_t)(s->added[op->object] + op->n);
        break;
    case SIM_TAKE:
        s->level[op->object] = (uint16_t)(s->level[op->object] - op->n);
        s->taken[op->object] = (uint16_t)(s->taken[op->object] + op->n);
        break;
    case SIM_LOCK: s->owner[op->object] = (uint8_t)(t + 1); break;
    case SIM_UNLOCK: s->owner[op->object] = 0; break;
    case SIM_LOAD: result = task->reg = s->value[op->object]; break;
    case SIM_STORE: s->value[op->object] = (uint8_t)(task->reg + 1 + 16 * t); break;
    case SIM_FORK:
        s->tasks[op->object].state = SIM_HELD;
        act->born = op->object;
        break;
    case SIM_WAIT: {
        int child = eldest_zombie(s, t);
        result = (uint64_t)(child + 1);
        if (child >= 0)
            s->tasks[child].reg = 0;
        break;
    }
    case SIM_SEND:
        if (s->tasks[op->object].state < SIM_DEAD)
            s->tasks[op->object].pending = 1;
        break;
    case SIM_SKIP_IF_SIGNALLED: task->pc = (uint8_t)(task->pc + task->flag); break;
    case SIM_LOCAL:
    case SIM_PAUSE:
    case SIM_OP_KINDS: break;
    }
    for (uint16_t i = 0; i < act->footprint.count; i++) {
        struct touch *f = &act->footprint.touches[i];
        if (f->kind == TOUCH_STREAM_READ || f->kind == TOUCH_STREAM_WRITE)
            f->done = done;
    }
    note(task, result);
    task->pc++;
}

static void finish(struct sim *s, int t, struct act *act)
{
    struct sim_task *task = &s->tasks[t];
    bool is_interrupted = task->pending && would_block(s, t);
    if (task->pending)
        handle_signal(task);
    if (is_interrupted) {
        note(task, 4);
        task->pc++;
    } else {
        execute(s, t, act);
    }
}

static void go(struct sim *s, int t, struct act *act)
{
    struct sim_task *task = &s->tasks[t];
    if (would_block(s, t) && !task->pending) {
        task->state = SIM_PARKED;
        s->parked[s->parked_count++] = (uint8_t)t;
        act->is_parking = true;
        return;
    }
    finish(s, t, act);
}

static size_t wake(struct sim *s, struct act *acts)
{
    for (int i = 0; i < s->parked_count; i++) {
        int t = s->parked[i];
        if (would_block(s, t) && !s->tasks[t].pending)
            continue;
        memmove(&s->parked[i], &s->parked[i + 1], (size_t)(s->parked_count - i - 1));
        s->parked_count--;
        s->tasks[t].state = SIM_HELD;
        *acts = (struct act){
            .move = {(uint16_t)t, MOVE_GO}, .op = s->tasks[t].moves, .is_forced = true};
        footprint_of(s, t, MOVE_GO, &acts->footprint);
        finish(s, t, acts);
        return 1 + wake(s, acts + 1);
    }
    return 0;
}

size_t sim_move(struct sim *s, const struct choice *o, struct act *acts)
{
    int t = o->move.task;
    struct sim_task *task = &s->tasks[t];
    acts[0] = (struct act){.move = o->move, .op = o->op, .footprint = o->footprint};
    task->moves++;
    switch ((enum move_kind)o->move.kind) {
    case MOVE_SIGNAL: handle_signal(task); break;
    case MOVE_REPORT:
        task->state = SIM_GONE;
        task->reg = ZOMBIE;
        break;
    default: go(s, t, &acts[0]); break;
    }
    return 1 + wake(s, acts + 1);
}

/* ---- results ---- */

uint64_t sim_hash(const struct sim *s)
{
    struct sim_task all = {0};
    for (int t = 0; t < s->program->task_count; t++) {
        note(&all, s->tasks[t].log);
        note(&all, s->tasks[t].pc * 256u + s->tasks[t].reg);
        note(&all, s->tasks[t].state == SIM_PARKED ? SIM_HELD : s->tasks[t].state);
    }
    for (int i = 0; i < SIM_PIPES; i++)
        for (uint16_t k = s->pipes[i].out; k < s->pipes[i].in; k++)
            note(&all, s->pipes[i].bytes[k % SIM_BYTES] + 256u * (unsigned)i);
    for (int i = 0; i < SIM_OBJECTS; i++)
        note(&all, s->level[i] + 256u * s->owner[i] + 65536u * s->value[i]);
    return all.log;
}

bool sim_is_over(const struct sim *s)
{
    for (int t = 0; t < s->program->task_count; t++) {
        const struct sim_task *task = &s->tasks[t];
        bool is_at_end = task->state == SIM_GONE ||
                         (!task->has_parent && s->program->ops[t][task->pc].kind == SIM_END);
        if (task->state != SIM_UNBORN && !is_at_end)
            return false;
    }
    return true;
}

char sim_code(struct move m)
{
    return (char)('0' + m.task * 8 + m.kind);
}

static void tell(struct sim_run *r, const struct chooser *c, const struct act *act)
{
    if (!act->is_parking && r->event_count + 1 < sizeof r->events)
        r->events[r->event_count++] = sim_code(act->move);
    if (c->moved)
        c->moved(c->self, act);
}

struct sim_run sim_run(const struct sim_program *p, const struct chooser *c, uint32_t moves_max)
{
    struct sim s;
    struct sim_run r = {0};
    struct choice options[SIM_OPTIONS];
    struct act acts[SIM_ACTS];
    sim_init(&s, p);
    c->begin(c->self);
    for (;;) {
        struct standing standing = {.choices = options, .step = r.moves};
        struct move parked[SIM_TASKS];
        for (int i = 0; i < s.parked_count; i++)
            parked[i] = (struct move){s.parked[i], MOVE_GO};
        standing.parked = parked;
        standing.parked_count = s.parked_count;
        standing.count = sim_options(&s, options);
        r.is_cut = moves_max && r.moves >= moves_max;
        if (standing.count == 0 || r.is_cut)
            break;
        int chosen = c->choose(c->self, &standing);
        if (chosen < 0) {
            r.gave_up = true;
            break;
        }
        assert((size_t)chosen < standing.count);
        size_t n = sim_move(&s, &options[chosen], acts);
        for (size_t i = 0; i < n; i++)
            tell(&r, c, &acts[i]);
        r.moves++;
    }
    r.is_deadlock = !r.gave_up && !r.is_cut && !sim_is_over(&s);
    r.hash = sim_hash(&s);
    if (c->end)
        c->end(c->self, r.is_deadlock);
    return r;
}
