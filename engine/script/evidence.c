#include "script/evidence.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static uint32_t proc_of_tid(const struct model *m, pid_t tid)
{
    uint32_t task = model_task_by_tid(m, tid);
    return task == MODEL_NONE ? MODEL_NONE : model_task(m, task)->proc;
}

/* An id is the event that made the object, and its index. */
enum { INDEX_BITS = 20 };

int64_t evidence_object_id(const struct model *m, uint32_t index)
{
    if (index == MODEL_NONE)
        return -1;
    return (int64_t)model_object(m, index)->event << INDEX_BITS | (int64_t)index;
}

uint32_t evidence_object_by_id(const struct model *m, int64_t id)
{
    uint32_t index = (uint32_t)(id & ((1 << INDEX_BITS) - 1));
    if (id < 0 || index >= model_object_count(m) || evidence_object_id(m, index) != id)
        return MODEL_NONE;
    return index;
}

static int64_t object_of_fd(const struct model *m, uint32_t proc, int fd)
{
    const struct fd_slot *slot = proc == MODEL_NONE || fd < 0 ? NULL : model_fd(m, proc, fd);
    return slot == NULL ? -1 : evidence_object_id(m, model_file(m, slot->file)->object);
}

static void note_before(struct evidence *ev, const struct model *m, const struct event *event)
{
    struct event_facts *facts = &ev->facts[event->id];
    facts->proc = proc_of_tid(m, event->tid);
    if (event->kind != EVENT_CALL)
        return;
    struct op op;
    call_decode(ev->rec, event, &op);
    facts->object = object_of_fd(m, facts->proc, op.fd);
}

/* What a call made, and whom it took: known once it has returned. */
static void note_after(struct evidence *ev, const struct model *m, const struct event *event)
{
    struct event_facts *facts = &ev->facts[event->id];
    if (facts->proc == MODEL_NONE)
        facts->proc = proc_of_tid(m, event->tid);
    if (event->kind == EVENT_START && event->args[0] != 0 && (event->args[1] & CLONE_THREAD) == 0) {
        uint32_t creating = (uint32_t)event->args[2];
        if (creating < recording_event_count(ev->rec))
            ev->facts[creating].child = facts->proc;
    }
    if (event->kind != EVENT_CALL || event_is_pending(event) || event->ret < 0)
        return;
    struct op op;
    call_decode(ev->rec, event, &op);
    switch (op.kind) {
    case OP_PIPE: facts->object = object_of_fd(m, facts->proc, op.fds[0]); break;
    case OP_OPEN:
    case OP_NEW_FD: facts->object = object_of_fd(m, facts->proc, (int)op.ret); break;
    case OP_WAIT:
        if (op.ret > 0)
            facts->child = evidence_by_own_pid(m, (pid_t)op.ret);
        break;
    default: break;
    }
}

static void take_flows(struct evidence *ev, const struct model *m)
{
    const struct flow *flows;
    size_t count = model_flows(m, &flows);
    for (size_t i = 0; i < count; i++)
        *PUSH(ev->flows) = flows[i];
}

static void gather(struct evidence *ev)
{
    uint32_t events = recording_event_count(ev->rec);
    ev->facts = xcalloc(events + 1, sizeof *ev->facts);
    for (uint32_t i = 0; i < events; i++)
        ev->facts[i] = (struct event_facts){MODEL_NONE, MODEL_NONE, -1};

    struct model *m = model_new(ev->rec);
    uint32_t steps = recording_step_count(ev->rec);
    for (uint32_t seq = 1; seq <= steps; seq++) {
        struct step step = recording_step(ev->rec, seq);
        const struct event *event = recording_event(ev->rec, step.event);
        if (!step.is_exit)
            note_before(ev, m, event);
        model_apply(m);
        if (step.is_exit || event->kind != EVENT_CALL)
            note_after(ev, m, event);
        take_flows(ev, m);
    }
    for (uint32_t i = 0; i < model_proc_count(m); i++) {
        uint32_t taker = model_proc(m, i)->reaped_event;
        if (taker < events)
            ev->facts[taker].child = i;
    }
    model_free(m);
}

int evidence_open(struct evidence **out, const char *path, struct err *e)
{
    struct evidence *ev = xcalloc(1, sizeof *ev);
    int result = recording_open(&ev->rec, path, e);
    if (result < 0) {
        free(ev);
        return result;
    }
    gather(ev);
    ev->history = history_new(ev->rec);
    ev->diagnosis = diagnosis_new(ev->rec);
    diagnosis_extend(ev->diagnosis, 1);
    ev->source = source_new(ev->rec);
    *out = ev;
    return 0;
}

void evidence_free(struct evidence *ev)
{
    if (ev == NULL)
        return;
    source_free(ev->source);
    diagnosis_free(ev->diagnosis);
    history_free(ev->history);
    free(ev->facts);
    free(ev->flows);
    recording_free(ev->rec);
    free(ev);
}

const struct model *evidence_final(const struct evidence *ev)
{
    return diagnosis_model(ev->diagnosis);
}

/* The newest, since numbers can be used again. */
uint32_t evidence_by_own_pid(const struct model *m, pid_t own_pid)
{
    for (size_t i = model_proc_count(m); i-- > 0;)
        if (model_proc(m, (uint32_t)i)->own_pid == own_pid)
            return (uint32_t)i;
    return MODEL_NONE;
}

uint32_t evidence_by_name(const struct model *m, const char *name)
{
    struct buf text = {0};
    uint32_t found = MODEL_NONE;
    for (uint32_t i = 0; i < model_proc_count(m) && found == MODEL_NONE; i++) {
        buf_reset(&text);
        model_proc_name(m, i, &text);
        if (text.data != NULL && strcmp(text.data, name) == 0)
            found = i;
    }
    buf_fini(&text);
    return found;
}

bool evidence_status(const struct evidence *ev, int *wait_status)
{
    const struct model *m = evidence_final(ev);
    if (model_proc_count(m) == 0)
        return false;
    const struct proc *command = model_proc(m, 0);
    if (command->state != PROC_ZOMBIE && command->state != PROC_REAPED)
        return false;
    *wait_status = command->wait_status;
    return true;
}
