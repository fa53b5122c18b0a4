/* grader{...}: what a grader file declares, fail{...} and random(lo, hi). */
#include <errno.h>
#include <string.h>

#include <lauxlib.h>

#include "base/random.h"
#include "script/script_declare.h"
#include "script/script_run.h"

static const struct field check_fields[] = {
    {"id", FIELD_STRING, true, NULL},
    {"title", FIELD_STRING, true, NULL},
    {"points", FIELD_INTEGER, true, NULL},
    {"rule", FIELD_STRING, true, NULL},
    {"why", FIELD_STRING, true, NULL},
    {"hints", FIELD_STRINGS, true, NULL},
    {"on", FIELD_STRINGS, false, NULL},
    {"check", FIELD_FUNCTION, true, NULL},
    {0},
};
const struct field script_grader_fields[] = {
    {"title", FIELD_STRING, true, NULL},
    {"exercise", FIELD_STRING, true, NULL},
    {"starter_fails", FIELD_STRING, true, NULL},
    {"partners", FIELD_STRINGS, false, NULL},
    {"runs", FIELD_FUNCTION, true, NULL},
    {"checks", FIELD_LIST, true, check_fields},
    {0},
};
const struct field script_run_spec_fields[] = {
    {"name", FIELD_STRING, true, NULL},       {"args", FIELD_VALUES, false, NULL},
    {"stdin", FIELD_BYTES, false, NULL},      {"feed", FIELD_STRING, false, NULL},
    {"limit", FIELD_NUMBER, false, NULL},     {"processes", FIELD_INTEGER, false, NULL},
    {"files", FIELD_INTEGER, false, NULL},    {"ignore", FIELD_STRINGS, false, NULL},
    {"partner", FIELD_STRING, false, NULL},   {"orders", FIELD_INTEGER, false, NULL},
    {"schedule", FIELD_STRINGS, false, NULL}, {"time", FIELD_STRING, false, NULL},
    {"faults", FIELD_STRINGS, false, NULL},   {0},
};
const struct field script_fail_fields[] = {
    {"text", FIELD_STRING, true, NULL},  {"events", FIELD_EVENTS, false, NULL},
    {"proc", FIELD_STRING, false, NULL}, {"object", FIELD_INTEGER, false, NULL},
    {"seq", FIELD_INTEGER, false, NULL}, {"next", FIELD_STRING, false, NULL},
    {"rule", FIELD_STRING, false, NULL}, {0},
};

/* fail{text=..., ...}: the check has failed. Never returns; the first one counts. */
static int fail(lua_State *L)
{
    struct script *s = script_of(L);
    cJSON *failure = schema_read(L, 1, script_fail_fields, "fail", "");
    if (script_failure(s) == NULL)
        script_take_failure(s, failure);
    else
        cJSON_Delete(failure);
    return luaL_error(L, "the check failed");
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static int check_checks(const cJSON *grader, const char *file, struct err *e)
{
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(grader, "checks"), *check, *other;
    int i = 0;
    cJSON_ArrayForEach(check, checks)
    {
        i++;
        if (cJSON_GetObjectItem(check, "points")->valuedouble < 0)
            return err_set(e, EINVAL, "%s: field 'checks[%d].points': negative", file, i);
        for (other = checks->child; other != check; other = other->next)
            if (strcmp(text_of(other, "id"), text_of(check, "id")) == 0)
                return err_set(e, EINVAL, "%s: field 'checks[%d].id': '%s' is there twice", file, i,
                               text_of(check, "id"));
    }
    return i > 0 ? 0 : err_set(e, EINVAL, "%s: field 'checks': at least one expected", file);
}

int script_load_grader(cJSON **out, struct script *s, const char *file, struct err *e)
{
    cJSON *grader = NULL;
    lua_State *L = script_state(s);
    lua_pushcfunction(L, fail);
    script_declare(s, "fail");
    int result = script_load_declared(&grader, s, "grader", file, script_grader_fields, e);
    if (result == 0)
        result = check_checks(grader, file, e);
    if (result < 0) {
        cJSON_Delete(grader);
        return result;
    }
    *out = grader;
    return 0;
}

/* ---- random ---- */

enum { RANDOM_BYTES_MAX = 8 << 20 };

/* random(lo, hi): an integer, both ends included. */
static int random_integer(lua_State *L)
{
    uint64_t *state = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer lo = luaL_checkinteger(L, 2), hi = luaL_checkinteger(L, 3);
    luaL_argcheck(L, lo <= hi, 3, "the range is empty");
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
    lua_pushinteger(L, (lua_Integer)((uint64_t)lo + random_below(state, span)));
    return 1;
}

/* random.bytes(n): a string of n random bytes. */
static int random_bytes(lua_State *L)
{
    uint64_t *state = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer size = luaL_checkinteger(L, 1);
    luaL_argcheck(L, size >= 0 && size <= RANDOM_BYTES_MAX, 1, "0 to 8 MiB");
    luaL_Buffer bytes;
    char *to = luaL_buffinitsize(L, &bytes, (size_t)size);
    for (lua_Integer i = 0; i < size; i++)
        to[i] = (char)(random_next(state) >> 56);
    luaL_pushresultsize(&bytes, (size_t)size);
    return 1;
}

/* Pushes the table random, which can be called; the generator's state is its closures' upvalue. */
static void push_random(lua_State *L, uint64_t seed)
{
    lua_newtable(L);
    int table = lua_gettop(L);
    uint64_t *state = lua_newuserdatauv(L, sizeof *state, 0);
    *state = seed;
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, random_bytes, 1);
    lua_setfield(L, table, "bytes");
    lua_newtable(L);
    lua_insert(L, -2);
    lua_pushcclosure(L, random_integer, 1);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, table);
}

/* ---- runs and checks ---- */

/* runs(random). Argument 1: the seed's address; 2: the file; 3: where the JSON goes. */
static int make_runs(lua_State *L)
{
    const uint64_t *seed = lua_touserdata(L, 1);
    const char *file = lua_tostring(L, 2);
    cJSON **out = lua_touserdata(L, 3);
    lua_getfield(L, LUA_REGISTRYINDEX, "ipclab.declared");
    lua_getfield(L, -1, "runs");
    push_random(L, *seed);
    lua_call(L, 1, 1);
    *out = schema_read_list(L, -1, script_run_spec_fields, file, "runs()");
    return 0;
}

static int check_runs(const cJSON *runs, const char *file, struct err *e)
{
    const cJSON *run, *other;
    int i = 0;
    cJSON_ArrayForEach(run, runs)
    {
        i++;
        const char *feed = text_of(run, "feed");
        if (feed != NULL && strcmp(feed, "when-quiet") != 0)
            return err_set(e, EINVAL, "%s: field 'runs()[%d].feed': \"when-quiet\" expected", file,
                           i);
        for (other = runs->child; other != run; other = other->next)
            if (strcmp(text_of(other, "name"), text_of(run, "name")) == 0)
                return err_set(e, EINVAL, "%s: field 'runs()[%d].name': '%s' is there twice", file,
                               i, text_of(run, "name"));
    }
    return i > 0 ? 0 : err_set(e, EINVAL, "%s: field 'runs': at least one run expected", file);
}

int script_runs(cJSON **out, struct script *s, const char *file, uint64_t seed, struct err *e)
{
    cJSON *runs = NULL;
    lua_State *L = script_state(s);
    lua_pushcfunction(L, make_runs);
    lua_pushlightuserdata(L, &seed);
    lua_pushstring(L, file);
    lua_pushlightuserdata(L, &runs);
    int result = script_call(s, 3, 0, e);
    if (result == 0)
        result = check_runs(runs, file, e);
    if (result < 0) {
        cJSON_Delete(runs);
        return result;
    }
    *out = runs;
    return 0;
}

/* check(run). Argument 1: the run; 2: the check's number. */
static int ask(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "ipclab.declared");
    lua_getfield(L, -1, "checks");
    lua_rawgeti(L, -1, lua_tointeger(L, 2));
    lua_getfield(L, -1, "check");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (!lua_isnil(L, -1))
        return luaL_error(L, "the check returned a %s: it must return nothing, or call fail{...}",
                          luaL_typename(L, -1));
    return 0;
}

int script_check(struct script *s, const struct evidence *ev, const struct grader *g, size_t run,
                 size_t check, struct err *e)
{
    lua_State *L = script_state(s);
    script_take_failure(s, NULL);
    lua_pushcfunction(L, ask);
    script_push_run(L, ev, &g->runs[run], g->seed);
    lua_pushinteger(L, (lua_Integer)check + 1);
    int result = script_call(s, 2, 0, e);
    return script_failure(s) != NULL && result != -ETIMEDOUT ? 0 : result;
}
