#include "diagnose/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "diagnose/rule.h"

static const struct {
    const char *id, *title;
} rules[] = {
#define X(NAME, id, title) [RULE_##NAME] = {id, title},
    RULES(X)
#undef X
};

const char *rule_id(enum rule rule)
{
    return rules[rule].id;
}

const char *rule_title(enum rule rule)
{
    return rules[rule].title;
}

enum rule rule_by_id(const char *id)
{
    enum rule rule = 0;
    while (rule < RULE_COUNT && strcmp(rules[rule].id, id) != 0)
        rule++;
    return rule;
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {"normal", "warning", "problem"};
    return names[severity];
}

const char *run_end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_ENDED] = "ended",
        [RUN_DEADLOCK] = "deadlock",
        [RUN_NEVER_EOF] = "never-eof",
        [RUN_SPIN] = "spin",
        [RUN_SLOW] = "slow",
        [RUN_FLOOD] = "flood",
        [RUN_INTERRUPTED] = "interrupted",
    };
    return names[end];
}

struct finding *finding_new(enum rule rule, enum severity severity, uint32_t seq)
{
    struct finding *f = xcalloc(1, sizeof *f);
    f->rule = rule;
    f->severity = severity;
    f->seq = seq;
    f->proc = f->object = f->cause = MODEL_NONE;
    return f;
}

void finding_discard(struct finding *f)
{
    if (f == NULL)
        return;
    free(f->text);
    free(f->next);
    free(f->graph);
    free(f);
}

static void add(uint32_t *set, size_t *count, uint32_t value)
{
    if (value == MODEL_NONE || *count == FINDING_EVIDENCE_MAX)
        return;
    for (size_t i = 0; i < *count; i++) {
        if (set[i] == value)
            return;
    }
    set[(*count)++] = value;
}

void finding_add_event(struct finding *f, uint32_t event)
{
    add(f->events, &f->event_count, event);
}

void finding_add_proc(struct finding *f, uint32_t proc)
{
    add(f->procs, &f->proc_count, proc);
}

void finding_add_object(struct finding *f, uint32_t object)
{
    add(f->objects, &f->object_count, object);
}

static void say(char **to, const char *format, va_list ap)
{
    struct buf b = {0};
    buf_vprintf(&b, format, ap);
    free(*to);
    *to = buf_take(&b);
}

void finding_say(struct finding *f, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(&f->text, format, ap);
    va_end(ap);
}

void finding_say_next(struct finding *f, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(&f->next, format, ap);
    va_end(ap);
}
