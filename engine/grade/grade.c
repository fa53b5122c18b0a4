#include "grade/grade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "grade/compile.h"
#include "grade/verdict.h"
#include "grade/worker.h"
#include "script/child.h"
#include "script/json.h"

enum { WORKERS_MAX = 4, GRADINGS_MAX = 32 /* of one exercise at once */ };

/* One grading under way. */
struct grading {
    const struct grade_options *options;
    char *exercise;
    char *file;
    char *recordings;
    int lock_fd; /* of our own folder of recordings; -1: the caller gave one */
    struct grader *grader;
    char *program;
    char **partners;
    size_t only;             /* index of the only check to ask, or GRADER_ALL */
    struct judged **answers; /* for each run, for each check; NULL: not asked */
    struct verdict *verdict;
};

/* ---- what is to be judged ---- */

static bool is_path(const char *name)
{
    size_t length = strlen(name);
    return length > 2 && strcmp(name + length - 2, ".c") == 0;
}

/* The tree this program belongs to: there the learner may have a copy of the exercise elsewhere. */
static bool is_installed_root(const char *root)
{
    const char *own = paths_root(NULL);
    return own != NULL && strcmp(own, root) == 0;
}

static int find_file(struct grading *g, struct err *e)
{
    const struct grade_options *o = g->options;
    if (o->file != NULL)
        g->file = xstrdup(o->file);
    else if (is_path(o->exercise))
        g->file = xstrdup(o->exercise);
    else if (is_installed_root(o->root))
        return paths_exercise(&g->file, g->exercise, e);
    else
        g->file = xasprintf("%s/exercises/%s.c", o->root, g->exercise);
    return access(g->file, R_OK) == 0 ? 0 : err_sys(e, errno, "read %s", g->file);
}

/* Is the folder ours alone, for as long as *lock_fd is open? flock(2) is given up by the kernel
 * when we die, so nothing is left to clean up. */
static int make_and_lock(const char *folder, int *lock_fd, struct err *e)
{
    int result = paths_make_dirs(folder, e);
    if (result < 0)
        return result;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "open %s", folder);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        result = err_sys(e, errno, "lock %s", folder);
        fd_close(&fd);
        return result;
    }
    *lock_fd = fd;
    return 0;
}

/* The folder for recordings: the caller's, or one in the cache that no other grading uses now. */
static int make_recordings(struct grading *g, struct err *e)
{
    if (g->options->recordings != NULL) {
        g->recordings = xstrdup(g->options->recordings);
        return paths_make_dirs(g->recordings, e);
    }
    char *cache = NULL;
    int result = paths_cache_dir(&cache, e);
    if (result < 0)
        return result;
    for (int number = 1; number <= GRADINGS_MAX; number++) {
        free(g->recordings);
        g->recordings = number == 1 ? xasprintf("%s/grade/%s", cache, g->exercise)
                                    : xasprintf("%s/grade/%s.%d", cache, g->exercise, number);
        result = make_and_lock(g->recordings, &g->lock_fd, e);
        if (result != -EWOULDBLOCK)
            break;
    }
    free(cache);
    return result;
}

static uint64_t choose_seed(uint64_t wanted)
{
    while (wanted == 0)
        if (getrandom(&wanted, sizeof wanted, 0) == sizeof wanted)
            wanted >>= 1; /* positive also where numbers have a sign */
    return wanted;
}

/* ---- the verdict, from its parts ---- */

static void conclude(struct verdict *v, enum verdict_kind kind, const char *reason)
{
    v->kind = kind;
    free(v->reason);
    v->reason = xstrdup(reason);
}

static struct verdict *new_verdict(const struct grading *g)
{
    struct verdict *v = xcalloc(1, sizeof *v);
    v->kind = VERDICT_NOT_JUDGED;
    v->exercise = xstrdup(g->exercise);
    v->title = xstrdup(g->exercise);
    v->file = xstrdup(g->file);
    v->reason = xstrdup("");
    v->compiler_text = xstrdup("");
    v->runs = xcalloc(1, sizeof *v->runs);
    v->checks = xcalloc(1, sizeof *v->checks);
    return v;
}

static void declare_checks(struct verdict *v, const struct grader *grader)
{
    free(v->title);
    v->title = xstrdup(grader->title);
    free(v->checks);
    v->checks = xcalloc(grader->check_count + 1, sizeof *v->checks);
    for (size_t i = 0; i < grader->check_count; i++) {
        const struct grader_check *from = &grader->checks[i];
        struct verdict_check *check = &v->checks[v->check_count++];
        *check = (struct verdict_check){.id = xstrdup(from->id),
                                        .title = xstrdup(from->title),
                                        .why = xstrdup(from->why),
                                        .points = from->points,
                                        .state = CHECK_OPEN,
                                        .rule = xstrdup(""),
                                        .text = xstrdup(""),
                                        .next = xstrdup(""),
                                        .proc = xstrdup(""),
                                        .object = xstrdup(""),
                                        .file = xstrdup("")};
        check->hints = xcalloc(from->hint_count + 1, sizeof *check->hints);
        for (size_t j = 0; j < from->hint_count; j++)
            check->hints[check->hint_count++] = xstrdup(from->hints[j]);
        v->points_max += from->points;
    }
}

/* Takes a failure's texts out of the answer. */
static void take_failure(struct verdict_check *check, struct judged *answer, size_t run)
{
    char **to[] = {&check->rule, &check->text,   &check->next,
                   &check->proc, &check->object, &check->file};
    char **from[] = {&answer->rule, &answer->text,   &answer->next,
                     &answer->proc, &answer->object, &answer->file};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        free(*to[i]);
        *to[i] = *from[i];
        *from[i] = NULL;
    }
    check->line = answer->line;
    check->seq = answer->seq;
    check->run = run;
    free(check->events);
    check->events = answer->events;
    check->event_count = answer->event_count;
    answer->events = NULL;
}

/* A check has passed when it was asked, and passed, wherever it had to be asked. */
static void settle_check(struct grading *g, size_t index)
{
    struct verdict_check *check = &g->verdict->checks[index];
    bool is_settled = true, was_asked = false;
    for (size_t run = 0; run < g->grader->run_count; run++) {
        if (!grader_asks(g->grader, index, run))
            continue;
        struct judged *answer = g->answers[run] != NULL ? &g->answers[run][index] : NULL;
        if (answer != NULL && answer->state == JUDGED_FAILED) {
            check->state = CHECK_FAILED;
            take_failure(check, answer, run);
            return;
        }
        if (answer == NULL) {
            is_settled = false;
        } else if (answer->state == JUDGED_BROKEN) {
            is_settled = false;
            take_failure(check, answer, run);
        } else if (answer->state == JUDGED_PASSED) {
            was_asked = true;
        }
    }
    if (is_settled && was_asked) {
        check->state = CHECK_PASSED;
        check->earned = check->points;
    }
}

/* The first thing that speaks against it, in the order of enum verdict_kind. */
static void settle_kind(struct verdict *v)
{
    enum verdict_kind kind = VERDICT_PASS;
    const char *reason = "";
    for (size_t i = 0; i < v->run_count; i++)
        if (v->runs[i].kind < kind) {
            kind = v->runs[i].kind;
            reason = v->runs[i].reason;
        }
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *check = &v->checks[i];
        enum verdict_kind its = check->state == CHECK_FAILED ? VERDICT_FAIL
                                : check->state == CHECK_OPEN ? VERDICT_NOT_JUDGED
                                                             : VERDICT_PASS;
        if (its < kind) {
            kind = its;
            reason = check->text[0] != '\0' ? check->text : "a check could not be asked";
        }
        v->points += check->earned;
    }
    conclude(v, kind, reason);
}

/* ---- compiling ---- */

/* false: the verdict is made. */
static bool compile_learners(struct grading *g)
{
    const char *sources[] = {g->file, NULL};
    struct compile_options options = {.sources = sources};
    struct compile_result result = {0};
    struct err e = {0};
    struct verdict *v = g->verdict;
    if (compile_program(&result, &options, &e) < 0) {
        conclude(v, VERDICT_NOT_JUDGED, e.text);
        return false;
    }
    v->is_compiled = result.is_ok;
    v->compile_ns = result.elapsed_ns;
    free(v->compiler_text);
    v->compiler_text = xstrdup(result.text);
    g->program = xstrdup(result.program);
    if (!result.is_ok)
        conclude(v, VERDICT_FAIL, "it does not compile");
    compile_result_fini(&result);
    return v->is_compiled;
}

static bool compile_partners(struct grading *g)
{
    g->partners = xcalloc(g->grader->partner_count + 1, sizeof *g->partners);
    for (size_t i = 0; i < g->grader->partner_count; i++) {
        char *path = xasprintf("%s/scripts/grade/%s/%s.c", g->options->root, g->exercise,
                               g->grader->partners[i]);
        char *settle = xasprintf("%s/scripts/grade/settle.c", g->options->root);
        const char *sources[] = {path, access(settle, R_OK) == 0 ? settle : NULL, NULL};
        struct compile_options options = {.sources = sources};
        struct compile_result result = {0};
        struct err e = {0};
        int done = compile_program(&result, &options, &e);
        if (done == 0 && !result.is_ok)
            done = err_set(&e, EINVAL, "the grader's partner %s does not compile: %.200s", path,
                           result.text);
        g->partners[i] = xstrdup(done == 0 ? result.program : "");
        if (done == 0 || result.text != NULL)
            compile_result_fini(&result);
        free(path);
        free(settle);
        if (done < 0) {
            conclude(g->verdict, VERDICT_NOT_JUDGED, e.text);
            return false;
        }
    }
    return true;
}

/* ---- running ---- */

static void expect_runs(struct grading *g)
{
    struct verdict *v = g->verdict;
    struct plan plan = {.grader = g->grader, .recordings = g->recordings};
    size_t count = g->grader->run_count;
    g->answers = xcalloc(count + 1, sizeof *g->answers);
    free(v->runs);
    v->runs = xcalloc(count + 1, sizeof *v->runs);
    for (size_t i = 0; i < count; i++) {
        cJSON *json = cJSON_CreateObject();
        char *path = plan_recording(&plan, i);
        cJSON_AddStringToObject(json, "name", g->grader->runs[i].name);
        cJSON_AddStringToObject(json, "recording", path);
        cJSON_AddStringToObject(json, "reason", "the run was not made");
        unlink(path); /* what an earlier grading left must not be taken for this one's */
        verdict_run_from(&v->runs[v->run_count++], json);
        cJSON_Delete(json);
        free(path);
    }
}

static void take_answers(struct grading *g, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        size_t index = json_id(item, "index");
        if (index >= g->verdict->run_count)
            continue;
        verdict_run_fini(&g->verdict->runs[index]);
        verdict_run_from(&g->verdict->runs[index], cJSON_GetObjectItemCaseSensitive(item, "run"));
        const cJSON *answers = cJSON_GetObjectItemCaseSensitive(item, "answers");
        if (answers != NULL && g->answers[index] == NULL)
            grader_answers(&g->answers[index], g->grader, answers, NULL);
    }
}

/* A worker that dies takes its answers along: the runs that nobody told of are not judged, and say
 * why. */
static void blame_worker(struct grading *g, const char *why)
{
    for (size_t i = 0; i < g->verdict->run_count; i++) {
        struct verdict_run *run = &g->verdict->runs[i];
        if (run->how[0] != '\0')
            continue;
        free(run->reason);
        run->reason = xstrdup(why);
    }
}

/* Nothing of ours lasts that long: it is the backstop for a grader that hangs itself. */
static uint64_t worker_limit(const struct grader *grader)
{
    double seconds = 20;
    for (size_t i = 0; i < grader->run_count; i++)
        seconds += grader->runs[i].limit + 10;
    return (uint64_t)(seconds * 1e9);
}

static size_t worker_count(const struct grading *g)
{
    size_t wanted = g->only != GRADER_ALL ? 1 : g->options->workers;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted == 0)
        wanted = processors > 1 ? (size_t)processors : 1;
    if (wanted > WORKERS_MAX)
        wanted = WORKERS_MAX;
    return wanted < g->grader->run_count ? wanted : g->grader->run_count;
}

static void take_worker(struct grading *g, struct child *take_worker)
{
    struct buf answer = {0};
    struct err e = {0};
    if (child_finish(take_worker, &answer, &e) < 0)
        blame_worker(g, e.text);
    cJSON *list = answer.len > 0 ? cJSON_Parse(answer.data) : NULL;
    take_answers(g, list);
    cJSON_Delete(list);
    buf_fini(&answer);
}

static void make_runs(struct grading *g)
{
    struct turn *turn =
        mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (turn == MAP_FAILED) {
        blame_worker(g, "out of memory");
        return;
    }
    struct plan plan = {.root = g->options->root,
                        .grader = g->grader,
                        .program = g->program,
                        .file = g->file,
                        .partners = g->partners,
                        .recordings = g->recordings,
                        .only = g->only,
                        .turn = turn};
    struct child_limits limits = {.wall_ns = worker_limit(g->grader), .is_detached = true};
    struct child *workers[WORKERS_MAX] = {0};
    struct err e = {0};
    size_t count = worker_count(g);
    for (size_t i = 0; i < count; i++)
        if (child_start(&workers[i], worker_job, &plan, &limits, &e) < 0)
            blame_worker(g, e.text);
    for (size_t i = 0; i < count; i++)
        if (workers[i] != NULL)
            take_worker(g, workers[i]);
    if (atomic_load(&turn->unended) >= UNENDED_MAX)
        blame_worker(g, "not made: two others had not ended within their limits");
    munmap(turn, sizeof *turn);
}

/* ---- all of it ---- */

static int choose_check(struct grading *g, struct err *e)
{
    const char *only = g->options->only;
    g->only = GRADER_ALL;
    for (size_t i = 0; only != NULL && i < g->grader->check_count; i++)
        if (strcmp(g->grader->checks[i].id, only) == 0)
            g->only = i;
    return only == NULL || g->only != GRADER_ALL
               ? 0
               : err_set(e, ENOENT, "grade %s: there is no check '%s'", g->exercise, only);
}

static void judge(struct grading *g)
{
    struct verdict *v = g->verdict;
    struct err e = {0};
    if (grader_load(&g->grader, g->options->root, g->exercise, v->seed, &e) < 0 ||
        choose_check(g, &e) < 0) {
        conclude(v, VERDICT_NOT_JUDGED, e.text);
        return;
    }
    declare_checks(v, g->grader);
    if (!compile_learners(g) || !compile_partners(g))
        return;
    expect_runs(g);
    make_runs(g);
    for (size_t i = 0; i < v->check_count; i++)
        settle_check(g, i);
    settle_kind(v);
}

static void grading_fini(struct grading *g)
{
    for (size_t i = 0; g->answers != NULL && i < g->grader->run_count; i++)
        judged_free(g->answers[i], g->grader->check_count);
    if (g->partners != NULL)
        strings_free(g->partners, g->grader->partner_count);
    free(g->answers);
    grader_free(g->grader);
    free(g->exercise);
    free(g->file);
    free(g->recordings);
    fd_close(&g->lock_fd);
    free(g->program);
}

int grade_exercise(struct verdict **out, const struct grade_options *options, struct err *e)
{
    struct grading g = {.options = options, .lock_fd = -1};
    uint64_t started = clock_ns();
    int result = grade_find(&g.exercise, options->root, options->exercise, e);
    if (result == 0)
        result = find_file(&g, e);
    if (result == 0)
        result = make_recordings(&g, e);
    if (result == 0) {
        g.verdict = new_verdict(&g);
        g.verdict->seed = choose_seed(options->seed);
        judge(&g);
        g.verdict->elapsed_ns = clock_ns() - started;
        *out = g.verdict;
    }
    grading_fini(&g);
    return result;
}
