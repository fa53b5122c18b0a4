#include "control/scripted.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct scripted {
    const struct schedule *schedule;
    const struct cast *cast;
    bool is_strict;
    struct chooser chooser;
    struct profile profile; /* empty: nothing is known */
    struct strategy *then;
    size_t at;       /* step of the list */
    bool *is_passed; /* of each hold */
    struct buf divergence;
    struct choice *allowed; /* what rules leave of a standing */
    size_t *allowed_index;
    size_t allowed_count, allowed_cap, allowed_index_count, allowed_index_cap;
};

/* ---- the list ---- */

static int find(const struct standing *s, const struct schedule_step *step, bool is_exact)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct choice *c = &s->choices[i];
        if (c->move.task == step->move.task && c->move.kind == step->move.kind &&
            (!is_exact || c->op == step->op))
            return (int)i;
    }
    return CHOOSE_NOBODY;
}

static const char *const move_words[] = {
#define X(NAME, word) word,
    MOVE_KINDS(X)
#undef X
};

static void diverge(struct scripted *s, const struct standing *standing)
{
    const struct schedule_step *step = &s->schedule->steps[s->at];
    if (s->divergence.len)
        return;
    buf_printf(&s->divergence, "step %zu of the schedule is %s %u %s%s%s, but to be had is",
               s->at + 1, cast_name(s->cast, step->move.task), step->op,
               move_words[step->move.kind], step->note ? " # " : "", step->note ? step->note : "");
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        buf_printf(&s->divergence, "%s %s %u %s", i ? "," : "", cast_name(s->cast, c->move.task),
                   c->op, move_words[c->move.kind]);
    }
}

/* The next step of the list that is to be had; those that are not are left out. */
static int follow(struct scripted *s, const struct standing *standing)
{
    while (s->at < s->schedule->steps_count) {
        int index = find(standing, &s->schedule->steps[s->at], s->is_strict);
        if (index < 0) {
            diverge(s, standing);
            if (s->is_strict)
                return CHOOSE_NOBODY;
        }
        s->at++;
        if (index >= 0)
            return index;
    }
    return CHOOSE_NOBODY;
}

/* ---- the rules ---- */

static bool is_held(const struct scripted *s, uint16_t task)
{
    for (size_t i = 0; i < s->schedule->holds_count; i++)
        if (!s->is_passed[i] && s->schedule->holds[i].task == task)
            return true;
    return false;
}

static void allow(struct scripted *s, const struct standing *standing, size_t i)
{
    *PUSH(s->allowed) = standing->choices[i];
    *PUSH(s->allowed_index) = i;
}

/* Those that are not held; all, when everybody else would block. */
static void leave_held_out(struct scripted *s, const struct standing *standing)
{
    s->allowed_count = s->allowed_index_count = 0;
    bool can_go = false;
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        if (is_held(s, c->move.task))
            continue;
        allow(s, standing, i);
        can_go = can_go || c->enabled != ENABLED_NO;
    }
    for (size_t i = 0; i < standing->count && !can_go; i++)
        if (is_held(s, standing->choices[i].move.task))
            allow(s, standing, i);
}

static int by_order(const struct scripted *s)
{
    for (size_t o = 0; o < s->schedule->order_count; o++)
        for (size_t i = 0; i < s->allowed_count; i++)
            if (s->allowed[i].move.task == s->schedule->order[o] &&
                s->allowed[i].enabled != ENABLED_NO)
                return (int)i;
    return CHOOSE_NOBODY;
}

static int by_rules(struct scripted *s, const struct standing *standing)
{
    leave_held_out(s, standing);
    int index = by_order(s);
    if (index < 0) {
        struct standing left = *standing;
        left.choices = s->allowed;
        left.count = s->allowed_count;
        const struct chooser *then = strategy_chooser(s->then);
        index = then->choose(then->self, &left);
    }
    return index < 0 ? index : (int)s->allowed_index[index];
}

/* ---- the chooser ---- */

static void begin(void *self)
{
    struct scripted *s = self;
    s->at = 0;
    s->divergence.len = 0;
    for (size_t i = 0; i < s->schedule->holds_count; i++)
        s->is_passed[i] = false;
    strategy_set(s->then, s->schedule->then, s->schedule->seed);
    const struct chooser *then = strategy_chooser(s->then);
    then->begin(then->self);
}

static int choose(void *self, const struct standing *standing)
{
    struct scripted *s = self;
    int index = follow(s, standing);
    if (index >= 0 || (s->is_strict && s->divergence.len))
        return index;
    return by_rules(s, standing);
}

static void moved(void *self, const struct act *act)
{
    struct scripted *s = self;
    for (size_t i = 0; i < s->schedule->holds_count; i++) {
        const struct schedule_hold *hold = &s->schedule->holds[i];
        bool is_end = act->move.kind == MOVE_REPORT;
        if (hold->other == act->move.task && (is_end || (hold->op && act->op >= hold->op)))
            s->is_passed[i] = true;
    }
    const struct chooser *then = strategy_chooser(s->then);
    then->moved(then->self, act);
}

struct scripted *scripted_new(const struct schedule *schedule, const struct cast *cast,
                              bool is_strict)
{
    struct scripted *s = xcalloc(1, sizeof *s);
    s->schedule = schedule;
    s->cast = cast;
    s->is_strict = is_strict;
    s->is_passed = xcalloc(schedule->holds_count + 1, sizeof *s->is_passed);
    s->then = strategy_new(&s->profile);
    s->chooser = (struct chooser){.begin = begin, .choose = choose, .moved = moved, .self = s};
    return s;
}

void scripted_free(struct scripted *s)
{
    if (!s)
        return;
    strategy_free(s->then);
    buf_fini(&s->divergence);
    free(s->is_passed);
    free(s->allowed);
    free(s->allowed_index);
    free(s);
}

const struct chooser *scripted_chooser(const struct scripted *s)
{
    return &s->chooser;
}

size_t scripted_position(const struct scripted *s)
{
    return s->at;
}

const char *scripted_divergence(const struct scripted *s)
{
    return s->divergence.len ? s->divergence.data : NULL;
}
