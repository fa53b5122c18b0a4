#include "ui/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/store.h"

struct record {
    char *lab;
    unsigned deeds; /* bit set */
};

struct progress {
    struct store *store; /* NULL: this session only */
    struct record *record;
    size_t record_count, record_cap;
    struct err trouble;
};

static struct record *record_of(struct progress *p, const char *lab)
{
    for (size_t i = 0; i < p->record_count; i++)
        if (strcmp(p->record[i].lab, lab) == 0)
            return &p->record[i];
    struct record *record = PUSH(p->record);
    *record = (struct record){.lab = xstrdup(lab)};
    return record;
}

static void note(struct progress *p, const char *lab, enum deed deed)
{
    record_of(p, lab)->deeds |= 1u << deed;
}

static void take_lab(struct progress *p, const struct store_lab *lab)
{
    const struct {
        bool is_done;
        enum deed deed;
    } deeds[] = {{lab->first_seen_ms > 0, DEED_READ},
                 {lab->predictions_right > 0, DEED_FORETOLD},
                 {lab->predictions > lab->predictions_right, DEED_MISTAKEN},
                 {lab->attempts > lab->passes, DEED_TRIED},
                 {lab->passes > 0, DEED_PASSED}};
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (deeds[i].is_done)
            note(p, lab->lab, deeds[i].deed);
}

struct progress *progress_open(void)
{
    struct progress *p = xcalloc(1, sizeof *p);
    struct store_options options;
    struct store_labs labs = {0};
    if (store_default_options(&options, &p->trouble) < 0 ||
        store_open(&p->store, &options, &p->trouble) < 0)
        return p;
    if (store_notice(p->store))
        err_set(&p->trouble, 0, "%s", store_notice(p->store));
    store_labs(p->store, &labs, &p->trouble);
    for (size_t i = 0; i < labs.lab_count; i++)
        take_lab(p, &labs.lab[i]);
    store_labs_fini(&labs);
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    store_close(p->store);
    for (size_t i = 0; i < p->record_count; i++)
        free(p->record[i].lab);
    free(p->record);
    free(p);
}

const char *progress_trouble(const struct progress *p)
{
    return p && p->trouble.text[0] ? p->trouble.text : NULL;
}

bool progress_has(const struct progress *p, const char *lab, enum deed deed)
{
    for (size_t i = 0; p && i < p->record_count; i++)
        if (strcmp(p->record[i].lab, lab) == 0)
            return p->record[i].deeds >> deed & 1;
    return false;
}

/* ---- recording ---- */

static bool can_save(const struct progress *p)
{
    return p && p->store && !store_is_read_only(p->store);
}

void progress_read(struct progress *p, const char *lab)
{
    if (p)
        note(p, lab, DEED_READ);
    if (can_save(p))
        store_saw(p->store, lab, &p->trouble);
}

void progress_predicted(struct progress *p, const char *lab, const char *answer, const char *truth)
{
    if (p)
        note(p, lab, strcmp(answer, truth) == 0 ? DEED_FORETOLD : DEED_MISTAKEN);
    if (can_save(p))
        store_predicted(p->store, lab, answer, truth, &p->trouble);
}

/* Ids of the rules that failed checks name, each once. */
static size_t rules_of(const struct verdict *v, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < v->check_count; i++) {
        const char *rule = v->checks[i].rule;
        bool is_new = v->checks[i].state == CHECK_FAILED && rule && rule[0] && !strchr(rule, ' ');
        for (size_t j = 0; is_new && j < n; j++)
            is_new = strcmp(out[j], rule) != 0;
        if (is_new)
            out[n++] = rule;
    }
    return n;
}

void progress_attempted(struct progress *p, const char *lab, const struct verdict *v,
                        const struct buf *source)
{
    if (!p || v->kind == VERDICT_NOT_JUDGED)
        return;
    note(p, lab, v->kind == VERDICT_PASS ? DEED_PASSED : DEED_TRIED);
    if (!can_save(p))
        return;
    const char **rules = xcalloc(v->check_count + 1, sizeof *rules);
    struct store_attempt attempt = {.exercise = lab,
                                    .verdict = verdict_kind_name(v->kind),
                                    .points = v->points,
                                    .points_max = v->points_max,
                                    .seconds = (double)v->elapsed_ns / 1e9,
                                    .seed = v->seed,
                                    .rules = rules,
                                    .rule_count = rules_of(v, rules),
                                    .source = source ? source->data : NULL,
                                    .source_size = source ? source->len : 0};
    store_attempted(p->store, &attempt, &p->trouble);
    free(rules);
}

void progress_hinted(struct progress *p, const char *lab, const char *check, unsigned number)
{
    if (can_save(p))
        store_hinted(p->store, lab, check, number, &p->trouble);
}

void progress_left(struct progress *p, const char *lab, const char *screen, uint32_t moment)
{
    if (can_save(p))
        store_left(p->store, lab, screen, moment, &p->trouble);
}
