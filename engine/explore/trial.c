#include "explore/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "control/scripted.h"
#include "control/strategy.h"

enum {
    UNFAIR_MOVES = 4000, /* then strict turns, */
    FAIR_MOVES = 4000,   /* so many, before it is a livelock */
};

struct trials {
    struct trial_options options;
    struct cast *cast;
    struct series *series;
    int scratch_fd;
    char *scratch; /* recording of brief runs */
    uint64_t count;

    /* of the run under way */
    const struct chooser *inner;
    struct schedule *trail;
    struct profile nothing;
    struct strategy *turns;
    uint32_t moves;
    bool wants_acts;
    struct act *acts;
    size_t acts_count, acts_cap;
};

/* ---- looking on, and the fair suffix ---- */

static void on_begin(struct trials *t)
{
    const struct chooser *turns = strategy_chooser(t->turns);
    t->moves = 0;
    strategy_set(t->turns, STRATEGY_ROUND_ROBIN, 0);
    turns->begin(turns->self);
    if (t->inner->begin)
        t->inner->begin(t->inner->self);
}

static int on_choose(void *self, const struct standing *s)
{
    struct trials *t = self;
    const struct chooser *who = t->moves++ < UNFAIR_MOVES ? t->inner : strategy_chooser(t->turns);
    int index = who->choose(who->self, s);
    if (index >= 0) {
        const struct choice *c = &s->choices[index];
        const char *note = c->call ? call_name((enum call)c->call) : NULL;
        schedule_add(t->trail, c->move, c->op, note);
    }
    return index;
}

static void on_moved(void *self, const struct act *act)
{
    struct trials *t = self;
    const struct chooser *turns = strategy_chooser(t->turns);
    turns->moved(turns->self, act);
    if (t->wants_acts)
        *PUSH(t->acts) = *act;
    if (t->inner->moved)
        t->inner->moved(t->inner->self, act);
}

/* ---- life ---- */

/* A file in memory, which nobody has to remove. */
static int make_scratch(struct trials *t, struct err *e)
{
    t->scratch_fd = memfd_create("trial", MFD_CLOEXEC);
    if (t->scratch_fd < 0)
        return err_sys(e, errno, "make a file in memory");
    t->scratch = xasprintf("/proc/%d/fd/%d", (int)getpid(), t->scratch_fd);
    return 0;
}

int trials_open(struct trials **out, const struct trial_options *options, struct err *e)
{
    struct trials *t = xcalloc(1, sizeof *t);
    t->options = *options;
    t->scratch_fd = -1;
    t->cast = cast_new();
    t->turns = strategy_new(&t->nothing);
    int rc = make_scratch(t, e);
    if (rc == 0) {
        t->options.run.recording_path = t->scratch;
        t->options.run.limit_ns = options->limit_ns ? options->limit_ns : UINT64_C(5000000000);
        rc = series_open(&t->series, &t->options.run, e);
    }
    if (rc < 0)
        trials_close(t);
    else
        *out = t;
    return rc;
}

void trials_close(struct trials *t)
{
    if (!t)
        return;
    series_close(t->series);
    fd_close(&t->scratch_fd);
    free(t->scratch);
    strategy_free(t->turns);
    cast_free(t->cast);
    free(t);
}

struct cast *trials_cast(struct trials *t)
{
    return t->cast;
}

const char *trials_scratch(const struct trials *t)
{
    return t->scratch;
}

uint64_t trials_count(const struct trials *t)
{
    return t->count;
}

/* ---- one run ---- */

static bool is_harsh(const struct trial_run *run)
{
    for (size_t i = 0; i < run->fault_count; i++)
        if (run->faults[i].kind == FAULT_ERROR || run->faults[i].kind == FAULT_KILL ||
            run->faults[i].kind == FAULT_KILL_AFTER)
            return true;
    return false;
}

static struct schedule *new_trail(const struct trials *t, const struct trial_run *run)
{
    struct schedule *trail = schedule_new();
    trail->is_fair = t->options.is_fair;
    for (size_t i = 0; i < run->fault_count; i++)
        *PUSH(trail->faults) = run->faults[i];
    return trail;
}

int trials_run(struct trials *t, struct trial_result *out, const struct trial_run *run,
               struct err *e)
{
    struct chooser watched = {.choose = on_choose, .moved = on_moved, .self = t};
    struct conduct_options conduct = {.chooser = &watched,
                                      .cast = t->cast,
                                      .is_fair = t->options.is_fair,
                                      .wants_footprints = !run->is_blind,
                                      .moves_max = UNFAIR_MOVES + FAIR_MOVES,
                                      .faults = run->faults,
                                      .fault_count = run->fault_count,
                                      .on_call = run->on_call,
                                      .arg = run->arg};
    struct run_options options = t->options.run;
    struct run_result result;
    /* a signal that came between two runs reached none of them */
    if (t->options.is_stopped && t->options.is_stopped())
        return err_set(e, EINTR, "interrupted");
    options.conduct = &conduct;
    options.is_brief = run->recording == NULL;
    options.recording_path = run->recording ? run->recording : t->scratch;
    t->inner = run->chooser;
    t->trail = new_trail(t, run);
    t->wants_acts = run->wants_acts;
    t->acts = NULL;
    t->acts_count = t->acts_cap = 0;
    on_begin(t);
    int rc = series_run(t->series, &result, &options, e);
    t->count++;
    if (rc < 0) {
        schedule_free(t->trail);
        free(t->acts);
        return rc;
    }
    *out = (struct trial_result){
        .outcome = outcome_of(&result, t->options.expected, is_harsh(run)),
        .trail = t->trail,
        .acts = t->acts,
        .act_count = t->acts_count,
        .was_given_up = result.was_given_up,
        .is_cut = result.trace.end == TRACE_FLOODED || result.trace.end == TRACE_TIMEOUT,
        .moves = result.moves,
        .stuck_ns = result.stuck_ns,
    };
    if (run->chooser->end)
        run->chooser->end(run->chooser->self, outcome_is_failure(&out->outcome));
    out->result = result;
    return result.trace.end == TRACE_INTERRUPTED ? err_set(e, EINTR, "interrupted") : 0;
}

void trial_result_fini(struct trial_result *r)
{
    schedule_free(r->trail);
    free(r->acts);
    run_result_fini(&r->result);
    *r = (struct trial_result){0};
}

int trials_follow(struct trials *t, struct trial_result *out, const struct schedule *schedule,
                  bool is_strict, const char *recording, char **divergence, struct err *e)
{
    struct scripted *scripted = scripted_new(schedule, t->cast, is_strict);
    struct trial_run run = {.chooser = scripted_chooser(scripted),
                            .faults = schedule->faults,
                            .fault_count = schedule->faults_count,
                            .recording = recording};
    int rc = trials_run(t, out, &run, e);
    const char *text = scripted_divergence(scripted);
    if (divergence)
        *divergence = rc == 0 && text ? xstrdup(text) : NULL;
    scripted_free(scripted);
    return rc;
}
