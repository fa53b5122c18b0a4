#include "explore/explore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "explore/shrink.h"
#include "explore/story.h"

enum {
    RUNS_DEFAULT = 1000,
    REPLAYS = 2,
    REPLAYS_AT_LAST = 10,  /* of what was cut down: chance repeats itself, too, but not so often */
    REPLAYS_IN_DOUBT = 20, /* of a program that was seen to differ */
    SHRINK_RUNS = 300,
    PROGRESS_NS = 100 * 1000 * 1000
};

struct explorer {
    const struct explore_options *options;
    struct explore_result *out;
    struct trials *trials;
    struct portfolio *portfolio;
    struct portfolio_run run; /* under way */
    uint64_t started_ns, told_ns;
};

/* ---- progress ---- */

static double seconds_since(uint64_t ns)
{
    return (double)(clock_ns() - ns) / 1e9;
}

static void tell(struct explorer *x, bool is_last)
{
    uint64_t now = clock_ns();
    if (!x->options->on_progress || (!is_last && now - x->told_ns < PROGRESS_NS))
        return;
    x->told_ns = now;
    double seconds = seconds_since(x->started_ns);
    uint64_t runs = portfolio_runs(x->portfolio);
    struct explore_progress progress = {
        .phase = x->run.phase,
        .runs = runs,
        .budget = x->options->runs ? x->options->runs : RUNS_DEFAULT,
        .runs_per_second = seconds > 0 ? (double)runs / seconds : 0,
        .classes = portfolio_classes(x->portfolio).classes,
    };
    x->options->on_progress(x->options->arg, &progress);
}

/* ---- faults that the canonical runs could have had ---- */

static void on_call(void *arg, struct move move, uint32_t op, const struct fault_facts *facts)
{
    struct explorer *x = arg;
    struct fault list[FAULTS_PER_CALL];
    size_t count = fault_list(facts, list);
    for (size_t i = 0; i < count; i++) {
        if (!(x->options->faults >> list[i].kind & 1))
            continue;
        if (list[i].kind != FAULT_SMALL) {
            list[i].task = move.task;
            list[i].op = op;
        }
        portfolio_add_fault(x->portfolio, &list[i]);
    }
}

/* ---- a failure ---- */

static char *describe_run(const struct explorer *x)
{
    const struct portfolio_run *run = &x->run;
    if (run->phase == PORTFOLIO_CLASSES)
        return xstrdup("systematic search");
    if (run->phase == PORTFOLIO_CANONICAL)
        return xstrdup(strategy_word(run->strategy));
    char *fault = run->fault
                      ? xasprintf(", fault %s", fault_word((enum fault_kind)run->fault->kind))
                      : xstrdup("");
    char *text = run->strategy < STRATEGY_URW
                     ? xasprintf("%s%s", strategy_word(run->strategy), fault)
                     : xasprintf("%s, seed %llu%s", strategy_word(run->strategy),
                                 (unsigned long long)run->seed, fault);
    free(fault);
    return text;
}

static bool is_same_trail(const struct schedule *a, const struct schedule *b, size_t *first)
{
    size_t count = a->steps_count < b->steps_count ? a->steps_count : b->steps_count;
    for (*first = 0; *first < count; ++*first) {
        const struct schedule_step *x = &a->steps[*first], *y = &b->steps[*first];
        if (x->move.task != y->move.task || x->move.kind != y->move.kind || x->op != y->op ||
            strcmp(x->note ? x->note : "", y->note ? y->note : "") != 0)
            return false;
    }
    return a->steps_count == b->steps_count;
}

static void put_step(const struct schedule *s, size_t i, const struct cast *cast, struct buf *out)
{
    static const char *const words[] = {
#define X(NAME, word) word,
        MOVE_KINDS(X)
#undef X
    };
    if (i >= s->steps_count) {
        buf_puts(out, "the end");
        return;
    }
    const struct schedule_step *step = &s->steps[i];
    buf_printf(out, "%s %u %s", cast_name(cast, step->move.task), step->op, words[step->move.kind]);
    if (step->note && *step->note)
        buf_printf(out, " (%s)", step->note);
}

/* How two runs of one schedule differ: the first move that does, or else their ends. */
static char *describe_difference(const struct explorer *x, const struct schedule *trail,
                                 const struct outcome *outcome, const struct trial_result *again)
{
    const struct cast *cast = trials_cast(x->trials);
    struct buf text = {0};
    size_t first;
    buf_puts(&text, "the same schedule gave two runs: ");
    if (!is_same_trail(trail, again->trail, &first)) {
        buf_printf(&text, "move %zu was ", first + 1);
        put_step(trail, first, cast, &text);
        buf_puts(&text, ", and then ");
        put_step(again->trail, first, cast, &text);
    } else {
        outcome_text(outcome, &text);
        buf_puts(&text, "; and then: ");
        outcome_text(&again->outcome, &text);
    }
    return buf_take(&text);
}

/* The same schedule, so many times more: 1 when all runs were the same, 0 when not (out->unstable
 * says how). */
static int confirm(struct explorer *x, const struct schedule *trail, const struct outcome *outcome,
                   int replays, struct err *e)
{
    if (x->out->unstable)
        replays = REPLAYS_IN_DOUBT;
    for (int i = 0; i < replays; i++) {
        struct trial_result again;
        char *divergence;
        size_t first;
        int rc = trials_follow(x->trials, &again, trail, true, NULL, &divergence, e);
        if (rc < 0)
            return rc;
        bool is_same = !divergence && is_same_trail(trail, again.trail, &first) &&
                       outcome_is_same(outcome, &again.outcome);
        if (!is_same && !x->out->unstable)
            x->out->unstable =
                divergence ? xstrdup(divergence) : describe_difference(x, trail, outcome, &again);
        free(divergence);
        trial_result_fini(&again);
        if (!is_same)
            return 0;
    }
    return 1;
}

static int take_failure(struct explorer *x, struct trial_result *found, struct err *e)
{
    struct explore_result *out = x->out;
    int rc = out->has_failed ? 1 : confirm(x, found->trail, &found->outcome, REPLAYS, e);
    if (rc <= 0)
        return rc;
    out->failures++;
    if (out->has_failed)
        return 0;
    out->has_failed = true;
    out->outcome = found->outcome;
    out->found_after = portfolio_runs(x->portfolio) + 1;
    out->found_by = describe_run(x);
    out->moves_before = found->trail->steps_count;
    out->stuck_ns = found->stuck_ns;
    out->schedule = found->trail;
    found->trail = NULL;
    free(out->schedule->found_by);
    out->schedule->found_by = xstrdup(out->found_by);
    return 0;
}

/* ---- the search ---- */

static int make_run(struct explorer *x, struct err *e)
{
    struct trial_run run = {.chooser = x->run.chooser,
                            .faults = x->run.fault,
                            .fault_count = x->run.fault != NULL,
                            .on_call = x->run.phase == PORTFOLIO_CANONICAL ? on_call : NULL,
                            .arg = x};
    struct trial_result result;
    int rc = trials_run(x->trials, &result, &run, e);
    if (rc < 0)
        return rc;
    bool has_failed = outcome_is_failure(&result.outcome);
    if (result.stuck_ns > x->out->stuck_ns)
        x->out->stuck_ns = result.stuck_ns;
    if (has_failed)
        rc = take_failure(x, &result, e);
    else if (x->run.phase == PORTFOLIO_CANONICAL) /* what is claimed of it rests on this, too */
        rc = confirm(x, result.trail, &result.outcome, REPLAYS, e);
    rc = rc < 0 ? rc : 0;
    portfolio_made(x->portfolio, has_failed, result.is_cut);
    trial_result_fini(&result);
    return rc;
}

static bool is_time_up(const struct explorer *x)
{
    return x->options->seconds > 0 && seconds_since(x->started_ns) >= x->options->seconds;
}

static bool next_run(struct explorer *x)
{
    if (x->options->seconds > 0)
        portfolio_used(x->portfolio, seconds_since(x->started_ns) / x->options->seconds);
    return !is_time_up(x) && portfolio_next(x->portfolio, &x->run);
}

static int search(struct explorer *x, struct err *e)
{
    int rc = 0;
    while (rc == 0 && next_run(x)) {
        rc = make_run(x, e);
        tell(x, false);
        if (x->out->has_failed && !x->options->keeps_going)
            break;
    }
    tell(x, true);
    return rc;
}

static void conclude(struct explorer *x)
{
    struct explore_result *out = x->out;
    struct buf claim = {0};
    if (out->unstable)
        buf_puts(&claim, "nothing can be claimed: the program itself differs from run to run");
    else
        portfolio_claim(x->portfolio, &claim);
    free(out->claim);
    out->claim = buf_take(&claim);
    out->is_exhaustive = !out->unstable && portfolio_is_exhaustive(x->portfolio);
    out->classes = portfolio_classes(x->portfolio).classes;
    out->runs = portfolio_runs(x->portfolio);
    out->seconds = seconds_since(x->started_ns);
}

/* It does not repeat itself: no failure that could be shown. */
static void drop_failure(struct explore_result *out)
{
    schedule_free(out->schedule);
    free(out->found_by);
    out->schedule = NULL;
    out->found_by = NULL;
    out->has_failed = false;
    out->failures = 0;
}

/* Cut down, and told. What was cut down must repeat itself, too. */
static int explain(struct explorer *x, struct err *e)
{
    struct explore_result *out = x->out;
    struct err none = {0};
    out->critical = SIZE_MAX;
    int rc = shrink(x->trials, &out->schedule, &out->outcome, SHRINK_RUNS, &out->switches, e);
    if (rc == 0)
        rc = confirm(x, out->schedule, &out->outcome, REPLAYS_AT_LAST, e);
    if (rc == 0)
        drop_failure(out);
    if (rc <= 0 || !x->options->recording)
        return rc < 0 ? rc : 0;
    rc = critical_step(x->trials, out->schedule, &out->critical, &none);
    if (rc < 0)
        out->critical = SIZE_MAX;
    if (rc < 0 && rc != -ENOENT)
        return err_set(e, none.code, "%s", none.text);
    struct buf story = {0};
    rc = story_tell(x->trials, out->schedule, out->critical, x->options->recording, &story, e);
    out->story = buf_take(&story);
    return rc;
}

int explore(struct explore_result *out, const struct explore_options *options, struct err *e)
{
    struct explorer x = {.options = options, .out = out, .started_ns = clock_ns()};
    struct portfolio_options plan = {.runs = options->runs ? options->runs : RUNS_DEFAULT,
                                     .seed = options->seed,
                                     .no_faults = options->faults == 0,
                                     .no_classes = options->no_classes};
    *out = (struct explore_result){0};
    int rc = trials_open(&x.trials, &options->trial, e);
    if (rc < 0)
        return rc;
    x.portfolio = portfolio_new(&plan);
    bool was_found;
    do {
        rc = search(&x, e);
        conclude(&x);
        was_found = rc == 0 && out->has_failed;
        if (was_found)
            rc = explain(&x, e);
    } while (rc == 0 && was_found && !out->has_failed); /* it was dropped: look further */
    if (rc == 0 && out->schedule) {
        struct cast *cast = trials_cast(x.trials);
        out->cast = cast_new();
        for (size_t i = 0; i < cast_count(cast); i++)
            cast_index(out->cast, cast_name(cast, (uint16_t)i));
    }
    portfolio_free(x.portfolio);
    trials_close(x.trials);
    if (rc < 0)
        explore_result_fini(out);
    return rc;
}

void explore_result_fini(struct explore_result *r)
{
    schedule_free(r->schedule);
    free(r->found_by);
    free(r->unstable);
    free(r->claim);
    free(r->story);
    cast_free(r->cast);
    *r = (struct explore_result){0};
}
