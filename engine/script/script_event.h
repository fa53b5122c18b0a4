/* Events for Lua: fresh plain tables, and filters that choose among them. Included by script_*.c
 * only. */
#ifndef IPCLAB_SCRIPT_SCRIPT_EVENT_H
#define IPCLAB_SCRIPT_SCRIPT_EVENT_H

#include <stdbool.h>

#include <lua.h>

#include "script/evidence.h"

/* Pushes the event with that id as a table. */
void script_push_event(lua_State *L, const struct evidence *ev, uint32_t id);

/* Pushes "P.1", nil for MODEL_NONE. */
void script_push_proc(lua_State *L, const struct model *m, uint32_t proc);
/* Pushes an object's id, nil for MODEL_NONE; the index is one of that moment. */
void script_push_object(lua_State *L, const struct model *m, uint32_t index);
/* Pushes {exit=n} or {signal=name}. */
void script_push_status(lua_State *L, int wait_status);

/* A filter, compiled from the table at a stack index (nil: everything), whose values stay on the
 * stack. */
enum { FILTER_MAX = 16 };
struct event_filter {
    size_t count;
    struct {
        const struct event_field *field;
        int value; /* stack index of what is wanted */
    } wants[FILTER_MAX];
    uint32_t seq_from, seq_to;
    int where; /* stack index of a function, 0: none */
};
/* Raises for unknown fields. */
void script_filter(lua_State *L, int index, struct event_filter *out);
/* May raise, when `where` does. */
bool script_matches(lua_State *L, const struct event_filter *filter, const struct evidence *ev,
                    uint32_t id);

/* Names of the fields of an event, NULL-terminated (for the docs test). */
const char *script_event_field_name(size_t index);

#endif
