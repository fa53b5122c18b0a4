/* lab{...}: what a lab file declares. */
#include <errno.h>
#include <string.h>

#include <lauxlib.h>

#include "diagnose/finding.h"
#include "script/script_declare.h"
#include "script/script_run.h"

static const struct field actor_fields[] = {
    {"name", FIELD_STRING, true, NULL},
    {"role", FIELD_STRING, true, NULL},
    {0},
};
static const struct field variant_fields[] = {
    {"program", FIELD_STRING, true, NULL},
    {"text", FIELD_STRING, true, NULL},
    {0},
};
static const struct field knob_fields[] = {
    {"name", FIELD_STRING, true, NULL},
    {"text", FIELD_STRING, true, NULL},
    {"values", FIELD_VALUES, true, NULL},
    {"default", FIELD_VALUE, true, NULL},
    {0},
};
static const struct field option_fields[] = {
    {"id", FIELD_STRING, true, NULL},
    {"text", FIELD_STRING, true, NULL},
    {"holds", FIELD_FUNCTION, true, NULL},
    {"why", FIELD_STRING, true, NULL},
    {0},
};
static const struct field prediction_fields[] = {
    {"question", FIELD_STRING, true, NULL},
    {"variant", FIELD_STRING, true, NULL},
    {"knobs", FIELD_VALUE_MAP, false, NULL},
    {"options", FIELD_LIST, true, option_fields},
    {0},
};
static const struct field goal_fields[] = {
    {"title", FIELD_STRING, true, NULL},
    {"reached", FIELD_PREDICATE, true, NULL},
    {"variants", FIELD_STRINGS, false, NULL},
    {0},
};
const struct field script_lab_fields[] = {
    {"title", FIELD_STRING, true, NULL},
    {"part", FIELD_STRING, true, NULL},
    {"summary", FIELD_STRING, true, NULL},
    {"minutes", FIELD_INTEGER, true, NULL},
    {"covers", FIELD_STRINGS, true, NULL},
    {"actors", FIELD_LIST, true, actor_fields},
    {"variants", FIELD_MAP, true, variant_fields},
    {"knobs", FIELD_LIST, false, knob_fields},
    {"prediction", FIELD_TABLE, false, prediction_fields},
    {"goals", FIELD_LIST, false, goal_fields},
    {"watch", FIELD_STRINGS, true, NULL},
    {"expects", FIELD_MAP, true, NULL},
    {"limit", FIELD_NUMBER, false, NULL},
    {0},
};

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static const cJSON *item_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool is_listed(const cJSON *list, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(cJSON_GetStringValue(item), text) == 0)
            return true;
    }
    return false;
}

static int check_variants(const cJSON *lab, const char *file, struct err *e)
{
    const cJSON *variants = item_of(lab, "variants"), *list, *rule;
    if (item_of(variants, "healthy") == NULL || item_of(variants, "broken") == NULL)
        return err_set(e, EINVAL, "%s: field 'variants': healthy and broken expected", file);
    cJSON_ArrayForEach(list, item_of(lab, "expects"))
    {
        if (item_of(variants, list->string) == NULL)
            return err_set(e, EINVAL, "%s: field 'expects.%s': no such variant", file,
                           list->string);
        cJSON_ArrayForEach(rule, list)
        {
            if (rule_by_id(cJSON_GetStringValue(rule)) == RULE_COUNT)
                return err_set(e, EINVAL, "%s: field 'expects.%s': no rule '%s'", file,
                               list->string, cJSON_GetStringValue(rule));
        }
    }
    return 0;
}

static int check_knobs(const cJSON *lab, const char *file, struct err *e)
{
    const cJSON *knob;
    int i = 0;
    cJSON_ArrayForEach(knob, item_of(lab, "knobs"))
    {
        i++;
        if (!is_listed(item_of(knob, "values"), text_of(knob, "default")))
            return err_set(e, EINVAL, "%s: field 'knobs[%d].default': not one of its values", file,
                           i);
    }
    return 0;
}

static const cJSON *knob_named(const cJSON *lab, const char *name)
{
    const cJSON *knob;
    cJSON_ArrayForEach(knob, item_of(lab, "knobs"))
    {
        if (strcmp(text_of(knob, "name"), name) == 0)
            return knob;
    }
    return NULL;
}

static int check_prediction(const cJSON *lab, const char *file, struct err *e)
{
    const cJSON *prediction = item_of(lab, "prediction"), *setting;
    if (prediction == NULL)
        return 0;
    if (item_of(item_of(lab, "variants"), text_of(prediction, "variant")) == NULL)
        return err_set(e, EINVAL, "%s: field 'prediction.variant': no such variant", file);
    if (cJSON_GetArraySize(item_of(prediction, "options")) < 2)
        return err_set(e, EINVAL, "%s: field 'prediction.options': at least two expected", file);
    cJSON_ArrayForEach(setting, item_of(prediction, "knobs"))
    {
        const cJSON *knob = knob_named(lab, setting->string);
        if (knob == NULL)
            return err_set(e, EINVAL, "%s: field 'prediction.knobs.%s': no such knob", file,
                           setting->string);
        if (!is_listed(item_of(knob, "values"), cJSON_GetStringValue(setting)))
            return err_set(e, EINVAL, "%s: field 'prediction.knobs.%s': not one of its values",
                           file, setting->string);
    }
    return 0;
}

/* What `reached` may say instead of a function: how a run ends. */
static bool is_ending(const char *word)
{
    static const char *const words[] = {"ended-well", "deadlock", "never-eof"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static int check_goals(const cJSON *lab, const char *file, struct err *e)
{
    const cJSON *goal, *variant;
    int i = 0;
    cJSON_ArrayForEach(goal, item_of(lab, "goals"))
    {
        i++;
        const char *reached = text_of(goal, "reached");
        if (reached != NULL && !is_ending(reached))
            return err_set(e, EINVAL,
                           "%s: field 'goals[%d].reached': ended-well, deadlock, never-eof, or a "
                           "function expected",
                           file, i);
        cJSON_ArrayForEach(variant, item_of(goal, "variants"))
        {
            if (item_of(item_of(lab, "variants"), cJSON_GetStringValue(variant)) == NULL)
                return err_set(e, EINVAL, "%s: field 'goals[%d].variants': no such variant '%s'",
                               file, i, cJSON_GetStringValue(variant));
        }
    }
    return 0;
}

int script_load_lab(cJSON **out, struct script *s, const char *file, struct err *e)
{
    cJSON *lab = NULL;
    int result = script_load_declared(&lab, s, "lab", file, script_lab_fields, e);
    if (result == 0)
        result = check_variants(lab, file, e);
    if (result == 0)
        result = check_knobs(lab, file, e);
    if (result == 0)
        result = check_prediction(lab, file, e);
    if (result == 0)
        result = check_goals(lab, file, e);
    if (result < 0) {
        cJSON_Delete(lab);
        return result;
    }
    *out = lab;
    return 0;
}

/* Asks FUNCTION(run) of element i of a list that is on top of the stack, where argument 1 is the
 * run and 2 is i. */
static int ask_element(lua_State *L, const char *list, const char *function)
{
    lua_rawgeti(L, -1, lua_tointeger(L, 2));
    lua_getfield(L, -1, function);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (!lua_isboolean(L, -1) && !lua_isnil(L, -1))
        return luaL_error(L, "%s[%I].%s returned a %s: true or false expected", list,
                          (LUAI_UACINT)lua_tointeger(L, 2), function, luaL_typename(L, -1));
    return 1;
}

static int ask_holds(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "ipclab.declared");
    lua_getfield(L, -1, "prediction");
    lua_getfield(L, -1, "options");
    return ask_element(L, "prediction.options", "holds");
}

static int ask_reached(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "ipclab.declared");
    lua_getfield(L, -1, "goals");
    return ask_element(L, "goals", "reached");
}

/* question: one of the above; index: of the element, from 0. */
static int ask(bool *out, struct script *s, const struct evidence *ev, lua_CFunction question,
               size_t index, struct err *e)
{
    lua_State *L = script_state(s);
    lua_pushcfunction(L, question);
    script_push_run(L, ev, NULL, 0);
    lua_pushinteger(L, (lua_Integer)index + 1);
    int result = script_call(s, 2, 1, e);
    if (result < 0)
        return result;
    *out = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return 0;
}

int script_holds(bool *out, struct script *s, const struct evidence *ev, size_t option,
                 struct err *e)
{
    return ask(out, s, ev, ask_holds, option, e);
}

int script_reached(bool *out, struct script *s, const struct evidence *ev, size_t goal,
                   struct err *e)
{
    return ask(out, s, ev, ask_reached, goal, e);
}
