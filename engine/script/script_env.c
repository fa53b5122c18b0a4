#include "script/script_env.h"

#include <ctype.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "script/script.h"

const char *const script_env_names[] = {
    "assert",   "error",    "ipairs", "math",         "next",   "pairs",
    "pcall",    "require",  "select", "setmetatable", "string", "table",
    "tonumber", "tostring", "type",   "utf8",         NULL,
};

/* Functions of Lua's libraries that are left out: bytecode, and what differs from run to run. */
static const struct {
    const char *library, *function;
} left_out[] = {
    {"string", "dump"},
    {"math", "random"},
    {"math", "randomseed"},
};

static int read_undeclared(lua_State *L)
{
    return luaL_error(L, "undeclared global '%s'", luaL_tolstring(L, 2, NULL));
}

static int write_undeclared(lua_State *L)
{
    return luaL_error(L, "global '%s' cannot be assigned: use a local", luaL_tolstring(L, 2, NULL));
}

/* setmetatable(table, metatable): as Lua's own, but no finalizers: hooks do not run in them, so
 * nothing but a kill would end one. */
static int set_metatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (lua_istable(L, 2) && luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (lua_istable(L, 2)) {
        lua_getfield(L, 2, "__gc");
        if (!lua_isnil(L, -1))
            return luaL_error(L, "__gc is not allowed");
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static void check_module_name(lua_State *L, const char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
            luaL_error(L, "require '%s': a name has only a-z, 0-9 and _", name);
    if (name[0] == '\0' || strlen(name) > 40)
        luaL_error(L, "require '%s': no such library", name);
}

/* require(name): the value that scripts/lib/NAME.lua returns; loaded once. Upvalue 1: what is
 * loaded. */
static int require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    check_module_name(L, name);
    if (lua_getfield(L, lua_upvalueindex(1), name) != LUA_TNIL) {
        if (lua_isboolean(L, -1))
            return luaL_error(L, "require '%s': it requires itself", name);
        return 1;
    }
    lua_pop(L, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, lua_upvalueindex(1), name);
    struct err e = {0};
    const char *file = lua_pushfstring(L, "scripts/lib/%s.lua", name);
    if (script_load_file(script_of(L), file, &e) < 0)
        return luaL_error(L, "require '%s': %s", name, e.text);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "%s: must return a table", file);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(1), name);
    return 1;
}

/* A table of the libraries on the stack top's index `env`, filled from Lua's own. */
static void copy_allowed(lua_State *L, int env)
{
    static const luaL_Reg libraries[] = {
        {"_G", luaopen_base},   {"string", luaopen_string}, {"table", luaopen_table},
        {"math", luaopen_math}, {"utf8", luaopen_utf8},
    };
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        lua_getglobal(L, left_out[i].library);
        lua_pushnil(L);
        lua_setfield(L, -2, left_out[i].function);
        lua_pop(L, 1);
    }
    for (const char *const *name = script_env_names; *name != NULL; name++) {
        lua_getglobal(L, *name);
        lua_setfield(L, env, *name);
    }
}

int script_env_open(lua_State *L)
{
    static const luaL_Reg own[] = {{"setmetatable", set_metatable}, {NULL, NULL}};
    static const luaL_Reg strict[] = {
        {"__index", read_undeclared}, {"__newindex", write_undeclared}, {NULL, NULL}};

    lua_newtable(L);
    int env = lua_gettop(L);
    copy_allowed(L, env);
    luaL_setfuncs(L, own, 0);
    lua_newtable(L);
    lua_pushcclosure(L, require, 1);
    lua_setfield(L, env, "require");

    luaL_newlib(L, strict);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, env);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    return 0;
}
