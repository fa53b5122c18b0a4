#include "cli/steer_json.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "control/chooser.h"
#include "model/model.h"

enum { FORMAT = 1 };

static const char *const kind_words[] = {
#define X(NAME, word) word,
    MOVE_KINDS(X)
#undef X
};

static cJSON *line_of(const char *type)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", type);
    return json;
}

static void say(cJSON *take_json)
{
    char *text = cJSON_PrintUnformatted(take_json);
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(take_json);
}

static void add_event(cJSON *json, uint32_t event)
{
    if (event != MODEL_NONE)
        cJSON_AddNumberToObject(json, "event", event);
}

void steer_say_hello(const struct lab *lab, const struct lab_variant *variant)
{
    char name[256];
    cJSON *json = line_of("hello");
    snprintf(name, sizeof name, "%s/%s", lab->part, lab->name);
    cJSON_AddNumberToObject(json, "format", FORMAT);
    cJSON_AddStringToObject(json, "lab", name);
    cJSON_AddStringToObject(json, "variant", variant->name);
    cJSON *goals = cJSON_AddArrayToObject(json, "goals");
    for (size_t i = 0; i < lab->goal_count; i++)
        if (lab_goal_is_for(&lab->goals[i], variant->name))
            cJSON_AddItemToArray(goals, cJSON_CreateString(lab->goals[i].title));
    say(json);
}

void steer_say_run(unsigned run, const char *recording, uint32_t replays)
{
    cJSON *json = line_of("run");
    cJSON_AddNumberToObject(json, "run", run);
    cJSON_AddStringToObject(json, "recording", recording);
    cJSON_AddNumberToObject(json, "replays", replays);
    say(json);
}

void steer_say_moved(const struct steer_move *move)
{
    cJSON *json = line_of("moved");
    cJSON_AddNumberToObject(json, "step", move->step);
    cJSON_AddStringToObject(json, "task", move->task);
    cJSON_AddStringToObject(json, "kind", kind_words[move->kind]);
    cJSON_AddStringToObject(json, "call", move->text);
    cJSON_AddStringToObject(json, "result", move->result);
    cJSON_AddBoolToObject(json, "parks", move->is_parking);
    cJSON_AddBoolToObject(json, "forced", move->is_forced);
    cJSON_AddBoolToObject(json, "replay", move->is_replay);
    cJSON_AddStringToObject(json, "made", move->born ? move->born : "");
    add_event(json, move->event);
    say(json);
}

static cJSON *parked_json(const struct steer_parked *parked)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "task", parked->task);
    cJSON_AddStringToObject(json, "call", parked->text);
    cJSON_AddStringToObject(json, "reason", parked->reason);
    add_event(json, parked->event);
    return json;
}

static void add_parked(cJSON *json, const struct steer_parked *parked, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(json, "parked");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, parked_json(&parked[i]));
}

static void add_goals(cJSON *json, const bool *goals, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(json, "goals");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateBool(goals[i]));
}

static const char *enabled_word(uint8_t enabled)
{
    switch ((enum enabled)enabled) {
    case ENABLED_YES: return "yes";
    case ENABLED_NO: return "no";
    default: return "may wait";
    }
}

static cJSON *option_json(const struct steer_option *o, size_t number)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "n", (double)number);
    cJSON_AddStringToObject(json, "task", o->task);
    cJSON_AddStringToObject(json, "kind", kind_words[o->kind]);
    cJSON_AddStringToObject(json, "call", o->text);
    cJSON_AddStringToObject(json, "enabled", enabled_word(o->enabled));
    cJSON_AddStringToObject(json, "effect", o->effect);
    add_event(json, o->event);
    return json;
}

void steer_say_state(const struct steer_state *state, const bool *goals, size_t goal_count)
{
    cJSON *json = line_of("state");
    cJSON_AddNumberToObject(json, "step", state->step);
    cJSON_AddNumberToObject(json, "seq", state->seq);
    cJSON *list = cJSON_AddArrayToObject(json, "choices");
    for (size_t i = 0; i < state->option_count; i++)
        cJSON_AddItemToArray(list, option_json(&state->options[i], i + 1));
    add_parked(json, state->parked, state->parked_count);
    add_goals(json, goals, goal_count);
    say(json);
}

void steer_say_ended(const struct steer_ending *ending, const bool *goals, size_t goal_count)
{
    cJSON *json = line_of("ended");
    cJSON_AddNumberToObject(json, "step", ending->step);
    cJSON_AddNumberToObject(json, "seq", ending->seq);
    cJSON_AddStringToObject(json, "how", ending->how);
    cJSON_AddBoolToObject(json, "well", ending->is_well);
    cJSON_AddStringToObject(json, "text", ending->text);
    cJSON_AddStringToObject(json, "cycle", ending->cycle);
    cJSON *exits = cJSON_AddArrayToObject(json, "exits");
    for (size_t i = 0; i < ending->exits_count; i++) {
        cJSON *exit = cJSON_CreateObject();
        cJSON_AddStringToObject(exit, "task", ending->exits[i].task);
        cJSON_AddStringToObject(exit, "text", ending->exits[i].text);
        cJSON_AddBoolToObject(exit, "well", ending->exits[i].is_well);
        cJSON_AddItemToArray(exits, exit);
    }
    add_parked(json, ending->parked, ending->parked_count);
    add_goals(json, goals, goal_count);
    say(json);
}

void steer_say_text(const char *type, const char *text)
{
    cJSON *json = line_of(type);
    cJSON_AddStringToObject(json, "text", text);
    say(json);
}
