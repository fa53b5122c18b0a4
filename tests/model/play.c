#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "model/model_internal.h"
#include "play_record.h"

/* ---- what a question about the state gives, as text ---- */

struct asker {
    struct script *s;
    const struct model *m;
    struct buf out;
};

static uint32_t proc_named(struct asker *a, const char *name)
{
    for (uint32_t i = 0; i < model_proc_count(a->m); i++) {
        struct buf own = {0};
        model_proc_name(a->m, i, &own);
        bool is_it = strcmp(own.data, name) == 0;
        buf_fini(&own);
        if (is_it)
            return i;
    }
    return MODEL_NONE;
}

static uint32_t task_named(struct asker *a, const char *name)
{
    return model_task_by_tid(a->m, script_tid(a->s, name));
}

/* Pipe 1, FIFO 2: the n-th of its kind; a FIFO is written f2. */
static const struct object *object_named(struct asker *a, const char *name, uint32_t *index)
{
    uint8_t kind = name[0] == 'f' ? OBJECT_FIFO : OBJECT_PIPE;
    uint32_t n = (uint32_t)atoi(name + (name[0] == 'f'));
    for (uint32_t i = 0; i < model_object_count(a->m); i++) {
        const struct object *o = model_object(a->m, i);
        if (o->kind == kind && o->number == n) {
            *index = i;
            return o;
        }
    }
    fail_msg("no such object: %s", name);
    return NULL;
}

static const char *event_label(struct asker *a, uint32_t event)
{
    for (size_t i = 0; i < a->s->labels_count; i++)
        if (a->s->labels[i].event == event)
            return a->s->labels[i].name;
    return event == MODEL_NONE ? "nobody" : "unlabelled";
}

static void ask_pipe(struct asker *a, const char *what, const char *name)
{
    uint32_t index = MODEL_NONE;
    const struct object *o = object_named(a, name, &index);
    if (strcmp(what, "fill") == 0)
        buf_printf(&a->out, "%llu", (unsigned long long)o->fill);
    else if (strcmp(what, "pages") == 0)
        buf_printf(&a->out, "%u", o->pages_used);
    else if (strcmp(what, "capacity") == 0)
        buf_printf(&a->out, "%u", o->capacity);
    else if (strcmp(what, "ends") == 0)
        buf_printf(&a->out, "%u %u", o->readers, o->writers);
    else if (strcmp(what, "room") == 0)
        buf_printf(&a->out, "%u", model_pipe_room(a->m, index, 1 << 20));
    else if (strcmp(what, "known") == 0)
        buf_printf(&a->out, "%d", model_fill_is_known(a->m, index));
}

static void ask_ranges(struct asker *a, const char *name)
{
    uint32_t index = MODEL_NONE;
    struct range ranges[32];
    object_named(a, name, &index);
    size_t count = model_pipe_ranges(a->m, index, ranges, 32);
    for (size_t i = 0; i < count && i < 32; i++)
        buf_printf(&a->out, "%s%s:%u+%u", i ? " " : "", event_label(a, ranges[i].event),
                   ranges[i].start, ranges[i].length);
}

static void ask_flows(struct asker *a)
{
    const struct flow *flows;
    size_t count = model_flows(a->m, &flows);
    for (size_t i = 0; i < count; i++)
        buf_printf(&a->out, "%s%s:%u+%u", i ? " " : "", event_label(a, flows[i].from_event),
                   flows[i].start, flows[i].length);
}

static void ask_fds(struct asker *a, const char *name)
{
    const struct fd_slot *slots = NULL;
    size_t count = model_fds(a->m, proc_named(a, name), &slots);
    for (size_t i = 0; i < count; i++)
        buf_printf(&a->out, "%s%d%s", i ? " " : "", slots[i].fd, slots[i].is_cloexec ? "c" : "");
}

static const char *reason_name(enum wait_reason reason)
{
    static const char *const names[] = {
#define X(NAME) #NAME,
        WAIT_REASONS(X)
#undef X
    };
    return names[reason];
}

static void ask_wait(struct asker *a, const char *name)
{
    struct wait w;
    if (!model_wait_of(a->m, task_named(a, name), &w)) {
        buf_puts(&a->out, "no");
        return;
    }
    buf_puts(&a->out, reason_name(w.reason));
    for (uint32_t i = 0; i < w.waker_count; i++) {
        buf_putc(&a->out, ' ');
        model_proc_name(a->m, w.wakers[i], &a->out);
    }
    buf_puts(&a->out, w.has_timeout ? " timeout" : "");
    buf_puts(&a->out, w.has_outside ? " outside" : "");
}

static void ask_text(struct asker *a, const char *name)
{
    struct wait w;
    if (model_wait_of(a->m, task_named(a, name), &w))
        model_wait_text(a->m, &w, &a->out);
}

static void ask_hopeless(struct asker *a)
{
    struct wait waits[32];
    size_t count = model_waits(a->m, waits, 32), found = 0;
    for (size_t i = 0; i < count && i < 32; i++) {
        if (!waits[i].is_hopeless)
            continue;
        buf_puts(&a->out, found++ ? " " : "");
        model_proc_name(a->m, model_task(a->m, waits[i].task)->proc, &a->out);
    }
}

static void ask_proc(struct asker *a, const char *what, const struct words *w)
{
    static const char *const states[] = {
#define X(NAME, word) word,
        PROC_STATES(X)
#undef X
    };
    uint32_t index = proc_named(a, w->word[1]);
    uint32_t task = task_named(a, w->word[1]);
    if (index == MODEL_NONE && task != MODEL_NONE) /* a thread */
        index = model_task(a->m, task)->proc;
    if (index == MODEL_NONE) {
        buf_puts(&a->out, "nobody");
        return;
    }
    const struct proc *p = model_proc(a->m, index);
    if (strcmp(what, "state") == 0)
        buf_printf(&a->out, "%s%s", p->is_stopped ? "stopped " : "", states[p->state]);
    else if (strcmp(what, "parent") == 0)
        model_proc_name(a->m, p->parent, &a->out);
    else if (strcmp(what, "reaper") == 0)
        model_proc_name(a->m, p->reaped_by, &a->out);
    else if (strcmp(what, "status") == 0)
        buf_printf(&a->out, "%d", p->wait_status);
    else if (strcmp(what, "tasks") == 0)
        buf_printf(&a->out, "%u", p->task_count);
    else if (strcmp(what, "group") == 0)
        buf_printf(&a->out, "%d", p->pgid);
    else if (strcmp(what, "mask") == 0)
        buf_printf(&a->out, "0x%llx", (unsigned long long)model_task(a->m, task)->mask);
    else if (strcmp(what, "pending") == 0)
        buf_printf(
            &a->out, "0x%llx",
            (unsigned long long)(p->shared_pending | model_task(a->m, task)->pending_signals));
    else if (strcmp(what, "handler") == 0)
        buf_printf(&a->out, "0x%llx",
                   (unsigned long long)model_handler(a->m, index, atoi(w->word[2]), NULL));
    else if (strcmp(what, "timer") == 0)
        buf_printf(&a->out, "%d", p->timer_deadline_ns != 0);
    else if (strcmp(what, "offset") == 0)
        buf_printf(
            &a->out, "%lld",
            (long long)model_file(a->m, model_fd(a->m, index, atoi(w->word[2]))->file)->offset);
    else
        fail_msg("unknown question: %s", what);
}

static void ask(struct asker *a, const struct words *w)
{
    const char *what = w->word[0];
    buf_puts(&a->out, "");
    if (strcmp(what, "stuck") == 0)
        buf_printf(&a->out, "%d", model_is_stuck(a->m));
    else if (strcmp(what, "anomalies") == 0)
        buf_printf(&a->out, "%u", model_anomalies(a->m));
    else if (strcmp(what, "flows") == 0)
        ask_flows(a);
    else if (strcmp(what, "hopeless") == 0)
        ask_hopeless(a);
    else if (strcmp(what, "ranges") == 0)
        ask_ranges(a, w->word[1]);
    else if (strcmp(what, "fds") == 0)
        ask_fds(a, w->word[1]);
    else if (strcmp(what, "wait") == 0)
        ask_wait(a, w->word[1]);
    else if (strcmp(what, "text") == 0)
        ask_text(a, w->word[1]);
    else if (strstr(" fill pages capacity ends room known ", what))
        ask_pipe(a, what, w->word[1]);
    else
        ask_proc(a, what, w);
}

/* "fill 1 = 5": the question before the sign, the expected answer behind it. */
static void check_expect(struct script *s, const struct model *m, const char *title,
                         const struct expect *x)
{
    struct asker a = {.s = s, .m = m};
    char *copy = xstrdup(x->text), *word[SCRIPT_WORDS];
    char *answer = strstr(copy, " = ");
    if (!answer)
        fail_msg("%s, line %d: no '='", title, x->line);
    *answer = '\0';
    struct words w = {.word = word};
    for (char *at = strtok(copy, " "); at && w.count < SCRIPT_WORDS; at = strtok(NULL, " "))
        word[w.count++] = at;
    ask(&a, &w);
    if (strcmp(a.out.data, answer + 3) != 0)
        fail_msg("%s, line %d:%s; got \"%s\"%s%s", title, x->line, x->text, a.out.data,
                 model_anomalies(m) ? "; " : "", model_anomaly_text(m));
    buf_fini(&a.out);
    free(copy);
}

/* ---- playing ---- */

static struct recording *record(struct script *s, const char *text)
{
    struct err e;
    struct recording *rec = NULL;
    int fd = memfd_create("play", MFD_CLOEXEC);
    if (recorder_open_fd(&s->recorder, fd, &e) < 0)
        fail_msg("%s", e.text);
    script_run(s, text);
    recorder_flush(s->recorder);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (recording_open(&rec, path, &e) < 0)
        fail_msg("%s", e.text);
    recorder_close(s->recorder, &e);
    return rec;
}

static void script_fini(struct script *s)
{
    for (size_t i = 0; i < s->expects_count; i++)
        free(s->expects[i].text);
    free(s->expects);
    free(s->labels);
}

struct recording *play_record(const char *text)
{
    struct script s = {0};
    struct recording *rec = record(&s, text);
    script_fini(&s);
    return rec;
}

void play_record_to(const char *path, const char *text)
{
    struct script s = {0};
    struct err e;
    if (recorder_open(&s.recorder, path, &e) < 0)
        fail_msg("%s", e.text);
    script_run(&s, text);
    if (recorder_close(s.recorder, &e) < 0)
        fail_msg("%s", e.text);
    script_fini(&s);
}

void play(const char *title, const char *text)
{
    struct script s = {0};
    struct recording *rec = record(&s, text);
    struct model *m = model_new(rec);
    size_t next = 0;
    bool expects_anomalies = strstr(text, "? anomalies") != NULL;
    for (;;) {
        for (; next < s.expects_count && s.expects[next].seq == model_seq(m); next++)
            check_expect(&s, m, title, &s.expects[next]);
        if (model_seq(m) == recording_step_count(rec))
            break;
        model_apply(m);
        const char *broken = model_check(m);
        if (broken)
            fail_msg("%s, after seq %u: %s does not hold", title, model_seq(m), broken);
    }
    assert_int_equal(next, s.expects_count);
    if (!expects_anomalies && model_anomalies(m))
        fail_msg("%s: %s", title, model_anomaly_text(m));
    model_free(m);
    recording_free(rec);
    script_fini(&s);
}
