#include "grade/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/portfolio.h"
#include "control/scripted.h"
#include "explore/trial.h"

struct search {
    const struct orders *orders;
    struct orders_result *out;
    struct trials *trials;
    struct portfolio *portfolio;
};

/* ---- which faults the grader asks for ---- */

static bool is_wanted(const struct run_spec *spec, enum fault_kind kind)
{
    for (size_t i = 0; i < spec->fault_count; i++)
        if (strcmp(spec->faults[i], fault_word(kind)) == 0)
            return true;
    return false;
}

static void on_call(void *arg, struct move move, uint32_t op, const struct fault_facts *facts)
{
    struct search *s = arg;
    struct fault list[FAULTS_PER_CALL];
    size_t count = fault_list(facts, list);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(s->orders->spec, (enum fault_kind)list[i].kind))
            continue;
        if (list[i].kind != FAULT_SMALL) {
            list[i].task = move.task;
            list[i].op = op;
        }
        portfolio_add_fault(s->portfolio, &list[i]);
    }
}

/* ---- one order ---- */

static int write_schedule(struct search *s, struct schedule *trail, struct err *e)
{
    free(trail->what);
    trail->what = xstrdup(s->orders->what);
    return schedule_write(trail, trials_cast(s->trials), s->orders->schedule_path, e);
}

/* Follows the trail once more, for the verdict. 1: it is judged, 0: it went another way. */
static int show(struct search *s, struct schedule *trail, enum orders_answer *answer, struct err *e)
{
    const char *path = s->orders->options->recording_path;
    struct trial_result again;
    char *divergence;
    int rc = trials_follow(s->trials, &again, trail, true, path, &divergence, e);
    if (rc < 0)
        return rc;
    bool is_same = divergence == NULL;
    free(divergence);
    if (is_same) {
        *answer = s->orders->judge(s->orders->arg, path, &again.result, true);
        s->out->was_cut_off = again.is_cut;
    }
    trial_result_fini(&again);
    return is_same;
}

/* 1: the search is over. */
static int try_one(struct search *s, const struct portfolio_run *plan, struct err *e)
{
    struct trial_result result;
    struct trial_run run = {.chooser = plan->chooser,
                            .faults = plan->fault,
                            .fault_count = plan->fault != NULL,
                            .on_call = plan->phase == PORTFOLIO_CANONICAL ? on_call : NULL,
                            .arg = s};
    int rc = trials_run(s->trials, &result, &run, e);
    if (rc < 0)
        return rc;
    s->out->tried++;
    enum orders_answer answer = ORDERS_PASSED;
    if (!result.was_given_up)
        answer = s->orders->judge(s->orders->arg, trials_scratch(s->trials), &result.result, false);
    portfolio_made(s->portfolio, answer != ORDERS_PASSED, result.is_cut);
    if (answer != ORDERS_PASSED) {
        rc = show(s, result.trail, &answer, e);
        s->out->has_failed = rc == 1 && answer != ORDERS_PASSED;
        rc = s->out->has_failed ? write_schedule(s, result.trail, e) : rc < 0 ? rc : 0;
    }
    trial_result_fini(&result);
    return rc < 0 ? rc : s->out->has_failed;
}

/* Nothing failed: the plainest order is what the verdict shows. */
static int show_plainest(struct search *s, struct err *e)
{
    struct schedule *plain = schedule_new();
    enum orders_answer answer;
    plain->is_fair = s->orders->spec->is_fair;
    int rc = show(s, plain, &answer, e);
    schedule_free(plain);
    return rc < 0 ? rc : 0;
}

static int search(struct search *s, struct err *e)
{
    struct portfolio_run plan;
    int rc = 0;
    while (rc == 0 && portfolio_next(s->portfolio, &plan))
        rc = try_one(s, &plan, e);
    return rc < 0 ? rc : rc == 1 ? 0 : show_plainest(s, e);
}

/* An order that the grader wrote itself: one run. */
static int follow_written(struct search *s, struct err *e)
{
    struct schedule *written;
    enum orders_answer answer = ORDERS_PASSED;
    int rc = schedule_parse(&written, s->orders->spec->schedule, s->orders->spec->name,
                            trials_cast(s->trials), e);
    if (rc < 0)
        return rc;
    rc = show(s, written, &answer, e);
    if (rc == 0)
        rc = err_set(e, EINVAL, "run \"%s\": its schedule cannot be followed",
                     s->orders->spec->name);
    s->out->tried = 1;
    s->out->has_failed = rc == 1 && answer != ORDERS_PASSED;
    if (s->out->has_failed)
        rc = write_schedule(s, written, e);
    schedule_free(written);
    return rc < 0 ? rc : 0;
}

int orders_try(struct orders_result *out, const struct orders *orders, struct err *e)
{
    const struct run_spec *spec = orders->spec;
    struct search s = {.orders = orders, .out = out};
    struct trial_options options = {
        .run = *orders->options, .is_fair = spec->is_fair, .limit_ns = orders->options->limit_ns};
    struct portfolio_options plan = {
        .runs = spec->orders, .seed = orders->seed, .no_faults = spec->fault_count == 0};
    *out = (struct orders_result){0};
    int rc = trials_open(&s.trials, &options, e);
    if (rc < 0)
        return rc;
    s.portfolio = portfolio_new(&plan);
    rc = spec->schedule ? follow_written(&s, e) : search(&s, e);
    portfolio_free(s.portfolio);
    trials_close(s.trials);
    return rc;
}
