/* What a declared table must look like, as data: checks it, and turns it into JSON for the parent.
 * Included by script_*.c only. */
#ifndef IPCLAB_SCRIPT_SCHEMA_H
#define IPCLAB_SCRIPT_SCHEMA_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <lua.h>

enum field_type {
    FIELD_STRING, /* no NUL inside */
    FIELD_INTEGER,
    FIELD_NUMBER,
    FIELD_VALUE,     /* string, number or boolean; becomes a string */
    FIELD_FUNCTION,  /* checked, not carried over */
    FIELD_PREDICATE, /* a string, carried over, or a function, not */
    FIELD_BYTES,     /* any string; becomes hexadecimal */
    FIELD_STRINGS,   /* list of strings */
    FIELD_VALUES,    /* list of values */
    FIELD_EVENTS,    /* list of events or of their ids, nil among them; becomes a list of ids */
    FIELD_TABLE,     /* a table with `fields` */
    FIELD_LIST,      /* a list of those */
    FIELD_MAP,       /* string -> table with `fields`; `fields` NULL: string -> list of strings */
    FIELD_VALUE_MAP  /* string -> value */
};

struct field {
    const char *name; /* NULL ends an array of fields */
    enum field_type type;
    bool is_required;
    const struct field *fields;
};

/* Reads the table at `index`. Raises "FILE: field 'checks[2].points': integer expected, got string"
 * (or "unknown field"). `where` is the file; `path` goes in front of field names, "" at the top.
 * The caller frees the object. */
cJSON *schema_read(lua_State *L, int index, const struct field *fields, const char *where,
                   const char *path);

/* The same for a list of tables, at `index`. */
cJSON *schema_read_list(lua_State *L, int index, const struct field *fields, const char *where,
                        const char *path);

#endif
