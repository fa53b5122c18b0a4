/* Files that declare one table. */
#include "script/script_declare.h"

#include <lauxlib.h>

#include "script/script_run.h"

/* lab{...}, grader{...}: give their table back. */
static int give_back(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    return 1;
}

/* Runs the chunk (argument 1), checks what it returns, keeps it. Argument 2: the file; 3: its
 * fields; 4: where the JSON goes. */
static int load(lua_State *L)
{
    const char *file = lua_tostring(L, 2);
    const struct field *fields = lua_touserdata(L, 3);
    cJSON **out = lua_touserdata(L, 4);
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "%s: must return one table, got %s", file, luaL_typename(L, -1));
    *out = schema_read(L, -1, fields, file, "");
    lua_setfield(L, LUA_REGISTRYINDEX, "ipclab.declared");
    return 0;
}

int script_load_declared(cJSON **out, struct script *s, const char *word, const char *file,
                         const struct field *fields, struct err *e)
{
    lua_State *L = script_state(s);
    script_run_open(L);
    script_state_open(L);
    lua_pushcfunction(L, give_back);
    script_declare(s, word);
    lua_pushcfunction(L, load);
    int result = script_load_file(s, file, e);
    if (result < 0) {
        lua_pop(L, 1);
        return result;
    }
    lua_pushstring(L, file);
    lua_pushlightuserdata(L, (void *)(uintptr_t)fields);
    lua_pushlightuserdata(L, out);
    return script_call(s, 4, 0, e);
}
