/* Killed by a signal of its own making: a fault that the kernel answered, or raise() and abort().
 * The same signal sent by another process is that process's doing, and sent by kill(2) to oneself
 * it is no accident. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "diagnose/rule.h"

/* The latest deadly signal of a process. */
struct blow {
    uint32_t event_plus_1;
    int sig;
    int code;
    uint64_t address;
    int32_t sender; /* si_pid, of a signal sent by a process */
};

struct state {
    struct table procs;
};

static bool is_fault(int sig)
{
    return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGABRT ||
           sig == SIGTRAP || sig == SIGSYS;
}

static void note_signal(struct context *c, struct blow *blow)
{
    int sig = (int)c->ev->args[0];
    siginfo_t info = {0};
    struct blob blob;
    if (!is_fault(sig))
        return;
    *blow = (struct blow){.event_plus_1 = c->ev->id + 1, .sig = sig};
    if (!recording_blob(c->rec, c->ev, 0, BLOB_OUT, &blob) &&
        !recording_blob(c->rec, c->ev, 0, BLOB_IN, &blob))
        return;
    memcpy(&info, blob.bytes, blob.kept < sizeof info ? blob.kept : sizeof info);
    blow->code = info.si_code;
    blow->sender = info.si_code <= 0 ? info.si_pid : 0;
    blow->address = info.si_code > 0 ? (uint64_t)(uintptr_t)info.si_addr : 0;
}

static const char *explain(const struct blow *blow)
{
    if (blow->code <= 0 && blow->sender != 0 && blow->sig != SIGABRT)
        return "it raised the signal itself";
    switch (blow->sig) {
    case SIGSEGV:
        return blow->address < 4096 ? "it used a null pointer"
                                    : "it touched memory that is not its own";
    case SIGBUS: return "it touched a page that has nothing behind it";
    case SIGFPE: return "it divided by zero, or the like";
    case SIGILL: return "it ran something that is no instruction";
    case SIGABRT: return "it called abort (a failed assert, or a check of the C library)";
    case SIGSYS: return "it made a call that a filter forbids";
    default: return "it ran into a trap";
    }
}

static bool is_own_doing(const struct context *c, const struct blow *blow)
{
    if (blow->code > 0 || blow->sender == 0)
        return true;
    const struct proc *p = model_proc(c->m, c->proc);
    bool is_on_purpose = blow->code == SI_USER; /* abort() and raise() use tgkill(2) */
    return !is_on_purpose && (blow->sender == p->pid || blow->sender == p->own_pid);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->proc == MODEL_NONE)
        return;
    struct blow *blow = table_row(&s->procs, c->proc, sizeof *blow);
    if (c->ev->kind == EVENT_SIGNAL)
        note_signal(c, blow);
    if (!is_process_end(c))
        return;
    int status = model_proc(c->m, c->proc)->wait_status;
    if (!WIFSIGNALED(status) || blow->event_plus_1 == 0 || WTERMSIG(status) != blow->sig ||
        !is_own_doing(c, blow))
        return;
    struct finding *f = finding_new(RULE_CRASH, SEVERITY_PROBLEM, c->seq);
    f->proc = c->proc;
    f->cause = blow->event_plus_1 - 1;
    finding_add_event(f, f->cause);
    finding_add_event(f, c->ev->id);
    finding_add_proc(f, c->proc);
    finding_say(f, "%s is killed by %s: %s", proc_name(c, c->proc), signal_name(blow->sig),
                explain(blow));
    finding_say_next(f, "Look at the last calls of %s; a debugger on a core dump shows the line.",
                     proc_name(c, c->proc));
    finding_submit(c, f);
}

static void fini(void *state)
{
    table_fini(&((struct state *)state)->procs);
}

const struct rule_ops rule_crash = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
