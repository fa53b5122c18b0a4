#include "control/portfolio.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/xalloc.h"

struct portfolio {
    struct portfolio_options options;
    enum portfolio_phase phase;
    uint64_t made, failed;
    uint64_t in_phase; /* runs of this phase so far */
    uint64_t sampled;  /* without a fault, by a seed */
    uint64_t pct2;     /* of these, by PCT of depth 2 */
    struct profile profile, run;
    struct strategy *strategy;
    struct dpor *dpor;
    struct chooser watched; /* the inner chooser, with the profile looking on */
    const struct chooser *inner;
    struct fault *faults;
    size_t faults_count, faults_cap;
    size_t swept;
    uint64_t random;
    bool is_classes_done;
};

static const char *const words[] = {
#define X(NAME, word) word,
    PORTFOLIO_PHASES(X)
#undef X
};

const char *portfolio_word(enum portfolio_phase phase)
{
    return words[phase];
}

/* ---- looking on ---- */

static void on_begin(void *self)
{
    struct portfolio *p = self;
    profile_begin(&p->run);
    if (p->inner->begin)
        p->inner->begin(p->inner->self);
}

static int on_choose(void *self, const struct standing *s)
{
    struct portfolio *p = self;
    profile_saw(&p->run, s);
    return p->inner->choose(p->inner->self, s);
}

static void on_moved(void *self, const struct act *act)
{
    struct portfolio *p = self;
    profile_moved(&p->run, act);
    if (p->inner->moved)
        p->inner->moved(p->inner->self, act);
}

static void on_end(void *self, bool has_failed)
{
    struct portfolio *p = self;
    profile_merge(&p->profile, &p->run);
    if (p->inner->end)
        p->inner->end(p->inner->self, has_failed);
}

/* ---- life ---- */

struct portfolio *portfolio_new(const struct portfolio_options *options)
{
    struct portfolio *p = xcalloc(1, sizeof *p);
    p->options = *options;
    p->random = options->seed;
    p->strategy = strategy_new(&p->profile);
    p->dpor = dpor_new();
    p->watched = (struct chooser){
        .begin = on_begin, .choose = on_choose, .moved = on_moved, .end = on_end, .self = p};
    return p;
}

void portfolio_free(struct portfolio *p)
{
    if (!p)
        return;
    profile_fini(&p->profile);
    profile_fini(&p->run);
    strategy_free(p->strategy);
    dpor_free(p->dpor);
    free(p->faults);
    free(p);
}

void portfolio_add_fault(struct portfolio *p, const struct fault *fault)
{
    for (size_t i = 0; i < p->faults_count; i++) {
        const struct fault *f = &p->faults[i];
        if (f->task == fault->task && f->op == fault->op && f->kind == fault->kind &&
            f->value == fault->value)
            return;
    }
    *PUSH(p->faults) = *fault;
}

/* ---- the plan ---- */

/* How many runs a phase may make; of what is left, so that what one does not need others get. */
static uint64_t share(const struct portfolio *p)
{
    uint64_t left = p->options.runs > p->made ? p->options.runs - p->made : 0;
    bool has_faults = !p->options.no_faults && p->faults_count > 0;
    switch (p->phase) {
    case PORTFOLIO_CANONICAL: return 3;
    case PORTFOLIO_CLASSES: return p->options.no_classes ? 0 : p->options.runs / 2;
    case PORTFOLIO_SAMPLES:
        if (p->is_classes_done)
            return 0; /* nothing new lies there */
        return has_faults ? (left + p->in_phase) / 2 : left + p->in_phase;
    case PORTFOLIO_SWEEP: return has_faults ? p->faults_count : 0;
    case PORTFOLIO_FAULTS: return has_faults ? left + p->in_phase : 0;
    case PORTFOLIO_DONE: break;
    }
    return 0;
}

/* 50 URW, 25 POS, 15 PCT of depth 2, 10 of depth 3, spread evenly. */
static enum strategy_kind sample_strategy(uint64_t n)
{
    static const enum strategy_kind cycle[20] = {
        STRATEGY_URW,  STRATEGY_POS,  STRATEGY_URW,  STRATEGY_PCT2, STRATEGY_URW,
        STRATEGY_POS,  STRATEGY_URW,  STRATEGY_PCT3, STRATEGY_URW,  STRATEGY_POS,
        STRATEGY_URW,  STRATEGY_PCT2, STRATEGY_URW,  STRATEGY_POS,  STRATEGY_URW,
        STRATEGY_PCT3, STRATEGY_URW,  STRATEGY_POS,  STRATEGY_URW,  STRATEGY_PCT2,
    };
    return cycle[n % 20];
}

static void use_strategy(struct portfolio *p, struct portfolio_run *out, enum strategy_kind kind)
{
    out->strategy = kind;
    out->seed = p->options.seed + p->made;
    strategy_set(p->strategy, kind, out->seed);
    p->inner = strategy_chooser(p->strategy);
}

static void plan_run(struct portfolio *p, struct portfolio_run *out)
{
    switch (p->phase) {
    case PORTFOLIO_CANONICAL:
        use_strategy(p, out, (enum strategy_kind)(STRATEGY_PARENT_FIRST + p->in_phase));
        break;
    case PORTFOLIO_CLASSES: p->inner = dpor_chooser(p->dpor); break;
    case PORTFOLIO_SAMPLES: {
        enum strategy_kind kind = sample_strategy(p->in_phase);
        use_strategy(p, out, kind);
        break;
    }
    case PORTFOLIO_SWEEP:
        use_strategy(p, out, STRATEGY_PARENT_FIRST);
        out->fault = &p->faults[p->in_phase];
        break;
    case PORTFOLIO_FAULTS:
        use_strategy(p, out, sample_strategy(p->in_phase));
        out->fault = &p->faults[random_below(&p->random, p->faults_count)];
        break;
    case PORTFOLIO_DONE: break;
    }
}

static bool is_phase_over(struct portfolio *p)
{
    if (p->in_phase >= share(p))
        return true;
    if (p->phase != PORTFOLIO_CLASSES || dpor_next(p->dpor))
        return false;
    /* of a move that may touch anything, the other orders may not have been seen */
    p->is_classes_done = dpor_is_complete(p->dpor) && dpor_stats(p->dpor).opaque == 0;
    return true;
}

bool portfolio_next(struct portfolio *p, struct portfolio_run *out)
{
    *out = (struct portfolio_run){0};
    if (p->made >= p->options.runs)
        p->phase = PORTFOLIO_DONE;
    while (p->phase != PORTFOLIO_DONE && is_phase_over(p)) {
        p->phase++;
        p->in_phase = 0;
    }
    if (p->phase == PORTFOLIO_DONE)
        return false;
    plan_run(p, out);
    out->phase = p->phase;
    out->chooser = &p->watched;
    return true;
}

void portfolio_made(struct portfolio *p, bool has_failed, bool is_cut)
{
    if (is_cut && p->phase == PORTFOLIO_CLASSES)
        dpor_cut(p->dpor);
    p->made++;
    p->in_phase++;
    p->failed += has_failed;
    if (p->phase == PORTFOLIO_SAMPLES) {
        uint64_t n = p->in_phase - 1;
        p->sampled++;
        p->pct2 += sample_strategy(n) == STRATEGY_PCT2;
    }
}

void portfolio_used(struct portfolio *p, double used)
{
    bool has_faults = !p->options.no_faults && p->faults_count > 0;
    double end = p->phase == PORTFOLIO_CLASSES ? 0.5 : 0.75;
    bool may_end = p->phase == PORTFOLIO_CLASSES || (p->phase == PORTFOLIO_SAMPLES && has_faults);
    if (may_end && used >= end) {
        p->phase++;
        p->in_phase = 0;
    }
}

uint64_t portfolio_runs(const struct portfolio *p)
{
    return p->made;
}

struct dpor_stats portfolio_classes(const struct portfolio *p)
{
    return dpor_stats(p->dpor);
}

bool portfolio_is_exhaustive(const struct portfolio *p)
{
    return p->is_classes_done;
}

/* ---- the claim ---- */

static size_t count_tasks(const struct profile *profile)
{
    size_t n = 0;
    for (size_t i = 0; i < profile->tasks_count; i++)
        n += profile->tasks[i].is_known;
    return n;
}

static void claim_samples(const struct portfolio *p, struct buf *out)
{
    buf_printf(out, "%" PRIu64 " schedules sampled", p->made);
    if (p->failed)
        return;
    buf_puts(out, ", no failure");
    /* the bound is proved for all tasks of the program, not for those that are there at a time */
    size_t tasks = count_tasks(&p->profile);
    double once = 1.0 / ((double)tasks * (double)p->profile.choices);
    if (p->pct2 && p->profile.choices && tasks)
        buf_printf(out, "; a depth-2 bug is missed with probability at most %.2g",
                   pow(1.0 - once, (double)p->pct2));
}

void portfolio_claim(const struct portfolio *p, struct buf *out)
{
    struct dpor_stats stats = dpor_stats(p->dpor);
    if (p->is_classes_done)
        buf_printf(out, "all %" PRIu64 " classes explored", stats.classes);
    else
        claim_samples(p, out);
}
