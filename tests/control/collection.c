/* collection SOURCES PROGRAMS SEEDS REPLAYS [NAME]: the bug collection (tests/control/bugs).
 *
 * For each bug: it is looked for with SEEDS different seeds, and must be found each time within the
 * budget that its source states, with the end that its source states; what was found is followed
 * REPLAYS times, and must come to the same end each time. Its correct twin is explored with as big
 * a budget, and nothing may be reported. Prints a line for each; exits 1 when something was missed,
 * wrongly reported or not repeated. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "explore/explore.h"

enum { BUGS_MAX = 64, BUDGET_LEAST = 200 };

struct bug {
    char name[64];
    char shows[128]; /* as the source says */
    uint64_t budget;
};

static const char *programs, *sources;

static void read_bug(struct bug *bug)
{
    char *path = xasprintf("%s/%s.c", sources, bug->name);
    struct buf text = {0};
    struct err e = {0};
    if (file_read(&text, path, 1 << 16, &e) < 0) {
        fprintf(stderr, "collection: %s\n", e.text);
        exit(2);
    }
    const char *shows = strstr(text.data, "shows as: "), *budget = strstr(text.data, "budget: ");
    if (!shows || !budget) {
        fprintf(stderr, "collection: %s does not say how it shows, and within which budget\n",
                path);
        exit(2);
    }
    sscanf(shows, "shows as: %127[^\n]", bug->shows);
    bug->budget = strtoull(budget + strlen("budget: "), NULL, 10);
    buf_fini(&text);
    free(path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bug *)a)->name, ((const struct bug *)b)->name);
}

/* NAME.c that has a NAME-twin.c. */
static size_t list_bugs(struct bug bugs[BUGS_MAX])
{
    DIR *folder = opendir(sources);
    size_t count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *twin = strstr(entry->d_name, "-twin.c");
        if (!twin || count == BUGS_MAX)
            continue;
        snprintf(bugs[count].name, sizeof bugs[count].name, "%.*s", (int)(twin - entry->d_name),
                 entry->d_name);
        read_bug(&bugs[count++]);
    }
    if (folder)
        closedir(folder);
    qsort(bugs, count, sizeof *bugs, by_name);
    return count;
}

/* ---- one program ---- */

struct subject {
    char *program;
    char *argv[2];
    struct sandbox_mount mount;
    struct sandbox_options place;
    struct trial_options trial;
};

static void subject_init(struct subject *t, const char *name)
{
    *t = (struct subject){0};
    t->program = xasprintf("%s/bug_%s", programs, name);
    t->argv[0] = (char *)"/lab/program";
    t->mount = (struct sandbox_mount){.from = t->program, .to = "/lab/program"};
    t->place = (struct sandbox_options){.mounts = &t->mount, .mount_count = 1};
    t->trial.run = (struct run_options){.argv = t->argv, .sandbox = &t->place};
}

static void must(int rc, const struct err *e)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "collection: %s\n", e->text);
    exit(2);
}

static bool is_expected(const struct bug *bug, const struct outcome *o)
{
    switch (o->kind) {
    case OUTCOME_DEADLOCK:
    case OUTCOME_LEFT: return strstr(bug->shows, "deadlock") != NULL;
    case OUTCOME_STATUS: return strstr(bug->shows, "exit 1") != NULL && o->status == 1;
    case OUTCOME_KILLED: return strstr(bug->shows, signal_name(o->signal)) != NULL;
    default: return false;
    }
}

static void explore_once(struct explore_result *out, struct subject *t, uint64_t budget,
                         uint64_t seed)
{
    struct explore_options options = {
        .trial = t->trial, .runs = budget, .seed = seed, .faults = FAULTS_USUAL};
    struct err e = {0};
    must(explore(out, &options, &e), &e);
}

/* How often the schedule comes to the same end. */
static int replay(struct subject *t, const struct explore_result *found, int times)
{
    struct trials *trials;
    struct err e = {0};
    int same = 0;
    must(trials_open(&trials, &t->trial, &e), &e);
    for (size_t i = 0; i < cast_count(found->cast); i++)
        cast_index(trials_cast(trials), cast_name(found->cast, (uint16_t)i));
    for (int i = 0; i < times; i++) {
        struct trial_result result;
        char *divergence;
        must(trials_follow(trials, &result, found->schedule, true, NULL, &divergence, &e), &e);
        same += !divergence && outcome_is_same(&result.outcome, &found->outcome);
        free(divergence);
        trial_result_fini(&result);
    }
    trials_close(trials);
    return same;
}

static bool test_bug(const struct bug *bug, int seeds, int replays)
{
    struct subject t;
    int found = 0, repeated = 0, told = 0;
    uint64_t most = 0, slowest_ns = 0;
    subject_init(&t, bug->name);
    for (int seed = 1; seed <= seeds; seed++) {
        struct explore_result result;
        explore_once(&result, &t, bug->budget, (uint64_t)seed * 1000);
        bool is = result.has_failed && is_expected(bug, &result.outcome);
        found += is;
        if (is && seed == 1) {
            repeated = replay(&t, &result, replays);
            told = (int)result.switches;
        }
        if (is && result.found_after > most)
            most = result.found_after;
        if (result.stuck_ns > slowest_ns)
            slowest_ns = result.stuck_ns;
        explore_result_fini(&result);
    }
    printf("%-18s found %d of %d, within %llu of %llu runs; replayed %d of %d; %d switches",
           bug->name, found, seeds, (unsigned long long)most, (unsigned long long)bug->budget,
           repeated, replays, told);
    if (slowest_ns)
        printf("; a deadlock told after %.2f ms", (double)slowest_ns / 1e6);
    puts("");
    free(t.program);
    return found == seeds && repeated == replays;
}

static bool test_twin(const struct bug *bug)
{
    struct subject t;
    struct explore_result result;
    char *name = xasprintf("%s-twin", bug->name);
    subject_init(&t, name);
    uint64_t budget = bug->budget > BUDGET_LEAST ? bug->budget : BUDGET_LEAST;
    explore_once(&result, &t, budget, 1);
    bool is_clean = !result.has_failed && !result.unstable;
    printf("%-18s twin: %s%s%s\n", bug->name, result.has_failed ? "REPORTED " : "",
           result.unstable ? result.unstable : "",
           result.has_failed ? outcome_word(result.outcome.kind) : result.claim);
    explore_result_fini(&result);
    free(name);
    free(t.program);
    return is_clean;
}

/* ---- the pool whose workers take turns ---- */

struct pool {
    struct chooser chooser;
    const struct chooser *inner;
    bool is_busy[64];
    int most;
};

static int pool_choose(void *self, const struct standing *s)
{
    struct pool *p = self;
    return p->inner->choose(p->inner->self, s);
}

/* A worker is busy from its read of a job to its write of the result. */
static void pool_moved(void *self, const struct act *act)
{
    struct pool *p = self;
    int busy = 0;
    if (act->move.task && act->move.task < 64 && !act->is_parking) {
        bool has_job = false;
        for (uint16_t i = 0; i < act->footprint.count; i++)
            has_job = has_job || (act->footprint.touches[i].kind == TOUCH_STREAM_READ &&
                                  act->footprint.touches[i].done);
        if (act->call == CALL_read && has_job)
            p->is_busy[act->move.task] = true;
        else if (act->call == CALL_write || act->call == CALL_exit_group)
            p->is_busy[act->move.task] = false;
    }
    for (int i = 0; i < 64; i++)
        busy += p->is_busy[i];
    if (busy > p->most)
        p->most = busy;
    if (p->inner->moved)
        p->inner->moved(p->inner->self, act);
}

/* The most workers that were busy at once, in all orders that were tried. */
static int most_busy(const char *name, uint64_t runs, char **claim)
{
    struct subject t;
    struct trials *trials;
    struct err e = {0};
    struct pool pool = {.chooser = {.choose = pool_choose, .moved = pool_moved}};
    pool.chooser.self = &pool;
    subject_init(&t, name);
    must(trials_open(&trials, &t.trial, &e), &e);
    struct portfolio *plan =
        portfolio_new(&(struct portfolio_options){.runs = runs, .seed = 1, .no_faults = true});
    struct portfolio_run run;
    while (portfolio_next(plan, &run)) {
        struct trial_result result;
        memset(pool.is_busy, 0, sizeof pool.is_busy);
        pool.inner = run.chooser;
        if (run.chooser->begin)
            run.chooser->begin(run.chooser->self);
        must(trials_run(trials, &result, &(struct trial_run){.chooser = &pool.chooser}, &e), &e);
        if (run.chooser->end)
            run.chooser->end(run.chooser->self, false);
        portfolio_made(plan, false, result.is_cut);
        trial_result_fini(&result);
    }
    struct buf text = {0};
    portfolio_claim(plan, &text);
    *claim = buf_take(&text);
    portfolio_free(plan);
    trials_close(trials);
    free(t.program);
    return pool.most;
}

static bool test_pool(const struct bug *bug)
{
    char *claims[2];
    char *twin = xasprintf("%s-twin", bug->name);
    int most[2] = {most_busy(bug->name, bug->budget, &claims[0]),
                   most_busy(twin, bug->budget, &claims[1])};
    printf("%-18s at most %d busy at once (%s); twin: %d (%s)\n", bug->name, most[0], claims[0],
           most[1], claims[1]);
    free(twin);
    free(claims[0]);
    free(claims[1]);
    return most[0] == 1 && most[1] > 1;
}

int main(int argc, char **argv)
{
    static struct bug bugs[BUGS_MAX];
    if (argc < 5)
        return 2;
    sources = argv[1];
    programs = argv[2];
    size_t count = list_bugs(bugs), tested = 0, bad = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        if (argc > 5 && strcmp(argv[5], bugs[i].name) != 0)
            continue;
        bool is_pool = strstr(bugs[i].shows, "busy") != NULL;
        bool is_good = is_pool
                           ? test_pool(&bugs[i])
                           : test_bug(&bugs[i], atoi(argv[3]), atoi(argv[4])) & test_twin(&bugs[i]);
        if (!is_good)
            printf("%-18s BAD\n", bugs[i].name);
        bad += !is_good;
        tested++;
    }
    printf("%zu bugs, %zu not as they must be\n", tested, bad);
    return bad || !tested;
}
