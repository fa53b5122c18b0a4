#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "export/export.h"

static uint32_t proc_of_event(const struct model *m, const struct recording *rec, uint32_t event)
{
    if (event == MODEL_NONE)
        return MODEL_NONE;
    uint32_t task = model_task_by_tid(m, recording_event(rec, event)->tid);
    return task == MODEL_NONE ? MODEL_NONE : model_task(m, task)->proc;
}

static struct transfer *find(struct transfer *list, size_t count, const struct transfer *like)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].object == like->object && list[i].from_proc == like->from_proc &&
            list[i].to_proc == like->to_proc)
            return &list[i];
    return NULL;
}

size_t export_transfers(const struct recording *rec, struct transfer **out)
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
                                   .from_proc = proc_of_event(m, rec, flows[i].from_event),
                                   .to_proc = proc_of_event(m, rec, flows[i].to_event)};
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
