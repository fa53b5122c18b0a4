#include "grade/verdict.h"

#include <stdlib.h>

#include "script/json.h"

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {
#define X(NAME, word) [VERDICT_##NAME] = word,
        VERDICT_KINDS(X)
#undef X
    };
    return names[kind];
}

void verdict_run_fini(struct verdict_run *run)
{
    for (size_t i = 0; i < run->finding_count; i++) {
        struct verdict_finding *f = &run->findings[i];
        free(f->rule);
        free(f->severity);
        free(f->text);
        free(f->next);
        free(f->proc);
        free(f->object);
        free(f->events);
    }
    free(run->findings);
    strings_free(run->args, run->arg_count);
    free(run->name);
    free(run->how);
    free(run->reason);
    free(run->signal);
    free(run->recording);
    free(run->schedule);
    free(run->file);
    free(run->output);
    free(run->errors);
}

void verdict_check_fini(struct verdict_check *check)
{
    free(check->id);
    free(check->title);
    free(check->why);
    strings_free(check->hints, check->hint_count);
    free(check->rule);
    free(check->text);
    free(check->next);
    free(check->proc);
    free(check->object);
    free(check->file);
    free(check->events);
}

void verdict_free(struct verdict *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->check_count; i++)
        verdict_check_fini(&v->checks[i]);
    for (size_t i = 0; i < v->run_count; i++)
        verdict_run_fini(&v->runs[i]);
    free(v->checks);
    free(v->runs);
    free(v->exercise);
    free(v->title);
    free(v->file);
    free(v->reason);
    free(v->compiler_text);
    free(v);
}
