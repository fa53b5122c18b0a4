#include "diagnose/rule.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/xalloc.h"

static struct buf *next_name(struct context *c)
{
    struct buf *b = &c->names[c->name++ % (sizeof c->names / sizeof c->names[0])];
    buf_reset(b);
    return b;
}

const char *proc_name(struct context *c, uint32_t proc)
{
    struct buf *b = next_name(c);
    if (proc == MODEL_NONE)
        buf_puts(b, "somebody outside the run");
    else
        model_proc_name(c->m, proc, b);
    return b->data;
}

const char *object_name(struct context *c, uint32_t object)
{
    struct buf *b = next_name(c);
    if (object == MODEL_NONE)
        buf_puts(b, "an unknown object");
    else
        model_object_name(c->m, object, b);
    return b->data;
}

bool is_return_of(const struct context *c, enum op_kind kind)
{
    return c->is_exit && c->op.kind == kind && c->proc != MODEL_NONE;
}

bool is_process_end(const struct context *c)
{
    return c->ev->kind == EVENT_EXIT && c->ev->args[1] == 1 && c->proc != MODEL_NONE;
}

bool is_stream(const struct context *c, uint32_t object)
{
    if (object == MODEL_NONE)
        return false;
    uint8_t kind = model_object(c->m, object)->kind;
    return kind == OBJECT_PIPE || kind == OBJECT_FIFO || kind == OBJECT_SOCKET;
}

bool is_descendant(const struct context *c, uint32_t proc, uint32_t ancestor)
{
    while (proc != MODEL_NONE && proc != 0) {
        proc = model_proc(c->m, proc)->creator;
        if (proc == ancestor)
            return true;
    }
    return false;
}

bool ended_well(const struct proc *p)
{
    bool has_ended = p->state == PROC_ZOMBIE || p->state == PROC_REAPED;
    return !has_ended || (WIFEXITED(p->wait_status) && WEXITSTATUS(p->wait_status) == 0);
}

bool is_inherited(const struct context *c, uint32_t proc, const struct fd_slot *slot)
{
    const struct proc *p = model_proc(c->m, proc);
    return p->creator != MODEL_NONE && slot->event <= p->start_event;
}

uint32_t origin_of(const struct context *c, uint32_t proc, const struct fd_slot *slot)
{
    return is_inherited(c, proc, slot) ? model_proc(c->m, proc)->fork_event : slot->event;
}

bool is_users_own(const struct context *c, uint32_t event)
{
    return event != MODEL_NONE && recording_event(c->rec, event)->stack != 0;
}

void *table_row(struct table *t, uint32_t index, size_t size)
{
    if (index >= t->count) {
        xgrow(&t->rows, &t->cap, (size_t)index + 1, size);
        memset(t->rows + t->count * size, 0, (index + 1 - t->count) * size);
        t->count = (size_t)index + 1;
    }
    return t->rows + index * size;
}

void table_fini(struct table *t)
{
    free(t->rows);
    *t = (struct table){0};
}
