#include "script/script_event.h"

#include <ctype.h>
#include <string.h>
#include <sys/wait.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "script/flags.h"

/* An event as its fields are asked for. */
struct view {
    const struct evidence *evidence;
    const struct event *event;
    const struct event_facts *facts;
    struct op op;
    bool has_line, was_resolved;
    struct source_line line;
};

static struct view view_of(const struct evidence *ev, uint32_t id)
{
    struct view v = {
        .evidence = ev, .event = recording_event(ev->rec, id), .facts = &ev->facts[id]};
    v.op.fd = v.op.fd2 = -1;
    v.op.offset = v.op.timeout_ns = -1;
    if (v.event->kind == EVENT_CALL)
        call_decode(ev->rec, v.event, &v.op);
    return v;
}

static bool is_call(const struct view *v)
{
    return v->event->kind == EVENT_CALL;
}

static bool has_returned(const struct view *v)
{
    return is_call(v) && !event_is_pending(v->event);
}

void script_push_proc(lua_State *L, const struct model *m, uint32_t proc)
{
    if (proc == MODEL_NONE) {
        lua_pushnil(L);
        return;
    }
    struct buf name = {0};
    model_proc_name(m, proc, &name);
    lua_pushstring(L, name.data);
    buf_fini(&name);
}

static void push_id_unless_none(lua_State *L, int64_t id)
{
    if (id == -1)
        lua_pushnil(L);
    else
        lua_pushinteger(L, id);
}

void script_push_object(lua_State *L, const struct model *m, uint32_t index)
{
    push_id_unless_none(L, evidence_object_id(m, index));
}

void script_push_status(lua_State *L, int wait_status)
{
    lua_createtable(L, 0, 1);
    if (WIFSIGNALED(wait_status)) {
        lua_pushstring(L, signal_name(WTERMSIG(wait_status)));
        lua_setfield(L, -2, "signal");
    } else {
        lua_pushinteger(L, WEXITSTATUS(wait_status));
        lua_setfield(L, -2, "exit");
    }
}

/* "sigaction" from "SIGACTION", "close-range" from "CLOSE_RANGE". */
static void push_word(lua_State *L, const char *name)
{
    char word[32];
    size_t i = 0;
    for (; name[i] != '\0' && i < sizeof word - 1; i++)
        word[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    lua_pushlstring(L, word, i);
}

/* ---- one function for each field; each pushes one value, nil where it means nothing ---- */

static void push_id(lua_State *L, struct view *v)
{
    lua_pushinteger(L, v->event->id);
}

static void push_kind(lua_State *L, struct view *v)
{
    lua_pushstring(L, event_kind_name(v->event->kind));
}

static void push_proc(lua_State *L, struct view *v)
{
    script_push_proc(L, evidence_final(v->evidence), v->facts->proc);
}

static void push_tid(lua_State *L, struct view *v)
{
    lua_pushinteger(L, v->event->tid);
}

static void push_seq(lua_State *L, struct view *v)
{
    lua_pushinteger(L, v->event->entry_seq);
}

static void push_exit_seq(lua_State *L, struct view *v)
{
    if (event_is_pending(v->event))
        lua_pushnil(L);
    else
        lua_pushinteger(L, v->event->exit_seq);
}

static void push_ns(lua_State *L, struct view *v)
{
    lua_pushinteger(L, (lua_Integer)v->event->entry_ns);
}

static void push_exit_ns(lua_State *L, struct view *v)
{
    if (event_is_pending(v->event))
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)v->event->exit_ns);
}

static void push_call(lua_State *L, struct view *v)
{
    if (is_call(v))
        lua_pushstring(L, call_name(v->event->call));
    else
        lua_pushnil(L);
}

static void push_op(lua_State *L, struct view *v)
{
    static const char *const names[] = {
#define X(NAME) [OP_##NAME] = #NAME,
        OP_KINDS(X)
#undef X
    };
    if (is_call(v) && v->op.kind != OP_NONE)
        push_word(L, names[v->op.kind]);
    else
        lua_pushnil(L);
}

static void push_number_unless(lua_State *L, int64_t value, int64_t none)
{
    if (value == none)
        lua_pushnil(L);
    else
        lua_pushinteger(L, value);
}

static void push_fd(lua_State *L, struct view *v)
{
    push_number_unless(L, v->op.fd, -1);
}

static void push_fd2(lua_State *L, struct view *v)
{
    push_number_unless(L, v->op.fd2, -1);
}

static void push_fds(lua_State *L, struct view *v)
{
    if (v->op.kind != OP_PIPE || !has_returned(v) || v->event->ret < 0) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 2, 0);
    for (int i = 0; i < 2; i++) {
        lua_pushinteger(L, v->op.fds[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static bool moves_bytes(const struct view *v)
{
    return v->op.kind == OP_READ || v->op.kind == OP_WRITE || v->op.kind == OP_MOVE ||
           v->op.kind == OP_TEE;
}

static void push_size(lua_State *L, struct view *v)
{
    if (moves_bytes(v))
        lua_pushinteger(L, (lua_Integer)v->op.size);
    else
        lua_pushnil(L);
}

static void push_offset(lua_State *L, struct view *v)
{
    push_number_unless(L, v->op.offset, -1);
}

static void push_ret(lua_State *L, struct view *v)
{
    if (!has_returned(v))
        lua_pushnil(L);
    else
        lua_pushinteger(L, v->event->ret < 0 ? -1 : v->event->ret);
}

static void push_errno(lua_State *L, struct view *v)
{
    if (has_returned(v) && v->event->ret < 0)
        lua_pushstring(L, errno_name((int)-v->event->ret));
    else
        lua_pushnil(L);
}

static void push_sig(lua_State *L, struct view *v)
{
    int sig = 0;
    if (v->event->kind == EVENT_SIGNAL || v->event->kind == EVENT_STOP)
        sig = (int)v->event->args[0];
    else if (v->op.kind == OP_KILL || v->op.kind == OP_SIGACTION)
        sig = v->op.sig;
    else if (v->op.kind == OP_SIGWAIT && has_returned(v) && v->event->ret > 0)
        sig = (int)v->event->ret;
    if (sig != 0)
        lua_pushstring(L, signal_name(sig));
    else
        lua_pushnil(L);
}

static void push_signals(lua_State *L, struct view *v)
{
    if (!is_call(v) || !v->op.has_mask) {
        lua_pushnil(L);
        return;
    }
    lua_newtable(L);
    lua_Integer count = 0;
    for (int sig = 1; sig <= 64; sig++) {
        if ((v->op.mask >> (sig - 1) & 1) == 0)
            continue;
        lua_pushstring(L, signal_name(sig));
        lua_rawseti(L, -2, ++count);
    }
}

static void push_handler(lua_State *L, struct view *v)
{
    if (v->op.kind != OP_SIGACTION)
        lua_pushnil(L);
    else
        lua_pushstring(L, v->op.handler == 0   ? "default"
                          : v->op.handler == 1 ? "ignore"
                                               : "handler");
}

static void push_path(lua_State *L, struct view *v)
{
    struct blob blob;
    if (is_call(v))
        lua_pushstring(L, v->op.path); /* nil for NULL */
    else if (v->event->kind == EVENT_EXEC &&
             recording_blob(v->evidence->rec, v->event, 0, BLOB_IN, &blob))
        lua_pushlstring(L, (const char *)blob.bytes, strnlen((const char *)blob.bytes, blob.kept));
    else
        lua_pushnil(L);
}

static void add_flag(void *arg, const char *name)
{
    lua_State *L = arg;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, name);
}

static void push_flags(lua_State *L, struct view *v)
{
    if (!is_call(v)) {
        lua_pushnil(L);
        return;
    }
    lua_newtable(L);
    flags_list(&v->op, add_flag, L);
}

static void push_timeout(lua_State *L, struct view *v)
{
    bool can_have = v->op.kind == OP_SLEEP || v->op.kind == OP_TIMER || v->op.kind == OP_POLL ||
                    v->op.kind == OP_SIGWAIT;
    if (can_have && v->op.timeout_ns >= 0)
        lua_pushnumber(L, (double)v->op.timeout_ns / 1e9);
    else
        lua_pushnil(L);
}

static void push_status(lua_State *L, struct view *v)
{
    if (v->op.kind == OP_WAIT && v->op.has_status)
        script_push_status(L, v->op.wait_status);
    else if (v->event->kind == EVENT_DYING || v->event->kind == EVENT_EXIT)
        script_push_status(L, (int)v->event->args[0]);
    else
        lua_pushnil(L);
}

static void push_child(lua_State *L, struct view *v)
{
    script_push_proc(L, evidence_final(v->evidence), v->facts->child);
}

static void push_pid(lua_State *L, struct view *v)
{
    if (v->op.kind == OP_KILL || v->op.kind == OP_WAIT)
        lua_pushinteger(L, v->op.pid);
    else
        lua_pushnil(L);
}

/* The process that `pid` means to the caller; nil for groups, "any" and strangers. */
static void push_target(lua_State *L, struct view *v)
{
    const struct model *m = evidence_final(v->evidence);
    bool has_target = (v->op.kind == OP_KILL || v->op.kind == OP_WAIT) && v->op.pid > 0;
    script_push_proc(L, m, has_target ? evidence_by_own_pid(m, v->op.pid) : MODEL_NONE);
}

static void push_object(lua_State *L, struct view *v)
{
    push_id_unless_none(L, v->facts->object);
}

static void push_data(lua_State *L, struct view *v)
{
    struct blob blob;
    enum blob_side side = v->op.kind == OP_WRITE ? BLOB_IN : BLOB_OUT;
    bool has_data = v->op.kind == OP_WRITE || v->op.kind == OP_READ;
    if (has_data && recording_blob(v->evidence->rec, v->event, 1, side, &blob))
        lua_pushlstring(L, (const char *)blob.bytes, blob.kept);
    else
        lua_pushnil(L);
}

static const struct source_line *line_of(struct view *v)
{
    if (!v->was_resolved)
        v->has_line = source_of_event(v->evidence->source, v->event, &v->line);
    v->was_resolved = true;
    return v->has_line ? &v->line : NULL;
}

static void push_file(lua_State *L, struct view *v)
{
    const struct source_line *line = line_of(v);
    lua_pushstring(L, line != NULL ? line->base : NULL);
}

static void push_line(lua_State *L, struct view *v)
{
    const struct source_line *line = line_of(v);
    if (line != NULL)
        lua_pushinteger(L, line->line);
    else
        lua_pushnil(L);
}

static void push_func(lua_State *L, struct view *v)
{
    const struct source_line *line = line_of(v);
    lua_pushstring(L, line != NULL && line->function[0] != '\0' ? line->function : NULL);
}

static void push_text(lua_State *L, struct view *v)
{
    struct buf text = {0};
    call_format(v->evidence->rec, v->event, true, &text);
    lua_pushlstring(L, text.data != NULL ? text.data : "", text.len);
    buf_fini(&text);
}

struct event_field {
    const char *name;
    void (*push)(lua_State *L, struct view *v);
};

static const struct event_field fields[] = {
    {"id", push_id},           {"kind", push_kind},
    {"proc", push_proc},       {"tid", push_tid},
    {"seq", push_seq},         {"exit_seq", push_exit_seq},
    {"ns", push_ns},           {"exit_ns", push_exit_ns},
    {"call", push_call},       {"op", push_op},
    {"fd", push_fd},           {"fd2", push_fd2},
    {"fds", push_fds},         {"size", push_size},
    {"offset", push_offset},   {"ret", push_ret},
    {"errno", push_errno},     {"sig", push_sig},
    {"signals", push_signals}, {"handler", push_handler},
    {"path", push_path},       {"flags", push_flags},
    {"timeout", push_timeout}, {"status", push_status},
    {"child", push_child},     {"pid", push_pid},
    {"target", push_target},   {"object", push_object},
    {"data", push_data},       {"file", push_file},
    {"line", push_line},       {"func", push_func},
    {"text", push_text},       {NULL, NULL},
};

const char *script_event_field_name(size_t index)
{
    return fields[index].name;
}

void script_push_event(lua_State *L, const struct evidence *ev, uint32_t id)
{
    struct view v = view_of(ev, id);
    luaL_checkstack(L, 8, "events");
    lua_createtable(L, 0, sizeof fields / sizeof *fields);
    for (const struct event_field *field = fields; field->name != NULL; field++) {
        field->push(L, &v);
        lua_setfield(L, -2, field->name);
    }
}

static const struct event_field *field_by_name(lua_State *L, const char *name)
{
    const struct event_field *field = fields;
    while (field->name != NULL && strcmp(field->name, name) != 0)
        field++;
    if (field->name == NULL)
        luaL_error(L, "filter: an event has no field '%s'", name);
    return field;
}

static uint32_t bound(lua_State *L, const char *name)
{
    if (!lua_isinteger(L, -1))
        luaL_error(L, "filter: %s must be an integer", name);
    lua_Integer value = lua_tointeger(L, -1);
    return value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

void script_filter(lua_State *L, int index, struct event_filter *out)
{
    *out = (struct event_filter){.seq_to = UINT32_MAX};
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, FILTER_MAX + 8, "filter");
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        /* key, value: the value stays under the next key */
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "filter: names of fields expected");
        const char *name = lua_tostring(L, -2);
        if (strcmp(name, "seq_from") == 0) {
            out->seq_from = bound(L, name);
        } else if (strcmp(name, "seq_to") == 0) {
            out->seq_to = bound(L, name);
        } else if (strcmp(name, "where") == 0) {
            luaL_argexpected(L, lua_isfunction(L, -1), index, "where=function");
            out->where = lua_gettop(L) - 1;
        } else if (out->count == FILTER_MAX) {
            luaL_error(L, "filter: too many fields");
        } else {
            out->wants[out->count].field = field_by_name(L, name);
            out->wants[out->count++].value = lua_gettop(L) - 1;
        }
        lua_insert(L, -2);
    }
}

/* Does a field's value, at index `has`, equal the wanted one; of a set (of flags), is it in there?
 */
static bool is_equal(lua_State *L, int has, int wanted)
{
    if (!lua_istable(L, has))
        return lua_compare(L, has, wanted, LUA_OPEQ);
    lua_pushvalue(L, wanted);
    bool is_in = lua_rawget(L, has) != LUA_TNIL;
    lua_pop(L, 1);
    return is_in;
}

/* The value on top of the stack is what an event has; wanted is one value, or a list of them. */
static bool is_wanted(lua_State *L, int wanted)
{
    int has = lua_gettop(L);
    if (!lua_istable(L, wanted))
        return is_equal(L, has, wanted);
    bool is_one = false;
    for (lua_Integer i = 1; !is_one && lua_rawgeti(L, wanted, i) != LUA_TNIL; i++) {
        is_one = is_equal(L, has, lua_gettop(L));
        lua_settop(L, has);
    }
    lua_settop(L, has);
    return is_one;
}

bool script_matches(lua_State *L, const struct event_filter *filter, const struct evidence *ev,
                    uint32_t id)
{
    struct view v = view_of(ev, id);
    if (v.event->entry_seq < filter->seq_from || v.event->entry_seq > filter->seq_to)
        return false;
    int top = lua_gettop(L);
    bool does_match = true;
    for (size_t i = 0; i < filter->count && does_match; i++) {
        filter->wants[i].field->push(L, &v);
        does_match = is_wanted(L, filter->wants[i].value);
        lua_settop(L, top);
    }
    if (!does_match || filter->where == 0)
        return does_match;
    lua_pushvalue(L, filter->where);
    script_push_event(L, ev, id);
    lua_call(L, 1, 1);
    does_match = lua_toboolean(L, -1);
    lua_settop(L, top);
    return does_match;
}
