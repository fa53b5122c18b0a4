/* What every task could do next, with what it would touch and whether it would wait. */
#include "run/conduct.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "run/conduct_parts.h"

static void name_procs(struct conduct *c)
{
    for (size_t i = 0; i < step_task_count(c->tracer); i++) {
        const struct step_task *task = step_task_at(c->tracer, i);
        uint32_t proc = task->is_thread ? MODEL_NONE : model_proc_by_pid(c->model, task->tid);
        if (proc == MODEL_NONE)
            continue;
        while (c->proc_names_count <= proc)
            *PUSH(c->proc_names) = UINT16_MAX;
        c->proc_names[proc] = conduct_name(c, task->birth);
    }
}

/* Opening a FIFO waits for the other side: whether a path is one, the file system knows. */
static bool opens_fifo(const struct conduct *c, const struct step_task *task)
{
    if (task->call != CALL_open && task->call != CALL_openat)
        return false;
    struct op op;
    struct stat st;
    char path[4200];
    const struct recording *rec = model_recording(c->model);
    if (task->event >= recording_event_count(rec) ||
        call_decode(rec, recording_event(rec, task->event), &op) < 0 || !op.path)
        return false;
    snprintf(path, sizeof path, "/proc/%d/%s/%s", (int)task->tid,
             op.path[0] == '/' ? "root" : "cwd", op.path);
    return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void describe(struct conduct *c, struct choice *o, const struct footprint_move *move)
{
    struct footprint_names names = {c->event_keys, c->event_keys_count, c->proc_names,
                                    c->proc_names_count};
    footprint_of(c->model, &names, move, &o->footprint);
}

static struct footprint_move move_of(struct conduct *c, const struct step_task *task, uint8_t kind)
{
    struct footprint_move move = {
        .kind = kind, .proc = MODEL_NONE, .task = MODEL_NONE, .event = MODEL_NONE};
    if (!c->model)
        return move;
    move.proc = model_proc_by_pid(c->model, task->tgid);
    move.task = model_task_by_tid(c->model, task->tid);
    if (kind != MOVE_REPORT)
        move.event = task->event;
    if (kind == MOVE_GO)
        move.is_fifo = opens_fifo(c, task);
    return move;
}

static void add_option(struct conduct *c, const struct step_task *task, enum move_kind kind,
                       enum step_kind step)
{
    struct choice *o = PUSH(c->list);
    *o = (struct choice){.move = {conduct_name(c, task->birth), (uint8_t)kind},
                         .enabled = ENABLED_UNKNOWN,
                         .op = task->grants + (task->state != STEP_PARKED),
                         .call = (uint16_t)task->call};
    struct meaning *meaning = PUSH(c->meanings);
    *meaning = (struct meaning){.choice = {.birth = task->birth, .kind = step}};
    meaning->move = move_of(c, task, (uint8_t)kind);
    o->is_yield = kind == MOVE_TIMEOUT || kind == MOVE_TIMER;
    if (c->model && meaning->move.proc != MODEL_NONE)
        describe(c, o, &meaning->move);
    else if (c->options.wants_footprints)
        o->footprint.touches_all = true;
}

/* Whether the call would go through now; the model's own rules, which --verify holds against the
 * kernel. What it does not know, only trying tells. */
static uint8_t ask_enabled(const struct choice *o)
{
    uint8_t answer = ENABLED_YES;
    for (uint16_t i = 0; i < o->footprint.count; i++) {
        const struct touch *t = &o->footprint.touches[i];
        switch ((enum touch_kind)t->kind) {
        case TOUCH_STREAM_READ:
            if (!t->level && !t->is_end && t->size)
                return ENABLED_NO;
            break;
        case TOUCH_STREAM_WRITE:
            if (t->room < t->size && t->size > PIPE_BUF)
                answer = ENABLED_UNKNOWN; /* it may begin, and who waits first goes on first */
            else if (t->room < t->size)
                return t->room ? ENABLED_UNKNOWN : ENABLED_NO;
            break;
        case TOUCH_STREAM_OPEN_READ:
        case TOUCH_STREAM_OPEN_WRITE:
        case TOUCH_STREAM_POLL:
        case TOUCH_ANY: answer = ENABLED_UNKNOWN; break;
        default: break;
        }
    }
    return o->footprint.touches_all ? ENABLED_UNKNOWN : answer;
}

/* A wait for a child goes through when one of those that it may take has ended. */
static bool waits_in_vain(const struct choice *o)
{
    bool waits = false;
    for (uint16_t i = 0; i < o->footprint.count; i++) {
        const struct touch *t = &o->footprint.touches[i];
        if (t->kind != TOUCH_CHILD_WAIT)
            continue;
        waits = true;
        if (t->level)
            return false;
    }
    return waits;
}

static bool is_pause(enum call call)
{
    return call == CALL_pause || call == CALL_rt_sigsuspend || call == CALL_rt_sigtimedwait;
}

static bool is_nonblocking(const struct conduct *c, const struct footprint_move *move)
{
    struct op op;
    const struct recording *rec = model_recording(c->model);
    if (call_decode(rec, recording_event(rec, move->event), &op) < 0 || op.fd < 0)
        return false;
    const struct fd_slot *slot = model_fd(c->model, move->proc, op.fd);
    return slot && (model_file(c->model, slot->file)->flags & O_NONBLOCK);
}

/* A signal that is pending ends a wait before it begins, as a deadline ends it later. */
static void mark_unwaiting(struct footprint *f)
{
    for (uint16_t i = 0; i < f->count; i++)
        f->touches[i].never_waits = true;
}

static void judge_enabled(struct conduct *c, const struct step_task *task)
{
    struct choice *o = &c->list[c->list_count - 1];
    if (task->pending || o->move.kind == MOVE_TIMEOUT)
        mark_unwaiting(&o->footprint);
    const struct footprint_move *move = &c->meanings[c->meanings_count - 1].move;
    if (o->move.kind != MOVE_GO || task->state == STEP_DYING) {
        o->enabled = ENABLED_YES;
        return;
    }
    if (!c->model || move->proc == MODEL_NONE)
        return;
    o->enabled = is_pause(task->call) ? ENABLED_UNKNOWN : ask_enabled(o);
    if (waits_in_vain(o))
        o->enabled = ENABLED_NO;
    if (task->pending || (o->enabled != ENABLED_YES && is_nonblocking(c, move))) {
        /* EINTR, or EAGAIN: it comes back at once */
        o->enabled = ENABLED_YES;
        o->is_yield = true;
    }
}

static bool has_threads_left(const struct conduct *c, const struct step_task *task)
{
    for (size_t i = 0; i < step_task_count(c->tracer); i++) {
        const struct step_task *other = step_task_at(c->tracer, i);
        if (other->tgid == task->tgid && other->tid != task->tid)
            return true;
    }
    return false;
}

static bool is_sleep(const struct step_task *task)
{
    return task->call == CALL_nanosleep || task->call == CALL_clock_nanosleep;
}

static void list_task(struct conduct *c, const struct step_task *task, bool is_time_due)
{
    switch (task->state) {
    case STEP_HELD:
        if (!is_sleep(task) || !task->has_deadline || task->pending) {
            add_option(c, task, MOVE_GO, STEP_GO);
            judge_enabled(c, task);
        }
        if (task->pending) {
            add_option(c, task, MOVE_SIGNAL, STEP_SIGNAL);
            judge_enabled(c, task);
        }
        if (task->has_deadline && is_time_due) {
            add_option(c, task, MOVE_TIMEOUT, STEP_TIMEOUT);
            judge_enabled(c, task);
        }
        break;
    case STEP_DYING:
        add_option(c, task, MOVE_GO, STEP_GO);
        judge_enabled(c, task);
        break;
    case STEP_DEAD:
        if (!has_threads_left(c, task)) {
            add_option(c, task, MOVE_REPORT, STEP_REPORT);
            judge_enabled(c, task);
        }
        break;
    case STEP_PARKED:
        *PUSH(c->parked) = (struct move){conduct_name(c, task->birth), MOVE_GO};
        if (task->has_deadline && is_time_due) {
            add_option(c, task, MOVE_TIMEOUT, STEP_TIMEOUT);
            judge_enabled(c, task);
        }
        break;
    case STEP_MOVING:
    case STEP_STOPPED: break;
    }
}

static const struct step_task *task_of(const struct conduct *c, uint32_t birth)
{
    for (size_t i = 0; i < step_task_count(c->tracer); i++)
        if (step_task_at(c->tracer, i)->birth == birth)
            return step_task_at(c->tracer, i);
    return NULL;
}

/* One for each process: that of its timers which is due first. */
static void list_timers(struct conduct *c, uint64_t until_ns)
{
    for (size_t i = 0; i < step_timer_count(c->tracer); i++) {
        const struct step_timer *timer = step_timer_at(c->tracer, i);
        const struct step_task *task = task_of(c, timer->birth);
        bool is_first = timer->deadline_ns <= until_ns;
        for (size_t j = 0; j < step_timer_count(c->tracer); j++) {
            const struct step_timer *other = step_timer_at(c->tracer, j);
            bool is_earlier = other->deadline_ns < timer->deadline_ns ||
                              (other->deadline_ns == timer->deadline_ns && j < i);
            if (j != i && other->birth == timer->birth && is_earlier)
                is_first = false;
        }
        if (!is_first || !task || task->state == STEP_DEAD)
            continue;
        add_option(c, task, MOVE_TIMER, STEP_TIMER);
        struct meaning *meaning = &c->meanings[c->meanings_count - 1];
        meaning->choice.value = (int64_t)i;
        meaning->move.sig = timer->sig;
        c->list[c->list_count - 1].enabled = ENABLED_YES;
        c->list[c->list_count - 1].op = task->grants + 1;
    }
}

static void list_all(struct conduct *c, bool is_time_due, uint64_t until_ns)
{
    c->list_count = c->meanings_count = c->parked_count = 0;
    for (size_t i = 0; i < step_task_count(c->tracer); i++) {
        const struct step_task *task = step_task_at(c->tracer, i);
        list_task(c, task, is_time_due && task->deadline_ns <= until_ns);
    }
    if (is_time_due)
        list_timers(c, until_ns);
}

static bool can_go(const struct conduct *c)
{
    for (size_t i = 0; i < c->list_count; i++)
        if (c->list[i].enabled != ENABLED_NO)
            return true;
    return false;
}

static uint64_t first_deadline(const struct conduct *c)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < step_task_count(c->tracer); i++) {
        const struct step_task *task = step_task_at(c->tracer, i);
        if (task->has_deadline && task->deadline_ns < first)
            first = task->deadline_ns;
    }
    for (size_t i = 0; i < step_timer_count(c->tracer); i++)
        if (step_timer_at(c->tracer, i)->deadline_ns < first)
            first = step_timer_at(c->tracer, i)->deadline_ns;
    return first;
}

static int compare(const struct choice *a, const struct choice *b)
{
    if (a->move.task != b->move.task)
        return a->move.task < b->move.task ? -1 : 1;
    return a->move.kind < b->move.kind ? -1 : a->move.kind > b->move.kind;
}

/* By task, then kind; the two lists go together. A handful: insertion. */
static void sort_options(struct conduct *c)
{
    for (size_t i = 1; i < c->list_count; i++) {
        struct choice option = c->list[i];
        struct meaning meaning = c->meanings[i];
        size_t at = i;
        for (; at > 0 && compare(&c->list[at - 1], &option) > 0; at--) {
            c->list[at] = c->list[at - 1];
            c->meanings[at] = c->meanings[at - 1];
        }
        c->list[at] = option;
        c->meanings[at] = meaning;
    }
}

void conduct_list(struct conduct *c)
{
    c->model = c->options.wants_footprints ? c->catch_up(c->arg) : NULL;
    if (c->model)
        name_procs(c);
    list_all(c, !c->options.is_fair, UINT64_MAX);
    /* time passes when nothing else can happen, and then the nearest deadline comes first */
    if (c->options.is_fair && !can_go(c))
        list_all(c, true, first_deadline(c));
    sort_options(c);
}
