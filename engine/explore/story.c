#include "explore/story.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/scripted.h"
#include "diagnose/finding.h"
#include "source/source.h"

/* One line of the story: moves [first, last] of one task. */
struct scene {
    size_t first, last;
    bool is_critical;
};

struct story {
    const struct trial_result *run;
    const struct schedule *schedule;
    const struct cast *cast;
    struct recording *rec;
    struct source *source;
    struct diagnosis *diagnosis;
    bool *matters;       /* for each act */
    size_t critical_act; /* SIZE_MAX: none */
    struct scene *scenes;
    size_t scenes_count, scenes_cap;
};

/* ---- what matters ---- */

static bool is_struck(const struct story *s, const struct act *act)
{
    for (size_t i = 0; i < s->schedule->faults_count; i++)
        if (s->schedule->faults[i].task == act->move.task && s->schedule->faults[i].op == act->op)
            return true;
    return false;
}

/* The last word of a task that never comes back from its call. */
static bool stays_parked(const struct story *s, size_t i)
{
    if (!s->run->acts[i].is_parking)
        return false;
    for (size_t j = i + 1; j < s->run->act_count; j++)
        if (s->run->acts[j].move.task == s->run->acts[i].move.task)
            return false;
    return true;
}

static bool is_race(const struct act *a, const struct act *b)
{
    return a->move.task != b->move.task && !a->is_parking && !b->is_parking &&
           footprint_order(&a->footprint, &b->footprint) == RELATION_DEPENDS;
}

static void weigh(struct story *s)
{
    const struct act *acts = s->run->acts;
    size_t count = s->run->act_count, critical = 0;
    s->matters = xcalloc(count + 1, sizeof *s->matters);
    for (size_t i = 0; i < count; i++) {
        s->matters[i] = s->matters[i] || stays_parked(s, i) || is_struck(s, &acts[i]) ||
                        acts[i].move.kind == MOVE_SIGNAL || acts[i].move.kind == MOVE_TIMEOUT;
        for (size_t j = i + 1; j < count; j++)
            if (acts[i].move.kind != MOVE_REPORT && acts[j].move.kind != MOVE_REPORT &&
                is_race(&acts[i], &acts[j]))
                s->matters[i] = s->matters[j] = true;
    }
    for (size_t i = 0; i < count; i++) {
        if (acts[i].is_forced)
            continue;
        if (critical++ == s->critical_act) {
            s->critical_act = i;
            s->matters[i] = true;
            return;
        }
    }
    s->critical_act = SIZE_MAX;
}

static void make_scenes(struct story *s)
{
    for (size_t i = 0; i < s->run->act_count; i++) {
        if (!s->matters[i])
            continue;
        struct scene *last = s->scenes_count ? &s->scenes[s->scenes_count - 1] : NULL;
        uint16_t task = s->run->acts[i].move.task;
        if (last && s->run->acts[last->first].move.task == task)
            last->last = i;
        else
            *PUSH(s->scenes) = (struct scene){.first = i, .last = i};
        if (i == s->critical_act)
            s->scenes[s->scenes_count - 1].is_critical = true;
    }
}

/* ---- words ---- */

static void put_place(const struct story *s, const struct event *ev, struct buf *out)
{
    struct source_line line;
    if (source_of_event(s->source, ev, &line))
        buf_printf(out, " (%s:%d)", line.base, line.line);
}

static void put_call(const struct story *s, const struct act *act, struct buf *out)
{
    const struct event *ev = recording_event(s->rec, act->event);
    call_format(s->rec, ev, true, out);
    put_place(s, ev, out);
}

static void put_act(const struct story *s, const struct act *act, bool stays, struct buf *out)
{
    bool has_call = act->event != UINT32_MAX && act->event < recording_event_count(s->rec);
    switch ((enum move_kind)act->move.kind) {
    case MOVE_SIGNAL: buf_puts(out, "gets its signal first"); return;
    case MOVE_TIMER: buf_puts(out, "is sent its timer's signal"); return;
    case MOVE_REPORT: buf_puts(out, "has ended, and its parent is told"); return;
    case MOVE_TIMEOUT: buf_puts(out, "has waited long enough: "); break;
    default: break;
    }
    if (!has_call) {
        buf_puts(out, "dies, and its descriptors close");
        return;
    }
    put_call(s, act, out);
    if (stays)
        buf_puts(out, ", and sleeps in it for ever");
    if (is_struck(s, act))
        buf_puts(out, ", struck by the fault");
}

enum { CALLS_MAX = 3 }; /* in one line */

static void put_scene(const struct story *s, const struct scene *scene, struct buf *out)
{
    size_t told = 0, all = 0;
    for (size_t i = scene->first; i <= scene->last; i++)
        all += s->matters[i];
    buf_printf(out, "%s: ", cast_name(s->cast, s->run->acts[scene->first].move.task));
    for (size_t i = scene->first, n = 0; i <= scene->last; i++) {
        if (!s->matters[i])
            continue;
        n++;
        /* of many, the first and the last ones */
        if (all > CALLS_MAX && n > 1 && n < all - 1) {
            if (n == 2)
                buf_puts(out, "; ...");
            continue;
        }
        buf_puts(out, told++ ? "; " : "");
        put_act(s, &s->run->acts[i], stays_parked(s, i), out);
    }
}

/* Why that was the end. */
static void put_end(const struct story *s, struct buf *out)
{
    const struct finding *best = NULL;
    for (size_t i = 0; i < diagnosis_count(s->diagnosis); i++) {
        const struct finding *f = diagnosis_finding(s->diagnosis, i);
        if (f->severity == SEVERITY_PROBLEM && (!best || f->rule < best->rule))
            best = f;
    }
    bool is_stuck = s->run->outcome.kind == OUTCOME_DEADLOCK ||
                    s->run->outcome.kind == OUTCOME_LEFT || s->run->outcome.kind == OUTCOME_CRASH;
    if (best && is_stuck)
        buf_puts(out, best->text);
    else
        outcome_text(&s->run->outcome, out);
}

static void tell(const struct story *s, struct buf *out)
{
    size_t from =
        s->scenes_count > STORY_STEPS_MAX - 1 ? s->scenes_count - (STORY_STEPS_MAX - 1) : 0;
    unsigned number = 1;
    for (size_t i = from; i < s->scenes_count; i++) {
        buf_printf(out, "  %u. ", number++);
        put_scene(s, &s->scenes[i], out);
        if (s->scenes[i].is_critical)
            buf_puts(out, "   <- from here on it cannot end well");
        buf_puts(out, "\n");
    }
    buf_printf(out, "  %u. ", number);
    put_end(s, out);
    buf_puts(out, "\n");
}

static int open_evidence(struct story *s, const char *recording, struct err *e)
{
    int rc = recording_open(&s->rec, recording, e);
    if (rc < 0)
        return rc;
    s->source = source_new(s->rec);
    s->diagnosis = diagnosis_new(s->rec);
    diagnosis_extend(s->diagnosis, true);
    return 0;
}

int story_tell(struct trials *trials, const struct schedule *schedule, size_t critical,
               const char *recording, struct buf *out, struct err *e)
{
    struct trial_result run;
    struct story s = {
        .run = &run, .schedule = schedule, .cast = trials_cast(trials), .critical_act = critical};
    struct scripted *scripted = scripted_new(schedule, s.cast, true);
    struct trial_run wanted = {.chooser = scripted_chooser(scripted),
                               .faults = schedule->faults,
                               .fault_count = schedule->faults_count,
                               .recording = recording,
                               .wants_acts = true};
    int rc = trials_run(trials, &run, &wanted, e);
    scripted_free(scripted);
    if (rc < 0)
        return rc;
    rc = open_evidence(&s, recording, e);
    if (rc == 0) {
        weigh(&s);
        make_scenes(&s);
        tell(&s, out);
    }
    diagnosis_free(s.diagnosis);
    source_free(s.source);
    recording_free(s.rec);
    free(s.matters);
    free(s.scenes);
    trial_result_fini(&run);
    return rc;
}
