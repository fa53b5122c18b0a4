#include "run/forecast.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { SIGNALS_MAX = 64, HOLDS_MAX = 64 };

static bool has_call(const struct model *m, uint32_t event)
{
    return event != MODEL_NONE && event < recording_event_count(model_recording(m));
}

/* The call as it was made, whatever became of it. */
static bool decode(const struct model *m, uint32_t event, struct event *ev, struct op *op)
{
    if (!has_call(m, event))
        return false;
    *ev = *recording_event(model_recording(m), event);
    ev->exit_seq = 0;
    ev->ret = 0;
    return call_decode(model_recording(m), ev, op) == 0;
}

static void cut_tail(struct buf *b, const char *tail, const char *by)
{
    size_t size = strlen(tail);
    if (b->len < size || strcmp(b->data + b->len - size, tail) != 0)
        return;
    b->len -= size;
    b->data[b->len] = '\0';
    buf_puts(b, by);
}

void forecast_call(const struct model *m, uint32_t event, struct buf *out)
{
    struct event ev;
    struct op op;
    if (!has_call(m, event))
        return;
    if (decode(m, event, &ev, &op) && op.kind == OP_WRITE) {
        buf_printf(out, "%s(%d, %llu B)", call_name((enum call)ev.call), op.fd,
                   (unsigned long long)op.size);
        return;
    }
    call_format(model_recording(m), &ev, true, out);
    cut_tail(out, ", ...", ")");
    cut_tail(out, "(...", "()");
    cut_tail(out, " ...", "");
}

/* ---- names ---- */

static void put_bytes(struct buf *out, uint64_t bytes)
{
    buf_printf(out, "%llu byte%s", (unsigned long long)bytes, bytes == 1 ? "" : "s");
}

static bool is_stream(const struct object *o)
{
    return o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO;
}

/* A pipe or FIFO of the run's own, behind a descriptor; MODEL_NONE. */
static uint32_t stream_of(const struct model *m, uint32_t proc, int fd, bool *is_nonblocking)
{
    const struct fd_slot *slot = model_fd(m, proc, fd);
    if (!slot)
        return MODEL_NONE;
    const struct file *file = model_file(m, slot->file);
    const struct object *o = model_object(m, file->object);
    if (is_nonblocking)
        *is_nonblocking = file->flags & O_NONBLOCK;
    return is_stream(o) && !o->is_outside ? file->object : MODEL_NONE;
}

static void put_object(const struct model *m, uint32_t proc, int fd, struct buf *out)
{
    const struct fd_slot *slot = model_fd(m, proc, fd);
    if (fd >= 0 && fd <= 2 && slot &&
        model_object(m, model_file(m, slot->file)->object)->is_outside)
        buf_printf(out, "its standard %s", fd == 0 ? "input" : fd == 1 ? "output" : "error");
    else if (slot)
        model_object_name(m, model_file(m, slot->file)->object, out);
    else
        buf_printf(out, "descriptor %d, which is not open", fd);
}

static void put_reason(const struct model *m, uint32_t task, const char *lead, struct buf *out)
{
    struct wait wait;
    if (task == MODEL_NONE || !model_wait_of(m, task, &wait))
        return;
    buf_puts(out, lead);
    model_wait_text(m, &wait, out);
}

/* ---- bytes ---- */

static void tell_read(const struct model *m, const struct footprint_move *move, const struct op *op,
                      struct buf *out)
{
    bool is_nonblocking = false;
    uint32_t object = stream_of(m, move->proc, op->fd, &is_nonblocking);
    if (object == MODEL_NONE) {
        buf_puts(out, "reads from ");
        put_object(m, move->proc, op->fd, out);
        return;
    }
    const struct object *o = model_object(m, object);
    if (o->fill) {
        uint64_t size = op->size < o->fill ? op->size : o->fill;
        if (size < o->fill)
            buf_printf(out, "reads %llu of the %llu bytes in ", (unsigned long long)size,
                       (unsigned long long)o->fill);
        else if (size == 1)
            buf_puts(out, "reads the only byte in ");
        else
            buf_printf(out, "reads all %llu bytes in ", (unsigned long long)size);
        model_object_name(m, object, out);
    } else if (o->writers == 0) {
        buf_puts(out, "reads end of file: no writer of ");
        model_object_name(m, object, out);
        buf_puts(out, " is left");
    } else if (is_nonblocking) {
        buf_puts(out, "fails with EAGAIN: ");
        model_object_name(m, object, out);
        buf_puts(out, " is empty");
    }
}

static void tell_write(const struct model *m, const struct footprint_move *move,
                       const struct op *op, struct buf *out)
{
    bool is_nonblocking = false;
    uint32_t object = stream_of(m, move->proc, op->fd, &is_nonblocking);
    uint64_t room = object == MODEL_NONE ? UINT64_MAX : model_pipe_room(m, object, op->size);
    if (object != MODEL_NONE && model_object(m, object)->readers == 0) {
        buf_puts(out, "gets SIGPIPE, or EPIPE: no reader of ");
        model_object_name(m, object, out);
        buf_puts(out, " is left");
        return;
    }
    if (room == 0 && is_nonblocking)
        buf_puts(out, "fails with EAGAIN: no room in ");
    else if (room < op->size && room)
        buf_printf(out, "writes %llu of %llu bytes into ", (unsigned long long)room,
                   (unsigned long long)op->size);
    else if (room) {
        buf_puts(out, "writes ");
        put_bytes(out, op->size);
        buf_puts(out, object == MODEL_NONE ? " to " : " into ");
    } else
        return;
    put_object(m, move->proc, op->fd, out);
    if (room && room < op->size && !is_nonblocking)
        buf_puts(out, ", then waits for room");
}

/* ---- closing ---- */

static uint32_t count_ends(const struct model *m, uint32_t object, bool of_readers)
{
    struct hold holds[HOLDS_MAX];
    size_t all = model_holders(m, object, holds, HOLDS_MAX);
    uint32_t n = 0;
    for (size_t i = 0; i < all && i < HOLDS_MAX; i++)
        n += of_readers ? holds[i].can_read : holds[i].can_write;
    return n;
}

/* What it means that so many descriptors of one end go. */
static void tell_end_closed(const struct model *m, uint32_t object, bool of_readers, uint32_t gone,
                            struct buf *out)
{
    uint32_t ends = count_ends(m, object, of_readers);
    const char *end = of_readers ? "read" : "write";
    if (ends > gone) {
        buf_printf(out, "closes a %s end of ", end);
        model_object_name(m, object, out);
        buf_printf(out, "; %u %s left", ends - gone, ends - gone == 1 ? "is" : "are");
        return;
    }
    buf_printf(out, "closes the last %s end of ", end);
    model_object_name(m, object, out);
    if (of_readers)
        buf_puts(out, ": a writer gets SIGPIPE");
    else
        buf_puts(out, ": readers come to end of file");
}

static void tell_close(const struct model *m, const struct footprint_move *move,
                       const struct op *op, struct buf *out)
{
    uint32_t object = stream_of(m, move->proc, op->fd, NULL);
    if (object == MODEL_NONE) {
        buf_puts(out, "closes ");
        put_object(m, move->proc, op->fd, out);
        return;
    }
    const struct fd_slot *slot = model_fd(m, move->proc, op->fd);
    bool of_readers = (model_file(m, slot->file)->flags & O_ACCMODE) == O_RDONLY;
    tell_end_closed(m, object, of_readers, 1, out);
}

/* The ends that nobody has but this process. */
static void tell_exit(const struct model *m, uint32_t proc, struct buf *out)
{
    const struct fd_slot *slots;
    size_t count = model_fds(m, proc, &slots);
    buf_puts(out, "ends; its descriptors are closed");
    for (size_t i = 0; i < count; i++) {
        const struct file *file = model_file(m, slots[i].file);
        const struct object *o = model_object(m, file->object);
        bool is_last = file->refs == 1 &&
                       ((file->flags & O_ACCMODE) == O_WRONLY ? o->writers == 1 && o->readers
                                                              : o->readers == 1 && o->writers);
        if (!is_stream(o) || o->is_outside || !is_last)
            continue;
        buf_printf(out, ", with the last %s end of ",
                   (file->flags & O_ACCMODE) == O_WRONLY ? "write" : "read");
        model_object_name(m, file->object, out);
    }
}

/* ---- processes ---- */

static void tell_wait(const struct model *m, const struct footprint_move *move, const struct op *op,
                      struct buf *out)
{
    bool has_child = false;
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        const struct proc *p = model_proc(m, i);
        if (p->parent != move->proc || p->state == PROC_REAPED ||
            (op->pid > 0 && p->own_pid != op->pid && p->pid != op->pid))
            continue;
        has_child = true;
        if (p->state != PROC_ZOMBIE)
            continue;
        buf_puts(out, op->flags & WNOWAIT ? "looks at " : "collects ");
        model_proc_name(m, i, out);
        buf_puts(out, ": ");
        status_format(p->wait_status, out);
        return;
    }
    if (!has_child)
        buf_puts(out, "fails with ECHILD: there is no such child");
    else if (op->flags & WNOHANG)
        buf_puts(out, "looks, and finds that no child has ended");
}

static void tell_kill(const struct model *m, const struct op *op, struct buf *out)
{
    buf_printf(out, "sends %s to ",
               op->sig ? signal_name(op->sig) : "no signal: looks whether it lives,");
    for (uint32_t i = 0; op->pid > 0 && i < model_proc_count(m); i++) {
        const struct proc *p = model_proc(m, i);
        if (p->own_pid == op->pid && p->state != PROC_REAPED) {
            model_proc_name(m, i, out);
            return;
        }
    }
    buf_puts(out, op->pid > 0 ? "nobody: there is no such process" : "its process group");
}

/* ---- all calls ---- */

static void tell_open(const struct op *op, struct buf *out)
{
    unsigned mode = op->flags & O_ACCMODE;
    if (!op->path)
        return;
    buf_puts(out, op->flags & O_CREAT ? "opens, or makes, " : "opens ");
    buf_quoted(out, op->path, strlen(op->path), 60);
    buf_puts(out, mode == O_RDONLY ? " for reading" : mode == O_WRONLY ? " for writing" : "");
}

/* A look that does not wait, at a pipe: what it will see. */
static void tell_poll(const struct model *m, const struct footprint_move *move, const struct op *op,
                      struct buf *out)
{
    struct op_poll polls[1];
    const struct recording *rec = model_recording(m);
    size_t count = call_polls(rec, recording_event(rec, move->event), polls, 1);
    uint32_t object = count == 1 ? stream_of(m, move->proc, polls[0].fd, NULL) : MODEL_NONE;
    if (object == MODEL_NONE || !(polls[0].events & POLLIN)) {
        buf_puts(out, op->timeout_ns == 0 ? "looks which descriptors are ready"
                                          : "waits until a descriptor is ready");
        return;
    }
    const struct object *o = model_object(m, object);
    buf_puts(out, op->timeout_ns == 0 ? "looks into " : "waits for bytes in ");
    model_object_name(m, object, out);
    if (o->fill) {
        buf_puts(out, ": ");
        put_bytes(out, o->fill);
        buf_puts(out, " inside");
    } else
        buf_puts(out, o->writers ? ": it is empty" : ": end of file");
}

static void tell_signal_words(const struct op *op, struct buf *out)
{
    if (op->kind == OP_SIGACTION)
        buf_printf(out, "%s %s",
                   op->handler == 0   ? "sets the default action of"
                   : op->handler == 1 ? "ignores"
                                      : "sets a handler for",
                   signal_name(op->sig));
    else
        buf_puts(out, "changes which signals are blocked");
}

static void tell_call(const struct model *m, const struct footprint_move *move, const struct op *op,
                      struct buf *out)
{
    switch (op->kind) {
    case OP_READ: tell_read(m, move, op, out); break;
    case OP_WRITE: tell_write(m, move, op, out); break;
    case OP_CLOSE: tell_close(m, move, op, out); break;
    case OP_OPEN: tell_open(op, out); break;
    case OP_WAIT: tell_wait(m, move, op, out); break;
    case OP_KILL: tell_kill(m, op, out); break;
    case OP_EXIT: tell_exit(m, move->proc, out); break;
    case OP_PIPE: buf_puts(out, "makes a pipe"); break;
    case OP_MKFIFO: buf_puts(out, "makes a FIFO"); break;
    case OP_FORK: buf_puts(out, "makes a child, a copy of itself"); break;
    case OP_EXEC: buf_puts(out, "runs another program instead of this one"); break;
    case OP_DUP:
        buf_puts(out, "one more descriptor for ");
        put_object(m, move->proc, op->fd, out);
        break;
    case OP_SIGACTION:
    case OP_SIGMASK: tell_signal_words(op, out); break;
    case OP_SLEEP: buf_puts(out, "sleeps"); break;
    case OP_POLL: tell_poll(m, move, op, out); break;
    case OP_TIMER: buf_puts(out, "sets its timer"); break;
    default: break;
    }
}

static void tell_go(const struct model *m, const struct footprint_move *move, uint8_t enabled,
                    struct buf *out)
{
    struct event ev;
    struct op op;
    size_t before = out->len;
    if (!decode(m, move->event, &ev, &op)) {
        if (!has_call(m, move->event) && move->proc != MODEL_NONE)
            buf_puts(out, "dies of its signal; its descriptors are closed");
        return;
    }
    tell_call(m, move, &op, out);
    if (enabled == ENABLED_NO && out->len == before)
        put_reason(m, move->task, "would wait: ", out);
    if (enabled == ENABLED_NO && out->len == before)
        buf_puts(out, "would wait");
    if (enabled == ENABLED_UNKNOWN && op.kind != OP_WRITE && op.kind != OP_READ)
        put_reason(m, move->task, out->len > before ? "; may wait: " : "may wait: ", out);
}

/* The lowest of the signals that would be delivered now; 0. */
static int pending_signal(const struct model *m, const struct footprint_move *move)
{
    if (move->proc == MODEL_NONE || move->task == MODEL_NONE)
        return 0;
    const struct task *task = model_task(m, move->task);
    uint64_t pending =
        (model_proc(m, move->proc)->shared_pending | task->pending_signals) & ~task->mask;
    for (int sig = 1; sig <= SIGNALS_MAX; sig++)
        if (pending >> (sig - 1) & 1)
            return sig;
    return 0;
}

void forecast_move(const struct model *m, const struct footprint_move *move, struct buf *out)
{
    int sig;
    switch ((enum move_kind)move->kind) {
    case MOVE_GO:
        if (has_call(m, move->event))
            forecast_call(m, move->event, out);
        else
            buf_puts(out, "dies");
        break;
    case MOVE_SIGNAL:
        sig = pending_signal(m, move);
        buf_printf(out, "%s is delivered", sig ? signal_name(sig) : "a signal");
        break;
    case MOVE_TIMEOUT: buf_puts(out, "time is up"); break;
    case MOVE_TIMER: buf_printf(out, "timer: %s", signal_name(move->sig)); break;
    case MOVE_REPORT: buf_puts(out, "its end is reported"); break;
    default: break;
    }
}

static void tell_report(const struct model *m, const struct footprint_move *move, struct buf *out)
{
    uint32_t parent = move->proc == MODEL_NONE ? MODEL_NONE : model_proc(m, move->proc)->parent;
    if (parent == MODEL_NONE) {
        buf_puts(out, "the run learns that it has ended");
        return;
    }
    model_proc_name(m, parent, out);
    buf_puts(out, " is told that it has ended: SIGCHLD, and it can be waited for");
}

static void tell_signal(const struct model *m, const struct footprint_move *move, struct buf *out)
{
    uint64_t flags, handler;
    int sig = pending_signal(m, move);
    handler = sig ? model_handler(m, move->proc, sig, &flags) : 2;
    buf_puts(out, handler == 0 ? "its default action, before " : "its handler runs before ");
    if (has_call(m, move->event))
        forecast_call(m, move->event, out);
    else
        buf_puts(out, "anything else");
}

void forecast_effect(const struct model *m, const struct footprint_move *move, uint8_t enabled,
                     struct buf *out)
{
    switch ((enum move_kind)move->kind) {
    case MOVE_GO: tell_go(m, move, enabled, out); break;
    case MOVE_SIGNAL: tell_signal(m, move, out); break;
    case MOVE_TIMEOUT:
        buf_puts(out, "the time of ");
        forecast_call(m, move->event, out);
        buf_puts(out, " passes");
        break;
    case MOVE_TIMER: buf_puts(out, "its timer goes off"); break;
    case MOVE_REPORT: tell_report(m, move, out); break;
    default: break;
    }
}
