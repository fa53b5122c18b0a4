/* Names and sentences for learners. */
#include <fcntl.h>

#include "model/model_internal.h"

void model_proc_name(const struct model *m, uint32_t proc, struct buf *out)
{
    if (proc == MODEL_NONE || proc >= m->procs_pool.count) {
        buf_puts(out, "somebody outside");
        return;
    }
    const struct proc *p = &m->procs[proc];
    if (p->creator == MODEL_NONE) {
        buf_puts(out, "P");
        if (proc > 0)
            buf_printf(out, "?%d", p->pid); /* whose birth was not seen */
        return;
    }
    model_proc_name(m, p->creator, out);
    buf_printf(out, ".%u", p->child_number);
}

void model_object_name(const struct model *m, uint32_t object, struct buf *out)
{
    if (object == MODEL_NONE || object >= m->objects_pool.count) {
        buf_puts(out, "nothing");
        return;
    }
    const struct object *o = &m->objects[object];
    const char *path = model_text(m, o->name);
    buf_puts(out, object_kind_name(o->kind));
    if (o->kind == OBJECT_PIPE && o->number == 0 && o->event == MODEL_NONE)
        buf_puts(out, " from outside"); /* no event tells how it came */
    else if (o->kind == OBJECT_PIPE && o->number == 0)
        buf_printf(out, " inherited as fd %d", (int)recording_event(m->rec, o->event)->args[0]);
    else if (o->kind == OBJECT_PIPE || path[0] == '\0')
        buf_printf(out, " %u", o->number);
    else
        buf_printf(out, " %s", path);
}

static void put_wakers(const struct model *m, const struct wait *w, struct buf *out)
{
    uint32_t own = m->tasks[w->task].proc;
    for (uint32_t i = 0; i < w->waker_count; i++) {
        if (i)
            buf_puts(out, i + 1 == w->waker_count ? " and " : ", ");
        model_proc_name(m, w->wakers[i], out);
        if (w->wakers[i] == own)
            buf_puts(out, " itself");
        int fd = -1;
        const struct fd_slot *slots = NULL;
        size_t count = model_fds(m, w->wakers[i], &slots);
        for (size_t s = 0; s < count && fd < 0 && w->object != MODEL_NONE; s++) {
            const struct file *f = &m->files[slots[s].file];
            bool is_end = w->reason == WAIT_PIPE_EMPTY ? file_writes(f) : file_reads(f);
            if (f->object == w->object && is_end)
                fd = slots[s].fd;
        }
        if (fd >= 0)
            buf_printf(out, " (fd %d)", fd);
    }
}

static void put_end(const struct model *m, const struct wait *w, const char *end, struct buf *out)
{
    if (w->waker_count == 0 && !w->has_outside)
        buf_printf(out, ", and no %s is left", end);
    else if (w->waker_count == 0)
        buf_printf(out, ", and its %s is outside the run", end);
    else if (w->waker_count == 1)
        buf_printf(out, ", and one %s is left: ", end);
    else
        buf_printf(out, ", and %u %ss are left: ", w->waker_count, end);
    put_wakers(m, w, out);
    if (w->waker_count && w->has_outside)
        buf_puts(out, ", and somebody outside the run");
}

static void put_pipe(const struct model *m, const struct wait *w, struct buf *out)
{
    const struct object *o = &m->objects[w->object];
    model_object_name(m, w->object, out);
    if (w->reason == WAIT_PIPE_EMPTY) {
        buf_puts(out, " is empty");
        put_end(m, w, "writer", out);
        return;
    }
    buf_printf(out, " is full (%llu of %u bytes)", (unsigned long long)o->fill, o->capacity);
    put_end(m, w, "reader", out);
}

static void put_children(const struct model *m, const struct wait *w, struct buf *out)
{
    if (w->waker_count == 1) {
        buf_puts(out, "its child ");
        put_wakers(m, w, out);
        buf_puts(out, " has not ended");
        return;
    }
    buf_printf(out, "none of its %u children has ended: ", w->waker_count);
    put_wakers(m, w, out);
}

static void put_ready(const struct model *m, const struct wait *w, struct buf *out)
{
    buf_puts(out, "none of the descriptors that it watches is ready");
    if (w->waker_count) {
        buf_puts(out, "; could be made so by ");
        put_wakers(m, w, out);
    }
}

void model_wait_text(const struct model *m, const struct wait *w, struct buf *out)
{
    switch (w->reason) {
    case WAIT_PIPE_EMPTY:
    case WAIT_PIPE_FULL: put_pipe(m, w, out); break;
    case WAIT_FIFO_READER:
    case WAIT_FIFO_WRITER:
        buf_puts(out, "nobody has opened ");
        model_object_name(m, w->object, out);
        buf_puts(out, w->reason == WAIT_FIFO_READER ? " for reading yet" : " for writing yet");
        break;
    case WAIT_CHILD: put_children(m, w, out); break;
    case WAIT_SIGNAL: buf_puts(out, "no signal has come that would end the wait"); break;
    case WAIT_READY: put_ready(m, w, out); break;
    case WAIT_TIME: buf_puts(out, "it sleeps until its time is over"); break;
    case WAIT_VFORK:
        buf_puts(out, "vfork lends its memory to ");
        put_wakers(m, w, out);
        buf_puts(out, ", which has neither called exec nor ended");
        break;
    case WAIT_STOPPED: buf_puts(out, "it is stopped, until SIGCONT comes"); break;
    case WAIT_OUTSIDE:
        model_object_name(m, w->object, out);
        buf_puts(out, " depends on somebody outside the run");
        break;
    case WAIT_UNKNOWN: buf_puts(out, "it sleeps in a call that is not followed"); break;
    }
    if (w->has_timeout && w->reason != WAIT_TIME)
        buf_puts(out, "; it has a time limit");
}
