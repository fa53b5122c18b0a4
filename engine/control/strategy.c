#include "control/strategy.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/xalloc.h"

enum { CHANGES_MAX = 2, KINDS = MOVE_KIND_COUNT };

/* What a strategy keeps for each task, in one run. */
struct slot {
    uint32_t done;           /* moves made */
    uint32_t born_weight;    /* expected moves of children that are born already */
    uint64_t priority;       /* PCT; higher goes first; 0: none yet */
    uint64_t pending[KINDS]; /* POS: priority of each kind of move; 0: none yet */
    bool has_yielded;        /* its last move was a yield: others first */
};

struct strategy {
    const struct profile *profile;
    struct chooser chooser;
    enum strategy_kind kind;
    uint64_t random;
    struct slot *slots;
    size_t slots_count, slots_cap;
    uint16_t last; /* task that moved last */
    bool has_last;
    uint32_t choices; /* PCT: steps at which more than one could go */
    uint32_t changes[CHANGES_MAX];
    size_t change_count;
    uint64_t lowest; /* PCT: the next priority below all others */
    const struct standing *now;
    struct choice *before; /* POS: what was pending when the last choice was made */
    size_t before_count, before_cap;
};

static const char *const words[] = {
#define X(NAME, word) word,
    STRATEGY_KINDS(X)
#undef X
};

const char *strategy_word(enum strategy_kind kind)
{
    return kind < STRATEGY_KIND_COUNT ? words[kind] : "?";
}

static struct slot *slot_of(struct strategy *s, uint16_t task)
{
    while (s->slots_count <= task)
        *PUSH(s->slots) = (struct slot){0};
    return &s->slots[task];
}

/* ---- who may be chosen ---- */

/* From best to worst: it goes; it may park; it only polls or sleeps, again; it would block. */
static int rank(struct strategy *s, const struct choice *c)
{
    if (c->enabled == ENABLED_NO)
        return 3;
    if (c->is_yield && slot_of(s, c->move.task)->has_yielded)
        return 2;
    return 0;
}

static int best_rank(struct strategy *s, const struct standing *standing)
{
    int best = 3;
    for (size_t i = 0; i < standing->count; i++) {
        int r = rank(s, &standing->choices[i]);
        if (r < best)
            best = r;
    }
    return best;
}

/* ---- canonical ---- */

static int stay_or(struct strategy *s, const struct standing *standing, int best)
{
    int other = CHOOSE_NOBODY;
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        if (rank(s, c) != best)
            continue;
        if (s->kind != STRATEGY_CHILD_FIRST && s->has_last && c->move.task == s->last)
            return (int)i;
        bool is_later = other >= 0 && c->move.task != standing->choices[other].move.task;
        if (other < 0 || (s->kind == STRATEGY_CHILD_FIRST && is_later))
            other = (int)i;
    }
    return other;
}

static int next_in_turn(struct strategy *s, const struct standing *standing, int best)
{
    int first = CHOOSE_NOBODY;
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        if (rank(s, c) != best)
            continue;
        if (first < 0)
            first = (int)i;
        if (s->has_last && c->move.task > s->last)
            return (int)i;
    }
    return first;
}

/* ---- URW ---- */

static uint64_t weight(struct strategy *s, const struct choice *c)
{
    const struct slot *slot = slot_of(s, c->move.task);
    uint32_t all = profile_weight(s->profile, c->move.task);
    uint32_t gone = slot->done + slot->born_weight;
    return all > gone ? all - gone : 1;
}

static int walk(struct strategy *s, const struct standing *standing, int best)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < standing->count; i++)
        if (rank(s, &standing->choices[i]) == best)
            sum += weight(s, &standing->choices[i]);
    uint64_t at = random_below(&s->random, sum);
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        if (rank(s, c) != best)
            continue;
        uint64_t its = weight(s, c);
        if (at < its)
            return (int)i;
        at -= its;
    }
    return CHOOSE_NOBODY;
}

/* ---- POS ---- */

static int highest_pending(struct strategy *s, const struct standing *standing, int best)
{
    int index = CHOOSE_NOBODY;
    uint64_t highest = 0;
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        uint64_t *priority = &slot_of(s, c->move.task)->pending[c->move.kind];
        if (*priority == 0)
            *priority = random_next(&s->random) | 1;
        if (rank(s, c) == best && *priority > highest) {
            highest = *priority;
            index = (int)i;
        }
    }
    s->before_count = 0;
    for (size_t i = 0; i < standing->count; i++)
        *PUSH(s->before) = standing->choices[i];
    return index;
}

static void draw_again(struct strategy *s, const struct act *act)
{
    for (size_t i = 0; i < s->before_count; i++) {
        const struct choice *c = &s->before[i];
        bool is_own = c->move.task == act->move.task;
        if (is_own || footprint_now(&act->footprint, &c->footprint) == RELATION_DEPENDS)
            slot_of(s, c->move.task)->pending[c->move.kind] = 0;
    }
}

/* ---- PCT ---- */

static void plan_changes(struct strategy *s)
{
    uint32_t steps = s->profile->choices ? s->profile->choices : 1;
    s->change_count = s->kind == STRATEGY_PCT3 ? 2 : 1;
    for (size_t i = 0; i < s->change_count; i++)
        s->changes[i] = 1 + (uint32_t)random_below(&s->random, steps);
    s->lowest = UINT32_MAX;
}

/* Drawn priorities lie above 2^32, those of tasks that fell below it, each below the last. */
static int highest_task(struct strategy *s, const struct standing *standing, int best)
{
    int index = CHOOSE_NOBODY;
    uint64_t highest = 0;
    size_t able = 0;
    for (size_t i = 0; i < standing->count; i++) {
        const struct choice *c = &standing->choices[i];
        struct slot *slot = slot_of(s, c->move.task);
        if (slot->priority == 0)
            slot->priority = random_next(&s->random) | UINT64_C(1) << 63;
        if (rank(s, c) != best)
            continue;
        able++;
        if (slot->priority > highest) {
            highest = slot->priority;
            index = (int)i;
        }
    }
    if (able < 2 || index < 0)
        return index;
    s->choices++;
    for (size_t i = 0; i < s->change_count; i++) {
        if (s->changes[i] != s->choices)
            continue;
        s->changes[i] = 0;
        slot_of(s, standing->choices[index].move.task)->priority = s->lowest--;
        return highest_task(s, standing, best);
    }
    return index;
}

/* ---- the chooser ---- */

static void begin(void *self)
{
    struct strategy *s = self;
    s->slots_count = s->before_count = 0;
    s->has_last = false;
    s->choices = 0;
    if (s->kind == STRATEGY_PCT2 || s->kind == STRATEGY_PCT3)
        plan_changes(s);
}

static int choose(void *self, const struct standing *standing)
{
    struct strategy *s = self;
    int best = best_rank(s, standing), index = CHOOSE_NOBODY;
    switch (s->kind) {
    case STRATEGY_PARENT_FIRST:
    case STRATEGY_CHILD_FIRST: index = stay_or(s, standing, best); break;
    case STRATEGY_ROUND_ROBIN: index = next_in_turn(s, standing, best); break;
    case STRATEGY_URW: index = walk(s, standing, best); break;
    case STRATEGY_POS: index = highest_pending(s, standing, best); break;
    case STRATEGY_PCT2:
    case STRATEGY_PCT3: index = highest_task(s, standing, best); break;
    case STRATEGY_KIND_COUNT: break;
    }
    if (index >= 0) {
        const struct choice *c = &standing->choices[index];
        struct slot *slot = slot_of(s, c->move.task);
        slot->has_yielded = c->is_yield;
        if (c->is_yield && slot->priority)
            slot->priority = s->lowest ? s->lowest-- : 1;
    }
    return index;
}

static void moved(void *self, const struct act *act)
{
    struct strategy *s = self;
    if (s->kind == STRATEGY_POS)
        draw_again(s, act);
    if (!act->is_forced) {
        s->last = act->move.task;
        s->has_last = true;
    }
    if (act->is_parking)
        return;
    struct slot *slot = slot_of(s, act->move.task);
    slot->done++;
    if (act->born)
        slot->born_weight += profile_weight(s->profile, act->born);
}

struct strategy *strategy_new(const struct profile *profile)
{
    struct strategy *s = xcalloc(1, sizeof *s);
    s->profile = profile;
    s->chooser = (struct chooser){.begin = begin, .choose = choose, .moved = moved, .self = s};
    return s;
}

void strategy_free(struct strategy *s)
{
    if (!s)
        return;
    free(s->slots);
    free(s->before);
    free(s);
}

void strategy_set(struct strategy *s, enum strategy_kind kind, uint64_t seed)
{
    s->kind = kind;
    s->random = seed;
}

const struct chooser *strategy_chooser(const struct strategy *s)
{
    return &s->chooser;
}
