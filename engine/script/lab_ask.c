/* What is asked of a run: the prediction's options, and the goals. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "script/child.h"
#include "script/lab.h"
#include "script/script_declare.h"

static const uint64_t script_wall_ns = 2000000000;
static const struct child_limits child_limits = {
    .wall_ns = 5000000000, .cpu_seconds = 4, .memory = 512 << 20, .is_detached = true};

/* A run, and the lab's script loaded to be asked about it. In the child. */
struct asked {
    struct evidence *ev;
    struct script *s;
    cJSON *json;
};

static int asked_open(struct asked *out, const struct lab *lab, const char *root,
                      const char *recording_path, struct err *e)
{
    struct script_options options = {.root = root, .wall_ns = script_wall_ns};
    char *file = xasprintf("labs/%s/%s/lab.lua", lab->part, lab->name);
    *out = (struct asked){0};
    int result = evidence_open(&out->ev, recording_path, e);
    if (result == 0)
        result = script_new(&out->s, &options, e);
    if (result == 0)
        result = script_load_lab(&out->json, out->s, file, e);
    free(file);
    return result;
}

static void asked_close(struct asked *asked)
{
    cJSON_Delete(asked->json);
    script_free(asked->s);
    evidence_free(asked->ev);
}

/* ---- the prediction ---- */

struct predict_job {
    const struct lab *lab;
    const char *root;
    const char *recording_path;
};

static int find_true_option(const struct predict_job *job, struct script *s,
                            const struct evidence *ev, size_t *found, struct err *e)
{
    size_t count = 0;
    for (size_t i = 0; i < job->lab->prediction.option_count; i++) {
        bool does_hold;
        int result = script_holds(&does_hold, s, ev, i, e);
        if (result < 0)
            return result;
        if (does_hold) {
            *found = i;
            count++;
        }
    }
    if (count != 1)
        return err_set(e, EINVAL, "%s/%s: prediction: %zu options hold of this run, not one",
                       job->lab->part, job->lab->name, count);
    return 0;
}

static int predict_job(void *arg, struct buf *out, struct err *e)
{
    const struct predict_job *job = arg;
    struct asked asked;
    size_t found = 0;
    int result = asked_open(&asked, job->lab, job->root, job->recording_path, e);
    if (result == 0)
        result = find_true_option(job, asked.s, asked.ev, &found, e);
    if (result == 0)
        buf_varint(out, found);
    asked_close(&asked);
    return result;
}

int lab_predict(size_t *out, const struct lab *lab, const char *root, const char *recording_path,
                struct err *e)
{
    struct predict_job job = {.lab = lab, .root = root, .recording_path = recording_path};
    struct buf answer = {0};
    int result = child_run(&answer, predict_job, &job, &child_limits, e);
    if (result == 0) {
        struct cursor at = {.at = (const uint8_t *)answer.data,
                            .end = (const uint8_t *)answer.data + answer.len};
        size_t found = (size_t)cursor_varint(&at);
        if (found < lab->prediction.option_count)
            *out = found;
        else
            result = err_set(e, EPROTO, "ask the prediction: the answer is cut off");
    }
    buf_fini(&answer);
    return result;
}

/* ---- goals ---- */

bool lab_goal_is_for(const struct lab_goal *goal, const char *variant)
{
    for (size_t i = 0; i < goal->variant_count; i++)
        if (strcmp(goal->variants[i], variant) == 0)
            return true;
    return goal->variant_count == 0;
}

static int goals_job(void *arg, struct buf *out, struct err *e)
{
    const struct predict_job *job = arg;
    struct asked asked;
    int result = asked_open(&asked, job->lab, job->root, job->recording_path, e);
    for (size_t i = 0; result == 0 && i < job->lab->goal_count; i++) {
        bool is_reached = false;
        if (job->lab->goals[i].reached[0] == '\0')
            result = script_reached(&is_reached, asked.s, asked.ev, i, e);
        buf_putc(out, is_reached);
    }
    asked_close(&asked);
    return result;
}

static bool has_script_goal(const struct lab *lab)
{
    for (size_t i = 0; i < lab->goal_count; i++)
        if (lab->goals[i].reached[0] == '\0')
            return true;
    return false;
}

int lab_goals(bool *out, const struct lab *lab, const char *root, const char *recording_path,
              const char *how, bool is_well, struct err *e)
{
    struct predict_job job = {.lab = lab, .root = root, .recording_path = recording_path};
    struct buf answer = {0};
    int result = 0;
    if (has_script_goal(lab))
        result = child_run(&answer, goals_job, &job, &child_limits, e);
    if (result == 0 && answer.len && answer.len != lab->goal_count)
        result = err_set(e, EPROTO, "ask for the goals: the answer is cut off");
    for (size_t i = 0; result == 0 && i < lab->goal_count; i++) {
        const char *reached = lab->goals[i].reached;
        if (reached[0] == '\0')
            out[i] = answer.data[i];
        else
            out[i] =
                how && (strcmp(reached, how) == 0 || (is_well && !strcmp(reached, "ended-well")));
    }
    buf_fini(&answer);
    return result;
}
