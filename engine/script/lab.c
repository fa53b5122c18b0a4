#include "script/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "script/child.h"
#include "script/json.h"
#include "script/script_declare.h"

/* Wall-clock limits: of one script by its hook, of the whole child from outside. */
static const uint64_t load_wall_ns = 2000000000, child_wall_ns = 5000000000;
enum { CHILD_CPU_SECONDS = 4, CHILD_MEMORY = 512 << 20, ORDER_MAX = 1 << 20 };

/* ---- JSON to struct ---- */

static const cJSON *item_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void take_actors(struct lab *lab, const cJSON *list)
{
    const cJSON *item;
    lab->actors = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *lab->actors);
    cJSON_ArrayForEach(item, list)
    {
        lab->actors[lab->actor_count++] =
            (struct lab_actor){.name = json_text(item, "name"), .role = json_text(item, "role")};
    }
}

static void take_variants(struct lab *lab, const cJSON *list, const cJSON *expects)
{
    const cJSON *item;
    lab->variants = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *lab->variants);
    cJSON_ArrayForEach(item, list)
    {
        struct lab_variant *variant = &lab->variants[lab->variant_count++];
        variant->name = xstrdup(item->string);
        variant->program = json_text(item, "program");
        variant->path = xasprintf("%s/%s", lab->folder, variant->program);
        variant->text = json_text(item, "text");
        variant->expect_count = json_texts(&variant->expects, expects, item->string);
        variant->has_expects = item_of(expects, item->string) != NULL;
    }
}

static void take_knobs(struct lab *lab, const cJSON *list)
{
    const cJSON *item;
    lab->knobs = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *lab->knobs);
    cJSON_ArrayForEach(item, list)
    {
        struct lab_knob *knob = &lab->knobs[lab->knob_count++];
        knob->name = json_text(item, "name");
        knob->text = json_text(item, "text");
        knob->value_count = json_texts(&knob->values, item, "values");
        const char *initial = cJSON_GetStringValue(item_of(item, "default"));
        for (size_t i = 0; i < knob->value_count; i++)
            if (initial != NULL && strcmp(knob->values[i], initial) == 0)
                knob->initial = i;
    }
}

static void take_prediction(struct lab_prediction *p, const cJSON *json)
{
    const cJSON *item, *knobs = item_of(json, "knobs"), *options = item_of(json, "options");
    p->question = json_text(json, "question");
    p->variant = json_text(json, "variant");
    p->knobs = xcalloc((size_t)cJSON_GetArraySize(knobs) + 1, sizeof *p->knobs);
    cJSON_ArrayForEach(item, knobs)
    {
        p->knobs[p->knob_count++] = xasprintf("%s=%s", item->string, cJSON_GetStringValue(item));
    }
    p->options = xcalloc((size_t)cJSON_GetArraySize(options) + 1, sizeof *p->options);
    cJSON_ArrayForEach(item, options)
    {
        p->options[p->option_count++] = (struct lab_option){.id = json_text(item, "id"),
                                                            .text = json_text(item, "text"),
                                                            .why = json_text(item, "why")};
    }
}

static void take_goals(struct lab *lab, const cJSON *list)
{
    const cJSON *item;
    lab->goals = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *lab->goals);
    cJSON_ArrayForEach(item, list)
    {
        struct lab_goal *goal = &lab->goals[lab->goal_count++];
        goal->title = json_text(item, "title");
        goal->reached = json_text(item, "reached");
        goal->variant_count = json_texts(&goal->variants, item, "variants");
    }
}

/* exercise: "2-pipes/pipe-eof". */
static struct lab *lab_new(const char *root, const char *exercise)
{
    struct lab *lab = xcalloc(1, sizeof *lab);
    const char *slash = strchr(exercise, '/');
    lab->name = xstrdup(slash + 1);
    lab->part = xasprintf("%.*s", (int)(slash - exercise), exercise);
    lab->folder = xasprintf("%s/labs/%s", root, exercise);
    return lab;
}

static void take_lab(struct lab *lab, const cJSON *json)
{
    lab->title = json_text(json, "title");
    lab->summary = json_text(json, "summary");
    lab->minutes = (int)json_number(json, "minutes", 0);
    lab->limit = json_number(json, "limit", 10);
    lab->cover_count = json_texts(&lab->covers, json, "covers");
    lab->watch_count = json_texts(&lab->watch, json, "watch");
    take_actors(lab, item_of(json, "actors"));
    take_variants(lab, item_of(json, "variants"), item_of(json, "expects"));
    take_knobs(lab, item_of(json, "knobs"));
    take_prediction(&lab->prediction, item_of(json, "prediction"));
    take_goals(lab, item_of(json, "goals"));
}

static void take_error(struct lab *lab, const char *text)
{
    lab->error = xstrdup(text);
    lab->title = xstrdup(lab->name);
    lab->summary = xstrdup("");
    take_prediction(&lab->prediction, NULL);
}

static void prediction_fini(struct lab_prediction *p)
{
    free(p->question);
    free(p->variant);
    strings_free(p->knobs, p->knob_count);
    for (size_t i = 0; i < p->option_count; i++) {
        free(p->options[i].id);
        free(p->options[i].text);
        free(p->options[i].why);
    }
    free(p->options);
}

static void variants_free(struct lab_variant *variants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(variants[i].name);
        free(variants[i].program);
        free(variants[i].path);
        free(variants[i].text);
        strings_free(variants[i].expects, variants[i].expect_count);
    }
    free(variants);
}

static void knobs_free(struct lab_knob *knobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(knobs[i].name);
        free(knobs[i].text);
        strings_free(knobs[i].values, knobs[i].value_count);
    }
    free(knobs);
}

static void goals_free(struct lab_goal *goals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(goals[i].title);
        free(goals[i].reached);
        strings_free(goals[i].variants, goals[i].variant_count);
    }
    free(goals);
}

void lab_free(struct lab *lab)
{
    if (lab == NULL)
        return;
    for (size_t i = 0; i < lab->actor_count; i++) {
        free(lab->actors[i].name);
        free(lab->actors[i].role);
    }
    free(lab->actors);
    variants_free(lab->variants, lab->variant_count);
    knobs_free(lab->knobs, lab->knob_count);
    prediction_fini(&lab->prediction);
    goals_free(lab->goals, lab->goal_count);
    strings_free(lab->covers, lab->cover_count);
    strings_free(lab->watch, lab->watch_count);
    free(lab->name);
    free(lab->part);
    free(lab->folder);
    free(lab->error);
    free(lab->title);
    free(lab->summary);
    free(lab);
}

const struct lab_variant *lab_variant(const struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->variant_count; i++)
        if (strcmp(lab->variants[i].name, name) == 0)
            return &lab->variants[i];
    return NULL;
}

/* ---- the order file ---- */

struct order {
    char **names;
    size_t names_count, names_cap;
};

static void order_fini(struct order *order)
{
    strings_free(order->names, order->names_count);
}

static int order_read(struct order *out, const char *root, struct err *e)
{
    struct buf text = {0};
    char *path = xasprintf("%s/labs/order", root);
    int result = file_read(&text, path, ORDER_MAX, e);
    free(path);
    struct order order = {0};
    char *rest = text.data, *line;
    while (result == 0 && (line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "# \t\r")] = '\0';
        if (line[0] != '\0' && strchr(line, '/') == NULL)
            result = err_set(e, EINVAL, "read labs/order: '%s' is not PART/LAB", line);
        else if (line[0] != '\0')
            *PUSH(order.names) = xstrdup(line);
    }
    buf_fini(&text);
    if (result < 0)
        order_fini(&order);
    else
        *out = order;
    return result;
}

/* ---- loading, in a child ---- */

struct load_job {
    const char *root;
    char *const *names; /* PART/LAB */
    size_t count;
};

static cJSON *load_one(const char *root, const char *name)
{
    struct script_options options = {.root = root, .wall_ns = load_wall_ns};
    struct script *s = NULL;
    struct err e = {0};
    cJSON *json = NULL;
    char *file = xasprintf("labs/%s/lab.lua", name);
    int result = script_new(&s, &options, &e);
    if (result == 0)
        result = script_load_lab(&json, s, file, &e);
    if (result == 0 &&
        strncmp(name, cJSON_GetStringValue(item_of(json, "part")), strcspn(name, "/")) != 0)
        result = err_set(&e, EINVAL, "%s: field 'part': the folder says '%.*s'", file,
                         (int)strcspn(name, "/"), name);
    if (result < 0) {
        cJSON_Delete(json);
        json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "error", e.text);
    }
    script_free(s);
    free(file);
    return json;
}

static int load_job(void *arg, struct buf *out, struct err *e)
{
    (void)e;
    const struct load_job *job = arg;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < job->count; i++)
        cJSON_AddItemToArray(list, load_one(job->root, job->names[i]));
    char *text = cJSON_PrintUnformatted(list);
    buf_puts(out, text);
    cJSON_free(text);
    cJSON_Delete(list);
    return 0;
}

static const struct child_limits child_limits = {.wall_ns = child_wall_ns,
                                                 .cpu_seconds = CHILD_CPU_SECONDS,
                                                 .memory = CHILD_MEMORY,
                                                 .is_detached = true};

/* Loads `count` labs in one child; *out: a JSON array of as many objects. */
static int load_json(cJSON **out, const char *root, char *const *names, size_t count, struct err *e)
{
    struct load_job job = {.root = root, .names = names, .count = count};
    struct buf answer = {0};
    int result = child_run(&answer, load_job, &job, &child_limits, e);
    if (result == 0) {
        *out = cJSON_Parse(answer.data);
        if (cJSON_GetArraySize(*out) != (int)count) {
            cJSON_Delete(*out);
            result = err_set(e, EPROTO, "load labs: the answer is cut off");
        }
    }
    buf_fini(&answer);
    return result;
}

static struct lab *lab_from(const char *root, const char *name, const cJSON *json)
{
    struct lab *lab = lab_new(root, name);
    const char *error = cJSON_GetStringValue(item_of(json, "error"));
    if (error != NULL)
        take_error(lab, error);
    else
        take_lab(lab, json);
    return lab;
}

/* When the child that loads all dies, each lab gets a child of its own: one bad lab hides no other.
 */
static struct lab *load_alone(const char *root, char *name)
{
    struct err e = {0};
    cJSON *list = NULL;
    if (load_json(&list, root, &name, 1, &e) < 0) {
        struct lab *lab = lab_new(root, name);
        take_error(lab, e.text);
        return lab;
    }
    struct lab *lab = lab_from(root, name, list->child);
    cJSON_Delete(list);
    return lab;
}

int lab_list(struct lab_list *out, const char *root, struct err *e)
{
    struct order order;
    int result = order_read(&order, root, e);
    if (result < 0)
        return result;
    cJSON *list = NULL;
    struct lab_list labs = {.labs = xcalloc(order.names_count + 1, sizeof *labs.labs)};
    bool is_loaded = load_json(&list, root, order.names, order.names_count, NULL) == 0;
    const cJSON *item = is_loaded ? list->child : NULL;
    for (size_t i = 0; i < order.names_count; i++) {
        labs.labs[labs.count++] =
            is_loaded ? lab_from(root, order.names[i], item) : load_alone(root, order.names[i]);
        item = is_loaded ? item->next : NULL;
    }
    if (is_loaded)
        cJSON_Delete(list);
    order_fini(&order);
    *out = labs;
    return 0;
}

void lab_list_fini(struct lab_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        lab_free(list->labs[i]);
    free(list->labs);
    *list = (struct lab_list){0};
}

/* "pipe-eof" or "2-pipes/pipe-eof", as in the order. */
static char *full_name(const struct order *order, const char *name)
{
    for (size_t i = 0; i < order->names_count; i++) {
        const char *full = order->names[i];
        if (strcmp(full, name) == 0 || strcmp(strchr(full, '/') + 1, name) == 0)
            return xstrdup(full);
    }
    return NULL;
}

int lab_load(struct lab **out, const char *root, const char *name, struct err *e)
{
    struct order order;
    int result = order_read(&order, root, e);
    if (result < 0)
        return result;
    char *full = full_name(&order, name);
    order_fini(&order);
    if (full == NULL)
        return err_set(e, ENOENT, "find lab '%s': no such lab (see `ipclab list`)", name);
    struct lab *lab = load_alone(root, full);
    free(full);
    if (lab->error != NULL) {
        result = err_set(e, EINVAL, "%s", lab->error);
        lab_free(lab);
        return result;
    }
    *out = lab;
    return 0;
}

/* ---- the prediction ---- */
