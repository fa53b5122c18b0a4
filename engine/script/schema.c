#include "script/schema.h"

#include <math.h>
#include <string.h>

#include <lauxlib.h>

enum { PATH_MAX_LENGTH = 160, EVENTS_MAX = 1000 };

/* Where in the file we are: for messages only. */
struct place {
    const char *where;
    char path[PATH_MAX_LENGTH];
};

static _Noreturn void complain(lua_State *L, const struct place *at, const char *wanted)
{
    lua_pushfstring(L, "%s: field '%s': %s", at->where, at->path, wanted);
    lua_error(L);
    __builtin_unreachable();
}

static _Noreturn void expected(lua_State *L, const struct place *at, const char *type, int index)
{
    const char *got = lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)
                          ? "fraction"
                          : luaL_typename(L, index);
    complain(L, at, lua_pushfstring(L, "%s expected, got %s", type, got));
}

static struct place inside(lua_State *L, const struct place *outer, const char *name)
{
    struct place at = {.where = outer->where};
    const char *path =
        outer->path[0] == '\0' ? name : lua_pushfstring(L, "%s.%s", outer->path, name);
    strncpy(at.path, path, sizeof at.path - 1);
    return at;
}

static struct place element(lua_State *L, const struct place *outer, lua_Integer i)
{
    struct place at = {.where = outer->where};
    strncpy(at.path, lua_pushfstring(L, "%s[%I]", outer->path, (LUAI_UACINT)i), sizeof at.path - 1);
    lua_pop(L, 1);
    return at;
}

static cJSON *read_fields(lua_State *L, int index, const struct field *fields,
                          const struct place *at);

static cJSON *read_string(lua_State *L, int index, const struct place *at)
{
    if (lua_type(L, index) != LUA_TSTRING)
        expected(L, at, "string", index);
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    if (strlen(text) != length)
        complain(L, at, "a NUL byte is not allowed");
    return cJSON_CreateString(text);
}

static cJSON *read_value(lua_State *L, int index, const struct place *at)
{
    int type = lua_type(L, index);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
        expected(L, at, "string, number or boolean", index);
    luaL_tolstring(L, index, NULL);
    cJSON *json = read_string(L, -1, at);
    lua_pop(L, 1);
    return json;
}

static cJSON *read_bytes(lua_State *L, int index, const struct place *at)
{
    if (lua_type(L, index) != LUA_TSTRING)
        expected(L, at, "string", index);
    size_t length;
    const unsigned char *bytes = (const unsigned char *)lua_tolstring(L, index, &length);
    luaL_Buffer hex;
    char *to = luaL_buffinitsize(L, &hex, 2 * length + 1);
    for (size_t i = 0; i < length; i++) {
        to[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    luaL_pushresultsize(&hex, 2 * length);
    cJSON *json = cJSON_CreateString(lua_tostring(L, -1));
    lua_pop(L, 1);
    return json;
}

/* An event table, or its id. */
static cJSON *read_event(lua_State *L, int index, const struct place *at)
{
    int top = lua_gettop(L);
    if (lua_istable(L, index))
        lua_getfield(L, index, "id");
    else
        lua_pushvalue(L, index);
    if (!lua_isinteger(L, -1))
        expected(L, at, "event or its id", index);
    cJSON *json = cJSON_CreateNumber((double)lua_tointeger(L, -1));
    lua_settop(L, top);
    return json;
}

/* A list of events in which some may be nil: {fork, run:first{...}} is how evidence is put
 * together. */
static cJSON *read_events(lua_State *L, int index, const struct place *at)
{
    if (!lua_istable(L, index))
        expected(L, at, "list", index);
    index = lua_absindex(L, index);
    lua_Integer last = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > EVENTS_MAX)
            complain(L, at, "a list of at most 1000 events expected");
        if (lua_tointeger(L, -2) > last)
            last = lua_tointeger(L, -2);
    }
    cJSON *json = cJSON_CreateArray();
    for (lua_Integer i = 1; i <= last; i++) {
        struct place here = element(L, at, i);
        if (lua_rawgeti(L, index, i) != LUA_TNIL)
            cJSON_AddItemToArray(json, read_event(L, lua_gettop(L), &here));
        lua_pop(L, 1);
    }
    return json;
}

static cJSON *read_one(lua_State *L, int index, const struct field *field, const struct place *at);

/* A list: integer keys from 1 without a gap, and nothing else. */
static cJSON *read_list(lua_State *L, int index, const struct field *element_field,
                        const struct place *at)
{
    if (!lua_istable(L, index))
        expected(L, at, "list", index);
    index = lua_absindex(L, index);
    lua_Integer count = luaL_len(L, index), keys = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2))
            complain(L, at,
                     lua_pushfstring(L, "a list has no field '%s'", luaL_tolstring(L, -2, NULL)));
        keys++;
    }
    if (keys != count)
        complain(L, at, "the list has a hole");
    cJSON *json = cJSON_CreateArray();
    for (lua_Integer i = 1; i <= count; i++) {
        struct place here = element(L, at, i);
        lua_rawgeti(L, index, i);
        cJSON_AddItemToArray(json, read_one(L, lua_gettop(L), element_field, &here));
        lua_pop(L, 1);
    }
    return json;
}

/* Pushes the alphabetically first key after `last` (NULL: the very first); false when there is
 * none. */
static bool push_next_name(lua_State *L, int index, const char *last, const struct place *at)
{
    const char *best = NULL;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            complain(L, at, "names expected as keys");
        const char *name = lua_tostring(L, -2);
        if ((last == NULL || strcmp(name, last) > 0) && (best == NULL || strcmp(name, best) < 0))
            best = name; /* stays alive: it is a key of the table */
    }
    if (best != NULL)
        lua_pushstring(L, best);
    return best != NULL;
}

/* A table whose keys are names of the author's own; they come in alphabetical order. */
static cJSON *read_map(lua_State *L, int index, const struct field *element_field,
                       const struct place *at)
{
    if (!lua_istable(L, index))
        expected(L, at, "table", index);
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    cJSON *json = cJSON_CreateObject();
    const char *name = NULL;
    while (push_next_name(L, index, name, at)) {
        name = lua_tostring(L, -1);
        struct place here = inside(L, at, name);
        lua_getfield(L, index, name);
        cJSON_AddItemToObject(json, name, read_one(L, lua_gettop(L), element_field, &here));
        lua_settop(L, top);
    }
    return json;
}

static cJSON *read_integer(lua_State *L, int index, const struct place *at)
{
    if (lua_type(L, index) != LUA_TNUMBER || !lua_isinteger(L, index))
        expected(L, at, "integer", index);
    return cJSON_CreateNumber((double)lua_tointeger(L, index));
}

static cJSON *read_number(lua_State *L, int index, const struct place *at)
{
    if (lua_type(L, index) != LUA_TNUMBER)
        expected(L, at, "number", index);
    double value = lua_tonumber(L, index);
    if (!isfinite(value))
        complain(L, at, "a finite number expected");
    return cJSON_CreateNumber(value);
}

static cJSON *read_one(lua_State *L, int index, const struct field *field, const struct place *at)
{
    static const struct field string = {.type = FIELD_STRING}, value = {.type = FIELD_VALUE},
                              strings = {.type = FIELD_STRINGS};
    struct field table = {.type = FIELD_TABLE, .fields = field->fields};

    switch (field->type) {
    case FIELD_STRING: return read_string(L, index, at);
    case FIELD_INTEGER: return read_integer(L, index, at);
    case FIELD_NUMBER: return read_number(L, index, at);
    case FIELD_VALUE: return read_value(L, index, at);
    case FIELD_BYTES: return read_bytes(L, index, at);
    case FIELD_STRINGS: return read_list(L, index, &string, at);
    case FIELD_VALUES: return read_list(L, index, &value, at);
    case FIELD_EVENTS: return read_events(L, index, at);
    case FIELD_TABLE: return read_fields(L, index, field->fields, at);
    case FIELD_LIST: return read_list(L, index, &table, at);
    case FIELD_MAP: return read_map(L, index, field->fields != NULL ? &table : &strings, at);
    case FIELD_VALUE_MAP: return read_map(L, index, &value, at);
    case FIELD_FUNCTION:
        if (!lua_isfunction(L, index))
            expected(L, at, "function", index);
        return NULL;
    case FIELD_PREDICATE:
        if (lua_isfunction(L, index))
            return NULL;
        if (lua_type(L, index) != LUA_TSTRING)
            expected(L, at, "string or function", index);
        return read_string(L, index, at);
    }
    return NULL;
}

static void refuse_unknown(lua_State *L, int index, const struct field *fields,
                           const struct place *at)
{
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const struct field *field = fields;
        while (field->name != NULL &&
               (lua_type(L, -2) != LUA_TSTRING || strcmp(field->name, lua_tostring(L, -2)) != 0))
            field++;
        if (field->name == NULL) {
            struct place here = inside(L, at, luaL_tolstring(L, -2, NULL));
            complain(L, &here, "unknown field");
        }
    }
}

static cJSON *read_fields(lua_State *L, int index, const struct field *fields,
                          const struct place *at)
{
    if (!lua_istable(L, index))
        expected(L, at, "table", index);
    index = lua_absindex(L, index);
    luaL_checkstack(L, 20, "declarations too deep");
    refuse_unknown(L, index, fields, at);
    cJSON *json = cJSON_CreateObject();
    for (const struct field *field = fields; field->name != NULL; field++) {
        int top = lua_gettop(L);
        struct place here = inside(L, at, field->name);
        lua_pushstring(L, field->name);
        if (lua_rawget(L, index) == LUA_TNIL) {
            if (field->is_required)
                complain(L, &here, "missing");
        } else {
            cJSON *value = read_one(L, lua_gettop(L), field, &here);
            if (value != NULL)
                cJSON_AddItemToObject(json, field->name, value);
        }
        lua_settop(L, top);
    }
    return json;
}

static struct place top_place(const char *where, const char *path)
{
    struct place at = {.where = where};
    strncpy(at.path, path, sizeof at.path - 1);
    return at;
}

cJSON *schema_read(lua_State *L, int index, const struct field *fields, const char *where,
                   const char *path)
{
    struct place at = top_place(where, path);
    return read_fields(L, index, fields, &at);
}

cJSON *schema_read_list(lua_State *L, int index, const struct field *fields, const char *where,
                        const char *path)
{
    struct place at = top_place(where, path);
    struct field table = {.type = FIELD_TABLE, .fields = fields};
    return read_list(L, lua_absindex(L, index), &table, &at);
}
