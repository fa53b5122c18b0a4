#include "explore/guided.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "control/scripted.h"

struct guided {
    struct cast *cast;
    struct schedule *schedule;
    struct scripted *scripted;
    struct chooser chooser;
    struct conduct_options conduct;
};

static void make(struct guided *g)
{
    g->scripted = scripted_new(g->schedule, g->cast, true);
    g->chooser = *scripted_chooser(g->scripted);
    g->chooser.begin(g->chooser.self);
    g->conduct = (struct conduct_options){.chooser = &g->chooser,
                                          .cast = g->cast,
                                          .is_fair = g->schedule->is_fair,
                                          .wants_footprints = true,
                                          .faults = g->schedule->faults,
                                          .fault_count = g->schedule->faults_count};
}

int guided_parse(struct guided **out, const char *text, const char *name, struct err *e)
{
    struct guided *g = xcalloc(1, sizeof *g);
    g->cast = cast_new();
    int rc = schedule_parse(&g->schedule, text, name, g->cast, e);
    if (rc < 0) {
        guided_free(g);
        return rc;
    }
    make(g);
    *out = g;
    return 0;
}

int guided_new(struct guided **out, const char *path, struct err *e)
{
    struct guided *g = xcalloc(1, sizeof *g);
    g->cast = cast_new();
    int rc = 0;
    if (path)
        rc = schedule_read(&g->schedule, path, g->cast, e);
    else
        g->schedule = schedule_new();
    if (rc < 0) {
        guided_free(g);
        return rc;
    }
    make(g);
    *out = g;
    return 0;
}

void guided_free(struct guided *g)
{
    if (!g)
        return;
    scripted_free(g->scripted);
    schedule_free(g->schedule);
    cast_free(g->cast);
    free(g);
}

const struct conduct_options *guided_conduct(const struct guided *g)
{
    return &g->conduct;
}

const char *guided_divergence(const struct guided *g)
{
    return scripted_divergence(g->scripted);
}
