#include "grade/verify.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "grade/exercises.h"
#include "grade/grade.h"
#include "grade/programs.h"
#include "script/child.h"
#include "script/grader.h"
#include "script/json.h"

enum { WORKERS_MAX = 16 };

/* Grades one program N times, in a child; its answer is what become() adds up. */
struct trial {
    const struct verify_options *options;
    const struct program *program;
    const char *starter_fails;
};

/* What became of it: `good` gradings out of `runs` were as they must be; the first that was not. */
struct outcome {
    unsigned runs, good;
    char *reason;
    uint64_t seed;
};

static bool is_to_pass(const struct program *p)
{
    return p->kind == PROGRAM_SOLUTION || p->kind == PROGRAM_RIGHT;
}

/* The rule that it must fail by; NULL when there is none. */
static const char *rule_of(const struct trial *trial)
{
    return is_to_pass(trial->program)                ? NULL
           : trial->program->kind == PROGRAM_STARTER ? trial->starter_fails
                                                     : trial->program->rule;
}

/* The check that failed by this rule, or NULL. */
static const struct verdict_check *failed_check(const struct verdict *v, const char *rule)
{
    for (size_t i = 0; rule != NULL && i < v->check_count; i++)
        if (v->checks[i].state == CHECK_FAILED && strcmp(v->checks[i].rule, rule) == 0)
            return &v->checks[i];
    return NULL;
}

/* The rules that it failed by, for the message. */
static char *failed_rules(const struct verdict *v)
{
    struct buf text = {0};
    buf_puts(&text, "");
    for (size_t i = 0; i < v->check_count; i++)
        if (v->checks[i].state == CHECK_FAILED)
            buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", v->checks[i].rule);
    if (text.len == 0)
        buf_puts(&text, "no check");
    return buf_take(&text);
}

/* NULL when the verdict is as it must be, else why it is not; the caller frees. */
static char *complaint(const struct verdict *v, const struct trial *trial)
{
    const struct program *p = trial->program;
    const char *rule = rule_of(trial);
    if (v->kind == VERDICT_NOT_JUDGED)
        return xasprintf("not judged: %s", v->reason);
    if (!v->is_compiled)
        return xasprintf("it does not compile: %.200s", v->compiler_text);
    if (p->kind != PROGRAM_WRONG && v->compiler_text[0] != '\0')
        return xasprintf("the compiler warns: %.200s", v->compiler_text);
    if (is_to_pass(p))
        return v->kind == VERDICT_PASS ? NULL
                                       : xasprintf("%s: %s", verdict_kind_name(v->kind), v->reason);
    if (v->kind == VERDICT_PASS)
        return xstrdup("it passes");
    if (rule == NULL)
        return xstrdup("its head comment names no rule (\"wrong: RULE\")");
    if (failed_check(v, rule) != NULL)
        return NULL;
    char *rules = failed_rules(v);
    char *text = xasprintf("%s, by %s, not by %s", verdict_kind_name(v->kind), rules, rule);
    free(rules);
    return text;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int make_folder(char **out, struct err *e)
{
    char *cache = NULL;
    int result = paths_cache_dir(&cache, e);
    if (result < 0)
        return result;
    char *path = xasprintf("%s/verify-XXXXXX", cache);
    free(cache);
    if (mkdtemp(path) == NULL) {
        result = err_sys(e, errno, "make a folder %s", path);
        free(path);
        return result;
    }
    *out = path;
    return 0;
}

/* Grades once. `check` is the one that rejected the program before: as long as it does so again, by
 * the same rule, nobody needs the runs that it does not ask about, or those after its first
 * failure. Otherwise the whole grading, of the same seed, tells what is different this time. */
static int grade_once(struct verdict **out, const struct trial *trial, const char *folder,
                      const char *check, struct err *e)
{
    struct grade_options options = {.root = trial->options->root,
                                    .exercise = trial->program->exercise,
                                    .file = trial->program->file,
                                    .recordings = folder,
                                    .workers = 1,
                                    .only = check};
    struct verdict *v = NULL;
    int result = grade_exercise(&v, &options, e);
    if (result == 0 && check != NULL && failed_check(v, rule_of(trial)) == NULL) {
        options.only = NULL;
        options.seed = v->seed;
        verdict_free(v);
        result = grade_exercise(&v, &options, e);
    }
    if (result == 0)
        *out = v;
    return result;
}

/* The first complaint goes into the answer. */
static void note(cJSON *json, const struct verdict *v, const char *complaint)
{
    char seed[24];
    if (complaint == NULL || cJSON_GetObjectItem(json, "reason") != NULL)
        return;
    snprintf(seed, sizeof seed, "%" PRIu64, v->seed);
    cJSON_AddStringToObject(json, "reason", complaint);
    cJSON_AddStringToObject(json, "seed", seed);
}

static int trial_job(void *arg, struct buf *out, struct err *e)
{
    const struct trial *trial = arg;
    char *folder = NULL, *check = NULL;
    int result = make_folder(&folder, e);
    if (result < 0)
        return result;
    unsigned good = 0;
    cJSON *json = cJSON_CreateObject();
    for (unsigned i = 0; i < trial->options->runs && result == 0; i++) {
        struct verdict *v = NULL;
        result = grade_once(&v, trial, folder, check, e);
        if (result < 0)
            break;
        char *text = complaint(v, trial);
        good += text == NULL;
        note(json, v, text);
        free(text);
        const struct verdict_check *failed = failed_check(v, rule_of(trial));
        if (check == NULL && failed != NULL)
            check = xstrdup(failed->id);
        verdict_free(v);
    }
    cJSON_AddNumberToObject(json, "good", good);
    char *text = cJSON_PrintUnformatted(json);
    buf_puts(out, text);
    cJSON_free(text);
    cJSON_Delete(json);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
    free(check);
    return result;
}

/* ---- reporting ---- */

static void outcome_from(struct outcome *out, int result, const struct err *e,
                         const struct buf *answer, unsigned runs)
{
    *out = (struct outcome){.runs = runs};
    cJSON *json = result == 0 ? cJSON_Parse(answer->data) : NULL;
    if (json == NULL) {
        out->reason = xstrdup(result < 0 ? e->text : "the answer is cut off");
        return;
    }
    char *seed = json_text(json, "seed");
    out->good = json_id(json, "good");
    out->reason = json_text(json, "reason");
    out->seed = strtoull(seed, NULL, 10);
    free(seed);
    cJSON_Delete(json);
}

static void line_text(const struct trial *trial, const struct outcome *o, struct buf *line)
{
    static const char *const claims[] = {[PROGRAM_STARTER] = "fails",
                                         [PROGRAM_SOLUTION] = "passes",
                                         [PROGRAM_RIGHT] = "passes",
                                         [PROGRAM_WRONG] = "is rejected"};
    const struct program *p = trial->program;
    const char *rule = rule_of(trial);
    buf_printf(line, "%s %-8s %s: %s %u of %u", o->good == o->runs ? "ok  " : "FAIL",
               program_kind_name(p->kind), p->file, claims[p->kind], o->good, o->runs);
    if (rule != NULL)
        buf_printf(line, " by %s", rule);
    if (o->good != o->runs)
        buf_printf(line, "; %s (seed %" PRIu64 ")", o->reason, o->seed);
}

static void line_json(const struct trial *trial, const struct outcome *o, struct buf *line)
{
    const struct program *p = trial->program;
    const char *rule = rule_of(trial);
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "exercise", p->exercise);
    cJSON_AddStringToObject(json, "kind", program_kind_name(p->kind));
    cJSON_AddStringToObject(json, "file", p->file);
    cJSON_AddStringToObject(json, "rule", rule != NULL ? rule : "");
    cJSON_AddNumberToObject(json, "runs", o->runs);
    cJSON_AddNumberToObject(json, "good", o->good);
    cJSON_AddBoolToObject(json, "ok", o->good == o->runs);
    cJSON_AddStringToObject(json, "reason", o->reason);
    cJSON_AddStringToObject(json, "seed", seed);
    char *text = cJSON_PrintUnformatted(json);
    buf_puts(line, text);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void report(const struct trial *trial, const struct outcome *o, struct verify_result *sum)
{
    const struct verify_options *options = trial->options;
    struct buf line = {0};
    sum->programs++;
    sum->failures += o->good != o->runs;
    if (options->is_json)
        line_json(trial, o, &line);
    else
        line_text(trial, o, &line);
    if (options->on_line != NULL)
        options->on_line(options->arg, line.data);
    buf_fini(&line);
}

/* ---- all programs, some at a time ---- */

struct slot {
    struct child *child; /* NULL: free */
    struct trial *trial;
};

static void finish(struct slot *slot, struct verify_result *sum)
{
    struct buf answer = {0};
    struct err e = {0};
    struct outcome outcome;
    int result = child_finish(slot->child, &answer, &e);
    slot->child = NULL;
    outcome_from(&outcome, result, &e, &answer, slot->trial->options->runs);
    report(slot->trial, &outcome, sum);
    free(outcome.reason);
    buf_fini(&answer);
}

/* Waits until a child of one of the slots has something to say, or has ended. */
static void wait_for_any(struct slot *slots, size_t count, struct verify_result *sum)
{
    struct pollfd fds[WORKERS_MAX];
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = slots[i].child != NULL ? child_fd(slots[i].child) : -1,
                                 .events = POLLIN};
    poll(fds, count, -1);
    for (size_t i = 0; i < count; i++)
        if (slots[i].child != NULL && child_step(slots[i].child))
            finish(&slots[i], sum);
}

static struct slot *free_slot(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i].child == NULL)
            return &slots[i];
    return NULL;
}

static bool is_any_busy(const struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i].child != NULL)
            return true;
    return false;
}

/* One more than there are processors: much of a grading is waiting until nobody can move. */
static size_t slots_wanted(const struct verify_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = options->workers != 0 ? options->workers
                    : processors > 0      ? (size_t)processors + 1
                                          : 2;
    return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

static void try_all(struct trial *trials, size_t count, struct verify_result *sum)
{
    struct slot slots[WORKERS_MAX] = {0};
    size_t width = slots_wanted(trials[0].options);
    const struct child_limits limits = {.is_detached = true};
    for (size_t i = 0; i < count; i++) {
        struct slot *slot;
        while ((slot = free_slot(slots, width)) == NULL)
            wait_for_any(slots, width, sum);
        struct err e = {0};
        slot->trial = &trials[i];
        if (child_start(&slot->child, trial_job, slot->trial, &limits, &e) < 0) {
            struct outcome outcome = {.runs = trials[i].options->runs, .reason = e.text};
            report(slot->trial, &outcome, sum);
        }
    }
    while (is_any_busy(slots, width))
        wait_for_any(slots, width, sum);
}

/* One exercise: its grader must load, and its programs be there. */
static int verify_one(struct verify_result *sum, const struct verify_options *options,
                      const char *exercise, struct err *e)
{
    struct grader *grader = NULL;
    struct programs programs = {0};
    int result = grader_load(&grader, options->root, exercise, 1, e);
    if (result == 0)
        result = programs_add(&programs, options->root, exercise, e);
    if (result == 0) {
        struct trial *trials = xcalloc(programs.list_count, sizeof *trials);
        for (size_t i = 0; i < programs.list_count; i++)
            trials[i] = (struct trial){.options = options,
                                       .program = &programs.list[i],
                                       .starter_fails = grader->starter_fails};
        try_all(trials, programs.list_count, sum);
        sum->exercises++;
        free(trials);
    }
    programs_fini(&programs);
    grader_free(grader);
    return result;
}

static int choose_exercises(struct exercises *out, const struct verify_options *options,
                            struct err *e)
{
    if (options->exercise == NULL)
        return exercises_list(out, options->root, e);
    char *name = NULL;
    int result = grade_find(&name, options->root, options->exercise, e);
    if (result == 0)
        *PUSH(out->names) = name;
    return result;
}

int grade_verify(struct verify_result *out, const struct verify_options *given, struct err *e)
{
    struct verify_options options = *given;
    struct verify_result sum = {0};
    struct exercises exercises = {0};
    if (options.runs == 0)
        options.runs = 1;
    int result = choose_exercises(&exercises, &options, e);
    for (size_t i = 0; result == 0 && i < exercises.names_count; i++)
        result = verify_one(&sum, &options, exercises.names[i], e);
    exercises_fini(&exercises);
    if (result == 0)
        *out = sum;
    return result;
}
