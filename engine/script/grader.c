#include "script/grader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "script/child.h"
#include "script/json.h"
#include "script/script_declare.h"

static const uint64_t load_wall_ns = 2000000000, judge_wall_ns = 5000000000,
                      child_wall_ns = 8000000000;
enum { CHILD_CPU_SECONDS = 7, CHILD_MEMORY = 512 << 20 };

static const struct child_limits child_limits = {
    .wall_ns = child_wall_ns, .cpu_seconds = CHILD_CPU_SECONDS, .memory = CHILD_MEMORY};

static const cJSON *item_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void answer_json(struct buf *out, cJSON *take)
{
    char *text = cJSON_PrintUnformatted(take);
    buf_puts(out, text);
    cJSON_free(text);
    cJSON_Delete(take);
}

/* ---- loading ---- */

struct load_job {
    const char *root, *file;
    uint64_t seed;
};

static int load_job(void *arg, struct buf *out, struct err *e)
{
    const struct load_job *job = arg;
    struct script_options options = {.root = job->root, .wall_ns = load_wall_ns};
    struct script *s = NULL;
    cJSON *json = NULL, *runs = NULL;
    int result = script_new(&s, &options, e);
    if (result == 0)
        result = script_load_grader(&json, s, job->file, e);
    if (result == 0)
        result = script_runs(&runs, s, job->file, job->seed, e);
    if (result == 0) {
        cJSON_AddItemToObject(json, "specs", runs);
        answer_json(out, json);
    } else {
        cJSON_Delete(json);
    }
    script_free(s);
    return result;
}

static int digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static size_t take_bytes(char **out, const char *hex)
{
    size_t size = hex != NULL ? strlen(hex) / 2 : 0;
    char *bytes = xmalloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    bytes[size] = '\0';
    *out = bytes;
    return size;
}

/* A list of lines as one text; NULL when there is none. */
static char *joined_lines(const cJSON *object, const char *key)
{
    char **lines;
    struct buf text = {0};
    size_t count = json_texts(&lines, object, key);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\n", lines[i]);
    strings_free(lines, count);
    return count > 0 ? buf_take(&text) : NULL;
}

static void take_runs(struct grader *g, const cJSON *list)
{
    const cJSON *item;
    g->runs = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *g->runs);
    cJSON_ArrayForEach(item, list)
    {
        struct run_spec *run = &g->runs[g->run_count++];
        run->name = json_text(item, "name");
        run->arg_count = json_texts(&run->args, item, "args");
        run->stdin_size =
            take_bytes(&run->stdin_bytes, cJSON_GetStringValue(item_of(item, "stdin")));
        run->is_fed_when_quiet = item_of(item, "feed") != NULL;
        run->limit = json_number(item, "limit", 5);
        run->processes = (unsigned)json_number(item, "processes", 0);
        run->files = (unsigned)json_number(item, "files", 0);
        run->ignored_count = json_texts(&run->ignored, item, "ignore");
        run->partner = json_optional(item, "partner");
        run->orders = (uint64_t)json_number(item, "orders", 0);
        run->schedule = joined_lines(item, "schedule");
        const char *time = cJSON_GetStringValue(item_of(item, "time"));
        run->is_fair = time != NULL && strcmp(time, "fair") == 0;
        run->fault_count = json_texts(&run->faults, item, "faults");
    }
}

static void take_checks(struct grader *g, const cJSON *list)
{
    const cJSON *item;
    g->checks = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *g->checks);
    cJSON_ArrayForEach(item, list)
    {
        struct grader_check *check = &g->checks[g->check_count++];
        check->id = json_text(item, "id");
        check->title = json_text(item, "title");
        check->why = json_text(item, "why");
        check->rule = json_text(item, "rule");
        check->points = (int)json_number(item, "points", 0);
        check->hint_count = json_texts(&check->hints, item, "hints");
        check->on_count = json_texts(&check->on, item, "on");
    }
}

static bool has_run(const struct grader *g, const char *name)
{
    for (size_t i = 0; i < g->run_count; i++)
        if (strcmp(g->runs[i].name, name) == 0)
            return true;
    return false;
}

static bool has_partner(const struct grader *g, const char *name)
{
    for (size_t i = 0; i < g->partner_count; i++)
        if (strcmp(g->partners[i], name) == 0)
            return true;
    return false;
}

static bool is_fault_kind(const char *name)
{
    static const char *const kinds[] = {"short", "signal", "small", "error", "kill"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], name) == 0)
            return true;
    return false;
}

/* Names in one part of the file that must exist in another. */
static int check_names(const struct grader *g, const char *file, const char *exercise,
                       struct err *e)
{
    if (strcmp(g->exercise, exercise) != 0)
        return err_set(e, EINVAL, "%s: field 'exercise': '%s' expected", file, exercise);
    for (size_t i = 0; i < g->check_count; i++)
        for (size_t j = 0; j < g->checks[i].on_count; j++)
            if (!has_run(g, g->checks[i].on[j]))
                return err_set(e, EINVAL, "%s: field 'checks[%zu].on[%zu]': no run '%s'", file,
                               i + 1, j + 1, g->checks[i].on[j]);
    for (size_t i = 0; i < g->run_count; i++)
        for (size_t j = 0; j < g->runs[i].fault_count; j++)
            if (!is_fault_kind(g->runs[i].faults[j]))
                return err_set(
                    e, EINVAL,
                    "%s: field 'runs()[%zu].faults': '%s'; there are short, signal, small, "
                    "error, kill",
                    file, i + 1, g->runs[i].faults[j]);
    for (size_t i = 0; i < g->run_count; i++)
        if (g->runs[i].partner != NULL && !has_partner(g, g->runs[i].partner))
            return err_set(e, EINVAL, "%s: field 'runs()[%zu].partner': not one of partners", file,
                           i + 1);
    return 0;
}

static struct grader *grader_from(const cJSON *json, uint64_t seed)
{
    struct grader *g = xcalloc(1, sizeof *g);
    g->exercise = json_text(json, "exercise");
    g->title = json_text(json, "title");
    g->starter_fails = json_text(json, "starter_fails");
    g->partner_count = json_texts(&g->partners, json, "partners");
    g->seed = seed;
    take_checks(g, item_of(json, "checks"));
    take_runs(g, item_of(json, "specs"));
    return g;
}

int grader_load(struct grader **out, const char *root, const char *exercise, uint64_t seed,
                struct err *e)
{
    char *file = xasprintf("scripts/grade/%s.lua", exercise);
    struct load_job job = {.root = root, .file = file, .seed = seed};
    struct buf answer = {0};
    struct grader *g = NULL;
    int result = child_run(&answer, load_job, &job, &child_limits, e);
    if (result == 0) {
        cJSON *json = cJSON_Parse(answer.data);
        g = grader_from(json, seed);
        cJSON_Delete(json);
        result = check_names(g, file, exercise, e);
    }
    buf_fini(&answer);
    free(file);
    if (result < 0)
        grader_free(g);
    else
        *out = g;
    return result;
}

void grader_free(struct grader *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->check_count; i++) {
        struct grader_check *check = &g->checks[i];
        free(check->id);
        free(check->title);
        free(check->why);
        free(check->rule);
        strings_free(check->hints, check->hint_count);
        strings_free(check->on, check->on_count);
    }
    free(g->checks);
    for (size_t i = 0; i < g->run_count; i++) {
        struct run_spec *run = &g->runs[i];
        free(run->name);
        strings_free(run->args, run->arg_count);
        free(run->stdin_bytes);
        strings_free(run->ignored, run->ignored_count);
        free(run->partner);
        free(run->schedule);
        strings_free(run->faults, run->fault_count);
    }
    free(g->runs);
    strings_free(g->partners, g->partner_count);
    free(g->exercise);
    free(g->title);
    free(g->starter_fails);
    free(g);
}

/* ---- judging ---- */

struct judge_job {
    const struct grader *g;
    const char *root, *file;
    size_t run, only;
    const struct evidence *ev;
};

bool grader_asks(const struct grader *g, size_t check, size_t run)
{
    const struct grader_check *c = &g->checks[check];
    bool is_on = c->on_count == 0;
    for (size_t i = 0; i < c->on_count; i++)
        is_on |= strcmp(c->on[i], g->runs[run].name) == 0;
    return is_on;
}

/* The source line of the first event of the evidence that has one. */
static void add_line(cJSON *answer, const struct evidence *ev)
{
    const cJSON *id;
    cJSON_ArrayForEach(id, item_of(answer, "events"))
    {
        struct source_line line;
        if (id->valuedouble < 0 || id->valuedouble >= recording_event_count(ev->rec))
            continue;
        const struct event *event = recording_event(ev->rec, (uint32_t)id->valuedouble);
        if (!source_of_event(ev->source, event, &line))
            continue;
        cJSON_AddStringToObject(answer, "file", line.base);
        cJSON_AddNumberToObject(answer, "line", line.line);
        return;
    }
}

/* The moment to look at: the last of the evidence, just begun, unless the check named one. */
static void add_seq(cJSON *answer, const struct evidence *ev)
{
    if (item_of(answer, "seq") != NULL)
        return;
    uint32_t seq = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, item_of(answer, "events"))
    {
        if (id->valuedouble < 0 || id->valuedouble >= recording_event_count(ev->rec))
            continue;
        uint32_t entry = recording_event(ev->rec, (uint32_t)id->valuedouble)->entry_seq;
        seq = entry > seq ? entry : seq;
    }
    if (seq == 0)
        seq = recording_step_count(ev->rec);
    cJSON_AddNumberToObject(answer, "seq", seq);
}

static void name_object(cJSON *answer, const struct evidence *ev)
{
    const cJSON *id = item_of(answer, "object");
    const struct model *m = evidence_final(ev);
    struct buf name = {0};
    uint32_t index = id != NULL ? evidence_object_by_id(m, (int64_t)id->valuedouble) : MODEL_NONE;
    if (index != MODEL_NONE)
        model_object_name(m, index, &name);
    cJSON_DeleteItemFromObject(answer, "object");
    cJSON_AddStringToObject(answer, "object", name.data != NULL ? name.data : "");
    buf_fini(&name);
}

static cJSON *ask_one(const struct judge_job *job, struct script *s, size_t index)
{
    struct err e = {0};
    cJSON *answer = cJSON_CreateObject();
    enum judged_state state = JUDGED_PASSED;
    if (!grader_asks(job->g, index, job->run) || (job->only != GRADER_ALL && job->only != index)) {
        state = JUDGED_NOT_ASKED;
    } else if (script_check(s, job->ev, job->g, job->run, index, &e) < 0) {
        state = JUDGED_BROKEN;
        cJSON_AddStringToObject(answer, "text", e.text);
    } else if (script_failure(s) != NULL) {
        state = JUDGED_FAILED;
        cJSON_Delete(answer);
        answer = cJSON_Duplicate(script_failure(s), true);
        add_line(answer, job->ev);
        add_seq(answer, job->ev);
        name_object(answer, job->ev);
    }
    cJSON_AddNumberToObject(answer, "state", state);
    return answer;
}

static int judge_job(void *arg, struct buf *out, struct err *e)
{
    const struct judge_job *job = arg;
    struct script_options options = {
        .root = job->root, .wall_ns = judge_wall_ns, .memory_max = (size_t)256 << 20};
    struct script *s = NULL;
    cJSON *json = NULL;
    int result = script_new(&s, &options, e);
    if (result == 0)
        result = script_load_grader(&json, s, job->file, e);
    cJSON_Delete(json);
    if (result == 0) {
        cJSON *answers = cJSON_CreateArray();
        for (size_t i = 0; i < job->g->check_count; i++)
            cJSON_AddItemToArray(answers, ask_one(job, s, i));
        answer_json(out, answers);
    }
    script_free(s);
    return result;
}

static void take_judged(struct judged *out, const cJSON *json, const struct grader_check *check)
{
    *out = (struct judged){.state = (enum judged_state)json_number(json, "state", JUDGED_BROKEN),
                           .rule = json_optional(json, "rule"),
                           .text = json_text(json, "text"),
                           .next = json_text(json, "next"),
                           .proc = json_text(json, "proc"),
                           .object = json_text(json, "object"),
                           .file = json_text(json, "file"),
                           .line = (int)json_number(json, "line", 0),
                           .seq = json_id(json, "seq")};
    if (out->rule == NULL)
        out->rule = xstrdup(out->state == JUDGED_FAILED ? check->rule : "");
    out->event_count = json_ids(&out->events, json, "events");
}

enum judged_state judged_state_of(const cJSON *answers, size_t check)
{
    const cJSON *answer = cJSON_GetArrayItem(answers, (int)check);
    return (enum judged_state)json_number(answer, "state", JUDGED_BROKEN);
}

int grader_judge(cJSON **out, const struct grader *g, const char *root, size_t run, size_t only,
                 const struct evidence *ev, struct err *e)
{
    char *file = xasprintf("scripts/grade/%s.lua", g->exercise);
    struct judge_job job = {.g = g, .root = root, .file = file, .run = run, .only = only, .ev = ev};
    struct buf answer = {0};
    int result = child_run(&answer, judge_job, &job, &child_limits, e);
    if (result == 0)
        *out = cJSON_Parse(answer.data);
    buf_fini(&answer);
    free(file);
    return result;
}

int grader_answers(struct judged **out, const struct grader *g, const cJSON *answers, struct err *e)
{
    if (cJSON_GetArraySize(answers) != (int)g->check_count)
        return err_set(e, EPROTO, "judge %s: the answer is cut off", g->exercise);
    struct judged *list = xcalloc(g->check_count + 1, sizeof *list);
    for (size_t i = 0; i < g->check_count; i++)
        take_judged(&list[i], cJSON_GetArrayItem(answers, (int)i), &g->checks[i]);
    *out = list;
    return 0;
}

void judged_free(struct judged *list, size_t count)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        free(list[i].rule);
        free(list[i].text);
        free(list[i].next);
        free(list[i].proc);
        free(list[i].object);
        free(list[i].file);
        free(list[i].events);
    }
    free(list);
}
