#include "ui/steering.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "script/json.h"

static bool flag_of(const cJSON *json, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static const cJSON *list_of(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

static uint32_t event_of(const cJSON *json)
{
    return cJSON_HasObjectItem(json, "event") ? json_id(json, "event") : UINT32_MAX;
}

/* ---- freeing ---- */

static void clear_options(struct steering *s)
{
    for (size_t i = 0; i < s->options_count; i++) {
        free(s->options[i].task);
        free(s->options[i].kind);
        free(s->options[i].call);
        free(s->options[i].effect);
    }
    for (size_t i = 0; i < s->parked_count; i++) {
        free(s->parked[i].task);
        free(s->parked[i].call);
        free(s->parked[i].reason);
    }
    s->options_count = s->parked_count = 0;
}

static void clear_ending(struct steering *s)
{
    free(s->how);
    free(s->text);
    free(s->cycle);
    free(s->exits);
    s->how = s->text = s->cycle = s->exits = NULL;
    s->has_ended = s->is_well = false;
}

static void move_fini(struct steering_move *m)
{
    free(m->task);
    free(m->kind);
    free(m->call);
    free(m->result);
    free(m->made);
}

static void cut_moves(struct steering *s, size_t count)
{
    for (size_t i = count; i < s->moves_count; i++)
        move_fini(&s->moves[i]);
    s->moves_count = count;
}

void steering_fini(struct steering *s)
{
    clear_options(s);
    clear_ending(s);
    cut_moves(s, 0);
    for (size_t i = 0; i < s->goals_count; i++)
        free(s->goals[i].title);
    free(s->goals);
    free(s->moves);
    free(s->options);
    free(s->parked);
    free(s->recording);
    free(s->error);
    *s = (struct steering){0};
}

/* ---- lines ---- */

static void take_hello(struct steering *s, const cJSON *json)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list_of(json, "goals"))
    {
        const char *title = cJSON_GetStringValue(item);
        *PUSH(s->goals) = (struct steering_goal){.title = xstrdup(title ? title : "")};
    }
}

static void take_run(struct steering *s, const cJSON *json)
{
    free(s->recording);
    s->recording = json_text(json, "recording");
    s->run = json_id(json, "run");
    s->made = 0;
}

static bool is_same(const struct steering_move *a, const struct steering_move *b)
{
    return strcmp(a->task, b->task) == 0 && strcmp(a->kind, b->kind) == 0 &&
           a->is_forced == b->is_forced && a->is_parking == b->is_parking && a->step == b->step;
}

static void take_moved(struct steering *s, const cJSON *json)
{
    struct steering_move move = {.step = json_id(json, "step"),
                                 .task = json_text(json, "task"),
                                 .kind = json_text(json, "kind"),
                                 .call = json_text(json, "call"),
                                 .result = json_text(json, "result"),
                                 .made = json_text(json, "made"),
                                 .is_parking = flag_of(json, "parks"),
                                 .is_forced = flag_of(json, "forced")};
    if (s->made < s->moves_count && is_same(&s->moves[s->made], &move)) {
        move_fini(&s->moves[s->made]);
        s->moves[s->made] = move;
    } else {
        cut_moves(s, s->made);
        *PUSH(s->moves) = move;
    }
    s->made++;
    s->step = move.step;
}

static void take_standing(struct steering *s, const cJSON *json)
{
    const cJSON *item;
    size_t i = 0;
    clear_options(s);
    clear_ending(s);
    s->step = json_id(json, "step");
    s->seq = json_id(json, "seq");
    cJSON_ArrayForEach(item, list_of(json, "choices"))
    {
        char *enabled = json_text(item, "enabled");
        *PUSH(s->options) = (struct steering_option){.task = json_text(item, "task"),
                                                     .kind = json_text(item, "kind"),
                                                     .call = json_text(item, "call"),
                                                     .effect = json_text(item, "effect"),
                                                     .would_wait = strcmp(enabled, "no") == 0,
                                                     .event = event_of(item)};
        free(enabled);
    }
    cJSON_ArrayForEach(item, list_of(json, "parked"))
    {
        *PUSH(s->parked) = (struct steering_parked){.task = json_text(item, "task"),
                                                    .call = json_text(item, "call"),
                                                    .reason = json_text(item, "reason")};
    }
    cJSON_ArrayForEach(item, list_of(json, "goals"))
    {
        if (i >= s->goals_count)
            break;
        s->goals[i].is_reached = cJSON_IsTrue(item);
        s->goals[i].was_reached |= s->goals[i].is_reached;
        i++;
    }
    s->is_busy = false;
    s->told++;
}

static void take_ended(struct steering *s, const cJSON *json)
{
    const cJSON *item;
    struct buf exits = {0};
    take_standing(s, json);
    s->has_ended = true;
    s->is_well = flag_of(json, "well");
    s->how = json_text(json, "how");
    s->text = json_text(json, "text");
    s->cycle = json_text(json, "cycle");
    buf_puts(&exits, "");
    cJSON_ArrayForEach(item, list_of(json, "exits"))
    {
        char *task = json_text(item, "task"), *text = json_text(item, "text");
        buf_printf(&exits, "%s%s %s", exits.len ? ", " : "", task, text);
        free(task);
        free(text);
    }
    s->exits = buf_take(&exits);
}

/* Where it stands is told after it. */
static void take_difference(struct steering *s, const cJSON *json)
{
    free(s->error);
    s->error = json_text(json, "text");
}

/* What was refused changes nothing: it stands where it stood. */
static void take_error(struct steering *s, const cJSON *json)
{
    take_difference(s, json);
    s->is_busy = false;
}

static const struct {
    const char *type;
    void (*take)(struct steering *s, const cJSON *json);
} lines[] = {
    {"hello", take_hello},        {"run", take_run},     {"moved", take_moved},
    {"state", take_standing},     {"ended", take_ended}, {"error", take_error},
    {"differs", take_difference},
};

bool steering_take(struct steering *s, const char *line)
{
    cJSON *json = cJSON_Parse(line);
    char *type = json_text(json, "type");
    bool is_known = false;
    for (size_t i = 0; i < sizeof lines / sizeof *lines && !is_known; i++)
        if (strcmp(lines[i].type, type) == 0) {
            lines[i].take(s, json);
            is_known = true;
        }
    free(type);
    cJSON_Delete(json);
    return is_known;
}

void steering_ordered(struct steering *s)
{
    free(s->error);
    s->error = NULL;
    s->is_busy = true;
}

size_t steering_again(const struct steering *s)
{
    size_t next = s->made;
    while (next < s->moves_count && s->moves[next].is_forced)
        next++;
    for (size_t i = 0; next < s->moves_count && i < s->options_count; i++)
        if (strcmp(s->options[i].task, s->moves[next].task) == 0 &&
            strcmp(s->options[i].kind, s->moves[next].kind) == 0)
            return i;
    return SIZE_MAX;
}
