/* run: one recorded run, as a check sees it. */
#include "script/script_run.h"

#include <string.h>
#include <sys/wait.h>

#include "script/script_event.h"

#define TYPE_NAME "ipclab.run"

struct run {
    const struct evidence *ev;
    const struct run_spec *spec; /* NULL: not a grader's */
    uint64_t seed;
};

static const struct run *check_run(lua_State *L, int index)
{
    return luaL_checkudata(L, index, TYPE_NAME);
}

/* run:ended() */
static int run_ended(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    int status;
    bool has_status = evidence_status(run->ev, &status);
    if (has_status)
        script_push_status(L, status);
    else
        lua_newtable(L);
    lua_pushstring(L, run_end_name(diagnosis_end(run->ev->diagnosis)));
    lua_setfield(L, -2, "how");
    return 1;
}

/* run:events(filter) */
static int run_events(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    struct event_filter filter;
    script_filter(L, 2, &filter);
    lua_newtable(L);
    lua_Integer found = 0;
    uint32_t count = recording_event_count(run->ev->rec);
    for (uint32_t id = 0; id < count; id++) {
        if (!script_matches(L, &filter, run->ev, id))
            continue;
        script_push_event(L, run->ev, id);
        lua_rawseti(L, -2, ++found);
    }
    return 1;
}

/* run:first(filter) */
static int run_first(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    struct event_filter filter;
    script_filter(L, 2, &filter);
    uint32_t count = recording_event_count(run->ev->rec), id = 0;
    while (id < count && !script_matches(L, &filter, run->ev, id))
        id++;
    if (id < count)
        script_push_event(L, run->ev, id);
    else
        lua_pushnil(L);
    return 1;
}

/* run:last(filter) */
static int run_last(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    struct event_filter filter;
    script_filter(L, 2, &filter);
    uint32_t id = recording_event_count(run->ev->rec);
    while (id > 0 && !script_matches(L, &filter, run->ev, id - 1))
        id--;
    if (id > 0)
        script_push_event(L, run->ev, id - 1);
    else
        lua_pushnil(L);
    return 1;
}

/* run:count(filter) */
static int run_count(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    struct event_filter filter;
    script_filter(L, 2, &filter);
    lua_Integer found = 0;
    uint32_t count = recording_event_count(run->ev->rec);
    for (uint32_t id = 0; id < count; id++)
        found += script_matches(L, &filter, run->ev, id);
    lua_pushinteger(L, found);
    return 1;
}

/* run:at(seq) */
static int run_at(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    lua_Integer seq = luaL_checkinteger(L, 2);
    luaL_argcheck(L, seq >= 0 && seq <= (lua_Integer)recording_step_count(run->ev->rec), 2,
                  "the recording has no such moment");
    script_push_state(L, run->ev, (uint32_t)seq);
    return 1;
}

/* run:final() */
static int run_final(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    script_push_state(L, run->ev, recording_step_count(run->ev->rec));
    return 1;
}

/* run:procs() */
static int run_procs(lua_State *L)
{
    lua_settop(L, 1);
    run_final(L);
    lua_getfield(L, -1, "procs");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return 1;
}

static void push_ids(lua_State *L, const uint32_t *ids, size_t count)
{
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(L, ids[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_finding(lua_State *L, const struct evidence *ev, const struct finding *f)
{
    lua_createtable(L, 0, 9);
    lua_pushstring(L, rule_id(f->rule));
    lua_setfield(L, -2, "rule");
    lua_pushstring(L, severity_name(f->severity));
    lua_setfield(L, -2, "severity");
    lua_pushstring(L, f->text);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, f->next);
    lua_setfield(L, -2, "next");
    lua_pushinteger(L, f->seq);
    lua_setfield(L, -2, "seq");
    script_push_proc(L, evidence_final(ev), f->proc);
    lua_setfield(L, -2, "proc");
    script_push_object(L, evidence_final(ev), f->object);
    lua_setfield(L, -2, "object");
    push_ids(L, f->events, f->event_count);
    lua_setfield(L, -2, "events");
    lua_createtable(L, (int)f->proc_count, 0);
    for (size_t i = 0; i < f->proc_count; i++) {
        script_push_proc(L, evidence_final(ev), f->procs[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "procs");
}

/* run:findings(rule) */
static int run_findings(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    const char *wanted = luaL_optstring(L, 2, NULL);
    if (wanted != NULL && rule_by_id(wanted) == RULE_COUNT)
        return luaL_argerror(L, 2, lua_pushfstring(L, "no rule '%s'", wanted));
    lua_newtable(L);
    lua_Integer found = 0;
    for (size_t i = 0; i < diagnosis_count(run->ev->diagnosis); i++) {
        const struct finding *f = diagnosis_finding(run->ev->diagnosis, i);
        if (wanted != NULL && strcmp(rule_id(f->rule), wanted) != 0)
            continue;
        push_finding(L, run->ev, f);
        lua_rawseti(L, -2, ++found);
    }
    return 1;
}

/* What run:flows can be asked for: the object, the writing and the reading process. */
struct flow_filter {
    lua_Integer object; /* id; -1: any */
    uint32_t from, to;  /* MODEL_NONE: any */
    bool is_empty;      /* names a process that the run does not have */
};

static struct flow_filter flow_filter(lua_State *L, int index, const struct evidence *ev)
{
    struct flow_filter filter = {.object = -1, .from = MODEL_NONE, .to = MODEL_NONE};
    if (lua_isnoneornil(L, index))
        return filter;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (strcmp(name, "object") == 0 && lua_isinteger(L, -1)) {
            filter.object = lua_tointeger(L, -1);
        } else if ((strcmp(name, "from") == 0 || strcmp(name, "to") == 0) &&
                   lua_type(L, -1) == LUA_TSTRING) {
            uint32_t proc = evidence_by_name(evidence_final(ev), lua_tostring(L, -1));
            *(name[0] == 'f' ? &filter.from : &filter.to) = proc;
            filter.is_empty |= proc == MODEL_NONE;
        } else {
            luaL_error(L, "flows: object=id, from=process, to=process expected, got '%s'", name);
        }
    }
    return filter;
}

static uint32_t proc_of(const struct evidence *ev, uint32_t event)
{
    return event == MODEL_NONE ? MODEL_NONE : ev->facts[event].proc;
}

static bool does_flow_match(const struct flow_filter *filter, const struct evidence *ev,
                            const struct flow *flow)
{
    return !filter->is_empty &&
           (filter->object == -1 ||
            filter->object == evidence_object_id(evidence_final(ev), flow->object)) &&
           (filter->from == MODEL_NONE || filter->from == proc_of(ev, flow->from_event)) &&
           (filter->to == MODEL_NONE || filter->to == proc_of(ev, flow->to_event));
}

/* run:flows(filter) */
static int run_flows(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    struct flow_filter filter = flow_filter(L, 2, run->ev);
    lua_newtable(L);
    lua_Integer found = 0;
    for (size_t i = 0; i < run->ev->flows_count; i++) {
        const struct flow *flow = &run->ev->flows[i];
        if (!does_flow_match(&filter, run->ev, flow))
            continue;
        lua_createtable(L, 0, 4);
        if (flow->from_event != MODEL_NONE) {
            script_push_event(L, run->ev, flow->from_event);
            lua_setfield(L, -2, "from");
        }
        if (flow->to_event != MODEL_NONE) {
            script_push_event(L, run->ev, flow->to_event);
            lua_setfield(L, -2, "to");
        }
        script_push_object(L, evidence_final(run->ev), flow->object);
        lua_setfield(L, -2, "object");
        lua_pushinteger(L, flow->length);
        lua_setfield(L, -2, "bytes");
        lua_rawseti(L, -2, ++found);
    }
    return 1;
}

const luaL_Reg script_run_methods[] = {
    {"ended", run_ended},       {"events", run_events}, {"first", run_first}, {"last", run_last},
    {"count", run_count},       {"procs", run_procs},   {"at", run_at},       {"final", run_final},
    {"findings", run_findings}, {"flows", run_flows},   {NULL, NULL},
};

const char *const script_run_fields[] = {"name", "args", "seed", "stdin", "partner", NULL};

/* Pushes a field of the spec; nothing for a run that no grader asked for. */
static int push_spec_field(lua_State *L, const struct run *run, const char *name)
{
    const struct run_spec *spec = run->spec;
    if (spec == NULL) {
        lua_pushnil(L);
    } else if (strcmp(name, "name") == 0) {
        lua_pushstring(L, spec->name);
    } else if (strcmp(name, "seed") == 0) {
        lua_pushinteger(L, (lua_Integer)run->seed);
    } else if (strcmp(name, "partner") == 0) {
        lua_pushstring(L, spec->partner); /* nil for NULL */
    } else if (strcmp(name, "stdin") == 0) {
        lua_pushlstring(L, spec->stdin_bytes, spec->stdin_size);
    } else {
        lua_createtable(L, (int)spec->arg_count, 0);
        for (size_t i = 0; i < spec->arg_count; i++) {
            lua_pushstring(L, spec->args[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    return 1;
}

/* The fields above, and the methods. Upvalue 1: the methods. */
static int run_index(lua_State *L)
{
    const struct run *run = check_run(L, 1);
    const char *name = luaL_checkstring(L, 2);
    for (const char *const *field = script_run_fields; *field != NULL; field++)
        if (strcmp(name, *field) == 0)
            return push_spec_field(L, run, name);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
        return luaL_error(L, "a run has no '%s'", name);
    return 1;
}

void script_run_open(lua_State *L)
{
    luaL_newmetatable(L, TYPE_NAME);
    lua_newtable(L);
    luaL_setfuncs(L, script_run_methods, 0);
    lua_pushcclosure(L, run_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void script_push_run(lua_State *L, const struct evidence *ev, const struct run_spec *spec,
                     uint64_t seed)
{
    struct run *run = lua_newuserdatauv(L, sizeof *run, 0);
    *run = (struct run){.ev = ev, .spec = spec, .seed = seed};
    luaL_setmetatable(L, TYPE_NAME);
}
