/* Races of one run: pairs of moves that could have come in the other order. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/dpor_parts.h"

/* ---- clocks ---- */

struct clock {
    uint32_t *at;
    size_t at_count, at_cap;
};

static void clock_set(struct clock *c, size_t line, uint32_t ordinal)
{
    while (c->at_count <= line)
        *PUSH(c->at) = 0;
    if (c->at[line] < ordinal)
        c->at[line] = ordinal;
}

static void clock_join(struct clock *c, const struct dpor_event *e)
{
    for (size_t i = 0; i < e->clock_count; i++)
        clock_set(c, i, e->clock[i]);
}

static bool clock_has(const struct clock *c, const struct dpor_event *e)
{
    size_t line = dpor_line(e->move);
    return line < c->at_count && c->at[line] >= e->ordinal;
}

/* e happened before f, or is f. */
static bool happens_before(const struct dpor_event *e, const struct dpor_event *f)
{
    size_t line = dpor_line(e->move);
    return line < f->clock_count && f->clock[line] >= e->ordinal;
}

/* ---- one move against all before it ---- */

struct study {
    struct dpor *d;
    const struct dpor_event *late; /* the later of each pair */
    size_t position;               /* events before it */
    struct clock arrival;          /* what had to be for its task to stand before it */
    struct clock all;              /* what happened before it */
    struct clock race;             /* as all, without what only enabled it */
    uint32_t ordinal;
    bool is_blocked; /* it had to wait for somebody, or still waits */
    size_t *rivals;
    size_t rivals_count, rivals_cap;
};

static const struct dpor_event *last_on_line(const struct dpor *d, size_t before, uint16_t line)
{
    for (size_t i = before; i > 0; i--)
        if (dpor_line(d->events[i - 1]->move) == line)
            return d->events[i - 1];
    return NULL;
}

static bool node_has(const struct dpor_node *n, struct move move)
{
    for (size_t i = 0; i < n->options_count; i++)
        if (move_equals(n->options[i].move, move))
            return true;
    return !n->has_standing;
}

/* The state in which a timer that fires at `position` was first set, as far as can be seen. */
static size_t set_since(const struct dpor *d, size_t position, struct move move)
{
    size_t i = position;
    while (i > 0 && node_has(d->nodes[i - 1], move) && !move_equals(d->events[i - 1]->move, move))
        i--;
    return i;
}

static void find_arrival(struct study *s)
{
    struct dpor *d = s->d;
    uint16_t line = dpor_line(s->late->move);
    const struct dpor_event *own = last_on_line(d, s->position, line);
    s->ordinal = own ? own->ordinal + 1 : 1;
    if (own)
        clock_join(&s->arrival, own);
    if (s->late->move.kind == MOVE_TIMER) {
        uint16_t task_line = (uint16_t)(line - 1);
        size_t since = set_since(d, s->position, s->late->move);
        const struct dpor_event *setter = last_on_line(d, since, task_line);
        if (setter)
            clock_join(&s->arrival, setter);
    } else if (!own) {
        for (size_t i = 0; i < s->position; i++)
            if (s->late->move.task && d->events[i]->born == s->late->move.task)
                clock_join(&s->arrival, d->events[i]);
    }
}

/* In state i its task stood before this very call, and it would have blocked. */
static bool was_blocked_at(const struct study *s, size_t i)
{
    const struct dpor_node *n = s->d->nodes[i];
    for (size_t k = 0; k < n->options_count; k++)
        if (n->options[k].move.task == s->late->move.task && n->options[k].op == s->late->op &&
            n->options[k].move.kind == MOVE_GO)
            return n->options[k].enabled == ENABLED_NO;
    for (size_t k = 0; k < n->blocked_count; k++)
        if (n->blocked[k].task == s->late->move.task)
            return true;
    for (size_t p = 0; p <= i; p++) /* asleep in it already */
        for (size_t k = 0; k < s->d->nodes[p]->parkings_count; k++)
            if (s->d->nodes[p]->parkings[k].move.task == s->late->move.task &&
                s->d->nodes[p]->parkings[k].op == s->late->op)
                return true;
    return false;
}

/* From the latest to the earliest, so that a chain through a later rival hides an earlier one. What
 * only enabled the move hides nobody: two locks of one lock are rivals, though an unlock lies
 * between them. */
static void meet_all(struct study *s)
{
    struct dpor *d = s->d;
    for (size_t i = s->position; i > 0; i--) {
        const struct dpor_event *early = d->events[i - 1];
        if (clock_has(&s->race, early))
            continue;
        switch (footprint_order(&early->after, &s->late->after)) {
        case RELATION_COMMUTES: break;
        case RELATION_ENABLES:
            s->is_blocked = true;
            clock_join(&s->all, early);
            break;
        case RELATION_DEPENDS:
            clock_join(&s->all, early);
            if (footprint_enables(&early->after, &s->late->after)) {
                s->is_blocked = true;
                break;
            }
            *PUSH(s->rivals) = i - 1;
            if (was_blocked_at(s, i - 1))
                s->is_blocked = true; /* something after it let it go: others may hide behind it */
            else
                clock_join(&s->race, early);
            break;
        }
    }
}

/* Who waits for any of several (a token, a child's end) is let go by the first that comes. That of
 * two such events another comes first is then another run, though they touch nothing in common but
 * the one who waits. */
static bool could_enable(const struct touch *event, const struct touch *wait)
{
    return event->object == wait->object &&
           ((event->kind == TOUCH_COUNT_ADD && wait->kind == TOUCH_COUNT_TAKE) ||
            (event->kind == TOUCH_CHILD_END && wait->kind == TOUCH_CHILD_WAIT));
}

static bool could_have_woken(const struct footprint *event, const struct footprint *waiter)
{
    for (uint16_t i = 0; i < event->count; i++)
        for (uint16_t j = 0; j < waiter->count; j++)
            if (could_enable(&event->touches[i], &waiter->touches[j]))
                return true;
    return false;
}

static bool is_rival(const struct study *s, size_t i)
{
    for (size_t k = 0; k < s->rivals_count; k++)
        if (s->rivals[k] == i)
            return true;
    return false;
}

static void meet_other_wakers(struct study *s)
{
    struct dpor *d = s->d;
    for (size_t w = 0; w < s->position; w++) {
        const struct dpor_event *waiter = d->events[w];
        if (!could_have_woken(&s->late->after, &waiter->after))
            continue;
        for (size_t i = 0; i < w; i++)
            if (could_have_woken(&d->events[i]->after, &waiter->after) &&
                !clock_has(&s->arrival, d->events[i]) && !is_rival(s, i))
                *PUSH(s->rivals) = i;
    }
}

/* ---- the other order ---- */

enum keep { KEEP_ALL, KEEP_BEFORE, KEEP_ARRIVAL };

/* Does event k, between the rivals, belong to the run in which the later one comes first? Never
 * what happened after the earlier one. Of the rest all; or only what the later one needs. */
static bool is_kept(const struct study *s, size_t rival, size_t k, enum keep keep)
{
    const struct dpor_event *e = s->d->events[k];
    if (happens_before(s->d->events[rival], e))
        return false;
    if (keep == KEEP_BEFORE)
        return clock_has(&s->all, e);
    return keep == KEEP_ALL || clock_has(&s->arrival, e);
}

/* The moves that such a run could begin with: those before which nothing kept happened. */
static size_t find_initials(const struct study *s, size_t rival, enum keep keep, struct move **out)
{
    struct move *list = NULL;
    size_t list_count = 0, list_cap = 0;
    bool is_late_first = true;
    for (size_t k = rival + 1; k < s->position; k++) {
        const struct dpor_event *e = s->d->events[k];
        if (!is_kept(s, rival, k, keep))
            continue;
        if (clock_has(keep == KEEP_ARRIVAL ? &s->arrival : &s->all, e))
            is_late_first = false;
        bool is_first = true;
        for (size_t l = rival + 1; l < k && is_first; l++)
            is_first = !is_kept(s, rival, l, keep) || !happens_before(s->d->events[l], e);
        if (is_first)
            *PUSH(list) = e->move;
    }
    if (is_late_first)
        *PUSH(list) = s->late->move;
    *out = list;
    return list_count;
}

/* Returns false when none of the initials could move in that state. */
static bool reverse(const struct study *s, size_t rival, enum keep keep)
{
    struct move *initials, first[MOVE_KIND_COUNT], some[MOVE_KIND_COUNT];
    size_t count = find_initials(s, rival, keep, &initials), first_count = 0;
    bool is_seen = false;
    for (size_t i = 0; i < count && !is_seen; i++) {
        size_t n = dpor_translate(s->d, rival, initials[i], some);
        for (size_t j = 0; j < n; j++)
            is_seen = is_seen || dpor_is_taken_care_of(s->d, rival, some[j]);
        if (n && !first_count) {
            memcpy(first, some, sizeof some);
            first_count = n;
        }
    }
    for (size_t j = 0; j < first_count && !is_seen; j++)
        dpor_wish(s->d, rival, first[j]);
    free(initials);
    return is_seen || first_count > 0;
}

static void reverse_all(const struct study *s)
{
    for (size_t i = 0; i < s->rivals_count; i++) {
        size_t rival = s->rivals[i];
        bool can;
        if (s->is_blocked) {
            can = reverse(s, rival, KEEP_BEFORE);
            can = reverse(s, rival, KEEP_ARRIVAL) || can;
        } else {
            can = reverse(s, rival, KEEP_ALL);
        }
        if (!can)
            dpor_wish_all(s->d, rival);
    }
}

static void study_one(struct dpor *d, struct dpor_event *late, size_t position, bool is_pending)
{
    struct study s = {.d = d, .late = late, .position = position, .is_blocked = is_pending};
    find_arrival(&s);
    for (size_t i = 0; i < s.arrival.at_count; i++) {
        clock_set(&s.all, i, s.arrival.at[i]);
        clock_set(&s.race, i, s.arrival.at[i]);
    }
    meet_all(&s);
    meet_other_wakers(&s);
    late->ordinal = s.ordinal;
    reverse_all(&s);
    clock_set(&s.all, dpor_line(late->move), s.ordinal);
    late->clock = s.all.at;
    late->clock_count = s.all.at_count;
    free(s.arrival.at);
    free(s.race.at);
    free(s.rivals);
}

/* A signal that woke a sleeper might have come just before the call instead. */
static void consider_early_signal(struct dpor *d, size_t i)
{
    const struct dpor_event *e = d->events[i];
    if (!e->is_forced || i == 0)
        return;
    for (uint16_t t = 0; t < e->after.count; t++) {
        if (e->after.touches[t].kind != TOUCH_SIGNAL_LIVE)
            continue;
        const struct footprint *waker = &d->events[i - 1]->after;
        for (uint16_t w = 0; w < waker->count; w++)
            if (waker->touches[w].kind == TOUCH_SIGNAL_SEND &&
                waker->touches[w].object == e->after.touches[t].object) {
                dpor_wish(d, i, (struct move){e->move.task, MOVE_SIGNAL});
                dpor_wish(d, i, (struct move){e->move.task, MOVE_GO});
            }
    }
}

/* Whatever would have woken the lost sleeper, and did not happen because of the move that was made
 * instead, is to be tried in its place. */
static void consider_lost(struct dpor *d, size_t node, const struct footprint *lost, size_t first)
{
    const struct dpor_event *instead = d->events[node];
    for (size_t k = first > node ? first : node + 1; k < d->clocked; k++) {
        struct dpor_event *e = d->events[k];
        if (happens_before(instead, e) || !dpor_may_meet(lost, &e->before))
            continue;
        struct study s = {.d = d, .late = e, .position = k, .ordinal = e->ordinal};
        clock_join(&s.all, e);
        reverse(&s, node, KEEP_BEFORE);
        free(s.all.at);
    }
}

void dpor_find_races(struct dpor *d)
{
    size_t first = d->clocked;
    for (; d->clocked < d->events_count; d->clocked++) {
        study_one(d, d->events[d->clocked], d->clocked, false);
        consider_early_signal(d, d->clocked);
    }
    for (size_t i = 0; i < d->parked_count; i++) {
        struct dpor_event pending = {
            .move = d->parked[i].move, .op = d->parked[i].op, .after = d->parked[i].footprint};
        study_one(d, &pending, d->events_count, true);
        free(pending.clock);
    }
    for (size_t i = 0; i < d->events_count; i++)
        for (size_t k = 0; k < d->nodes[i]->lost_count; k++)
            consider_lost(d, i, &d->nodes[i]->lost[k], first);
}
