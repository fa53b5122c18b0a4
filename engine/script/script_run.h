/* What a check is given: run and state. Included by script_*.c only. */
#ifndef IPCLAB_SCRIPT_SCRIPT_RUN_H
#define IPCLAB_SCRIPT_SCRIPT_RUN_H

#include <lauxlib.h>
#include <lua.h>

#include "script/evidence.h"
#include "script/grader.h"

/* Registers the two types in a new state. */
void script_run_open(lua_State *L);
void script_state_open(lua_State *L);

/* Pushes a run. spec may be NULL (a prediction: run.name and so on are nil). Both are borrowed for
 * as long as the script lives. */
void script_push_run(lua_State *L, const struct evidence *ev, const struct run_spec *spec,
                     uint64_t seed);

/* Pushes the state after a moment. */
void script_push_state(lua_State *L, const struct evidence *ev, uint32_t seq);

/* Their methods and fields, for the docs test. */
extern const luaL_Reg script_run_methods[];
extern const luaL_Reg script_state_methods[];
extern const char *const script_run_fields[];

#endif
