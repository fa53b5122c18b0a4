#include "explore/shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* After a task's move, somebody else than the plainest order would have. */
struct switch_point {
    struct move after;
    uint32_t after_op;
    bool is_start; /* before the first move */
    struct move then;
};

struct switches {
    struct switch_point *list;
    size_t list_count, list_cap;
};

/* A chooser of the plainest order, with differences. */
struct plain {
    struct chooser chooser;
    const struct switch_point *points;
    size_t count;
    const struct schedule *trail; /* when it is followed: differences are noted in *noted */
    struct switches *noted;
    size_t at;
    bool has_last;
    struct move last;
    uint32_t last_op;
};

static bool is_same(struct move a, struct move b)
{
    return a.task == b.task && a.kind == b.kind;
}

static int find(const struct standing *s, struct move move)
{
    for (size_t i = 0; i < s->count; i++)
        if (is_same(s->choices[i].move, move))
            return (int)i;
    return CHOOSE_NOBODY;
}

/* Stays with whoever moved last while it can go; else the first that can; else the first. Time
 * passes last. */
static int plainest(const struct plain *p, const struct standing *s)
{
    int best = 0, best_rank = 9;
    for (size_t i = 0; i < s->count; i++) {
        const struct choice *c = &s->choices[i];
        bool is_time = c->move.kind == MOVE_TIMEOUT || c->move.kind == MOVE_TIMER;
        bool is_last = p->has_last && c->move.task == p->last.task;
        int rank = c->enabled == ENABLED_NO ? 4 : is_time ? 3 : c->is_yield ? 2 : is_last ? 0 : 1;
        if (rank < best_rank) {
            best_rank = rank;
            best = (int)i;
        }
    }
    return best;
}

static const struct switch_point *point_here(const struct plain *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct switch_point *x = &p->points[i];
        if (x->is_start ? !p->has_last
                        : p->has_last && is_same(x->after, p->last) && x->after_op == p->last_op)
            return x;
    }
    return NULL;
}

static int choose(void *self, const struct standing *s)
{
    struct plain *p = self;
    int plain = plainest(p, s);
    if (p->trail) {
        if (p->at >= p->trail->steps_count)
            return plain;
        struct move wanted = p->trail->steps[p->at++].move;
        int index = find(s, wanted);
        if (index >= 0 && index != plain)
            *PUSH(p->noted->list) = (struct switch_point){
                .after = p->last, .after_op = p->last_op, .is_start = !p->has_last, .then = wanted};
        return index;
    }
    const struct switch_point *point = point_here(p);
    int index = point ? find(s, point->then) : CHOOSE_NOBODY;
    return index >= 0 ? index : plain;
}

static void moved(void *self, const struct act *act)
{
    struct plain *p = self;
    if (act->is_forced)
        return;
    p->has_last = true;
    p->last = act->move;
    p->last_op = act->op;
}

static void plain_init(struct plain *p)
{
    *p = (struct plain){0};
    p->chooser = (struct chooser){.choose = choose, .moved = moved, .self = p};
}

/* ---- delta debugging ---- */

struct shrinking {
    struct trials *trials;
    const struct outcome *outcome;
    uint64_t runs_left;
    struct schedule **best;
    struct fault *faults;
    size_t fault_count;
};

/* Does the run with these differences fail in the same way? Then it is the best so far. 1, 0 or
 * -errno. */
static int fails(struct shrinking *s, const struct switch_point *points, size_t count,
                 const struct fault *faults, size_t fault_count, struct err *e)
{
    struct plain plain;
    struct trial_result result;
    if (s->runs_left == 0)
        return 0;
    s->runs_left--;
    plain_init(&plain);
    plain.points = points;
    plain.count = count;
    struct trial_run run = {
        .chooser = &plain.chooser, .faults = faults, .fault_count = fault_count};
    int rc = trials_run(s->trials, &result, &run, e);
    if (rc < 0)
        return rc;
    bool is = outcome_is_same(&result.outcome, s->outcome);
    if (is) {
        free(result.trail->found_by);
        result.trail->found_by = xstrdup((*s->best)->found_by);
        schedule_free(*s->best);
        *s->best = result.trail;
        result.trail = NULL;
    }
    trial_result_fini(&result);
    return is;
}

/* Without [from, to). */
static size_t without(struct switch_point *out, const struct switches *all, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = 0; i < all->list_count; i++)
        if (i < from || i >= to)
            out[count++] = all->list[i];
    return count;
}

static int reduce(struct shrinking *s, struct switches *all, struct err *e)
{
    struct switch_point *rest = xcalloc(all->list_count + 1, sizeof *rest);
    size_t size = all->list_count;
    int rc = 0;
    while (size > 0 && rc >= 0 && s->runs_left) {
        bool has_shrunk = false;
        for (size_t from = 0; from < all->list_count && rc >= 0;) {
            size_t to = from + size < all->list_count ? from + size : all->list_count;
            size_t count = without(rest, all, from, to);
            rc = fails(s, rest, count, s->faults, s->fault_count, e);
            if (rc == 1) {
                memcpy(all->list, rest, count * sizeof *rest);
                all->list_count = count;
                has_shrunk = true;
            } else {
                from = to;
            }
        }
        if (!has_shrunk || size == 1)
            size = size == 1 && !has_shrunk ? 0 : size > 1 ? size / 2 : size;
    }
    free(rest);
    return rc < 0 ? rc : 0;
}

static int drop_faults(struct shrinking *s, const struct switches *all, struct err *e)
{
    for (size_t i = 0; i < s->fault_count;) {
        struct fault gone = s->faults[i];
        memmove(&s->faults[i], &s->faults[i + 1], (s->fault_count - i - 1) * sizeof *s->faults);
        int rc = fails(s, all->list, all->list_count, s->faults, s->fault_count - 1, e);
        if (rc < 0)
            return rc;
        if (rc == 1) {
            s->fault_count--;
            continue;
        }
        memmove(&s->faults[i + 1], &s->faults[i], (s->fault_count - i - 1) * sizeof *s->faults);
        s->faults[i++] = gone;
    }
    return 0;
}

static int note_differences(struct shrinking *s, struct switches *all, struct err *e)
{
    struct plain plain;
    struct trial_result result;
    plain_init(&plain);
    plain.trail = *s->best;
    plain.noted = all;
    struct trial_run run = {
        .chooser = &plain.chooser, .faults = s->faults, .fault_count = s->fault_count};
    int rc = trials_run(s->trials, &result, &run, e);
    if (rc == 0)
        trial_result_fini(&result);
    return rc;
}

int shrink(struct trials *trials, struct schedule **schedule, const struct outcome *outcome,
           uint64_t runs, size_t *switches, struct err *e)
{
    struct shrinking s = {
        .trials = trials, .outcome = outcome, .runs_left = runs, .best = schedule};
    struct switches all = {0};
    s.fault_count = (*schedule)->faults_count;
    s.faults = xcalloc(s.fault_count + 1, sizeof *s.faults);
    if (s.fault_count)
        memcpy(s.faults, (*schedule)->faults, s.fault_count * sizeof *s.faults);
    int rc = note_differences(&s, &all, e);
    /* the differences alone must be enough */
    if (rc == 0)
        rc = fails(&s, all.list, all.list_count, s.faults, s.fault_count, e);
    if (rc == 1)
        rc = drop_faults(&s, &all, e);
    if (rc == 0)
        rc = reduce(&s, &all, e);
    if (switches)
        *switches = all.list_count;
    free(all.list);
    free(s.faults);
    return rc;
}

/* ---- the critical step ---- */

/* 1 when some order that begins with the first `count` steps ends well. */
static int can_end_well(struct trials *trials, const struct schedule *schedule, size_t count,
                        struct err *e)
{
    static const enum strategy_kind kinds[] = {
        STRATEGY_PARENT_FIRST, STRATEGY_CHILD_FIRST, STRATEGY_ROUND_ROBIN, STRATEGY_URW,
        STRATEGY_URW,          STRATEGY_POS,         STRATEGY_URW,         STRATEGY_URW,
    };
    struct schedule *prefix = schedule_copy(schedule);
    while (prefix->steps_count > count)
        free(prefix->steps[--prefix->steps_count].note);
    int rc = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && rc == 0; i++) {
        struct trial_result result;
        prefix->then = kinds[i];
        prefix->seed = i + 1;
        rc = trials_follow(trials, &result, prefix, true, NULL, NULL, e);
        if (rc < 0)
            break;
        rc = !outcome_is_failure(&result.outcome) && !result.was_given_up;
        trial_result_fini(&result);
    }
    schedule_free(prefix);
    return rc;
}

int critical_step(struct trials *trials, const struct schedule *schedule, size_t *step,
                  struct err *e)
{
    size_t good = 0, bad = schedule->steps_count + 1;
    int rc = can_end_well(trials, schedule, 0, e);
    if (rc == 0)
        return err_set(e, ENOENT, "no order that was tried ends well");
    while (rc >= 0 && bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        rc = middle > schedule->steps_count ? 0 : can_end_well(trials, schedule, middle, e);
        if (rc == 1)
            good = middle;
        else
            bad = middle;
    }
    *step = good;
    return rc < 0 ? rc : 0;
}
