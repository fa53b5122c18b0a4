/* What a teacher would say about a knot. */
#include <string.h>

#include "diagnose/stuck.h"

static const struct member *member_of_proc(const struct knot *k, uint32_t proc)
{
    for (size_t i = 0; i < k->all_count; i++) {
        if (k->all[i].proc == proc)
            return &k->all[i];
    }
    return NULL;
}

/* The holders of one end of a stream: true count, at most `most` in out. */
static size_t holders_of_end(struct context *c, uint32_t object, bool of_write_end,
                             struct hold *out, size_t most)
{
    struct hold all[64];
    size_t count = model_holders(c->m, object, all, 64), found = 0;
    for (size_t i = 0; i < count && i < 64; i++) {
        if (!(of_write_end ? all[i].can_write : all[i].can_read))
            continue;
        if (found < most)
            out[found] = all[i];
        found++;
    }
    return found;
}

/* How a process came to hold a descriptor: "copied by fork", "made by pipe2". */
static void say_origin(struct context *c, const struct hold *h, struct buf *b)
{
    const struct fd_slot *slot = model_fd(c->m, h->proc, h->fd);
    uint32_t origin = slot ? origin_of(c, h->proc, slot) : MODEL_NONE;
    if (origin == MODEL_NONE)
        return;
    const struct event *ev = recording_event(c->rec, origin);
    if (is_inherited(c, h->proc, slot))
        buf_puts(b, ", copied by fork");
    else if (ev->kind == EVENT_CALL)
        buf_printf(b, ", from %s", call_name(ev->call));
}

static void say_why_it_stays(struct context *c, const struct knot *k, uint32_t reader,
                             uint32_t holder, struct buf *b)
{
    const struct member *m = member_of_proc(k, holder);
    if (m == NULL || holder == reader)
        return;
    if (m->wait.reason == WAIT_CHILD)
        buf_puts(b, ", which waits for a child to end");
    else if (m->awaits_bytes && m->object != MODEL_NONE)
        buf_printf(b, ", which itself waits to read %s", object_name(c, m->object));
}

static void say_holders(struct context *c, const struct knot *k, const struct member *reader,
                        const struct hold *holds, size_t count, struct buf *b)
{
    for (size_t i = 0; i < count; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " and " : "; ";
        bool is_self = holds[i].proc == reader->proc;
        buf_printf(b, "%s%s%s (fd %d", joint, proc_name(c, holds[i].proc), is_self ? " itself" : "",
                   holds[i].fd);
        say_origin(c, &holds[i], b);
        buf_putc(b, ')');
        say_why_it_stays(c, k, reader->proc, holds[i].proc, b);
    }
}

/* Whose copy is the one to close: the reader's own, or else the first. */
static const struct hold *culprit(const struct member *reader, const struct hold *holds,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (holds[i].proc == reader->proc)
            return &holds[i];
    }
    return count > 0 ? &holds[0] : NULL;
}

static void add_origins(struct context *c, struct finding *f, const struct hold *holds,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fd_slot *slot = model_fd(c->m, holds[i].proc, holds[i].fd);
        finding_add_proc(f, holds[i].proc);
        if (slot)
            finding_add_event(f, origin_of(c, holds[i].proc, slot));
    }
}

static void blame(struct context *c, struct finding *f, const struct member *reader,
                  const struct hold *who)
{
    const struct fd_slot *slot = model_fd(c->m, who->proc, who->fd);
    f->cause = slot ? origin_of(c, who->proc, slot) : MODEL_NONE;
    if (who->proc == reader->proc && who->fd == reader->fd)
        finding_say_next(
            f, "Open it for reading only: fd %d is open for both, and so %s waits for itself.",
            who->fd, proc_name(c, who->proc));
    else
        finding_say_next(
            f,
            "Let %s close fd %d before anybody waits: look where it got that descriptor, "
            "and where it should have closed it.",
            proc_name(c, who->proc), who->fd);
}

void tell_never_eof(struct context *c, struct finding *f, const struct knot *k,
                    const struct member *reader)
{
    struct hold holds[FINDING_EVIDENCE_MAX];
    struct buf b = {0};
    const char *object = object_name(c, reader->object);
    size_t count = holders_of_end(c, reader->object, true, holds, FINDING_EVIDENCE_MAX);
    size_t shown = count < FINDING_EVIDENCE_MAX ? count : FINDING_EVIDENCE_MAX;
    buf_printf(&b,
               "%s waits for more bytes or the end of file of %s (fd %d), which cannot come: the "
               "write end is still open in ",
               proc_name(c, reader->proc), object, reader->fd);
    if (shown == 0)
        buf_puts(&b, "a process that is not known");
    say_holders(c, k, reader, holds, shown, &b);
    finding_say(f, "%s", b.data);
    buf_fini(&b);
    add_origins(c, f, holds, shown);
    const struct hold *who = culprit(reader, holds, shown);
    if (who)
        blame(c, f, reader, who);
    else
        finding_say_next(f, "Look who holds the write end of %s.", object);
}

/* ---- deadlock ---- */

static void say_ends(struct context *c, const struct member *m, bool of_write_end, struct buf *b)
{
    struct hold holds[FINDING_EVIDENCE_MAX];
    size_t count = holders_of_end(c, m->object, of_write_end, holds, FINDING_EVIDENCE_MAX),
           said = 0;
    for (size_t i = 0; i < count && i < FINDING_EVIDENCE_MAX; i++) {
        bool is_repeated = i > 0 && holds[i - 1].proc == holds[i].proc;
        if (!is_repeated)
            buf_printf(b, "%s%s (fd %d)", said++ ? ", " : "", proc_name(c, holds[i].proc),
                       holds[i].fd);
    }
    if (said == 0)
        buf_puts(b, "nobody");
}

static void say_children(struct context *c, const struct member *m, struct buf *b)
{
    uint32_t count = m->wait.waker_count < WAIT_WAKERS_MAX ? m->wait.waker_count : WAIT_WAKERS_MAX;
    for (uint32_t i = 0; i < count; i++)
        buf_printf(b, "%s%s", i ? " or " : "", proc_name(c, m->wait.wakers[i]));
}

static void say_member(struct context *c, const struct member *m, struct buf *b)
{
    const char *call =
        m->wait.event == MODEL_NONE ? "" : call_name(recording_event(c->rec, m->wait.event)->call);
    const char *who = proc_name(c, m->proc);
    const char *object = object_name(c, m->object);
    switch (m->wait.reason) {
    case WAIT_PIPE_EMPTY:
        buf_printf(b, "%s waits in %s(fd %d) for bytes in %s, held for writing by ", who, call,
                   m->fd, object);
        say_ends(c, m, true, b);
        return;
    case WAIT_PIPE_FULL:
        buf_printf(
            b, "%s waits in %s(fd %d) for room in %s (%llu bytes inside), held for reading by ",
            who, call, m->fd, object, (unsigned long long)model_object(c->m, m->object)->fill);
        say_ends(c, m, false, b);
        return;
    case WAIT_CHILD:
        buf_printf(b, "%s waits in %s for the end of ", who, call);
        say_children(c, m, b);
        return;
    case WAIT_FIFO_READER:
        buf_printf(b, "%s waits in %s for somebody to open %s for reading", who, call, object);
        return;
    case WAIT_FIFO_WRITER:
        buf_printf(b, "%s waits in %s for somebody to open %s for writing", who, call, object);
        return;
    case WAIT_SIGNAL:
        buf_printf(b, "%s waits in %s for a signal that nobody is left to send", who, call);
        return;
    case WAIT_STOPPED:
        buf_printf(b, "%s is stopped and nobody is left to continue it", who);
        return;
    default: buf_printf(b, "%s waits in %s: ", who, call); model_wait_text(c->m, &m->wait, b);
    }
}

/* What to do about it depends on what they wait in. */
static const char *advice(const struct knot *k)
{
    bool has_full = false, has_child = false, has_empty = false, has_fifo = false,
         has_signal = false;
    for (size_t i = 0; i < k->count; i++) {
        const struct member *m = &k->all[k->members[i]];
        has_full |= m->wait.reason == WAIT_PIPE_FULL;
        has_child |= m->wait.reason == WAIT_CHILD;
        has_empty |= m->awaits_bytes;
        has_signal |= m->wait.reason == WAIT_SIGNAL;
        has_fifo |= m->wait.reason == WAIT_FIFO_READER || m->wait.reason == WAIT_FIFO_WRITER;
    }
    if (has_signal)
        return "Look who should have sent the signal, and whether it came before the wait began: "
               "block it "
               "first, then wait with sigsuspend, which lets it in.";
    if (has_full && has_child)
        return "Read the pipe to its end first and wait for the child afterwards: a child that "
               "cannot "
               "write cannot end.";
    if (has_full)
        return "Somebody must read while it writes: watch both directions with poll and move "
               "whatever is "
               "ready; a bigger pipe only moves the limit.";
    if (has_fifo)
        return "Opening a FIFO waits for the other side: look who should open it, and whether two "
               "FIFOs "
               "are opened in opposite order.";
    if (has_empty)
        return "Each waits for the other to write first: decide who speaks first, and look whether "
               "an "
               "earlier message was forgotten or left in a buffer.";
    return "Follow the cycle: one of these waits must not be entered before another has ended.";
}

void tell_deadlock(struct context *c, struct finding *f, const struct knot *k, size_t cycle)
{
    struct buf b = {0};
    if (cycle > 1)
        buf_printf(&b, "%zu processes wait for each other: ", cycle);
    for (size_t i = 0; i < k->count; i++) {
        if (i > 0)
            buf_puts(&b, "; ");
        say_member(c, &k->all[k->members[i]], &b);
    }
    finding_say(f, "%s", b.data);
    finding_say_next(f, "%s", advice(k));
    buf_fini(&b);
    const struct member *last = &k->all[k->members[0]];
    for (size_t i = 0; i < k->count; i++) {
        const struct member *m = &k->all[k->members[i]];
        bool is_later = last->wait.event != MODEL_NONE && m->wait.event != MODEL_NONE &&
                        m->wait.event > last->wait.event;
        last = is_later ? m : last;
    }
    f->cause = last->wait.event; /* the call that closed the circle */
}
