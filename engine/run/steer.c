#include "run/steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "run/forecast.h"
#include "run/series.h"

/* Something that happened: a struct act without what it touched. */
struct deed {
    struct move move;
    uint32_t op;
    uint16_t call;
    uint16_t born;
    bool is_parking, is_forced;
    uint32_t event; /* of its call; MODEL_NONE */
    bool is_told;
};

struct steer {
    const struct steer_partner *partner;
    struct run_options options; /* of the run under way */
    struct conduct_options conduct;
    struct chooser chooser;
    struct cast *cast;
    unsigned run; /* number of it */
    bool has_begun;
    const struct conduct *seen; /* valid during a run, once it has begun */

    struct deed *deeds; /* of the run under way */
    size_t deeds_count, deeds_cap;
    uint32_t step;     /* moves chosen in it */
    struct deed *past; /* those to be made again */
    size_t past_count, past_cap;
    uint32_t replays; /* so many moves are made again */
    bool is_finishing;
    struct steer_order order; /* why the run was left: REWIND or QUIT */
    bool is_left;

    struct steer_option *list; /* shown last */
    size_t list_count, list_cap;
    struct steer_parked *parked;
    size_t parked_count, parked_cap;
    uint32_t chosen_event;
    uint32_t *last_moved; /* step, by task */
    size_t last_moved_count, last_moved_cap;
};

/* ---- what is shown ---- */

static char *text_of(struct buf *take_text)
{
    buf_puts(take_text, "");
    return buf_take(take_text);
}

static void clear_lists(struct steer *s)
{
    for (size_t i = 0; i < s->list_count; i++) {
        free(s->list[i].text);
        free(s->list[i].effect);
    }
    for (size_t i = 0; i < s->parked_count; i++)
        steer_parked_fini(&s->parked[i]);
    s->list_count = s->parked_count = 0;
}

static void add_option(struct steer *s, const struct conduct *c, const struct choice *o, size_t i)
{
    const struct footprint_move *meaning = conduct_meaning(c, i);
    const struct model *m = conduct_model(c);
    struct buf text = {0}, effect = {0};
    if (m) {
        forecast_move(m, meaning, &text);
        forecast_effect(m, meaning, o->enabled, &effect);
    }
    *PUSH(s->list) = (struct steer_option){.task = cast_name(s->cast, o->move.task),
                                           .kind = o->move.kind,
                                           .enabled = o->enabled,
                                           .is_yield = o->is_yield,
                                           .event = meaning->event,
                                           .text = text_of(&text),
                                           .effect = text_of(&effect)};
}

static void add_parked(struct steer *s, const struct conduct *c, const struct move *move, size_t i)
{
    const struct model *m = conduct_model(c);
    uint32_t task = conduct_parked_task(c, i);
    struct buf text = {0}, reason = {0};
    struct wait wait = {.event = MODEL_NONE};
    if (task != MODEL_NONE && model_wait_of(m, task, &wait)) {
        forecast_call(m, wait.event, &text);
        model_wait_text(m, &wait, &reason);
    }
    *PUSH(s->parked) = (struct steer_parked){.task = cast_name(s->cast, move->task),
                                             .event = wait.event,
                                             .text = text_of(&text),
                                             .reason = text_of(&reason)};
}

static void show(struct steer *s, const struct conduct *c, const struct standing *standing)
{
    clear_lists(s);
    for (size_t i = 0; i < standing->count; i++)
        add_option(s, c, &standing->choices[i], i);
    for (size_t i = 0; i < standing->parked_count; i++)
        add_parked(s, c, &standing->parked[i], i);
    struct steer_state state = {.step = s->step,
                                .seq = conduct_model(c) ? model_seq(conduct_model(c)) : 0,
                                .options = s->list,
                                .option_count = s->list_count,
                                .parked = s->parked,
                                .parked_count = s->parked_count};
    s->partner->stands(s->partner->arg, &state);
}

static const char *const kind_texts[MOVE_KIND_COUNT] = {
    [MOVE_GO] = "dies",
    [MOVE_SIGNAL] = "a signal is delivered",
    [MOVE_TIMEOUT] = "time is up",
    [MOVE_TIMER] = "its timer goes off",
    [MOVE_REPORT] = "its end is reported",
};

/* A child is told by its name: the number that fork gave differs from run to run. */
static char *result_of(const struct steer *s, const struct deed *d, const struct model *m)
{
    return d->born ? xstrdup(cast_name(s->cast, d->born)) : steer_result(m, d->event);
}

static void tell_deed(struct steer *s, struct deed *d, uint32_t step, const struct model *m)
{
    bool has_call = d->event != MODEL_NONE && m;
    struct buf text = {0};
    if (has_call)
        forecast_call(m, d->event, &text);
    else
        buf_puts(&text, kind_texts[d->move.kind]);
    struct steer_move move = {.task = cast_name(s->cast, d->move.task),
                              .kind = d->move.kind,
                              .step = step,
                              .is_forced = d->is_forced,
                              .is_parking = d->is_parking,
                              .is_replay = step <= s->replays,
                              .event = d->event,
                              .text = text_of(&text),
                              .result =
                                  has_call && !d->is_parking ? result_of(s, d, m) : xstrdup(""),
                              .born = d->born ? cast_name(s->cast, d->born) : NULL};
    s->partner->moved(s->partner->arg, &move);
    free(move.text);
    free(move.result);
    d->is_told = true;
}

static void tell_deeds(struct steer *s, const struct model *m)
{
    uint32_t step = 0;
    for (size_t i = 0; i < s->deeds_count; i++) {
        step += !s->deeds[i].is_forced;
        if (!s->deeds[i].is_told)
            tell_deed(s, &s->deeds[i], step, m);
    }
}

static void begin_telling(struct steer *s)
{
    if (!s->has_begun)
        s->partner->began(s->partner->arg, s->run, s->options.recording_path, s->replays);
    s->has_begun = true;
}

static void look(void *arg, const struct conduct *c, const struct standing *standing)
{
    struct steer *s = arg;
    s->seen = c;
    begin_telling(s);
    tell_deeds(s, conduct_model(c));
    if (s->step >= s->replays && !s->is_finishing)
        show(s, c, standing);
}

/* ---- making moves again ---- */

static void differs(struct steer *s, uint32_t step, const struct deed *was, const char *now)
{
    struct buf text = {0};
    buf_printf(&text,
               "go back: move %u was %s %s, and this time %s; the run goes on from here, by hand",
               step, cast_name(s->cast, was->move.task),
               was->call ? call_name((enum call)was->call) : kind_texts[was->move.kind], now);
    s->replays = 0; /* nothing more is made again */
    s->partner->differs(s->partner->arg, text.data);
    buf_fini(&text);
}

/* The chosen deed number `step` (from 1) of the run before; NULL past the last. */
static const struct deed *past_move(const struct steer *s, uint32_t step)
{
    for (size_t i = 0; i < s->past_count; i++)
        if (!s->past[i].is_forced && --step == 0)
            return &s->past[i];
    return NULL;
}

/* The choice that is the same move again; -1 when there is none. */
static int find_again(struct steer *s, const struct standing *standing)
{
    const struct deed *was = past_move(s, s->step + 1);
    for (size_t i = 0; was && i < standing->count; i++) {
        const struct choice *o = &standing->choices[i];
        if (o->move.task == was->move.task && o->move.kind == was->move.kind &&
            o->call == was->call && o->op == was->op)
            return (int)i;
    }
    if (was)
        differs(s, s->step + 1, was, "it was not to be had");
    return -1;
}

static bool is_same(const struct deed *a, const struct deed *b)
{
    return a->move.task == b->move.task && a->move.kind == b->move.kind && a->op == b->op &&
           a->call == b->call && a->is_parking == b->is_parking && a->is_forced == b->is_forced &&
           a->born == b->born;
}

/* The event of a call that goes on is the one with which it began. */
static uint32_t event_of_parked(const struct steer *s, const struct act *act)
{
    for (size_t i = s->deeds_count; i-- > 0;)
        if (s->deeds[i].move.task == act->move.task && s->deeds[i].op == act->op)
            return s->deeds[i].event;
    return MODEL_NONE;
}

static void moved(void *self, const struct act *act)
{
    struct steer *s = self;
    struct deed deed = {.move = act->move,
                        .op = act->op,
                        .call = act->call,
                        .born = act->born,
                        .is_parking = act->is_parking,
                        .is_forced = act->is_forced};
    deed.event = act->is_forced ? event_of_parked(s, act) : s->chosen_event;
    *PUSH(s->deeds) = deed;
    size_t at = s->deeds_count - 1;
    if (s->step <= s->replays && at < s->past_count && !is_same(&deed, &s->past[at]))
        differs(s, s->step, &s->past[at],
                act->is_parking ? "it fell asleep" : "it came out otherwise");
}

/* ---- choosing ---- */

static uint32_t *last_moved(struct steer *s, uint16_t task)
{
    while (s->last_moved_count <= task)
        *PUSH(s->last_moved) = 0;
    return &s->last_moved[task];
}

/* From what is surely possible to what only passes the time. */
static int rank(const struct choice *o)
{
    if (o->move.kind == MOVE_TIMEOUT || o->move.kind == MOVE_TIMER)
        return 4;
    if (o->is_yield)
        return 2;
    return o->enabled == ENABLED_NO ? 3 : o->enabled == ENABLED_UNKNOWN;
}

/* Everybody in turn: of the best there is, that of whoever has waited longest. */
static int choose_fairly(struct steer *s, const struct standing *standing)
{
    int best = 0;
    for (size_t i = 1; i < standing->count; i++) {
        const struct choice *o = &standing->choices[i], *b = &standing->choices[best];
        if (rank(o) < rank(b) ||
            (rank(o) == rank(b) && *last_moved(s, o->move.task) < *last_moved(s, b->move.task)))
            best = (int)i;
    }
    return best;
}

/* Keeps what the run did up to there, to be made again. */
static void keep_past(struct steer *s, uint32_t steps)
{
    uint32_t step = 0;
    s->past_count = 0;
    for (size_t i = 0; i < s->deeds_count; i++) {
        step += !s->deeds[i].is_forced;
        if (step > steps)
            break;
        *PUSH(s->past) = s->deeds[i];
    }
    s->replays = steps;
}

/* Obeys an order that ends this run, or changes how it goes on. */
static void obey(struct steer *s, const struct steer_order *order)
{
    s->is_finishing = order->command == STEER_FINISH;
    s->is_left = order->command == STEER_REWIND || order->command == STEER_QUIT;
    s->order = *order;
    if (order->command == STEER_REWIND)
        keep_past(s, (uint32_t)order->number);
}

static int ask(struct steer *s, const struct standing *standing)
{
    struct steer_order order = {.command = STEER_QUIT};
    s->partner->ask(s->partner->arg, standing->count, s->step, &order);
    if (order.command == STEER_GO)
        return (int)order.number;
    obey(s, &order);
    return s->is_finishing ? choose_fairly(s, standing) : CHOOSE_NOBODY;
}

/* Only a call has an event that tells more. */
static uint32_t event_chosen(const struct steer *s, const struct standing *standing, int index)
{
    enum move_kind kind = standing->choices[index].move.kind;
    return kind == MOVE_GO || kind == MOVE_TIMEOUT ? conduct_meaning(s->seen, (size_t)index)->event
                                                   : MODEL_NONE;
}

static int choose(void *self, const struct standing *standing)
{
    struct steer *s = self;
    int index = CHOOSE_NOBODY;
    if (s->step < s->replays) {
        index = find_again(s, standing);
        if (index < 0) /* the person, who was not asked so far, decides */
            show(s, s->seen, standing);
    }
    if (index < 0)
        index = s->is_finishing ? choose_fairly(s, standing) : ask(s, standing);
    if (index < 0)
        return CHOOSE_NOBODY;
    s->step++;
    *last_moved(s, standing->choices[index].move.task) = s->step;
    s->chosen_event = event_chosen(s, standing, index);
    return index;
}

/* ---- runs ---- */

static void begin_run(struct steer *s)
{
    s->deeds_count = 0;
    s->step = 0;
    s->last_moved_count = 0;
    s->has_begun = s->is_left = s->is_finishing = false;
    s->seen = NULL;
    s->run++;
}

static int tell_end(struct steer *s, struct err *e)
{
    struct steer_ending ending;
    struct recording *rec;
    int rc = recording_open(&rec, s->options.recording_path, e);
    if (rc < 0)
        return rc;
    struct model *m = model_new(rec);
    while (model_seq(m) < recording_step_count(rec))
        model_apply(m);
    tell_deeds(s, m);
    model_free(m);
    recording_free(rec);
    rc = steer_ending_read(&ending, s->options.recording_path, e);
    if (rc < 0)
        return rc;
    ending.step = s->step;
    s->partner->ended(s->partner->arg, &ending);
    steer_ending_fini(&ending);
    return 0;
}

/* One run to its end, or to the order that leaves it; then the order after it. */
static int run_once(struct steer *s, struct series *series, struct err *e)
{
    struct run_result result;
    begin_run(s);
    char *path = s->partner->place(s->partner->arg, s->run, e);
    if (!path)
        return -EIO;
    s->options.recording_path = path;
    int rc = series_run(series, &result, &s->options, e);
    if (rc == 0) {
        bool is_interrupted = result.trace.end == TRACE_INTERRUPTED;
        begin_telling(s);
        if (!s->is_left && is_interrupted)
            obey(s, &(struct steer_order){.command = STEER_QUIT});
        else if (!s->is_left)
            rc = tell_end(s, e);
        run_result_fini(&result);
    }
    if (rc == 0 && !s->is_left) {
        struct steer_order order = {.command = STEER_QUIT};
        s->partner->ask(s->partner->arg, 0, s->step, &order);
        obey(s, &order);
    }
    free(path);
    return rc;
}

static void steer_fini(struct steer *s)
{
    clear_lists(s);
    free(s->list);
    free(s->parked);
    free(s->deeds);
    free(s->past);
    free(s->last_moved);
    cast_free(s->cast);
}

int steer(const struct run_options *options, const struct steer_partner *partner, struct err *e)
{
    struct steer s = {.partner = partner, .options = *options, .cast = cast_new()};
    struct series *series = NULL;
    s.chooser = (struct chooser){.choose = choose, .moved = moved, .self = &s};
    s.conduct = (struct conduct_options){.chooser = &s.chooser,
                                         .cast = s.cast,
                                         .wants_footprints = true,
                                         .look = look,
                                         .look_arg = &s};
    s.options.conduct = &s.conduct;
    int rc = series_open(&series, &s.options, e);
    while (rc == 0 && s.order.command != STEER_QUIT)
        rc = run_once(&s, series, e);
    series_close(series);
    steer_fini(&s);
    return rc;
}
