/* What a script may use: the strict environment. Included by script_*.c only. */
#ifndef IPCLAB_SCRIPT_SCRIPT_ENV_H
#define IPCLAB_SCRIPT_SCRIPT_ENV_H

#include <lua.h>

/* lua_CFunction: builds the environment in a new state; argument 1: the root. */
int script_env_open(lua_State *L);

/* The names of Lua's own functions and libraries that are there; NULL-terminated (for the docs
 * test). */
extern const char *const script_env_names[];

#endif
