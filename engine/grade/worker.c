#include "grade/worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "grade/orders.h"
#include "grade/verdict.h"
#include "run/run.h"
#include "script/evidence.h"

enum { OUTPUT_KEPT = 64 << 10, OUTPUT_SHOWN = 4096, EVENTS_MAX = 300000 };

char *plan_recording(const struct plan *plan, size_t index)
{
    char *path = xasprintf("%s/%02zu-%s.ipclab", plan->recordings, index + 1,
                           plan->grader->runs[index].name);
    for (char *c = path + strlen(plan->recordings) + 1; *c != '\0'; c++)
        if (strchr("/ \t\n'\"\\*?[]$&|;<>(){}", *c) != NULL)
            *c = '-';
    return path;
}

/* ---- the run ---- */

static uint64_t ignored_signals(const struct run_spec *spec)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < spec->ignored_count; i++)
        for (int sig = 1; sig < 64; sig++)
            if (strcmp(spec->ignored[i], signal_name(sig)) == 0)
                bits |= (uint64_t)1 << (sig - 1);
    return bits;
}

static const char *partner_program(const struct plan *plan, const struct run_spec *spec)
{
    for (size_t i = 0; i < plan->grader->partner_count; i++)
        if (spec->partner != NULL && strcmp(plan->grader->partners[i], spec->partner) == 0)
            return plan->partners[i];
    return NULL;
}

/* The program's arguments: [PARTNER] PROGRAM ARGS. The caller frees the array. */
static char **arguments(const struct plan *plan, const struct run_spec *spec)
{
    char **argv = xcalloc(spec->arg_count + 3, sizeof *argv);
    size_t n = 0;
    const char *partner = partner_program(plan, spec);
    if (partner != NULL)
        argv[n++] = (char *)(uintptr_t)partner;
    argv[n++] = (char *)(uintptr_t)plan->program;
    for (size_t i = 0; i < spec->arg_count; i++)
        argv[n++] = spec->args[i];
    return argv;
}

/* Programs are seen inside at the paths that they have outside, so that their lines can be found.
 */
static struct sandbox_options place_of(const struct plan *plan, const struct run_spec *spec,
                                       struct sandbox_mount mounts[2])
{
    const char *partner = partner_program(plan, spec);
    mounts[0] = (struct sandbox_mount){.from = plan->program, .to = plan->program};
    mounts[1] = (struct sandbox_mount){.from = partner, .to = partner};
    return (struct sandbox_options){
        .mounts = mounts,
        .mount_count = partner != NULL ? 2 : 1,
        .processes_max = spec->processes,
        .files_max = spec->files,
        .cpu_seconds = (uint32_t)spec->limit + 2,
        .ignored_signals = ignored_signals(spec),
    };
}

void work_init(struct work *w, const struct plan *plan, size_t index)
{
    const struct run_spec *spec = &plan->grader->runs[index];
    *w = (struct work){.meta = {"lab", plan->grader->exercise, "run", spec->name},
                       .sources = {plan->file}};
    w->place = place_of(plan, spec, w->mounts);
    w->argv = arguments(plan, spec);
    w->options = (struct run_options){
        .argv = w->argv,
        .sandbox = &w->place,
        .limit_ns = (uint64_t)(spec->limit * 1e9),
        .events_max = EVENTS_MAX,
        .ends_when_stuck = true,
        .stdin_bytes = spec->stdin_bytes,
        .stdin_size = spec->stdin_size,
        .stdin_when_quiet = spec->is_fed_when_quiet,
        .output_max = OUTPUT_KEPT,
        .meta = w->meta,
        .sources = w->sources,
    };
}

void work_fini(struct work *w)
{
    free(w->argv);
}

/* ---- what it was ---- */

static char *named_proc(const struct model *m, uint32_t proc)
{
    struct buf name = {0};
    buf_puts(&name, "");
    if (proc != MODEL_NONE)
        model_proc_name(m, proc, &name);
    return buf_take(&name);
}

static char *named_object(const struct model *m, uint32_t object)
{
    struct buf name = {0};
    buf_puts(&name, "");
    if (object != MODEL_NONE)
        model_object_name(m, object, &name);
    return buf_take(&name);
}

static void take_findings(struct verdict_run *run, const struct evidence *ev)
{
    const struct model *m = evidence_final(ev);
    size_t count = diagnosis_count(ev->diagnosis);
    run->findings = xcalloc(count + 1, sizeof *run->findings);
    for (size_t i = 0; i < count; i++) {
        const struct finding *f = diagnosis_finding(ev->diagnosis, i);
        run->findings[run->finding_count++] = (struct verdict_finding){
            .rule = xstrdup(rule_id(f->rule)),
            .severity = xstrdup(severity_name(f->severity)),
            .text = xstrdup(f->text != NULL ? f->text : ""),
            .next = xstrdup(f->next != NULL ? f->next : ""),
            .proc = named_proc(m, f->proc),
            .object = named_object(m, f->object),
            .seq = f->seq,
            .events = xmemdup(f->events, f->event_count * sizeof *f->events),
            .event_count = f->event_count,
        };
    }
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

/* The source line of a finding: of the first of its events that has one in the learner's own file,
 * else of the first that has one at all. */
static void take_line(struct verdict_run *run, const struct evidence *ev, const struct finding *f,
                      const char *own_file)
{
    const char *slash = strrchr(own_file, '/'), *own = slash != NULL ? slash + 1 : own_file;
    bool is_own = false;
    run->seq = f->seq;
    for (size_t i = 0; i < f->event_count && !is_own; i++) {
        struct source_line line;
        if (!source_of_event(ev->source, recording_event(ev->rec, f->events[i]), &line))
            continue;
        is_own = strcmp(line.base, own) == 0;
        if (!is_own && run->line != 0)
            continue;
        set_text(&run->file, line.base);
        run->line = line.line;
    }
}

static const struct finding *find_rule(const struct evidence *ev, enum rule rule)
{
    for (size_t i = 0; i < diagnosis_count(ev->diagnosis); i++) {
        const struct finding *f = diagnosis_finding(ev->diagnosis, i);
        if (f->rule == rule && f->severity != SEVERITY_NORMAL)
            return f;
    }
    return NULL;
}

static void give_reason(struct verdict_run *run, enum verdict_kind kind, const char *text)
{
    run->kind = kind;
    set_text(&run->reason, text);
}

/* A run that did not end: why, in the words of the finding that says so. */
static void classify_unended(struct verdict_run *run, const struct evidence *ev, enum run_end end,
                             const char *own_file)
{
    const struct finding *f = find_rule(ev, rule_by_id(run_end_name(end)));
    give_reason(run, VERDICT_TIMEOUT, f != NULL ? f->text : "it did not end within its limit");
    run->seq = recording_step_count(ev->rec);
    if (f != NULL)
        take_line(run, ev, f, own_file);
}

/* NULL, or why a run cannot be judged: something happened that the recording does not show. */
static const char *what_was_missed(const struct evidence *ev)
{
    const struct completeness *c = recording_completeness(ev->rec);
    return c->has_untraced      ? "a process escaped from the tracer"
           : c->has_foreign_abi ? "calls of another architecture were made"
           : c->has_own_filter  ? "the program filters its own calls"
           : c->is_damaged      ? recording_damage(ev->rec)
                                : NULL;
}

static void classify(struct verdict_run *run, const struct evidence *ev, const struct plan *plan,
                     size_t index)
{
    bool has_partner = plan->grader->runs[index].partner != NULL;
    enum run_end end = diagnosis_end(ev->diagnosis);
    const struct finding *crash = find_rule(ev, RULE_CRASH);
    int status;
    run->exit_code = -1;
    if (evidence_status(ev, &status) && WIFEXITED(status))
        run->exit_code = WEXITSTATUS(status);
    else if (evidence_status(ev, &status) && WIFSIGNALED(status))
        set_text(&run->signal, signal_name(WTERMSIG(status)));
    set_text(&run->how, run_end_name(end));

    if (crash != NULL && has_partner && crash->proc == 0) {
        give_reason(run, VERDICT_NOT_JUDGED, "the grader's partner crashed");
    } else if (crash != NULL) {
        give_reason(run, VERDICT_CRASH, crash->text);
        take_line(run, ev, crash, plan->file);
    } else if (end == RUN_INTERRUPTED) {
        give_reason(run, VERDICT_NOT_JUDGED, "the run was interrupted");
    } else if (end != RUN_ENDED) {
        classify_unended(run, ev, end, plan->file);
    } else if (what_was_missed(ev) != NULL) {
        give_reason(run, VERDICT_NOT_JUDGED, what_was_missed(ev));
    } else {
        give_reason(run, VERDICT_PASS, "");
    }
}

/* Output as a person may see it: control characters visible, cut. */
static char *shown(const struct buf *bytes)
{
    struct buf text = {0};
    buf_puts(&text, "");
    if (bytes->len > 0)
        buf_quoted(&text, bytes->data, bytes->len, OUTPUT_SHOWN);
    return buf_take(&text);
}

/* ---- run, look, ask ---- */

static void empty_texts(struct verdict_run *run)
{
    run->exit_code = -1;
    char **texts[] = {&run->how,  &run->reason, &run->signal,
                      &run->file, &run->output, &run->errors};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = xstrdup("");
}

static void look_at_result(struct verdict_run *run, const struct run_result *result)
{
    run->elapsed_ns = result->trace.elapsed_ns;
    free(run->output);
    free(run->errors);
    run->output = shown(&result->out);
    run->errors = shown(&result->err);
}

/* Opens what was recorded, classifies the run, asks the checks. *answers stays NULL when they could
 * not be asked. */
static void judge(struct verdict_run *run, cJSON **answers, const struct plan *plan, size_t index)
{
    struct err e = {0};
    struct evidence *ev = NULL;
    if (evidence_open(&ev, run->recording, &e) < 0) {
        give_reason(run, VERDICT_NOT_JUDGED, e.text);
        return;
    }
    take_findings(run, ev);
    classify(run, ev, plan, index);
    if (run->kind != VERDICT_NOT_JUDGED &&
        grader_judge(answers, plan->grader, plan->root, index, plan->only, ev, &e) < 0)
        give_reason(run, VERDICT_NOT_JUDGED, e.text);
    evidence_free(ev);
}

/* What one run of the plan comes to. */
struct doing {
    const struct plan *plan;
    const struct run_spec *spec;
    size_t index;
    struct verdict_run run;
    cJSON *answers;
    bool was_cut_off;
};

static void take_made(struct doing *d, const struct run_result *result)
{
    look_at_result(&d->run, result);
    judge(&d->run, &d->answers, d->plan, d->index);
}

/* The kernel's own order, once. */
static int run_freely(struct doing *d, const struct run_options *options, struct err *e)
{
    struct run_result result = {0};
    int rc = run_command(&result, options, e);
    if (rc < 0)
        return rc;
    if (result.trace.end == TRACE_FAILED)
        rc = err_set(e, EIO, "tracing failed");
    else
        take_made(d, &result);
    d->was_cut_off = result.trace.end == TRACE_TIMEOUT || result.trace.end == TRACE_FLOODED;
    run_result_fini(&result);
    return rc;
}

/* Every check that is about this run passed it, and it ended. */
static enum orders_answer answer_of(const struct doing *d)
{
    if (d->run.kind == VERDICT_NOT_JUDGED || d->answers == NULL)
        return ORDERS_BROKEN;
    if (d->run.kind != VERDICT_PASS)
        return ORDERS_FAILED;
    for (size_t i = 0; i < d->plan->grader->check_count; i++) {
        enum judged_state state = judged_state_of(d->answers, i);
        if (state == JUDGED_FAILED)
            return ORDERS_FAILED;
        if (state == JUDGED_BROKEN)
            return ORDERS_BROKEN;
    }
    return ORDERS_PASSED;
}

static void begin_run(struct doing *d, const char *recording)
{
    d->run = (struct verdict_run){.name = xstrdup(d->spec->name),
                                  .arg_count = d->spec->arg_count,
                                  .recording = xstrdup(recording),
                                  .schedule = xstrdup("")};
    d->run.args = xcalloc(d->spec->arg_count + 1, sizeof *d->run.args);
    for (size_t i = 0; i < d->spec->arg_count; i++)
        d->run.args[i] = xstrdup(d->spec->args[i]);
    empty_texts(&d->run);
}

/* One of many tries; the last is the one that the verdict keeps. */
static enum orders_answer judge_order(void *arg, const char *path, const struct run_result *result,
                                      bool is_last)
{
    struct doing *kept = arg, now = {.plan = kept->plan, .spec = kept->spec, .index = kept->index};
    begin_run(&now, path);
    take_made(&now, result);
    enum orders_answer answer = answer_of(&now);
    if (!is_last) {
        verdict_run_fini(&now.run);
        cJSON_Delete(now.answers);
        return answer;
    }
    verdict_run_fini(&kept->run);
    cJSON_Delete(kept->answers);
    kept->run = now.run;
    kept->answers = now.answers;
    return answer;
}

/* What `ipclab replay` needs to make the run again. */
static char *name_of_run(const struct doing *d)
{
    char *file = realpath(d->plan->file, NULL);
    char *name = xasprintf("grade %s %llu %zu %s", d->plan->grader->exercise,
                           (unsigned long long)d->plan->grader->seed, d->index + 1,
                           file ? file : d->plan->file);
    free(file);
    return name;
}

static int run_in_orders(struct doing *d, const struct run_options *options, struct err *e)
{
    char *path = xasprintf("%s.schedule", options->recording_path);
    char *what = name_of_run(d);
    struct orders orders = {.options = options,
                            .spec = d->spec,
                            .what = what,
                            .schedule_path = path,
                            .seed = d->plan->grader->seed + d->index,
                            .judge = judge_order,
                            .arg = d};
    struct orders_result result;
    unlink(path);
    int rc = orders_try(&result, &orders, e);
    if (rc == 0) {
        d->run.orders = result.tried;
        d->was_cut_off = result.was_cut_off;
        if (result.has_failed)
            set_text(&d->run.schedule, path);
    }
    free(path);
    free(what);
    return rc;
}

static cJSON *do_run(const struct plan *plan, size_t index)
{
    struct doing d = {.plan = plan, .spec = &plan->grader->runs[index], .index = index};
    char *recording = plan_recording(plan, index);
    struct work work;
    struct err e = {0};
    work_init(&work, plan, index);
    work.options.recording_path = recording;
    begin_run(&d, recording);
    int rc = d.spec->orders || d.spec->schedule ? run_in_orders(&d, &work.options, &e)
                                                : run_freely(&d, &work.options, &e);
    if (rc < 0)
        give_reason(&d.run, VERDICT_NOT_JUDGED, e.text[0] != '\0' ? e.text : "tracing failed");
    work_fini(&work);
    free(recording);

    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "index", (double)index);
    cJSON_AddItemToObject(json, "run", verdict_run_json(&d.run));
    if (d.was_cut_off)
        atomic_fetch_add(&plan->turn->unended, 1);
    if (d.answers != NULL)
        cJSON_AddItemToObject(json, "answers", d.answers);
    verdict_run_fini(&d.run);
    return json;
}

/* Is this run to be made? */
static bool is_wanted(const struct plan *plan, size_t index)
{
    return plan->only == GRADER_ALL || grader_asks(plan->grader, plan->only, index);
}

/* Did the only check that we ask fail in this run? Then the others cannot change what it says. */
static bool has_settled_it(const struct plan *plan, const cJSON *done)
{
    const cJSON *answers = cJSON_GetObjectItemCaseSensitive(done, "answers");
    return plan->only != GRADER_ALL && answers != NULL &&
           judged_state_of(answers, plan->only) == JUDGED_FAILED;
}

int worker_job(void *arg, struct buf *out, struct err *e)
{
    (void)e;
    const struct plan *plan = arg;
    cJSON *list = cJSON_CreateArray();
    size_t index;
    bool is_settled = false;
    while (!is_settled && atomic_load(&plan->turn->unended) < UNENDED_MAX &&
           (index = atomic_fetch_add(&plan->turn->next, 1)) < plan->grader->run_count) {
        if (!is_wanted(plan, index))
            continue;
        cJSON *done = do_run(plan, index);
        is_settled = has_settled_it(plan, done);
        cJSON_AddItemToArray(list, done);
    }
    char *text = cJSON_PrintUnformatted(list);
    buf_puts(out, text);
    cJSON_free(text);
    cJSON_Delete(list);
    return 0;
}
