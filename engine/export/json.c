#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "export/export.h"

/* docs/trace-json.md: members are only ever added within a version. */
enum { JSON_VERSION = 1 };

static void add_text(cJSON *to, const char *key, struct buf *text)
{
    cJSON_AddStringToObject(to, key, text->data ? text->data : "");
    buf_reset(text);
}

static void add_proc(cJSON *to, const char *key, const struct model *m, uint32_t proc)
{
    struct buf name = {0};
    if (proc != MODEL_NONE) {
        model_proc_name(m, proc, &name);
        add_text(to, key, &name);
    }
    buf_fini(&name);
}

static void add_status(cJSON *to, int status)
{
    if (WIFEXITED(status))
        cJSON_AddNumberToObject(to, "exit", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        cJSON_AddStringToObject(to, "signal", signal_name(WTERMSIG(status)));
}

static void add_place(cJSON *to, const struct export_input *in, const struct event *ev)
{
    struct source_line at;
    if (!in->source || !source_of_event(in->source, ev, &at))
        return;
    cJSON_AddStringToObject(to, "file", at.file);
    cJSON_AddNumberToObject(to, "line", at.line);
    if (at.function[0])
        cJSON_AddStringToObject(to, "function", at.function);
}

static const char *const state_words[] = {
#define X(NAME, word) [PROC_##NAME] = word,
    PROC_STATES(X)
#undef X
};

static cJSON *process_json(const struct model *m, uint32_t index)
{
    const struct proc *p = model_proc(m, index);
    cJSON *one = cJSON_CreateObject();
    add_proc(one, "name", m, index);
    cJSON_AddNumberToObject(one, "pid", p->pid);
    add_proc(one, "parent", m, p->parent);
    add_proc(one, "creator", m, p->creator);
    cJSON_AddStringToObject(one, "state", state_words[p->state]);
    if (p->state == PROC_ZOMBIE || p->state == PROC_REAPED)
        add_status(one, p->wait_status);
    add_proc(one, "reaped_by", m, p->reaped_by);
    return one;
}

static cJSON *object_json(const struct model *m, uint32_t index)
{
    const struct object *o = model_object(m, index);
    struct buf name = {0};
    cJSON *one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "id", index);
    cJSON_AddStringToObject(one, "kind", object_kind_name(o->kind));
    model_object_name(m, index, &name);
    add_text(one, "name", &name);
    cJSON_AddBoolToObject(one, "outside", o->is_outside);
    if (o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO) {
        cJSON_AddNumberToObject(one, "capacity", o->capacity);
        cJSON_AddNumberToObject(one, "fill", (double)o->fill);
        cJSON_AddNumberToObject(one, "in", (double)o->total_in);
        cJSON_AddNumberToObject(one, "out", (double)o->total_out);
        cJSON_AddNumberToObject(one, "lost", (double)o->total_lost);
    }
    buf_fini(&name);
    return one;
}

static cJSON *finding_json(const struct export_input *in, const struct finding *f)
{
    const struct model *m = diagnosis_model(in->diagnosis);
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "rule", rule_id(f->rule));
    cJSON_AddStringToObject(one, "severity", severity_name(f->severity));
    cJSON_AddStringToObject(one, "text", f->text);
    cJSON_AddStringToObject(one, "next", f->next ? f->next : "");
    cJSON_AddNumberToObject(one, "seq", f->seq);
    add_proc(one, "proc", m, f->proc);
    if (f->object != MODEL_NONE)
        cJSON_AddNumberToObject(one, "object", f->object);
    if (f->cause != MODEL_NONE) {
        cJSON_AddNumberToObject(one, "cause", f->cause);
        add_place(one, in, recording_event(in->recording, f->cause));
    }
    cJSON *events = cJSON_AddArrayToObject(one, "events");
    for (size_t i = 0; i < f->event_count; i++)
        cJSON_AddItemToArray(events, cJSON_CreateNumber(f->events[i]));
    return one;
}

static cJSON *event_json(const struct export_input *in, const uint32_t *procs,
                         const struct event *ev)
{
    cJSON *one = cJSON_CreateObject();
    struct buf text = {0};
    cJSON_AddNumberToObject(one, "id", ev->id);
    cJSON_AddStringToObject(one, "kind", event_kind_name(ev->kind));
    add_proc(one, "proc", diagnosis_model(in->diagnosis), procs[ev->id]);
    cJSON_AddNumberToObject(one, "tid", ev->tid);
    cJSON_AddNumberToObject(one, "seq", ev->entry_seq);
    cJSON_AddNumberToObject(one, "ns", (double)ev->entry_ns);
    if (!event_is_pending(ev) && ev->exit_seq != ev->entry_seq) {
        cJSON_AddNumberToObject(one, "exit_seq", ev->exit_seq);
        cJSON_AddNumberToObject(one, "exit_ns", (double)ev->exit_ns);
    }
    if (ev->kind == EVENT_CALL) {
        cJSON_AddStringToObject(one, "call", call_name(ev->call));
        if (!event_is_pending(ev)) {
            cJSON_AddNumberToObject(one, "ret", (double)ev->ret);
            if (ev->ret < 0 && ev->ret > -4096)
                cJSON_AddStringToObject(one, "errno", errno_name((int)-ev->ret));
        }
    }
    call_format(in->recording, ev, true, &text);
    add_text(one, "text", &text);
    add_place(one, in, ev);
    buf_fini(&text);
    return one;
}

static void print_and_free(FILE *out, cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    fputs(text ? text : "null", out);
    cJSON_free(text);
    cJSON_Delete(value);
}

static void print_list(FILE *out, const char *key, size_t count,
                       cJSON *(*make)(const struct model *, uint32_t), const struct model *m)
{
    fprintf(out, ",\n\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        fputs(i ? ",\n" : "\n", out);
        print_and_free(out, make(m, i));
    }
    fputs("]", out);
}

static cJSON *head_json(const struct export_input *in)
{
    const struct completeness *c = recording_completeness(in->recording);
    const struct model *m = diagnosis_model(in->diagnosis);
    cJSON *head = cJSON_CreateObject();
    const char *command = recording_meta(in->recording, "command");
    cJSON_AddStringToObject(head, "command", command ? command : "");
    cJSON_AddStringToObject(head, "end", run_end_name(diagnosis_end(in->diagnosis)));
    if (model_proc_count(m) > 0 && model_proc(m, 0)->state >= PROC_ZOMBIE)
        add_status(head, model_proc(m, 0)->wait_status);
    cJSON *gaps = cJSON_AddObjectToObject(head, "completeness");
    cJSON_AddBoolToObject(gaps, "foreign_abi", c->has_foreign_abi);
    cJSON_AddBoolToObject(gaps, "own_filter", c->has_own_filter);
    cJSON_AddBoolToObject(gaps, "untraced_child", c->has_untraced);
    cJSON_AddBoolToObject(gaps, "io_uring", c->has_io_uring);
    cJSON_AddBoolToObject(gaps, "lost_privileges", c->lost_privileges);
    cJSON_AddBoolToObject(gaps, "damaged", c->is_damaged);
    cJSON_AddNumberToObject(gaps, "payload_cut", (double)c->payload_cut);
    return head;
}

static void print_events(FILE *out, const struct export_input *in)
{
    uint32_t *procs = export_event_procs(in->recording);
    fputs(",\n\"events\":[", out);
    for (uint32_t id = 0; id < recording_event_count(in->recording); id++) {
        fputs(id ? ",\n" : "\n", out);
        print_and_free(out, event_json(in, procs, recording_event(in->recording, id)));
    }
    fputs("]}\n", out);
    free(procs);
}

void export_json(FILE *out, const struct export_input *in)
{
    const struct model *m = diagnosis_model(in->diagnosis);
    fprintf(out, "{\"format\":\"ipclab-trace\",\"version\":%d,\n\"run\":", JSON_VERSION);
    print_and_free(out, head_json(in));
    print_list(out, "processes", model_proc_count(m), process_json, m);
    print_list(out, "objects", model_object_count(m), object_json, m);
    fputs(",\n\"findings\":[", out);
    for (size_t i = 0; i < diagnosis_count(in->diagnosis); i++) {
        fputs(i ? ",\n" : "\n", out);
        print_and_free(out, finding_json(in, diagnosis_finding(in->diagnosis, i)));
    }
    fputs("]", out);
    print_events(out, in);
}
