#include "control/dpor.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/dpor_parts.h"

/* A run that is longer is followed no further: what it shows up to here counts. */
enum { EVENTS_MAX = 4000 };

/* ---- the path ---- */

static void free_event(struct dpor_event *e)
{
    free(e->clock);
    free(e);
}

static void free_node(struct dpor_node *n)
{
    free(n->options);
    free(n->sleep);
    free(n->done);
    free(n->lost);
    free(n->wishes);
    free(n->blocked);
    free(n->parkings);
    free(n);
}

/* Leaves the path as it was in state i. */
static void cut_path(struct dpor *d, size_t i)
{
    while (d->events_count > i)
        free_event(d->events[--d->events_count]);
    while (d->nodes_count > i + 1)
        free_node(d->nodes[--d->nodes_count]);
    if (d->clocked > i)
        d->clocked = i;
}

static struct dpor_node *node_at(struct dpor *d, size_t i)
{
    while (d->nodes_count <= i)
        *PUSH(d->nodes) = xcalloc(1, sizeof(struct dpor_node));
    return d->nodes[i];
}

static bool list_has(const struct dpor_sleeper *list, size_t count, struct move move)
{
    for (size_t i = 0; i < count; i++)
        if (move_equals(list[i].move, move))
            return true;
    return false;
}

static bool is_asleep(const struct dpor_node *n, struct move move)
{
    return list_has(n->sleep, n->sleep_count, move) || list_has(n->done, n->done_count, move);
}

bool dpor_is_taken_care_of(const struct dpor *d, size_t i, struct move move)
{
    const struct dpor_node *n = d->nodes[i];
    if (i < d->events_count && move_equals(d->events[i]->move, move))
        return true;
    for (size_t k = 0; k < n->wishes_count; k++)
        if (move_equals(n->wishes[k], move))
            return true;
    return is_asleep(n, move);
}

void dpor_wish(struct dpor *d, size_t i, struct move move)
{
    if (!dpor_is_taken_care_of(d, i, move))
        *PUSH(d->nodes[i]->wishes) = move;
}

static bool is_known_to_block(const struct dpor_node *n, struct move move)
{
    for (size_t i = 0; i < n->blocked_count; i++)
        if (move_equals(n->blocked[i], move))
            return true;
    return false;
}

static bool is_open(const struct dpor_node *n, const struct dpor_option *o)
{
    return o->enabled != ENABLED_NO && !is_known_to_block(n, o->move);
}

void dpor_wish_all(struct dpor *d, size_t i)
{
    const struct dpor_node *n = d->nodes[i];
    for (size_t k = 0; k < n->options_count; k++)
        if (is_open(n, &n->options[k]))
            dpor_wish(d, i, n->options[k].move);
}

size_t dpor_translate(const struct dpor *d, size_t i, struct move move, struct move *out)
{
    const struct dpor_node *n = d->nodes[i];
    size_t count = 0;
    if (!n->has_standing) {
        out[0] = move;
        return is_known_to_block(n, move) ? 0 : 1;
    }
    for (size_t k = 0; k < n->options_count; k++) {
        if (!is_open(n, &n->options[k]) || dpor_line(n->options[k].move) != dpor_line(move))
            continue;
        if (move_equals(n->options[k].move, move)) {
            out[0] = move;
            return 1;
        }
        out[count++] = n->options[k].move;
    }
    return count;
}

/* ---- sleep ---- */

/* Of a sleeper that woke by itself only old facts are known: where facts decide, they do not
 * commute. */
bool dpor_may_meet(const struct footprint *a, const struct footprint *b)
{
    if (footprint_now(a, b) != RELATION_COMMUTES)
        return true;
    for (uint16_t i = 0; i < a->count; i++)
        for (uint16_t j = 0; j < b->count; j++) {
            const struct touch *t = &a->touches[i];
            bool is_by_facts = t->kind >= TOUCH_STREAM_READ && t->kind <= TOUCH_COUNT_LOOK;
            if (t->object == b->touches[j].object &&
                (is_by_facts || t->kind == TOUCH_CHILD_WAIT || t->kind == TOUCH_CHILD_END))
                return true;
        }
    return false;
}

static const struct choice *now_option(const struct dpor *d, struct move move)
{
    for (size_t i = 0; i < d->now_count; i++)
        if (move_equals(d->now[i].move, move))
            return &d->now[i];
    return NULL;
}

static void pass_sleep(struct dpor *d, size_t i, const struct dpor_sleeper *list, size_t count)
{
    const struct dpor_event *e = d->events[i];
    struct dpor_node *next = node_at(d, i + 1);
    for (size_t k = 0; k < count; k++) {
        if (list[k].move.task == e->move.task && dpor_line(list[k].move) == dpor_line(e->move))
            continue;
        const struct choice *o =
            d->now_node == i && !e->is_forced ? now_option(d, list[k].move) : NULL;
        const struct footprint *f = o ? &o->footprint : &list[k].footprint;
        bool commutes = e->is_forced ? !dpor_may_meet(f, &e->before)
                                     : footprint_now(f, &e->before) == RELATION_COMMUTES;
        if (commutes && !list_has(next->sleep, next->sleep_count, list[k].move))
            *PUSH(next->sleep) = (struct dpor_sleeper){list[k].move, *f};
    }
}

/* ---- choosing ---- */

static void keep_standing(struct dpor *d, const struct standing *s)
{
    struct dpor_node *n = node_at(d, d->cursor);
    d->now_count = n->options_count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct choice *o = &s->choices[i];
        *PUSH(d->now) = *o;
        *PUSH(n->options) = (struct dpor_option){o->move, o->op, o->enabled};
        d->stats.opaque += o->footprint.touches_all;
    }
    n->has_standing = true;
    d->now_node = d->cursor;
}

/* A move that could be had in state i and is gone after event i, or that was an alternative to it:
 * the other order, or the other move, is another run. If it sleeps, that run is known; but not
 * those in which something wakes it first. */
static void note_vanished(struct dpor *d, const struct standing *s)
{
    size_t i = d->now_node;
    if (i == SIZE_MAX || i >= d->cursor)
        return;
    struct dpor_node *n = d->nodes[i];
    for (size_t k = 0; k < n->options_count; k++) {
        const struct dpor_option *o = &n->options[k];
        struct move chosen = d->events[i]->move;
        bool is_there = move_equals(o->move, chosen);
        for (size_t j = 0; s && j < s->count && !is_there; j++)
            is_there =
                move_equals(s->choices[j].move, o->move) && dpor_line(o->move) != dpor_line(chosen);
        if (!is_open(n, o) || is_there)
            continue;
        const struct choice *then = now_option(d, o->move);
        if (then && is_asleep(n, o->move))
            *PUSH(n->lost) = then->footprint;
        dpor_wish(d, i, o->move);
    }
}

static int find_option(const struct standing *s, struct move move)
{
    for (size_t i = 0; i < s->count; i++)
        if (move_equals(s->choices[i].move, move))
            return (int)i;
    return -1;
}

static int give_up(struct dpor *d, bool has_diverged)
{
    d->gave_up = true;
    d->has_diverged = d->has_diverged || has_diverged;
    return CHOOSE_NOBODY;
}

/* Small is better: what surely goes first, tries before waiting, nobody's yield before others'
 * work; of equals the one that is moving already. */
static unsigned rank_option(const struct dpor *d, const struct choice *o)
{
    bool moves_on = d->cursor && d->events[d->cursor - 1]->move.task == o->move.task;
    return (o->is_yield ? 4u : 0u) + (o->enabled == ENABLED_UNKNOWN ? 2u : 0u) +
           (moves_on ? 0u : 1u);
}

static int choose_freely(struct dpor *d, const struct standing *s)
{
    const struct dpor_node *n = d->nodes[d->cursor];
    int best = -1;
    bool is_any_open = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct choice *o = &s->choices[i];
        if (o->enabled == ENABLED_NO)
            continue;
        is_any_open = true;
        if (is_asleep(n, o->move))
            continue;
        if (best < 0 || rank_option(d, o) < rank_option(d, &s->choices[best]))
            best = (int)i;
    }
    if (best >= 0)
        return best;
    if (!is_any_open)
        return 0; /* all that is left would block: let it */
    for (size_t i = 0; i < s->count; i++) {
        const struct choice *o = &s->choices[i];
        if (o->enabled == ENABLED_NO)
            *PUSH(d->parked) = (struct dpor_parking){o->move, o->op, o->footprint};
    }
    return give_up(d, false);
}

/* The move for which this run was made. What cannot be had after all gives way to what its task
 * can do instead, or to all others. A deadline passes for who sleeps: who is awake is let go first.
 */
static int choose_branch(struct dpor *d, const struct standing *s, struct move wish)
{
    struct dpor_node *n = d->nodes[d->cursor];
    int sleeper = find_option(s, (struct move){wish.task, MOVE_GO});
    if (wish.kind == MOVE_TIMEOUT && find_option(s, wish) < 0 && sleeper >= 0) {
        d->plan_at--;
        return sleeper;
    }
    *PUSH(n->wishes) = wish;
    while (n->wishes_count) {
        struct move some[MOVE_KIND_COUNT], move = n->wishes[--n->wishes_count];
        int found = find_option(s, move);
        if (found >= 0 && s->choices[found].enabled != ENABLED_NO && !is_known_to_block(n, move))
            return found;
        size_t count = dpor_translate(d, d->cursor, move, some);
        for (size_t i = 0; i < count; i++)
            dpor_wish(d, d->cursor, some[i]);
        if (count == 0)
            dpor_wish_all(d, d->cursor);
    }
    return give_up(d, false);
}

static int choose(void *self, const struct standing *s)
{
    struct dpor *d = self;
    if (d->has_diverged)
        return give_up(d, true);
    bool is_branch = d->plan_at + 1 == d->plan_count;
    d->is_replayed = d->must_happen = false;
    if (d->cursor > EVENTS_MAX) {
        d->is_cut = true;
        return give_up(d, false);
    }
    if (d->plan_at >= d->plan_count) {
        note_vanished(d, s);
        keep_standing(d, s);
        return choose_freely(d, s);
    }
    const struct dpor_plan *next = &d->plan[d->plan_at++];
    d->is_replayed = next->is_parking;
    d->must_happen = !next->is_parking && !is_branch;
    if (is_branch && !next->is_parking) {
        keep_standing(d, s);
        return choose_branch(d, s, next->move);
    }
    int found = find_option(s, next->move);
    return found >= 0 ? found : give_up(d, true);
}

/* ---- what happened ---- */

/* A long write that falls asleep half done has already done its first half. */
static bool is_half_done(const struct act *act)
{
    for (uint16_t i = 0; i < act->footprint.count; i++) {
        const struct touch *t = &act->footprint.touches[i];
        if (t->kind == TOUCH_STREAM_WRITE && t->size > PIPE_BUF && t->room && t->room < t->size)
            return true;
    }
    return false;
}

static void note_parking(struct dpor *d, const struct act *act)
{
    struct dpor_parking p = {act->move, act->op, act->footprint};
    *PUSH(d->parked) = p;
    struct dpor_node *n = node_at(d, d->cursor);
    if (!is_known_to_block(n, act->move))
        *PUSH(n->blocked) = act->move;
    if (!d->is_replayed)
        *PUSH(n->parkings) = p;
}

static void unpark(struct dpor *d, uint16_t task)
{
    for (size_t i = 0; i < d->parked_count; i++)
        if (d->parked[i].move.task == task)
            d->parked[i--] = d->parked[--d->parked_count];
}

static bool is_same(const struct dpor_event *e, const struct act *act)
{
    return move_equals(e->move, act->move) && e->op == act->op && e->is_forced == act->is_forced;
}

static void add_event(struct dpor *d, const struct act *act)
{
    struct dpor_event *e = xcalloc(1, sizeof *e);
    const struct choice *o = act->is_forced ? NULL : now_option(d, act->move);
    e->move = act->move;
    e->op = act->op;
    e->born = act->born;
    e->is_forced = act->is_forced;
    e->after = act->footprint;
    e->before = o ? o->footprint : act->footprint;
    size_t i = d->cursor;
    struct dpor_node *n = node_at(d, i);
    n->is_bound = e->is_forced && is_asleep(n, e->move);
    *PUSH(d->events) = e;
    pass_sleep(d, i, d->nodes[i]->sleep, d->nodes[i]->sleep_count);
    pass_sleep(d, i, d->nodes[i]->done, d->nodes[i]->done_count);
}

static void moved(void *self, const struct act *act)
{
    struct dpor *d = self;
    if (d->has_diverged || d->cursor > EVENTS_MAX)
        return;
    if (act->is_parking && !is_half_done(act)) {
        d->has_diverged = d->must_happen;
        note_parking(d, act);
        return;
    }
    unpark(d, act->move.task);
    if (d->cursor < d->branch && !is_same(d->events[d->cursor], act))
        d->has_diverged = true;
    else if (d->cursor >= d->branch) {
        d->plan_at = d->plan_count;
        add_event(d, act);
    }
    d->cursor++;
}

static void begin(void *self)
{
    struct dpor *d = self;
    d->plan_at = d->cursor = d->parked_count = d->now_count = 0;
    d->now_node = SIZE_MAX;
    d->has_begun = true;
    d->gave_up = d->has_diverged = d->is_cut = false;
    node_at(d, 0);
}

static void end(void *self, bool has_failed)
{
    struct dpor *d = self;
    (void)has_failed;
    if (d->cursor < d->branch)
        d->has_diverged = true;
    if (!d->has_diverged && !d->gave_up)
        note_vanished(d, NULL);
}

/* ---- the next run ---- */

static bool is_rendezvous(const struct footprint *f)
{
    for (uint16_t i = 0; i < f->count; i++)
        if (f->touches[i].kind == TOUCH_STREAM_OPEN_READ ||
            f->touches[i].kind == TOUCH_STREAM_OPEN_WRITE)
            return true;
    return false;
}

static bool is_lock(const struct footprint *f)
{
    for (uint16_t i = 0; i < f->count; i++)
        if (f->touches[i].kind == TOUCH_LOCK_TAKE || f->touches[i].kind == TOUCH_LOCK_SHARE)
            return true;
    return false;
}

/* The event in which the call that fell asleep in state i was over; SIZE_MAX: in none. */
static size_t completion(const struct dpor *d, size_t i, struct move move)
{
    for (; i < d->events_count; i++)
        if (d->events[i]->move.task == move.task && d->events[i]->move.kind != MOVE_TIMER)
            return i;
    return SIZE_MAX;
}

/* Does a parking stay on a path that ends in state `last`, where `wish` is tried? */
static bool stays(const struct dpor *d, size_t i, const struct dpor_parking *p, size_t last,
                  struct move wish)
{
    size_t over = completion(d, i, p->move);
    if (over < last || is_rendezvous(&p->footprint))
        return true;
    if (p->move.task == wish.task)
        return wish.kind == MOVE_TIMEOUT;
    return is_lock(&p->footprint) && over != last;
}

static void keep_parkings(struct dpor *d, size_t last, struct move wish)
{
    for (size_t i = 0; i <= last; i++) {
        struct dpor_node *n = d->nodes[i];
        size_t kept = 0;
        for (size_t k = 0; k < n->parkings_count; k++)
            if (stays(d, i, &n->parkings[k], last, wish))
                n->parkings[kept++] = n->parkings[k];
        n->parkings_count = kept;
    }
}

static bool is_parked_at(const struct dpor *d, size_t last, uint16_t task)
{
    for (size_t i = 0; i <= last; i++)
        for (size_t k = 0; k < d->nodes[i]->parkings_count; k++)
            if (d->nodes[i]->parkings[k].move.task == task) {
                size_t over = completion(d, i, d->nodes[i]->parkings[k].move);
                if (over >= last)
                    return true;
            }
    return false;
}

static void make_plan(struct dpor *d, size_t last, struct move wish)
{
    d->plan_count = 0;
    for (size_t i = 0; i <= last; i++) {
        const struct dpor_node *n = d->nodes[i];
        for (size_t k = 0; k < n->parkings_count; k++)
            *PUSH(d->plan) = (struct dpor_plan){n->parkings[k].move, true};
        if (i == last)
            *PUSH(d->plan) = (struct dpor_plan){wish, false};
        else if (!d->events[i]->is_forced)
            *PUSH(d->plan) = (struct dpor_plan){d->events[i]->move, false};
    }
}

static void set_out(struct dpor *d, size_t i, struct move wish)
{
    struct dpor_node *n = d->nodes[i];
    keep_parkings(d, i, wish);
    if (i < d->events_count)
        *PUSH(n->done) = (struct dpor_sleeper){d->events[i]->move, d->events[i]->before};
    n->lost_count = 0;
    make_plan(d, i, wish);
    cut_path(d, i);
    d->branch = i;
}

/* Takes the next wish of state i that is still one; false: none. */
static bool take_wish(struct dpor *d, size_t i, struct move *out)
{
    struct dpor_node *n = d->nodes[i];
    while (n->wishes_count) {
        struct move wish = n->wishes[--n->wishes_count];
        bool is_on_path = i < d->events_count && move_equals(d->events[i]->move, wish);
        if (is_on_path || is_asleep(n, wish) || is_known_to_block(n, wish))
            continue;
        if (i < d->events_count && d->events[i]->is_forced) {
            /* only if who woke by itself can be kept awake */
            keep_parkings(d, i, wish);
            if (n->is_bound || is_parked_at(d, i, d->events[i]->move.task)) {
                d->stats.unmet++;
                continue;
            }
        }
        *out = wish;
        return true;
    }
    return false;
}

static void account(struct dpor *d)
{
    if (d->has_diverged)
        d->stats.diverged++;
    else if (d->is_cut)
        d->stats.cut++;
    else if (d->gave_up)
        d->stats.redundant++;
    else
        d->stats.classes++;
}

bool dpor_next(struct dpor *d)
{
    if (d->stats.is_finished)
        return false;
    if (!d->has_begun)
        return true;
    account(d);
    if (!d->has_diverged)
        dpor_find_races(d);
    for (size_t i = d->nodes_count; i > 0; i--) {
        struct move wish;
        if (take_wish(d, i - 1, &wish)) {
            set_out(d, i - 1, wish);
            return true;
        }
    }
    d->stats.is_finished = true;
    return false;
}

/* ---- life ---- */

struct dpor *dpor_new(void)
{
    struct dpor *d = xcalloc(1, sizeof *d);
    d->chooser = (struct chooser){begin, choose, moved, end, d};
    return d;
}

void dpor_free(struct dpor *d)
{
    if (!d)
        return;
    if (d->nodes_count)
        cut_path(d, 0);
    for (size_t i = 0; i < d->nodes_count; i++)
        free_node(d->nodes[i]);
    free(d->events);
    free(d->nodes);
    free(d->plan);
    free(d->now);
    free(d->parked);
    free(d);
}

const struct chooser *dpor_chooser(struct dpor *d)
{
    return &d->chooser;
}

void dpor_cut(struct dpor *d)
{
    d->is_cut = true;
}

struct dpor_stats dpor_stats(const struct dpor *d)
{
    return d->stats;
}

bool dpor_is_complete(const struct dpor *d)
{
    const struct dpor_stats *s = &d->stats;
    return s->is_finished && !s->diverged && !s->cut && !s->unmet;
}
