#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "export/export.h"

struct report {
    FILE *out;
    const struct export_input *in;
    const struct export_text_options *options;
    const struct model *end; /* the state after the last step */
    uint32_t *procs;         /* of each event */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* 73728 as "73,728". */
static const char *grouped(uint64_t value, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    char *p = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* The program a process last executed; its creator's if it never did. */
static const char *program_of(const struct report *r, uint32_t proc)
{
    while (proc != MODEL_NONE) {
        const struct proc *p = model_proc(r->end, proc);
        struct blob path;
        if (p->exec_event != MODEL_NONE &&
            recording_blob(r->in->recording, recording_event(r->in->recording, p->exec_event), 0,
                           BLOB_IN, &path))
            return base_name((const char *)path.bytes);
        proc = p->creator;
    }
    return "";
}

static void put_name(const struct report *r, uint32_t proc, struct buf *line)
{
    if (proc == MODEL_NONE)
        buf_puts(line, "outside");
    else
        model_proc_name(r->end, proc, line);
}

static void put_place(const struct report *r, uint32_t event, struct buf *line)
{
    struct source_line at;
    if (event == MODEL_NONE || !r->in->source ||
        !source_of_event(r->in->source, recording_event(r->in->recording, event), &at))
        return;
    buf_printf(line, "%s:%d", at.base, at.line);
}

static bool is_own_pipe(const struct object *o)
{
    return (o->kind == OBJECT_PIPE || o->kind == OBJECT_FIFO) && o->number != 0;
}

static uint32_t count_pipes(const struct model *m)
{
    uint32_t pipes = 0;
    for (uint32_t i = 0; i < model_object_count(m); i++) {
        pipes += is_own_pipe(model_object(m, i));
    }
    return pipes;
}

static void put_fate(const struct proc *p, struct buf *line)
{
    switch (p->state) {
    case PROC_ALIVE: buf_puts(line, p->is_stopped ? "stopped" : "still running"); break;
    case PROC_DYING: buf_puts(line, "exiting"); break;
    case PROC_ZOMBIE:
        status_format(p->wait_status, line);
        buf_puts(line, ", never waited for");
        break;
    case PROC_REAPED: status_format(p->wait_status, line); break;
    default: break;
    }
}

static void report_head(const struct report *r)
{
    const struct recording *rec = r->in->recording;
    const char *command = recording_meta(rec, "command");
    uint32_t events = recording_event_count(rec);
    uint64_t ns = events ? recording_event(rec, events - 1)->exit_ns : 0;
    for (uint32_t i = events > 64 ? events - 64 : 0; i < events; i++)
        if (recording_event(rec, i)->exit_ns > ns)
            ns = recording_event(rec, i)->exit_ns;
    size_t procs = model_proc_count(r->end);
    uint32_t pipes = count_pipes(r->end);
    struct buf fate = {0};
    if (procs > 0)
        put_fate(model_proc(r->end, 0), &fate);
    char n[32];
    fprintf(r->out, "%s\n  %s · %zu %s, %" PRIu32 " %s, %s events, %.3f s\n",
            command ? command : "", fate.data ? fate.data : "nothing ran", procs,
            plural(procs, "process", "processes"), pipes, plural(pipes, "pipe", "pipes"),
            grouped(events, n), (double)ns / 1e9);
    enum run_end end = diagnosis_end(r->in->diagnosis);
    if (end != RUN_ENDED)
        fprintf(r->out, "  the run did not end by itself: %s\n", run_end_name(end));
    buf_fini(&fate);
}

static void report_processes(const struct report *r)
{
    fputs("\nprocesses\n", r->out);
    for (uint32_t i = 0; i < model_proc_count(r->end); i++) {
        const struct proc *p = model_proc(r->end, i);
        struct buf name = {0}, fate = {0}, born = {0};
        model_proc_name(r->end, i, &name);
        put_fate(p, &fate);
        put_place(r, p->fork_event, &born);
        fprintf(r->out, "  %-10s %-8d %-14.14s %s%s%s\n", name.data, p->pid, program_of(r, i),
                fate.data, born.len ? ", forked at " : "", born.len ? born.data : "");
        buf_fini(&name);
        buf_fini(&fate);
        buf_fini(&born);
    }
}

static void report_object(const struct report *r, uint32_t index, const struct transfer *transfers,
                          size_t count)
{
    const struct object *o = model_object(r->end, index);
    struct buf line = {0};
    char n[32];
    model_object_name(r->end, index, &line);
    fprintf(r->out, "  %-10s %s B in", line.data, grouped(o->total_in, n));
    fprintf(r->out, ", %s B out", grouped(o->total_out, n));
    if (o->fill)
        fprintf(r->out, ", %s B still inside", grouped(o->fill, n));
    if (o->total_lost)
        fprintf(r->out, ", %s B never read", grouped(o->total_lost, n));
    fprintf(r->out, ", %s B at its fullest\n", grouped(o->max_fill, n));
    for (size_t i = 0; i < count; i++) {
        if (transfers[i].object != index)
            continue;
        buf_reset(&line);
        put_name(r, transfers[i].from_proc, &line);
        buf_puts(&line, r->options->is_ascii ? " -> " : " → ");
        put_name(r, transfers[i].to_proc, &line);
        fprintf(r->out, "             %s  %s B\n", line.data, grouped(transfers[i].bytes, n));
    }
    buf_fini(&line);
}

static void report_pipes(const struct report *r)
{
    if (count_pipes(r->end) == 0)
        return;
    fputs("\npipes\n", r->out);
    struct transfer *transfers;
    size_t count = export_transfers(r->in->recording, r->procs, &transfers);
    for (uint32_t i = 0; i < model_object_count(r->end); i++) {
        if (is_own_pipe(model_object(r->end, i)))
            report_object(r, i, transfers, count);
    }
    free(transfers);
}

static void report_evidence(const struct report *r, uint32_t id)
{
    const struct event *ev = recording_event(r->in->recording, id);
    struct buf call = {0}, place = {0}, name = {0};
    call_format(r->in->recording, ev, true, &call);
    put_place(r, id, &place);
    put_name(r, r->procs[id], &name);
    fprintf(r->out, "      event %-6" PRIu32 " %-8s %s%s%s\n", id, name.data,
            call.data ? call.data : "", place.len ? "   " : "", place.len ? place.data : "");
    buf_fini(&call);
    buf_fini(&place);
    buf_fini(&name);
}

static void report_finding(const struct report *r, const struct finding *f)
{
    static const char *const glyphs[][2] = {{"○", "o"}, {"◐", "+"}, {"●", "*"}};
    const char *word = f->severity == SEVERITY_NORMAL    ? " (normal here)"
                       : f->severity == SEVERITY_WARNING ? " (warning)"
                                                         : "";
    fprintf(r->out, "  %s %s%s: %s\n", glyphs[f->severity][r->options->is_ascii], rule_id(f->rule),
            word, f->text);
    if (f->rule == RULE_DEADLOCK || f->rule == RULE_NEVER_EOF) {
        struct buf graph = {0};
        finding_graph(r->in->diagnosis, f, &graph);
        if (graph.len)
            fprintf(r->out, "      %s\n", graph.data);
        buf_fini(&graph);
    }
    if (f->cause != MODEL_NONE)
        report_evidence(r, f->cause);
    for (size_t i = 0; i < f->event_count; i++)
        if (f->events[i] != f->cause)
            report_evidence(r, f->events[i]);
    if (f->next && f->next[0])
        fprintf(r->out, "      next: %s\n", f->next);
}

static void report_findings(const struct report *r)
{
    size_t count = diagnosis_count(r->in->diagnosis);
    fprintf(r->out, "\n%s\n", count ? "findings" : "no findings");
    for (size_t i = 0; i < count; i++)
        report_finding(r, diagnosis_finding(r->in->diagnosis, i));
}

static void report_completeness(const struct report *r)
{
    const struct completeness *c = recording_completeness(r->in->recording);
    const struct {
        bool is_so;
        const char *text;
    } gaps[] = {
        {c->has_foreign_abi, "calls of another ABI (32-bit, x32) were made and not followed"},
        {c->has_own_filter,
         "a process installed a seccomp filter of its own, which may hide calls"},
        {c->has_untraced, "a child was started out of the tracer's reach"},
        {c->has_io_uring,
         "io_uring was asked for and refused (ENOSYS): the program fell back or failed"},
        {c->lost_privileges, "a set-uid program ran without its privileges"},
        {c->is_damaged, "the file lacks its end"},
    };
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        if (gaps[i].is_so)
            fprintf(r->out, "  incomplete: %s\n", gaps[i].text);
    const char *damage = recording_damage(r->in->recording);
    if (damage)
        fprintf(r->out, "  damaged: %s\n", damage);
}

/* A call that others overlap is shown twice: '>' when it begins, '<' when it has returned. */
static void report_half(const struct report *r, struct step step)
{
    const struct recording *rec = r->in->recording;
    const struct event *ev = recording_event(rec, step.event);
    bool is_whole = ev->exit_seq <= ev->entry_seq + 1 && !event_is_pending(ev);
    if (step.is_exit && is_whole)
        return;
    struct event shown = *ev;
    if (!step.is_exit && !is_whole)
        shown.exit_seq = 0;
    struct buf line = {0}, name = {0}, place = {0};
    call_format(rec, &shown, true, &line);
    put_place(r, ev->id, &place);
    put_name(r, r->procs[ev->id], &name);
    uint64_t ns = step.is_exit ? ev->exit_ns : ev->entry_ns;
    fprintf(r->out, "  %6" PRIu32 "%c %10.6f %-8s %s%s%s\n", ev->id,
            is_whole       ? ' '
            : step.is_exit ? '<'
                           : '>',
            (double)ns / 1e9, name.data ? name.data : "", line.data ? line.data : "",
            place.len ? "   " : "", place.len ? place.data : "");
    buf_fini(&line);
    buf_fini(&name);
    buf_fini(&place);
}

static void report_events(const struct report *r)
{
    fputs("\nevents\n", r->out);
    for (uint32_t seq = 1; seq <= recording_step_count(r->in->recording); seq++)
        report_half(r, recording_step(r->in->recording, seq));
}

void export_text(FILE *out, const struct export_input *in,
                 const struct export_text_options *options)
{
    struct report r = {.out = out,
                       .in = in,
                       .options = options,
                       .end = diagnosis_model(in->diagnosis),
                       .procs = export_event_procs(in->recording)};
    report_head(&r);
    report_completeness(&r);
    if (options->has_events)
        report_events(&r);
    if (!options->is_short) {
        report_processes(&r);
        report_pipes(&r);
    }
    report_findings(&r);
    free(r.procs);
}
