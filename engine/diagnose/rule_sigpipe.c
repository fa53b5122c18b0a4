/* Killed by SIGPIPE; EPIPE ignored.
 *
 * `yes` dying of SIGPIPE behind `head` is how a pipeline ends. The same death is a problem when the
 * reader did not choose to stop, or when the one who dies had started the reader and was to look
 * after it. So what each reader of a pipe did is kept until its writer dies. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "diagnose/rule.h"

enum { READERS_MAX = 4, MANY = 10 };

/* The latest readers of an object. */
struct readers {
    struct reader {
        uint32_t proc_plus_1;
        uint64_t bytes;
    } known[READERS_MAX];
    unsigned next;
};

/* A process's write that gave EPIPE, and what it did to that object since. */
struct broken {
    uint32_t event_plus_1;
    uint32_t object;
    uint32_t count;
    struct finding *finding; /* owned by the diagnosis once reported; then count only grows */
};

struct state {
    struct table readers; /* by object */
    struct table broken;  /* by process */
    struct table fates;   /* by process */
};

/* How a process ends, known before its descriptors close. */
struct fate {
    bool is_known;
    int wait_status;
};

static void note_fate(struct context *c, struct state *s)
{
    struct fate *fate = table_row(&s->fates, c->proc, sizeof *fate);
    *fate = (struct fate){.is_known = true, .wait_status = (int)c->ev->args[0]};
}

static void note_read(struct context *c, struct state *s)
{
    struct readers *r = table_row(&s->readers, c->object, sizeof *r);
    for (size_t i = 0; i < READERS_MAX; i++) {
        if (r->known[i].proc_plus_1 == c->proc + 1) {
            r->known[i].bytes += (uint64_t)c->op.ret;
            return;
        }
    }
    r->known[r->next++ % READERS_MAX] = (struct reader){c->proc + 1, (uint64_t)c->op.ret};
}

/* ---- the death ---- */

/* The youngest process that read from it; none: proc_plus_1 is 0. */
static struct reader last_reader(struct state *s, uint32_t object)
{
    struct reader best = {0};
    if (object == MODEL_NONE)
        return best;
    struct readers *r = table_row(&s->readers, object, sizeof *r);
    for (size_t i = 0; i < READERS_MAX; i++) {
        if (r->known[i].proc_plus_1 > best.proc_plus_1)
            best = r->known[i];
    }
    return best;
}

static bool is_death_by(int wait_status, int sig)
{
    return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == sig;
}

/* It forked the reader, and is still the program that did. */
static bool was_in_charge_of(struct context *c, uint32_t writer, uint32_t reader)
{
    if (!is_descendant(c, reader, writer))
        return false;
    const struct proc *w = model_proc(c->m, writer), *r = model_proc(c->m, reader);
    return w->exec_event == MODEL_NONE || w->exec_event < r->start_event;
}

static enum severity weigh(struct context *c, struct state *s, uint32_t object,
                           struct reader reader)
{
    if (object != MODEL_NONE && model_object(c->m, object)->is_outside)
        return SEVERITY_NORMAL;
    if (reader.proc_plus_1 == 0)
        return c->proc == 0 ? SEVERITY_PROBLEM : SEVERITY_NORMAL;
    struct fate *fate = table_row(&s->fates, reader.proc_plus_1 - 1, sizeof *fate);
    if (was_in_charge_of(c, c->proc, reader.proc_plus_1 - 1))
        return SEVERITY_PROBLEM;
    if (!fate->is_known || fate->wait_status == 0 || is_death_by(fate->wait_status, SIGPIPE))
        return SEVERITY_NORMAL;
    return WIFSIGNALED(fate->wait_status) ? SEVERITY_PROBLEM : SEVERITY_WARNING;
}

static void say_reader(struct context *c, struct state *s, uint32_t object, struct reader reader,
                       struct buf *b)
{
    if (object != MODEL_NONE && model_object(c->m, object)->is_outside) {
        buf_puts(b, "whoever reads it outside the run has stopped reading");
        return;
    }
    if (reader.proc_plus_1 == 0) {
        buf_puts(b, "nobody has ever read from it, and nobody holds a read end any more");
        return;
    }
    uint32_t proc = reader.proc_plus_1 - 1;
    struct fate *fate = table_row(&s->fates, proc, sizeof *fate);
    buf_printf(b, "its reader %s is gone (%llu byte%s read, then ", proc_name(c, proc),
               (unsigned long long)reader.bytes, reader.bytes == 1 ? "" : "s");
    if (fate->is_known)
        status_format(fate->wait_status, b);
    else
        buf_puts(b, "closed its end");
    buf_putc(b, ')');
}

static void report_death(struct context *c, struct state *s)
{
    struct broken *broken = table_row(&s->broken, c->proc, sizeof *broken);
    bool was_write = broken->event_plus_1 != 0;
    uint32_t object = was_write ? broken->object : MODEL_NONE;
    struct reader reader = last_reader(s, object);
    struct finding *f = finding_new(RULE_SIGPIPE_DEATH, weigh(c, s, object, reader), c->seq);
    struct buf b = {0};
    f->proc = c->proc;
    f->object = object;
    f->cause = was_write ? broken->event_plus_1 - 1 : MODEL_NONE;
    finding_add_event(f, f->cause);
    finding_add_event(f, c->ev->id);
    finding_add_proc(f, c->proc);
    finding_add_object(f, object);
    if (reader.proc_plus_1 != 0)
        finding_add_proc(f, reader.proc_plus_1 - 1);
    if (was_write) {
        buf_printf(&b, "%s is killed by SIGPIPE: it wrote to %s, but ", proc_name(c, c->proc),
                   object_name(c, object));
        say_reader(c, s, object, reader, &b);
    } else {
        buf_printf(&b, "%s is killed by SIGPIPE, sent to it by kill", proc_name(c, c->proc));
    }
    finding_say(f, "%s", b.data);
    buf_fini(&b);
    finding_say_next(f,
                     f->severity == SEVERITY_NORMAL
                         ? "Nothing to do: this is how the upstream part of a pipeline ends."
                         : "Look why the reader went away; a writer that must survive it ignores "
                           "SIGPIPE and handles EPIPE from write.");
    finding_submit(c, f);
}

/* ---- EPIPE ---- */

static bool is_same_payload(const struct context *c, uint32_t one, const struct event *two)
{
    struct blob a, b;
    if (!recording_blob(c->rec, recording_event(c->rec, one), 1, BLOB_IN, &a) ||
        !recording_blob(c->rec, two, 1, BLOB_IN, &b))
        return true;
    uint32_t common = a.kept < b.kept ? a.kept : b.kept;
    return memcmp(a.bytes, b.bytes, common) == 0;
}

/* stdio tries once more to write what it could not write before, at exit: the same bytes again are
 * no proof that the program went on regardless. */
static void note_epipe(struct context *c, struct state *s)
{
    struct broken *b = table_row(&s->broken, c->proc, sizeof *b);
    if (b->event_plus_1 == 0 || b->object != c->object) {
        *b = (struct broken){.event_plus_1 = c->ev->id + 1, .object = c->object, .count = 1};
        return;
    }
    b->count++;
    bool went_on = b->count > 2 || !is_same_payload(c, b->event_plus_1 - 1, c->ev);
    bool is_new = !b->finding && went_on;
    if (is_new) {
        struct finding *f = finding_new(RULE_EPIPE_IGNORED, SEVERITY_WARNING, c->seq);
        b->finding = f;
        f->proc = c->proc;
        f->object = c->object;
        f->cause = b->event_plus_1 - 1;
        finding_add_event(f, f->cause);
        finding_add_event(f, c->ev->id);
        finding_add_proc(f, c->proc);
        finding_add_object(f, c->object);
        finding_say_next(f,
                         "Look at the first failed write: after EPIPE this descriptor is good for "
                         "nothing but close.");
    }
    if (b->finding) {
        b->finding->severity = b->count > MANY ? SEVERITY_PROBLEM : SEVERITY_WARNING;
        finding_say(b->finding,
                    "%s got EPIPE from %s on fd %d (nobody reads %s any more) and wrote to it %u "
                    "more time%s",
                    proc_name(c, c->proc), call_name(c->ev->call), c->op.fd,
                    object_name(c, c->object), b->count - 1, b->count == 2 ? "" : "s");
    }
    if (is_new)
        finding_submit(c, b->finding);
}

static void on_step(struct context *c, void *state)
{
    struct state *s = state;
    if (c->ev->kind == EVENT_DYING && c->proc != MODEL_NONE)
        note_fate(c, s);
    else if (is_return_of(c, OP_READ) && c->op.ret > 0 && is_stream(c, c->object))
        note_read(c, s);
    else if (is_return_of(c, OP_WRITE) && c->op.ret == -EPIPE && c->object != MODEL_NONE)
        note_epipe(c, s);
    else if (is_process_end(c) && is_death_by((int)c->ev->args[0], SIGPIPE))
        report_death(c, s);
}

static void fini(void *state)
{
    struct state *s = state;
    table_fini(&s->readers);
    table_fini(&s->broken);
    table_fini(&s->fates);
}

const struct rule_ops rule_sigpipe = {
    .state_size = sizeof(struct state), .on_step = on_step, .fini = fini};
