/* Verdicts as JSON, and back. docs/verdict-json.md is the contract. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "grade/verdict.h"
#include "script/json.h"

enum { FORMAT = 1 };

static const char *const check_states[] = {
#define X(NAME, word) [CHECK_##NAME] = word,
    CHECK_STATES(X)
#undef X
};

static void add_text(cJSON *json, const char *key, const char *text)
{
    cJSON_AddStringToObject(json, key, text != NULL ? text : "");
}

/* Seconds, to the microsecond. */
static void add_seconds(cJSON *json, const char *key, uint64_t ns)
{
    cJSON_AddNumberToObject(json, key, (double)(ns / 1000) / 1e6);
}

static uint64_t take_seconds(const cJSON *json, const char *key)
{
    double seconds = json_number(json, key, 0);
    return seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9 + 0.5) : 0;
}

/* ---- findings and runs ---- */

static cJSON *finding_json(const struct verdict_finding *f)
{
    cJSON *json = cJSON_CreateObject();
    add_text(json, "rule", f->rule);
    add_text(json, "severity", f->severity);
    add_text(json, "text", f->text);
    add_text(json, "next", f->next);
    add_text(json, "proc", f->proc);
    add_text(json, "object", f->object);
    cJSON_AddNumberToObject(json, "seq", f->seq);
    json_add_ids(json, "events", f->events, f->event_count);
    return json;
}

static void finding_from(struct verdict_finding *out, const cJSON *json)
{
    *out = (struct verdict_finding){.rule = json_text(json, "rule"),
                                    .severity = json_text(json, "severity"),
                                    .text = json_text(json, "text"),
                                    .next = json_text(json, "next"),
                                    .proc = json_text(json, "proc"),
                                    .object = json_text(json, "object"),
                                    .seq = json_id(json, "seq")};
    out->event_count = json_ids(&out->events, json, "events");
}

cJSON *verdict_run_json(const struct verdict_run *run)
{
    cJSON *json = cJSON_CreateObject();
    add_text(json, "name", run->name);
    json_add_texts(json, "args", run->args, run->arg_count);
    add_text(json, "verdict", verdict_kind_name(run->kind));
    add_text(json, "how", run->how);
    add_text(json, "reason", run->reason);
    cJSON_AddNumberToObject(json, "exit", run->exit_code);
    add_text(json, "signal", run->signal);
    add_text(json, "recording", run->recording);
    add_text(json, "schedule", run->schedule);
    cJSON_AddNumberToObject(json, "orders", (double)run->orders);
    add_text(json, "file", run->file);
    cJSON_AddNumberToObject(json, "line", run->line);
    cJSON_AddNumberToObject(json, "seq", run->seq);
    add_seconds(json, "seconds", run->elapsed_ns);
    add_text(json, "stdout", run->output);
    add_text(json, "stderr", run->errors);
    cJSON *findings = cJSON_AddArrayToObject(json, "findings");
    for (size_t i = 0; i < run->finding_count; i++)
        cJSON_AddItemToArray(findings, finding_json(&run->findings[i]));
    return json;
}

/* What is not known is NOT_JUDGED: never a pass by mistake. */
static enum verdict_kind kind_from(const cJSON *json)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "verdict"));
    for (enum verdict_kind kind = 0; word != NULL && kind <= VERDICT_PASS; kind++)
        if (strcmp(word, verdict_kind_name(kind)) == 0)
            return kind;
    return VERDICT_NOT_JUDGED;
}

void verdict_run_from(struct verdict_run *out, const cJSON *json)
{
    *out = (struct verdict_run){.name = json_text(json, "name"),
                                .kind = kind_from(json),
                                .how = json_text(json, "how"),
                                .reason = json_text(json, "reason"),
                                .exit_code = (int)json_number(json, "exit", -1),
                                .signal = json_text(json, "signal"),
                                .recording = json_text(json, "recording"),
                                .schedule = json_text(json, "schedule"),
                                .orders = (uint64_t)json_number(json, "orders", 0),
                                .file = json_text(json, "file"),
                                .line = (int)json_number(json, "line", 0),
                                .seq = json_id(json, "seq"),
                                .elapsed_ns = take_seconds(json, "seconds"),
                                .output = json_text(json, "stdout"),
                                .errors = json_text(json, "stderr")};
    out->arg_count = json_texts(&out->args, json, "args");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "findings"), *item;
    out->findings = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *out->findings);
    cJSON_ArrayForEach(item, list)
    {
        finding_from(&out->findings[out->finding_count++], item);
    }
}

/* ---- checks ---- */

static cJSON *check_json(const struct verdict_check *check, const struct verdict *v)
{
    cJSON *json = cJSON_CreateObject();
    add_text(json, "id", check->id);
    add_text(json, "title", check->title);
    add_text(json, "verdict", check_states[check->state]);
    cJSON_AddNumberToObject(json, "points", check->points);
    cJSON_AddNumberToObject(json, "earned", check->earned);
    add_text(json, "why", check->why);
    json_add_texts(json, "hints", check->hints, check->hint_count);
    if (check->state == CHECK_PASSED)
        return json;
    add_text(json, "text", check->text);
    if (check->run < v->run_count)
        add_text(json, "run", v->runs[check->run].name);
    if (check->state != CHECK_FAILED)
        return json;
    add_text(json, "rule", check->rule);
    add_text(json, "next", check->next);
    add_text(json, "proc", check->proc);
    add_text(json, "object", check->object);
    add_text(json, "file", check->file);
    cJSON_AddNumberToObject(json, "line", check->line);
    cJSON_AddNumberToObject(json, "seq", check->seq);
    json_add_ids(json, "events", check->events, check->event_count);
    return json;
}

static enum check_state state_from(const cJSON *json)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "verdict"));
    for (enum check_state state = 0; word != NULL && state <= CHECK_OPEN; state++)
        if (strcmp(word, check_states[state]) == 0)
            return state;
    return CHECK_OPEN;
}

static size_t run_by_name(const struct verdict *v, const char *name)
{
    for (size_t i = 0; name != NULL && i < v->run_count; i++)
        if (strcmp(v->runs[i].name, name) == 0)
            return i;
    return 0;
}

static void check_from(struct verdict_check *out, const cJSON *json, const struct verdict *v)
{
    *out = (struct verdict_check){.id = json_text(json, "id"),
                                  .title = json_text(json, "title"),
                                  .why = json_text(json, "why"),
                                  .points = (int)json_number(json, "points", 0),
                                  .earned = (int)json_number(json, "earned", 0),
                                  .state = state_from(json),
                                  .rule = json_text(json, "rule"),
                                  .text = json_text(json, "text"),
                                  .next = json_text(json, "next"),
                                  .proc = json_text(json, "proc"),
                                  .object = json_text(json, "object"),
                                  .file = json_text(json, "file"),
                                  .line = (int)json_number(json, "line", 0),
                                  .seq = json_id(json, "seq")};
    out->hint_count = json_texts(&out->hints, json, "hints");
    out->event_count = json_ids(&out->events, json, "events");
    out->run = run_by_name(v, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "run")));
}

/* ---- the verdict ---- */

void verdict_json(const struct verdict *v, struct buf *out)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "format", FORMAT);
    add_text(json, "exercise", v->exercise);
    add_text(json, "title", v->title);
    add_text(json, "file", v->file);
    add_text(json, "verdict", verdict_kind_name(v->kind));
    add_text(json, "reason", v->reason);
    char seed[24]; /* as text: a JSON number holds only 53 bits */
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)v->seed);
    add_text(json, "seed", seed);
    cJSON_AddNumberToObject(json, "points", v->points);
    cJSON_AddNumberToObject(json, "points_max", v->points_max);
    add_seconds(json, "seconds", v->elapsed_ns);
    cJSON *compiler = cJSON_AddObjectToObject(json, "compile");
    cJSON_AddBoolToObject(compiler, "ok", v->is_compiled);
    add_seconds(compiler, "seconds", v->compile_ns);
    add_text(compiler, "text", v->compiler_text);
    cJSON *checks = cJSON_AddArrayToObject(json, "checks");
    for (size_t i = 0; i < v->check_count; i++)
        cJSON_AddItemToArray(checks, check_json(&v->checks[i], v));
    cJSON *runs = cJSON_AddArrayToObject(json, "runs");
    for (size_t i = 0; i < v->run_count; i++)
        cJSON_AddItemToArray(runs, verdict_run_json(&v->runs[i]));
    char *text = cJSON_Print(json);
    buf_puts(out, text);
    buf_putc(out, '\n');
    cJSON_free(text);
    cJSON_Delete(json);
}

static void take_lists(struct verdict *v, const cJSON *json)
{
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(json, "runs"),
                *checks = cJSON_GetObjectItemCaseSensitive(json, "checks"), *item;
    v->runs = xcalloc((size_t)cJSON_GetArraySize(runs) + 1, sizeof *v->runs);
    cJSON_ArrayForEach(item, runs)
    {
        verdict_run_from(&v->runs[v->run_count++], item);
    }
    v->checks = xcalloc((size_t)cJSON_GetArraySize(checks) + 1, sizeof *v->checks);
    cJSON_ArrayForEach(item, checks)
    {
        check_from(&v->checks[v->check_count++], item, v);
    }
}

int verdict_parse(struct verdict **out, const char *text, struct err *e)
{
    cJSON *json = cJSON_Parse(text);
    if (json == NULL)
        return err_set(e, EBADMSG, "read the verdict: it is not JSON");
    if ((int)json_number(json, "format", 0) != FORMAT) {
        cJSON_Delete(json);
        return err_set(e, EBADMSG, "read the verdict: it is not one, or of another format");
    }
    struct verdict *v = xcalloc(1, sizeof *v);
    const cJSON *compiler = cJSON_GetObjectItemCaseSensitive(json, "compile");
    char *seed = json_text(json, "seed");
    *v = (struct verdict){
        .kind = kind_from(json),
        .exercise = json_text(json, "exercise"),
        .title = json_text(json, "title"),
        .file = json_text(json, "file"),
        .reason = json_text(json, "reason"),
        .seed = strtoull(seed, NULL, 10),
        .points = (int)json_number(json, "points", 0),
        .points_max = (int)json_number(json, "points_max", 0),
        .elapsed_ns = take_seconds(json, "seconds"),
        .is_compiled = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(compiler, "ok")),
        .compile_ns = take_seconds(compiler, "seconds"),
        .compiler_text = json_text(compiler, "text"),
    };
    free(seed);
    take_lists(v, json);
    cJSON_Delete(json);
    *out = v;
    return 0;
}
