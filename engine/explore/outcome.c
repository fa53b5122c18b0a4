#include "explore/outcome.h"

#include <sys/wait.h>

#include "trace/call.h"

static const char *const words[] = {
#define X(NAME, word) word,
    OUTCOME_KINDS(X)
#undef X
};

const char *outcome_word(enum outcome_kind kind)
{
    return kind <= OUTCOME_WELL ? words[kind] : "?";
}

static struct outcome of_ended(const struct run_result *r, int expected, bool is_harsh)
{
    int status = r->trace.wait_status;
    if (r->trace.crash_signal)
        return (struct outcome){.kind = OUTCOME_CRASH, .signal = r->trace.crash_signal};
    if (r->trace.left_behind)
        return (struct outcome){.kind = OUTCOME_LEFT};
    if (WIFSIGNALED(status))
        return (struct outcome){.kind = is_harsh ? OUTCOME_WELL : OUTCOME_KILLED,
                                .signal = WTERMSIG(status)};
    if (WEXITSTATUS(status) != expected && !is_harsh)
        return (struct outcome){.kind = OUTCOME_STATUS, .status = WEXITSTATUS(status)};
    return (struct outcome){.kind = OUTCOME_WELL};
}

struct outcome outcome_of(const struct run_result *r, int expected, bool is_harsh)
{
    switch (r->trace.end) {
    case TRACE_STUCK:
        return (struct outcome){.kind = r->was_given_up ? OUTCOME_WELL : OUTCOME_DEADLOCK};
    case TRACE_FLOODED: return (struct outcome){.kind = OUTCOME_LIVELOCK};
    case TRACE_TIMEOUT: return (struct outcome){.kind = OUTCOME_SPIN};
    case TRACE_ENDED: return of_ended(r, expected, is_harsh);
    case TRACE_INTERRUPTED:
    case TRACE_FAILED: break;
    }
    return (struct outcome){.kind = OUTCOME_WELL};
}

bool outcome_is_failure(const struct outcome *o)
{
    return o->kind != OUTCOME_WELL;
}

bool outcome_is_same(const struct outcome *a, const struct outcome *b)
{
    return a->kind == b->kind && a->signal == b->signal && a->status == b->status;
}

void outcome_text(const struct outcome *o, struct buf *out)
{
    switch (o->kind) {
    case OUTCOME_DEADLOCK: buf_puts(out, "deadlock: nobody can move any more"); break;
    case OUTCOME_LEFT:
        buf_puts(out, "left behind: the command has ended, and others wait for ever");
        break;
    case OUTCOME_CRASH:
        buf_printf(out, "crash: a process was killed by %s", signal_name(o->signal));
        break;
    case OUTCOME_KILLED:
        buf_printf(out, "killed: the command was killed by %s", signal_name(o->signal));
        break;
    case OUTCOME_STATUS: buf_printf(out, "status: the command exited with %d", o->status); break;
    case OUTCOME_LIVELOCK:
        buf_puts(out, "livelock: it moves on and on, in fair turns, too, and comes to no end");
        break;
    case OUTCOME_SPIN:
        buf_puts(out, "spin: it computes, without a call, until the time limit");
        break;
    case OUTCOME_WELL: buf_puts(out, "it ended well"); break;
    }
}
