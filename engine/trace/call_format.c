/* Events as a person reads them. */
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "trace/call_args.h"

enum { SIGINFO_USED = 28 }; /* of a siginfo_t: up to its status */

/* ---- calls ---- */

static void put_result(const struct raw *raw, struct buf *out)
{
    int64_t ret = raw->ev->ret;
    if (ret < 0 && ret >= -4095)
        buf_printf(out, " = -1 %s (%s)", errno_name((int)-ret), strerror((int)-ret));
    else
        buf_printf(out, " = %" PRId64, ret);
    if (raw->ev->flags & EVENT_WAS_ABANDONED)
        buf_puts(out, " (interrupted by a handler that did not return)");
}

/* The arguments up to what is not known yet; false when something is left. */
static bool put_args(const struct raw *raw, const char *shape, bool is_short, struct buf *out)
{
    const char *separator = "";
    for (int arg = 0; shape[arg] && shape[arg] != '='; arg++) {
        if (!arg_exists(raw, arg, shape) || (is_short && arg_is_minor(raw, arg, shape)))
            continue;
        buf_puts(out, separator);
        separator = ", ";
        if (event_is_pending(raw->ev) && arg_is_result(shape[arg]) && raw_arg(raw, arg)) {
            buf_puts(out, "...");
            return false;
        }
        arg_format(raw, arg, shape, is_short, out);
    }
    return true;
}

static void put_call(const struct raw *raw, bool is_short, struct buf *out)
{
    struct op op;
    call_decode(raw->rec, raw->ev, &op);
    if (raw->ev->call == CALL_UNKNOWN) {
        buf_puts(out, "a call of another ABI");
        return;
    }
    buf_printf(out, "%s(", call_name(raw->ev->call));
    bool is_whole = put_args(raw, call_shape(raw->ev->call), is_short, out);
    if (is_whole)
        buf_putc(out, ')');
    if (!event_is_pending(raw->ev))
        put_result(raw, out);
    else if (is_whole && !op.never_returns)
        buf_puts(out, " ...");
}

/* ---- points ---- */

static const char *text_of(const struct raw *raw)
{
    const char *text = raw_string(raw, 0);
    return text ? text : "?";
}

static void put_start(const struct raw *raw, struct buf *out)
{
    uint64_t creator = raw_arg(raw, 0), flags = raw_arg(raw, 1);
    if (!creator)
        buf_puts(out, "the command begins");
    else
        buf_printf(out, "a new %s begins, made by %d", flags & CLONE_THREAD ? "thread" : "process",
                   (int)creator);
    if (creator && (flags & CLONE_VFORK))
        buf_puts(out, ", which waits");
}

static void put_path(const struct raw *raw, bool is_short, struct buf *out)
{
    const char *path = text_of(raw);
    const char *slash = strrchr(path, '/');
    if (is_short && slash && slash[1])
        path = slash + 1;
    buf_quoted(out, path, strlen(path), 4096);
}

static void put_signal(const struct raw *raw, struct buf *out)
{
    struct blob info;
    if (recording_blob(raw->rec, raw->ev, 0, BLOB_IN, &info) && info.kept >= SIGINFO_USED)
        siginfo_format(raw, 0, BLOB_IN, out);
    else
        buf_puts(out, signal_name(raw_int(raw, 0)));
    buf_puts(out, " is delivered");
}

static void put_blocked(const struct raw *raw, struct buf *out)
{
    uint64_t id = raw_arg(raw, 0);
    if (id >= recording_event_count(raw->rec))
        buf_puts(out, "asleep in the kernel");
    else
        buf_printf(out, "asleep in %s", call_name(recording_event(raw->rec, (uint32_t)id)->call));
}

static void put_end(const struct raw *raw, const char *before, struct buf *out)
{
    buf_puts(out, before);
    status_format(raw_int(raw, 0), out);
}

static void put_exit(const struct raw *raw, struct buf *out)
{
    put_end(raw, raw_arg(raw, 1) ? "the process is gone: " : "the task is gone: ", out);
}

static void put_inherited(const struct raw *raw, bool is_short, struct buf *out)
{
    buf_printf(out, "has descriptor %d from the start: ", raw_int(raw, 0));
    put_path(raw, is_short, out);
}

/* The text is the tracer's, but the file that carries it may come from anywhere. */
static void put_note(const struct raw *raw, struct buf *out)
{
    struct blob text;
    if (!recording_blob(raw->rec, raw->ev, 0, BLOB_IN, &text))
        return;
    for (size_t i = 0; i < text.kept;) {
        size_t length = text_printable(text.bytes + i, text.kept - i);
        if (length)
            buf_put(out, text.bytes + i, length);
        else
            buf_putc(out, ' ');
        i += length ? length : 1;
    }
}

static void put_exec(const struct raw *raw, bool is_short, struct buf *out)
{
    buf_puts(out, "becomes ");
    put_path(raw, is_short, out);
}

void call_format(const struct recording *rec, const struct event *ev, bool is_short,
                 struct buf *out)
{
    const struct raw raw = {rec, ev};
    switch ((enum event_kind)ev->kind) {
    case EVENT_CALL: put_call(&raw, is_short, out); break;
    case EVENT_START: put_start(&raw, out); break;
    case EVENT_EXEC: put_exec(&raw, is_short, out); break;
    case EVENT_DYING: put_end(&raw, "is ending: ", out); break;
    case EVENT_EXIT: put_exit(&raw, out); break;
    case EVENT_SIGNAL: put_signal(&raw, out); break;
    case EVENT_STOP: buf_printf(out, "stopped by %s", signal_name(raw_int(&raw, 0))); break;
    case EVENT_RESUME: buf_puts(out, "goes on"); break;
    case EVENT_BLOCKED: put_blocked(&raw, out); break;
    case EVENT_FD: put_inherited(&raw, is_short, out); break;
    case EVENT_DEAD: buf_puts(out, "has died; its parent does not know yet"); break;
    case EVENT_NOTE: put_note(&raw, out); break;
    case EVENT_KIND_COUNT: break;
    }
}
