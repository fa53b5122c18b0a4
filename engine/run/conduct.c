#include "run/conduct.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "run/conduct_parts.h"

enum { MOVES_MAX = 20000 };

/* ---- names ---- */

static struct member *member_at(struct conduct *c, uint32_t birth)
{
    while (c->members_count <= birth)
        *PUSH(c->members) = (struct member){0};
    return &c->members[birth];
}

static void set_name(struct conduct *c, uint32_t birth, const char *name)
{
    struct member *m = member_at(c, birth);
    m->name = cast_index(c->options.cast, name);
    m->is_known = true;
}

/* P's children are P.1, P.2; its second thread is P/2, and that thread's child P/2.1. Returns the
 * index. */
static uint16_t name_child(struct conduct *c, uint32_t creator, uint32_t birth, bool is_thread)
{
    char name[CAST_NAME_MAX];
    struct member *m = member_at(c, creator);
    uint32_t n = is_thread ? ++m->threads + 1 : ++m->children;
    snprintf(name, sizeof name, "%s%c%u", cast_name(c->options.cast, m->name),
             is_thread ? '/' : '.', n);
    set_name(c, birth, name);
    return c->members[birth].name;
}

uint16_t conduct_name(const struct conduct *c, uint32_t birth)
{
    return birth < c->members_count ? c->members[birth].name : 0;
}

/* ---- the hooks ---- */

static bool is_meant(const struct fault *f, const struct choice *o)
{
    if (f->kind == FAULT_SMALL)
        return o->call == CALL_pipe || o->call == CALL_pipe2;
    return f->task == o->move.task && f->op == o->op;
}

static const struct fault *fault_for(const struct conduct *c, const struct choice *o)
{
    for (size_t i = 0; o->move.kind == MOVE_GO && i < c->options.fault_count; i++)
        if (is_meant(&c->options.faults[i], o))
            return &c->options.faults[i];
    return NULL;
}

static void key_event(struct conduct *c, uint32_t event, uint16_t task, uint32_t op)
{
    if (event == UINT32_MAX)
        return;
    while (c->event_keys_count <= event)
        *PUSH(c->event_keys) = 0;
    c->event_keys[event] = (uint64_t)(task + 1) << 32 | op;
}

static uint64_t handled_signals(const struct conduct *c, uint32_t proc, bool without_restart)
{
    uint64_t set = 0, flags;
    for (int sig = 1; sig <= 31; sig++)
        if (model_handler(c->model, proc, sig, &flags) > 1 &&
            !(without_restart && (flags & SA_RESTART)))
            set |= UINT64_C(1) << (sig - 1);
    return set;
}

static void tell_call(struct conduct *c, const struct choice *o, const struct footprint_move *move)
{
    const struct recording *rec = c->model ? model_recording(c->model) : NULL;
    struct op op;
    if (!c->options.on_call || o->move.kind != MOVE_GO || !rec || move->proc == MODEL_NONE ||
        move->event >= recording_event_count(rec))
        return;
    call_decode(rec, recording_event(rec, move->event), &op);
    struct fault_facts facts = {.call = (enum call)o->call,
                                .size = op.size,
                                .handled = handled_signals(c, move->proc, false),
                                .interrupting = handled_signals(c, move->proc, true),
                                .is_child = move->proc != 0};
    const struct fd_slot *slot = op.fd >= 0 ? model_fd(c->model, move->proc, op.fd) : NULL;
    if (slot) {
        const struct object *object =
            model_object(c->model, model_file(c->model, slot->file)->object);
        facts.is_stream = object->kind == OBJECT_PIPE || object->kind == OBJECT_FIFO ||
                          object->kind == OBJECT_SOCKET;
        facts.is_file = object->kind == OBJECT_FILE && !object->is_outside;
    }
    c->options.on_call(c->options.arg, o->move, o->op, &facts);
}

static enum trace_answer on_choose(void *arg, struct step_choice *out)
{
    struct conduct *c = arg;
    uint32_t most = c->options.moves_max ? c->options.moves_max : MOVES_MAX;
    if (c->moves >= most)
        return TRACE_STOP_FLOODED;
    if (!member_at(c, 0)->is_known)
        set_name(c, 0, "P");
    conduct_list(c);
    if (c->list_count == 0) /* only in fair time with nothing due: cannot be */
        return TRACE_STOP_STUCK;
    struct standing standing = {.choices = c->list,
                                .count = c->list_count,
                                .parked = c->parked,
                                .parked_count = c->parked_count,
                                .step = c->moves};
    const struct chooser *chooser = c->options.chooser;
    if (c->options.look)
        c->options.look(c->options.look_arg, c, &standing);
    int index = chooser->choose(chooser->self, &standing);
    if (index < 0) {
        c->is_given_up = true;
        return TRACE_STOP_STUCK;
    }
    const struct choice *o = &c->list[index];
    *out = c->meanings[index].choice;
    const struct fault *fault = fault_for(c, o);
    if (fault) {
        out->fault = fault_step((enum fault_kind)fault->kind);
        out->value = fault->value;
    }
    tell_call(c, o, &c->meanings[index].move);
    c->chosen =
        (struct act){.move = o->move, .op = o->op, .call = o->call, .footprint = o->footprint};
    if (o->move.kind == MOVE_GO)
        key_event(c, c->meanings[index].move.event, o->move.task, o->op);
    c->moves++;
    c->last_move_ns = clock_ns();
    return TRACE_GO_ON;
}

static struct act *open_of(struct conduct *c, uint16_t task)
{
    for (size_t i = 0; i < c->open_count; i++)
        if (c->open[i].move.task == task)
            return &c->open[i];
    return NULL;
}

static void on_done(void *arg, const struct step_done *done)
{
    struct conduct *c = arg;
    const struct chooser *chooser = c->options.chooser;
    uint16_t name = conduct_name(c, done->birth);
    struct act act = c->chosen;
    struct act *open = open_of(c, name);
    if (done->is_forced) {
        if (!open)
            return;
        act = *open;
        *open = c->open[--c->open_count];
        act.is_forced = true;
        act.is_parking = false;
        if (done->kind == STEP_SIGNAL)
            act.move.kind = MOVE_SIGNAL;
    } else if (open && (done->kind == STEP_TIMEOUT || done->kind == STEP_GO)) {
        *open = c->open[--c->open_count]; /* its time is over */
    }
    act.is_parking = done->is_parking;
    act.event = done->event;
    if (done->is_parking)
        *PUSH(c->open) = act;
    else if (done->has_returned)
        footprint_finish(&act.footprint, done->ret);
    if (done->child != UINT32_MAX && !member_at(c, done->child)->is_known)
        act.born = name_child(c, done->birth, done->child, done->child_is_thread);
    if (chooser->moved)
        chooser->moved(chooser->self, &act);
}

static enum trace_answer on_stuck(void *arg)
{
    struct conduct *c = arg;
    const struct model *m = c->catch_up(c->arg);
    c->stuck_ns = c->last_move_ns ? clock_ns() - c->last_move_ns : 0;
    return !m || model_is_stuck(m) ? TRACE_STOP_STUCK : TRACE_GO_ON;
}

/* ---- for those who look ---- */

const struct model *conduct_model(const struct conduct *c)
{
    return c->model;
}

const struct footprint_move *conduct_meaning(const struct conduct *c, size_t choice)
{
    return &c->meanings[choice].move;
}

uint32_t conduct_parked_task(const struct conduct *c, size_t parked)
{
    for (size_t i = 0; c->model && i < step_task_count(c->tracer); i++) {
        const struct step_task *task = step_task_at(c->tracer, i);
        if (task->state == STEP_PARKED && conduct_name(c, task->birth) == c->parked[parked].task)
            return model_task_by_tid(c->model, task->tid);
    }
    return MODEL_NONE;
}

/* ---- life ---- */

struct conduct *conduct_new(const struct conduct_options *options,
                            const struct model *(*catch_up)(void *arg), void *arg)
{
    struct conduct *c = xcalloc(1, sizeof *c);
    c->options = *options;
    c->catch_up = catch_up;
    c->arg = arg;
    c->hooks =
        (struct step_hooks){.choose = on_choose, .done = on_done, .is_stuck = on_stuck, .arg = c};
    return c;
}

const struct step_hooks *conduct_hooks(struct conduct *c)
{
    return &c->hooks;
}

void conduct_attach(struct conduct *c, const struct tracer *t)
{
    c->tracer = t;
}

uint32_t conduct_moves(const struct conduct *c)
{
    return c->moves;
}

uint64_t conduct_stuck_ns(const struct conduct *c)
{
    return c->stuck_ns;
}

bool conduct_was_given_up(const struct conduct *c)
{
    return c->is_given_up;
}

void conduct_free(struct conduct *c)
{
    if (!c)
        return;
    free(c->members);
    free(c->event_keys);
    free(c->proc_names);
    free(c->list);
    free(c->meanings);
    free(c->parked);
    free(c->open);
    free(c);
}
