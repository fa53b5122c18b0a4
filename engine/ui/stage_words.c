#include "ui/stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "run/forecast.h"

size_t stage_waits(const struct stage *s, const struct model *m, struct wait **out)
{
    size_t all = model_waits(m, NULL, 0), count = 0;
    struct wait *waits = xcalloc(all + 1, sizeof *waits);
    model_waits(m, waits, all);
    for (size_t i = 0; i < all; i++)
        if (!s->is_steered || model_task(m, waits[i].task)->is_asleep)
            waits[count++] = waits[i];
    *out = waits;
    return count;
}

bool stage_is_channel(const struct model *m, uint32_t object)
{
    const struct object *o = model_object(m, object);
    if (o->kind != OBJECT_PIPE && o->kind != OBJECT_FIFO)
        return false;
    if (o->number == 0)
        return false; /* a free place in the pool */
    return !o->is_outside || recording_event(model_recording(m), o->event)->kind != EVENT_FD;
}

static void set_text(struct posture *p, const char *glyph, enum style style, struct buf *take_text)
{
    p->glyph = glyph;
    p->style = style;
    snprintf(p->text, sizeof p->text, "%s", take_text->data ? take_text->data : "");
    buf_fini(take_text);
}

static void posture_blocked(const struct model *m, const struct wait *w, struct posture *p)
{
    const struct event *pending = model_pending(m, w->task);
    struct buf text = {0};
    buf_puts(&text, w->reason == WAIT_STOPPED ? "stopped" : "blocked");
    if (pending) {
        /* short: that it has not returned is said already, and its bytes are shown elsewhere */
        buf_puts(&text, " in ");
        forecast_call(m, pending->id, &text);
    }
    p->is_blocked = true;
    p->wait = *w;
    set_text(p, "■", STYLE_BLOCKED, &text);
}

static void posture_ended(const struct model *m, const struct proc *proc, struct posture *p)
{
    struct buf text = {0};
    p->is_gone = proc->state == PROC_REAPED;
    buf_puts(&text, p->is_gone ? "" : "zombie: ");
    status_format(proc->wait_status, &text);
    if (p->is_gone && proc->reaped_by != MODEL_NONE) {
        buf_puts(&text, ", reaped by ");
        model_proc_name(m, proc->reaped_by, &text);
    }
    if (p->is_gone)
        set_text(p, "□", STYLE_EXITED, &text);
    else
        set_text(p, "✝", STYLE_ZOMBIE, &text);
}

/* The call before which a process of a steered run is held; MODEL_NONE. */
static uint32_t held_before(const struct model *m, uint32_t index)
{
    for (uint32_t i = 0; i < model_task_count(m); i++) {
        const struct task *task = model_task(m, i);
        const struct event *pending = model_pending(m, i);
        if (task->proc == index && !task->is_dead && !task->is_asleep && pending)
            return pending->id;
    }
    return MODEL_NONE;
}

static void put_running(const struct stage *s, const struct model *m, uint32_t index,
                        struct buf *out)
{
    uint32_t held = s->is_steered ? held_before(m, index) : MODEL_NONE;
    if (held != MODEL_NONE) {
        buf_puts(out, "next: ");
        forecast_call(m, held, out);
    } else
        buf_puts(out, model_proc(m, index)->state == PROC_DYING ? "exiting" : "running");
}

void stage_posture(const struct stage *s, const struct model *m, uint32_t index,
                   const struct wait *waits, size_t wait_count, struct posture *out)
{
    const struct proc *proc = model_proc(m, index);
    const struct wait *own = NULL;
    uint32_t asleep = 0;
    struct buf text = {0};
    *out = (struct posture){0};
    if (proc->state == PROC_ZOMBIE || proc->state == PROC_REAPED) {
        posture_ended(m, proc, out);
        return;
    }
    for (size_t i = 0; i < wait_count; i++)
        if (model_task(m, waits[i].task)->proc == index) {
            own = own ? own : &waits[i];
            asleep++;
        }
    if (own && asleep >= proc->task_count) {
        posture_blocked(m, own, out);
        return;
    }
    put_running(s, m, index, &text);
    if (asleep)
        buf_printf(&text, ", %u of %u threads blocked", asleep, proc->task_count);
    set_text(out, "▶", STYLE_RUNNING, &text);
}

enum style stage_fd_text(const struct model *m, const struct fd_slot *slot, char *out, size_t size)
{
    const struct file *file = model_file(m, slot->file);
    unsigned mode = file->flags & O_ACCMODE;
    snprintf(out, size, "%d", slot->fd);
    if (!stage_is_channel(m, file->object))
        return STYLE_TEXT;
    snprintf(out, size, "%d%s", slot->fd, mode == O_RDONLY ? "r" : mode == O_WRONLY ? "w" : "rw");
    return mode == O_RDONLY ? STYLE_READER : STYLE_WRITER;
}

bool stage_line(const struct stage *s, const struct event *ev, struct source_line *out)
{
    return source_of_event(replay_source(s->replay), ev, out);
}

/* Numbers that the kernel gave are said as the names that the screens use. */
static bool told_by_name(const struct stage *s, const struct moment *moment, const struct event *ev,
                         struct buf *out)
{
    const struct model *end = replay_end(s->replay);
    const struct proc *proc = moment->proc == MODEL_NONE ? NULL : model_proc(end, moment->proc);
    if (ev->kind != EVENT_START || !proc || proc->start_event != ev->id ||
        proc->creator == MODEL_NONE)
        return false;
    buf_puts(out, "begins: a copy of ");
    model_proc_name(end, proc->creator, out);
    return true;
}

/* "  P.1" after the number of the child that a fork returned or a wait reaped. */
static void name_child(const struct stage *s, const struct event *ev, struct buf *out)
{
    const struct model *end = replay_end(s->replay);
    for (uint32_t i = 0; ev->exit_seq && i < model_proc_count(end); i++) {
        const struct proc *proc = model_proc(end, i);
        if (proc->fork_event != ev->id && proc->reaped_event != ev->id)
            continue;
        buf_puts(out, ", ");
        model_proc_name(end, i, out);
        return;
    }
}

void stage_moment_text(const struct stage *s, const struct moment *moment, struct buf *out)
{
    struct event ev = replay_event(s->replay, moment->seq);
    if (told_by_name(s, moment, &ev, out))
        return;
    call_format(replay_recording(s->replay), &ev, true, out);
    if (ev.kind == EVENT_CALL)
        name_child(s, &ev, out);
}

void stage_draw_call(struct grid *g, int x, int y, enum style style, int most, const char *text)
{
    enum { TAIL_MOST = 28 };
    const char *comma = text ? strrchr(text, ',') : NULL;
    int width = text ? (int)text_width(text) : 0, tail = comma ? (int)text_width(comma) : 0;
    if (width <= most || !comma || tail > TAIL_MOST || tail + 8 > most) {
        grid_text(g, x, y, style, most, text);
        return;
    }
    int used = grid_text(g, x, y, style, most - tail - 1, text);
    used += grid_text(g, x + used, y, style, 1, "…");
    grid_text(g, x + used, y, style, most - used, comma);
}
