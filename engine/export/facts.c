#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "export/export.h"

static uint32_t proc_by_tid(const struct model *m, int32_t tid)
{
    uint32_t task = model_task_by_tid(m, tid);
    return task == MODEL_NONE ? MODEL_NONE : model_task(m, task)->proc;
}

/* A task is known from its START on and until its EXIT: the one is looked up after it was applied,
 * the other before. */
uint32_t *export_event_procs(const struct recording *rec)
{
    uint32_t *procs = xmalloc((recording_event_count(rec) + 1) * sizeof *procs);
    struct model *m = model_new(rec);
    while (model_seq(m) < recording_step_count(rec)) {
        struct step step = recording_step(rec, model_seq(m) + 1);
        const struct event *ev = recording_event(rec, step.event);
        uint32_t before = proc_by_tid(m, ev->tid);
        model_apply(m);
        if (!step.is_exit)
            procs[ev->id] = before != MODEL_NONE ? before : proc_by_tid(m, ev->tid);
    }
    model_free(m);
    return procs;
}

static uint32_t owner(const uint32_t *procs, uint32_t event)
{
    return event == MODEL_NONE ? MODEL_NONE : procs[event];
}

static struct transfer *find(struct transfer *list, size_t count, const struct transfer *like)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].object == like->object && list[i].from_proc == like->from_proc &&
            list[i].to_proc == like->to_proc)
            return &list[i];
    return NULL;
}

size_t export_transfers(const struct recording *rec, const uint32_t *procs, struct transfer **out)
{
    struct transfer *list = NULL;
    size_t list_count = 0, list_cap = 0;
    struct model *m = model_new(rec);
    while (model_seq(m) < recording_step_count(rec)) {
        model_apply(m);
        const struct flow *flows;
        size_t count = model_flows(m, &flows);
        for (size_t i = 0; i < count; i++) {
            struct transfer one = {.object = flows[i].object,
                                   .from_proc = owner(procs, flows[i].from_event),
                                   .to_proc = owner(procs, flows[i].to_event)};
            struct transfer *known = find(list, list_count, &one);
            if (!known) {
                known = PUSH(list);
                *known = one;
            }
            known->bytes += flows[i].length;
        }
    }
    model_free(m);
    *out = list;
    return list_count;
}
