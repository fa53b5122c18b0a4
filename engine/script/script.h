/* A Lua state for one script: strict, limited, and entered in one way only.
 *
 * Scripts are text (bytecode is refused: it can crash the interpreter). They see the libraries that
 * docs/lua-api.md lists, and nothing that reaches outside: no io, os, load, debug, no undeclared
 * global. Time is limited by a count hook: once the deadline has passed it is armed for every
 * instruction, so that a pcall in a loop does not outlive it. Memory is limited by the allocator.
 * What no hook can stop (a pattern match inside C) is stopped from outside: everything here runs in
 * a child (script/child.h).
 *
 * Only script_*.c include <lua.h>. */
#ifndef IPCLAB_SCRIPT_SCRIPT_H
#define IPCLAB_SCRIPT_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cJSON;
struct lua_State;

struct script_options {
    const char *root;  /* require finds ROOT/scripts/lib/NAME.lua; messages name files below it */
    uint64_t wall_ns;  /* 0: 2 s; counted from script_new */
    size_t memory_max; /* 0: 64 MiB */
};

struct script;

int script_new(struct script **out, const struct script_options *options, struct err *e);
void script_free(struct script *s);
struct lua_State *script_state(struct script *s);

/* The script that a state belongs to. */
struct script *script_of(struct lua_State *L);

/* Pushes the chunk of a file (named from the root) or of a text. -EINVAL: it does not compile. */
int script_load_file(struct script *s, const char *file, struct err *e);
int script_load_text(struct script *s, const char *text, size_t size, const char *name,
                     struct err *e);

/* Calls the function under its arguments on the stack, like lua_pcall: the only way into Lua.
 * -EINVAL with "FILE:LINE: reason < FILE:LINE ..." (who called whom), -ETIMEDOUT, -ENOMEM. */
int script_call(struct script *s, int arguments, int results, struct err *e);

/* Declares a global; its value is on top of the stack, and popped. */
void script_declare(struct script *s, const char *name);

/* What a check said with fail{}: owned by the script, NULL when it said nothing. */
struct cJSON *script_failure(const struct script *s);
void script_take_failure(struct script *s, struct cJSON *take);

#endif
