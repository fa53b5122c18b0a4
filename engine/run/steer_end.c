#include <stdlib.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "diagnose/finding.h"
#include "run/forecast.h"
#include "run/steer.h"

static char *text_of(struct buf *take_text)
{
    buf_puts(take_text, "");
    return buf_take(take_text);
}

char *steer_result(const struct model *m, uint32_t event)
{
    const struct recording *rec = model_recording(m);
    struct buf text = {0};
    if (event == MODEL_NONE || event >= recording_event_count(rec))
        return xstrdup("");
    const struct event *ev = recording_event(rec, event);
    if (ev->kind != EVENT_CALL || event_is_pending(ev))
        return xstrdup("");
    if (ev->ret < 0 && ev->ret >= -4095)
        buf_puts(&text, errno_name((int)-ev->ret));
    for (uint32_t i = 0; i < model_proc_count(m); i++)
        if (model_proc(m, i)->reaped_event == event)
            model_proc_name(m, i, &text);
    if (!text.len)
        buf_printf(&text, "%lld", (long long)ev->ret);
    return text_of(&text);
}

/* The step at which the tracer ended the run; the last one when it ended by itself. */
static uint32_t last_own_step(const struct recording *rec)
{
    for (uint32_t seq = 1; seq <= recording_step_count(rec); seq++) {
        struct step step = recording_step(rec, seq);
        const struct event *ev = recording_event(rec, step.event);
        if (ev->kind == EVENT_NOTE && ev->args[0] != NOTE_TEXT && ev->args[0] != NOTE_INCOMPLETE)
            return seq;
    }
    return recording_step_count(rec);
}

static char *name_of(const struct model *m, uint32_t proc)
{
    struct buf name = {0};
    model_proc_name(m, proc, &name);
    return text_of(&name);
}

static void list_exits(struct steer_ending *out, const struct model *m)
{
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        const struct proc *p = model_proc(m, i);
        struct buf text = {0};
        if (p->state != PROC_ZOMBIE && p->state != PROC_REAPED) {
            out->is_well = false;
            continue;
        }
        status_format(p->wait_status, &text);
        struct steer_exit *exit = PUSH(out->exits);
        *exit = (struct steer_exit){.task = name_of(m, i), .text = text_of(&text)};
        exit->is_well = WIFEXITED(p->wait_status) && WEXITSTATUS(p->wait_status) == 0;
        out->is_well &= exit->is_well;
    }
}

static void list_parked(struct steer_ending *out, const struct model *m)
{
    size_t count = model_waits(m, NULL, 0);
    struct wait *waits = xcalloc(count + 1, sizeof *waits);
    model_waits(m, waits, count);
    for (size_t i = 0; i < count; i++) {
        struct buf call = {0}, reason = {0};
        forecast_call(m, waits[i].event, &call);
        model_wait_text(m, &waits[i], &reason);
        *PUSH(out->parked) =
            (struct steer_parked){.task = name_of(m, model_task(m, waits[i].task)->proc),
                                  .event = waits[i].event,
                                  .text = text_of(&call),
                                  .reason = text_of(&reason)};
    }
    free(waits);
}

/* What the diagnosis says of the end: the gravest finding that tells who waits for whom, or the
 * gravest of all when the run did not end. */
static const struct finding *verdict_of(const struct diagnosis *d)
{
    const struct finding *best = NULL;
    bool has_ended = diagnosis_end(d) == RUN_ENDED;
    for (size_t i = 0; i < diagnosis_count(d); i++) {
        const struct finding *f = diagnosis_finding(d, i);
        bool is_about = f->graph || (!has_ended && f->severity == SEVERITY_PROBLEM);
        if (is_about && (!best || (f->graph && !best->graph) || f->severity > best->severity))
            best = f;
    }
    return best;
}

static void take_verdict(struct steer_ending *out, const struct recording *rec)
{
    struct buf cycle = {0}, text = {0};
    struct diagnosis *d = diagnosis_new(rec);
    diagnosis_extend(d, 1);
    const struct finding *f = verdict_of(d);
    out->how = run_end_name(diagnosis_end(d));
    out->is_well = diagnosis_end(d) == RUN_ENDED;
    if (f) {
        buf_puts(&text, f->text);
        finding_graph(d, f, &cycle);
        while (cycle.len && cycle.data[cycle.len - 1] == '\n')
            cycle.data[--cycle.len] = '\0';
    }
    out->text = text_of(&text);
    out->cycle = text_of(&cycle);
    diagnosis_free(d);
}

int steer_ending_read(struct steer_ending *out, const char *recording, struct err *e)
{
    struct recording *rec;
    int rc = recording_open(&rec, recording, e);
    if (rc < 0)
        return rc;
    *out = (struct steer_ending){.seq = last_own_step(rec)};
    take_verdict(out, rec);
    struct model *m = model_new(rec);
    while (model_seq(m) < out->seq)
        model_apply(m);
    list_exits(out, m);
    list_parked(out, m);
    model_free(m);
    recording_free(rec);
    return 0;
}

void steer_parked_fini(struct steer_parked *parked)
{
    free(parked->text);
    free(parked->reason);
}

void steer_ending_fini(struct steer_ending *ending)
{
    for (size_t i = 0; i < ending->exits_count; i++) {
        free(ending->exits[i].task);
        free(ending->exits[i].text);
    }
    for (size_t i = 0; i < ending->parked_count; i++) {
        free((char *)(uintptr_t)ending->parked[i].task);
        steer_parked_fini(&ending->parked[i]);
    }
    free(ending->exits);
    free(ending->parked);
    free(ending->text);
    free(ending->cycle);
    *ending = (struct steer_ending){0};
}
