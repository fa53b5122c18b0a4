#include "script/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "script/script_env.h"

enum {
    HOOK_EVERY = 10000, /* instructions between two looks at the clock: well under a millisecond */
    FILE_MAX = 1 << 20,
};

struct script {
    lua_State *L;
    char *root;
    uint64_t wall_ns;
    uint64_t deadline_ns;
    size_t memory_used, memory_max;
    bool is_late;
    cJSON *failure;
};

struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

lua_State *script_state(struct script *s)
{
    return s->L;
}

static void *allocate(void *arg, void *block, size_t old_size, size_t new_size)
{
    struct script *s = arg;
    if (block == NULL)
        old_size = 0; /* Lua passes a type there */
    if (new_size == 0) {
        free(block);
        s->memory_used -= old_size;
        return NULL;
    }
    if (new_size > old_size && s->memory_used + (new_size - old_size) > s->memory_max)
        return NULL;
    void *moved = realloc(block, new_size);
    if (moved != NULL)
        s->memory_used = s->memory_used - old_size + new_size;
    return moved;
}

static void look_at_clock(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct script *s = script_of(L);
    if (!s->is_late && clock_ns() < s->deadline_ns)
        return;
    s->is_late = true;
    lua_sethook(L, look_at_clock, LUA_MASKCOUNT, 1);
    luaL_error(L, "it ran for more than %f seconds", (double)s->wall_ns / 1e9);
}

/* Lua calls this for an error outside any script_call: only a bug of ours can cause that. */
static int panic(lua_State *L)
{
    die("script: error outside a protected call: %s", lua_tostring(L, -1));
    return 0;
}

int script_new(struct script **out, const struct script_options *options, struct err *e)
{
    struct script *s = xcalloc(1, sizeof *s);
    s->root = xstrdup(options->root);
    s->wall_ns = options->wall_ns != 0 ? options->wall_ns : 2000000000;
    s->deadline_ns = clock_ns() + s->wall_ns;
    s->memory_max = options->memory_max != 0 ? options->memory_max : (size_t)64 << 20;
    s->L = lua_newstate(allocate, s);
    if (s->L == NULL) {
        script_free(s);
        return err_set(e, ENOMEM, "start Lua: out of memory");
    }
    *(struct script **)lua_getextraspace(s->L) = s;
    lua_atpanic(s->L, panic);
    lua_sethook(s->L, look_at_clock, LUA_MASKCOUNT, HOOK_EVERY);
    lua_pushcfunction(s->L, script_env_open);
    lua_pushstring(s->L, s->root);
    int result = script_call(s, 1, 0, e);
    if (result < 0) {
        script_free(s);
        return result;
    }
    *out = s;
    return 0;
}

void script_free(struct script *s)
{
    if (s == NULL)
        return;
    if (s->L != NULL)
        lua_close(s->L);
    cJSON_Delete(s->failure);
    free(s->root);
    free(s);
}

int script_load_text(struct script *s, const char *text, size_t size, const char *name,
                     struct err *e)
{
    char *chunk = xasprintf("@%s", name);
    int status = luaL_loadbufferx(s->L, text, size, chunk, "t");
    free(chunk);
    if (status == LUA_OK)
        return 0;
    const char *message = lua_tostring(s->L, -1);
    int result = err_set(e, EINVAL, "%s", message != NULL ? message : "it does not compile");
    lua_pop(s->L, 1);
    return result;
}

int script_load_file(struct script *s, const char *file, struct err *e)
{
    struct buf text = {0};
    char *path = xasprintf("%s/%s", s->root, file);
    int result = file_read(&text, path, FILE_MAX, e);
    if (result == 0)
        result = script_load_text(s, text.data != NULL ? text.data : "", text.len, file, e);
    free(path);
    buf_fini(&text);
    return result;
}

/* Turns an error message into one line: the message, and the places that led there. */
static int explain(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING)
        return 1;
    lua_settop(L, 1);
    lua_Debug at;
    for (int level = 1; level < 12 && lua_getstack(L, level, &at) != 0; level++) {
        lua_getinfo(L, "Sl", &at);
        if (at.currentline < 0)
            continue;
        const char *place = lua_pushfstring(L, "%s:%d", at.short_src, at.currentline);
        bool is_said = strncmp(lua_tostring(L, 1), place, strlen(place)) == 0;
        lua_pop(L, 1);
        if (!is_said)
            lua_pushfstring(L, " < %s:%d", at.short_src, at.currentline);
    }
    lua_concat(L, lua_gettop(L));
    return 1;
}

static int error_of(struct script *s, int status, struct err *e)
{
    if (s->is_late)
        return err_set(e, ETIMEDOUT, "the script ran for more than %.1f s",
                       (double)s->wall_ns / 1e9);
    if (status == LUA_ERRMEM)
        return err_set(e, ENOMEM, "the script wanted more than %zu MiB of memory",
                       s->memory_max >> 20);
    const char *message = lua_tostring(s->L, -1);
    return err_set(e, EINVAL, "%s",
                   message != NULL ? message : "the script raised something that is not a text");
}

int script_call(struct script *s, int arguments, int results, struct err *e)
{
    int base = lua_gettop(s->L) - arguments;
    lua_pushcfunction(s->L, explain);
    lua_insert(s->L, base);
    int status = lua_pcall(s->L, arguments, results, base);
    lua_remove(s->L, base);
    if (status == LUA_OK && !s->is_late)
        return 0;
    int result = error_of(s, status, e);
    lua_settop(s->L, base - 1);
    return result;
}

void script_declare(struct script *s, const char *name)
{
    lua_pushglobaltable(s->L);
    lua_insert(s->L, -2);
    lua_pushstring(s->L, name);
    lua_insert(s->L, -2);
    lua_rawset(s->L, -3);
    lua_pop(s->L, 1);
}

cJSON *script_failure(const struct script *s)
{
    return s->failure;
}

void script_take_failure(struct script *s, cJSON *take)
{
    cJSON_Delete(s->failure);
    s->failure = take;
}
