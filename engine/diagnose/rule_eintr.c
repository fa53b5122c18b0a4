/* EINTR not handled.
 *
 * A call that a handler interrupted is waiting to be made again. It is a finding when the program
 * instead gives up (exits with an error at once), closes the stream that still had a writer or
 * bytes (it took the error for the end of file), or goes on to write something else. Signals that
 * ask a program to stop, and SIGALRM as a time limit, are good reasons not to go on. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "diagnose/rule.h"

enum { AT_ONCE = 3 }; /* calls */

/* A task's interrupted call that was not made again yet. */
struct interrupted {
    uint32_t event_plus_1;
    uint32_t object;
    enum op_kind kind;
    int sig;      /* 0: its SIGNAL event is still to come */
    int last_sig; /* latest signal that a handler took, and when */
    uint32_t last_seq;
    uint32_t calls; /* since */
};

struct state {
    struct table tasks;
};

static bool means_stop(int sig)
{
    return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT || sig == SIGALRM ||
           sig == SIGPIPE;
}

static bool is_restartable(enum op_kind kind)
{
    return kind == OP_READ || kind == OP_WRITE || kind == OP_WAIT || kind == OP_OPEN ||
           kind == OP_POLL || kind == OP_MOVE;
}

static void report(struct context *c, struct interrupted *i, const char *then)
{
    const struct event *ev = recording_event(c->rec, i->event_plus_1 - 1);
    struct finding *f = finding_new(RULE_EINTR_UNHANDLED, SEVERITY_PROBLEM, c->seq);
    f->proc = c->proc;
    f->object = i->object;
    f->cause = ev->id;
    finding_add_event(f, ev->id);
    finding_add_event(f, c->ev->id);
    finding_add_proc(f, c->proc);
    finding_add_object(f, i->object);
    finding_say(f, "%s was interrupted in %s by %s (EINTR) and %s instead of calling it again",
                proc_name(c, c->proc), call_name(ev->call), signal_name(i->sig), then);
    finding_say_next(
        f,
        "Look at what follows the %s: repeat it while errno is EINTR, or install the handler "
        "with SA_RESTART.",
        call_name(ev->call));
    finding_submit(c, f);
    i->event_plus_1 = 0;
}

static bool has_more(const struct context *c, uint32_t object)
{
    const struct object *o = model_object(c->m, object);
    bool is_pipe = o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO;
    return is_pipe && (o->fill > 0 || o->writers > 0);
}

/* Before its end a program writes its last words: those to standard error are no new work. */
static bool is_last_words(const struct context *c)
{
    return c->op.kind == OP_WRITE && c->op.fd == 2;
}

static bool is_call_to_judge(const struct context *c)
{
    return c->ev->kind == EVENT_CALL && c->op.kind != OP_NONE && c->op.kind != OP_QUERY &&
           c->op.kind != OP_SIGRETURN && c->op.kind != OP_SIGMASK && c->op.kind != OP_SIGACTION;
}

static void look_at_next_call(struct context *c, struct interrupted *i)
{
    bool is_same = c->op.kind == i->kind && (i->object == MODEL_NONE || c->object == i->object);
    if (is_same || (c->op.kind == OP_POLL && i->kind != OP_POLL)) {
        i->event_plus_1 = 0;
        return;
    }
    if (!is_last_words(c) && ++i->calls > AT_ONCE) {
        i->event_plus_1 = 0; /* it does other work now: what comes later may have other reasons */
        return;
    }
    if (c->op.kind == OP_EXIT) {
        if ((c->op.size & 0xff) != 0)
            report(c, i, "gave up");
        i->event_plus_1 = 0;
    } else if (c->op.kind == OP_CLOSE && i->kind == OP_READ && c->object == i->object) {
        if (i->object != MODEL_NONE && has_more(c, i->object))
            report(c, i, "closed the descriptor, as at an end of file,");
        i->event_plus_1 = 0;
    }
}

static void note_interruption(struct context *c, struct interrupted *i)
{
    int sig = i->last_seq > c->ev->entry_seq ? i->last_sig : 0;
    if (!is_restartable(c->op.kind) || means_stop(sig))
        return;
    i->event_plus_1 = c->ev->id + 1;
    i->object = c->object;
    i->kind = c->op.kind;
    i->sig = sig;
    i->calls = 0;
}

static void note_signal(struct context *c, struct interrupted *i)
{
    int sig = (int)c->ev->args[0];
    if (model_handler(c->m, c->proc, sig, NULL) <= 1)
        return;
    i->last_sig = sig;
    i->last_seq = c->seq;
    if (i->sig == 0)
        i->sig = sig;
    if (means_stop(sig))
        i->event_plus_1 = 0;
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->task == MODEL_NONE)
        return;
    struct interrupted *i = table_row(&s->tasks, c->task, sizeof *i);
    if (c->ev->kind == EVENT_SIGNAL) {
        note_signal(c, i);
    } else if (c->is_exit && c->op.ret == -EINTR && c->ev->kind == EVENT_CALL) {
        note_interruption(c, i);
    } else if (!c->is_exit && i->event_plus_1 != 0 && i->sig != 0 && is_call_to_judge(c)) {
        look_at_next_call(c, i);
    } else if (c->ev->kind == EVENT_EXEC) {
        *i = (struct interrupted){0};
    }
}

static void fini(void *state)
{
    table_fini(&((struct state *)state)->tasks);
}

const struct rule_ops rule_eintr = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
