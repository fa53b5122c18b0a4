/* state: what everything was like after one moment. A handle names the moment; each question goes
 * to the history, so that a handle never goes stale. */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "script/script_event.h"
#include "script/script_run.h"

#define TYPE_NAME "ipclab.state"

struct state {
    const struct evidence *ev;
    uint32_t seq;
};

static const struct model *check_state(lua_State *L, int index)
{
    const struct state *s = luaL_checkudata(L, index, TYPE_NAME);
    return history_at(s->ev->history, s->seq);
}

static const struct evidence *evidence_of(lua_State *L, int index)
{
    const struct state *s = luaL_checkudata(L, index, TYPE_NAME);
    return s->ev;
}

/* The process that argument `index` names; raises when the run has none of that name, MODEL_NONE
 * when it is not born yet. */
static uint32_t check_proc(lua_State *L, const struct model *m, int index)
{
    const char *name = luaL_checkstring(L, index);
    uint32_t proc = evidence_by_name(m, name);
    if (proc == MODEL_NONE &&
        evidence_by_name(evidence_final(evidence_of(L, 1)), name) == MODEL_NONE)
        luaL_argerror(L, index, lua_pushfstring(L, "the run has no process '%s'", name));
    return proc;
}

static uint32_t check_object(lua_State *L, const struct model *m, int index)
{
    uint32_t object = evidence_object_by_id(m, luaL_checkinteger(L, index));
    if (object == MODEL_NONE)
        luaL_argerror(L, index, "no such object at this moment");
    return object;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* "pipe-empty" from "PIPE_EMPTY". */
static void set_word(lua_State *L, const char *field, const char *name)
{
    char word[32];
    size_t i = 0;
    for (; name[i] != '\0' && i < sizeof word - 1; i++)
        word[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    lua_pushlstring(L, word, i);
    lua_setfield(L, -2, field);
}

static void set_event(lua_State *L, const char *field, uint32_t event)
{
    if (event != MODEL_NONE)
        set_integer(L, field, event);
}

static void set_exe(lua_State *L, const struct evidence *ev, const struct proc *proc)
{
    struct blob blob;
    if (proc->exec_event == MODEL_NONE ||
        !recording_blob(ev->rec, recording_event(ev->rec, proc->exec_event), 0, BLOB_IN, &blob))
        return;
    lua_pushlstring(L, (const char *)blob.bytes, strnlen((const char *)blob.bytes, blob.kept));
    lua_setfield(L, -2, "exe");
}

/* The call in which one of its tasks waits, if any does. */
static void set_blocked(lua_State *L, const struct evidence *ev, const struct model *m,
                        uint32_t index)
{
    struct wait w;
    for (uint32_t i = 0; i < model_task_count(m); i++) {
        const struct task *task = model_task(m, i);
        if (task->proc != index || task->is_dead || !model_wait_of(m, i, &w) ||
            w.event == MODEL_NONE)
            continue;
        script_push_event(L, ev, w.event);
        lua_setfield(L, -2, "blocked");
        return;
    }
}

static void push_proc_table(lua_State *L, const struct evidence *ev, const struct model *m,
                            uint32_t index)
{
    static const char *const states[] = {
#define X(NAME, word) word,
        PROC_STATES(X)
#undef X
    };
    const struct proc *proc = model_proc(m, index);
    lua_createtable(L, 0, 12);
    script_push_proc(L, m, index);
    lua_setfield(L, -2, "name");
    script_push_proc(L, m, proc->parent);
    lua_setfield(L, -2, "parent");
    script_push_proc(L, m, proc->reaped_by);
    lua_setfield(L, -2, "reaped_by");
    set_integer(L, "pid", proc->own_pid);
    set_integer(L, "pgid", proc->pgid);
    set_integer(L, "sid", proc->sid);
    set_boolean(L, "stopped", proc->is_stopped);
    lua_pushstring(L, states[proc->state]);
    lua_setfield(L, -2, "state");
    if (proc->state == PROC_ZOMBIE || proc->state == PROC_REAPED) {
        if (WIFSIGNALED(proc->wait_status)) {
            lua_pushstring(L, signal_name(WTERMSIG(proc->wait_status)));
            lua_setfield(L, -2, "signal");
        } else {
            set_integer(L, "exit", WEXITSTATUS(proc->wait_status));
        }
    }
    set_exe(L, ev, proc);
    set_blocked(L, ev, m, index);
}

/* state:procs() */
static int state_procs(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    lua_newtable(L);
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        push_proc_table(L, evidence_of(L, 1), m, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* state:proc(name) */
static int state_proc(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t proc = check_proc(L, m, 2);
    if (proc == MODEL_NONE)
        lua_pushnil(L);
    else
        push_proc_table(L, evidence_of(L, 1), m, proc);
    return 1;
}

static bool can_read(uint32_t flags)
{
    return (flags & O_ACCMODE) != O_WRONLY;
}

static bool can_write(uint32_t flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* state:fds(name) */
static int state_fds(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t proc = check_proc(L, m, 2);
    const struct fd_slot *slots = NULL;
    size_t count = proc == MODEL_NONE ? 0 : model_fds(m, proc, &slots);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        const struct file *file = model_file(m, slots[i].file);
        lua_createtable(L, 0, 8);
        set_integer(L, "fd", slots[i].fd);
        script_push_object(L, m, file->object);
        lua_setfield(L, -2, "object");
        set_boolean(L, "read", can_read(file->flags));
        set_boolean(L, "write", can_write(file->flags));
        set_boolean(L, "cloexec", slots[i].is_cloexec);
        set_boolean(L, "nonblock", (file->flags & O_NONBLOCK) != 0);
        set_event(L, "event", slots[i].event);
        if (file->offset >= 0)
            set_integer(L, "offset", file->offset);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static void push_object_table(lua_State *L, const struct model *m, uint32_t index)
{
    const struct object *object = model_object(m, index);
    lua_createtable(L, 0, 10);
    script_push_object(L, m, index);
    lua_setfield(L, -2, "id");
    lua_pushstring(L, object_kind_name(object->kind));
    lua_setfield(L, -2, "kind");
    struct buf name = {0};
    model_object_name(m, index, &name);
    lua_pushlstring(L, name.data != NULL ? name.data : "", name.len);
    buf_fini(&name);
    lua_setfield(L, -2, "name");
    set_boolean(L, "live", object->is_live);
    set_event(L, "event", object->event);
    if (object->kind != OBJECT_PIPE && object->kind != OBJECT_FIFO)
        return;
    set_integer(L, "fill", (lua_Integer)object->fill);
    set_integer(L, "capacity", object->capacity);
    set_integer(L, "max_fill", (lua_Integer)object->max_fill);
    set_integer(L, "total_in", (lua_Integer)object->total_in);
    set_integer(L, "total_out", (lua_Integer)object->total_out);
    set_integer(L, "readers", object->readers);
    set_integer(L, "writers", object->writers);
}

/* state:object(id) */
static int state_object(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    push_object_table(L, m, check_object(L, m, 2));
    return 1;
}

/* state:objects(kind) */
static int state_objects(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    const char *kind = luaL_optstring(L, 2, NULL);
    lua_newtable(L);
    lua_Integer count = 0;
    for (uint32_t i = 0; i < model_object_count(m); i++) {
        if (model_object(m, i)->event == MODEL_NONE) /* a place that is free at this moment */
            continue;
        if (kind != NULL && strcmp(kind, object_kind_name(model_object(m, i)->kind)) != 0)
            continue;
        push_object_table(L, m, i);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* state:holders(id) */
static int state_holders(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t object = check_object(L, m, 2);
    size_t count = model_holders(m, object, NULL, 0);
    struct hold *holds = xcalloc(count + 1, sizeof *holds);
    model_holders(m, object, holds, count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_createtable(L, 0, 5);
        script_push_proc(L, m, holds[i].proc);
        lua_setfield(L, -2, "proc");
        set_integer(L, "fd", holds[i].fd);
        set_boolean(L, "read", holds[i].can_read);
        set_boolean(L, "write", holds[i].can_write);
        set_boolean(L, "cloexec", holds[i].is_cloexec);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    free(holds);
    return 1;
}

static void push_wait(lua_State *L, const struct model *m, const struct wait *w)
{
    static const char *const reasons[] = {
#define X(NAME) #NAME,
        WAIT_REASONS(X)
#undef X
    };
    lua_createtable(L, 0, 8);
    script_push_proc(L, m, model_task(m, w->task)->proc);
    lua_setfield(L, -2, "proc");
    set_event(L, "event", w->event);
    script_push_object(L, m, w->object);
    lua_setfield(L, -2, "object");
    set_word(L, "reason", reasons[w->reason]);
    struct buf text = {0};
    model_wait_text(m, w, &text);
    lua_pushlstring(L, text.data != NULL ? text.data : "", text.len);
    buf_fini(&text);
    lua_setfield(L, -2, "text");
    lua_createtable(L, (int)w->waker_count, 0);
    for (uint32_t i = 0; i < w->waker_count && i < WAIT_WAKERS_MAX; i++) {
        script_push_proc(L, m, w->wakers[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "wakers");
    set_boolean(L, "hopeless", w->is_hopeless);
    set_boolean(L, "timeout", w->has_timeout);
}

/* state:waits() */
static int state_waits(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    size_t count = model_waits(m, NULL, 0);
    struct wait *waits = xcalloc(count + 1, sizeof *waits);
    model_waits(m, waits, count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_wait(L, m, &waits[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    free(waits);
    return 1;
}

/* state:children(name) */
static int state_children(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t parent = check_proc(L, m, 2);
    lua_newtable(L);
    lua_Integer count = 0;
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        const struct proc *proc = model_proc(m, i);
        if (parent == MODEL_NONE || proc->parent != parent || proc->state == PROC_REAPED)
            continue;
        script_push_proc(L, m, i);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

static int check_signal(lua_State *L, int index)
{
    const char *name = luaL_checkstring(L, index);
    for (int sig = 1; sig < MODEL_SIGNALS; sig++)
        if (strcmp(signal_name(sig), name) == 0)
            return sig;
    return luaL_argerror(L, index, lua_pushfstring(L, "no signal '%s'", name));
}

/* state:handler(name, sig) */
static int state_handler(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t proc = check_proc(L, m, 2);
    int sig = check_signal(L, 3);
    if (proc == MODEL_NONE) {
        lua_pushnil(L);
        return 1;
    }
    uint64_t handler = model_handler(m, proc, sig, NULL);
    lua_pushstring(L, handler == 0 ? "default" : handler == 1 ? "ignore" : "handler");
    return 1;
}

/* state:blocks(name, sig), of the thread that has lived longest */
static int state_blocks(lua_State *L)
{
    const struct model *m = check_state(L, 1);
    uint32_t proc = check_proc(L, m, 2);
    int sig = check_signal(L, 3);
    for (size_t i = 0; proc != MODEL_NONE && i < model_task_count(m); i++) {
        const struct task *task = model_task(m, (uint32_t)i);
        if (task->proc != proc || task->is_dead)
            continue;
        lua_pushboolean(L, (task->mask >> (sig - 1)) & 1);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

const luaL_Reg script_state_methods[] = {
    {"procs", state_procs},
    {"proc", state_proc},
    {"fds", state_fds},
    {"object", state_object},
    {"objects", state_objects},
    {"holders", state_holders},
    {"waits", state_waits},
    {"children", state_children},
    {"handler", state_handler},
    {"blocks", state_blocks},
    {NULL, NULL},
};

/* state.seq, and the methods. Upvalue 1: the methods. */
static int state_index(lua_State *L)
{
    const struct state *s = luaL_checkudata(L, 1, TYPE_NAME);
    const char *name = luaL_checkstring(L, 2);
    if (strcmp(name, "seq") == 0) {
        lua_pushinteger(L, s->seq);
        return 1;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
        return luaL_error(L, "a state has no '%s'", name);
    return 1;
}

void script_state_open(lua_State *L)
{
    luaL_newmetatable(L, TYPE_NAME);
    lua_newtable(L);
    luaL_setfuncs(L, script_state_methods, 0);
    lua_pushcclosure(L, state_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void script_push_state(lua_State *L, const struct evidence *ev, uint32_t seq)
{
    struct state *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct state){.ev = ev, .seq = seq};
    luaL_setmetatable(L, TYPE_NAME);
}
