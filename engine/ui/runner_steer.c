#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/runner.h"

/* A small run is listed at once; a long one in pieces would be drawn half. */
enum { WORK_NS = 50000000 };

void job_steer_stop(struct runner *r)
{
    subprocess_stop(&r->steer);
    steering_fini(&r->steering);
    replay_free(r->steer_replay);
    r->steer_replay = NULL;
    r->steer_run = 0;
    r->scheduler.stage.replay = NULL;
    r->scheduler.trouble = NULL;
}

static void tell_trouble(struct runner *r, const char *text)
{
    snprintf(r->steer_trouble, sizeof r->steer_trouble, "%s", text);
    r->scheduler.trouble = r->steer_trouble;
}

void job_steer(struct runner *r)
{
    struct err e = {0};
    struct job_arguments a;
    size_t variant = r->scheduler.stage.variant;
    enum picture_id picture = r->scheduler.stage.picture;
    job_steer_stop(r);
    r->scheduler = (struct scheduler){.steering = &r->steering,
                                      .stage = {.lab = r->lab,
                                                .variant = variant,
                                                .picture = picture,
                                                .is_steered = true,
                                                .finding = SIZE_MAX}};
    job_arguments_init(&a, r, "steer", variant);
    if (subprocess_start_told(&r->steer, a.list, &e) < 0)
        tell_trouble(r, e.text);
    job_arguments_fini(&a);
}

void job_steer_order(struct runner *r)
{
    steering_ordered(&r->steering);
    /* one that does not listen any more has ended: job_steer_step finds that, and says why */
    subprocess_tell(&r->steer, r->scheduler.order);
}

/* Looks at the recording as it is now, at the moment at which the run stands. */
static void show_moment(struct runner *r)
{
    struct err e = {0};
    struct scheduler *s = &r->scheduler;
    if (r->steer_run != r->steering.run) {
        struct replay *replay;
        if (replay_open(&replay, r->steering.recording, true, &e) < 0) {
            tell_trouble(r, e.text);
            return;
        }
        replay_free(r->steer_replay);
        s->stage.replay = r->steer_replay = replay;
        r->steer_run = r->steering.run;
    }
    replay_refresh(r->steer_replay);
    while (replay_work(r->steer_replay, WORK_NS))
        continue;
    s->stage.seq = r->steering.seq;
    scheduler_stands(s);
}

/* Takes in whole lines, and leaves the rest. */
static bool take_lines(struct runner *r)
{
    struct buf *out = &r->steer.out;
    unsigned told = r->steering.told;
    bool changed = false;
    char *end;
    while (out->len && (end = memchr(out->data, '\n', out->len))) {
        *end = '\0';
        size_t used = (size_t)(end - out->data) + 1;
        changed |= steering_take(&r->steering, out->data);
        memmove(out->data, out->data + used, out->len - used);
        out->len -= used;
    }
    if (r->steering.told != told)
        show_moment(r);
    return changed;
}

bool job_steer_step(struct runner *r)
{
    if (r->steer.pid <= 0)
        return false;
    bool is_over = subprocess_step(&r->steer);
    bool changed = take_lines(r);
    if (is_over) { /* only an order ends it, or trouble */
        char text[sizeof r->steer_trouble];
        job_child_trouble(&r->steer, text, sizeof text);
        tell_trouble(r, text);
    }
    return changed || is_over;
}
