#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "ui/runner.h"

enum { LESSON_BYTES_MOST = 1 << 20, SOURCE_MOST = 1 << 24 };

void job_child_trouble(const struct subprocess *c, char *out, size_t size)
{
    struct buf text = {0};
    if (c->err.len > 0)
        buf_printf(&text, "%.*s", (int)strcspn(c->err.data, "\n"), c->err.data);
    else
        status_format(c->wait_status, &text);
    snprintf(out, size, "%s", text.data ? text.data : "");
    buf_fini(&text);
}

/* ---- labs ---- */

/* "2-pipes/pipe-eof"; the caller frees. */
static char *lab_key(const struct runner *r)
{
    struct buf key = {0};
    home_lab_key(r->lab, &key);
    return buf_take(&key);
}

void job_remember_read(struct runner *r)
{
    char *key = lab_key(r);
    progress_read(r->progress, key);
    free(key);
}

void job_remember_place(struct runner *r, const char *screen)
{
    if (!r->lab)
        return;
    char *key = lab_key(r);
    progress_left(r->progress, key, screen, r->stage.seq);
    free(key);
}

void job_remember_hint(struct runner *r, const char *check, unsigned number)
{
    char *key = lab_key(r);
    progress_hinted(r->progress, key, check, number);
    free(key);
}

static struct document *read_lesson(const struct lab *lab)
{
    struct buf text = {0};
    struct err e = {0};
    char *path = xasprintf("%s/lesson.md", lab->folder);
    if (file_read(&text, path, LESSON_BYTES_MOST, &e) < 0)
        buf_printf(&text, "# %s\n\n%s\n", lab->title, e.text);
    struct document *d = document_new(text.data ? text.data : "", text.len);
    buf_fini(&text);
    free(path);
    return d;
}

static size_t variant_named(const struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->variant_count; i++)
        if (strcmp(lab->variants[i].name, name) == 0)
            return i;
    return 0;
}

void job_take_lab(struct runner *r, const struct lab *lab)
{
    if (r->lab == lab)
        return;
    job_run_stop(r);
    job_steer_stop(r);
    job_grade_stop(r);
    watch_stop(&r->watch);
    document_free(r->document);
    verdict_free(r->verdict);
    free(r->exercise.hints);
    free(r->exercise_path);
    free(r->knobs);
    r->verdict = NULL;
    r->exercise_path = NULL;
    r->lab = lab;
    r->document = read_lesson(lab);
    r->knobs = xcalloc(lab->knob_count + 1, sizeof *r->knobs);
    for (size_t i = 0; i < lab->knob_count; i++)
        r->knobs[i] = lab->knobs[i].initial;
    r->lesson = (struct lesson){.lab = lab,
                                .text = r->document,
                                .answer = LESSON_NONE,
                                .truth = LESSON_NONE,
                                .sizes = &r->lesson_sizes};
    r->stage = (struct stage){.lab = lab,
                              .variant = variant_named(lab, "broken"),
                              .knobs = r->knobs,
                              .finding = SIZE_MAX};
    r->exercise = (struct exercise){.lab = lab};
}

/* ---- the run ---- */

void job_run_stop(struct runner *r)
{
    subprocess_stop(&r->run);
    replay_free(r->replay);
    fd_close(&r->run_fd);
    free(r->run_path);
    free(r->stage_title);
    r->replay = NULL;
    r->run_path = NULL;
    r->stage_title = NULL;
    r->has_predicted = r->has_work = false;
    r->stage.replay = NULL;
    r->stage.trouble = NULL;
    r->stage.title = NULL;
}

/* The recording lies in memory: nothing is left behind, however the runner ends. */
static int make_run_memory(struct runner *r, struct err *e)
{
    r->run_fd = memfd_create("ipclab-run", MFD_CLOEXEC);
    if (r->run_fd < 0)
        return err_sys(e, errno, "make room for the recording");
    r->run_path = xasprintf("/proc/%d/fd/%d", (int)getpid(), r->run_fd);
    return 0;
}

void job_arguments_init(struct job_arguments *a, const struct runner *r, const char *command,
                        size_t variant)
{
    const struct lab *lab = r->lab;
    size_t n = 0, o = 0;
    *a = (struct job_arguments){0};
    a->list[n++] = (char *)(uintptr_t)paths_program();
    a->list[n++] = (char *)(uintptr_t)command;
    a->list[n++] = a->owned[o++] = xasprintf("%s/%s", lab->part, lab->name);
    if (variant < lab->variant_count) {
        a->list[n++] = "--variant";
        a->list[n++] = lab->variants[variant].name;
    }
    for (size_t i = 0; i < lab->knob_count && n + 4 < JOB_ARGUMENTS_MOST; i++) {
        const struct lab_knob *knob = &lab->knobs[i];
        a->list[n++] = "--knob";
        a->list[n++] = a->owned[o++] = xasprintf("%s=%s", knob->name, knob->values[r->knobs[i]]);
    }
    a->count = n;
    a->owned_count = o;
}

void job_arguments_fini(struct job_arguments *a)
{
    for (size_t i = 0; i < a->owned_count; i++)
        free(a->owned[i]);
}

static int start_run(struct runner *r, struct err *e)
{
    struct job_arguments a;
    int rc = make_run_memory(r, e);
    if (rc < 0)
        return rc;
    job_arguments_init(&a, r, "run", r->stage.variant);
    a.list[a.count++] = "-o";
    a.list[a.count++] = r->run_path;
    rc = subprocess_start(&r->run, a.list, e);
    job_arguments_fini(&a);
    return rc;
}

void job_run(struct runner *r)
{
    struct err e = {0};
    enum picture_id picture = r->stage.picture;
    size_t variant = r->stage.variant;
    job_run_stop(r);
    r->stage = (struct stage){.lab = r->lab,
                              .variant = variant,
                              .knobs = r->knobs,
                              .picture = picture,
                              .finding = SIZE_MAX,
                              .is_following = true};
    r->stage.title = r->lab->name;
    if (start_run(r, &e) < 0) {
        snprintf(r->trouble, sizeof r->trouble, "%s", e.text);
        r->stage.trouble = r->trouble;
    }
}

static void set_knob(struct runner *r, const char *setting)
{
    const char *equals = strchr(setting, '=');
    for (size_t i = 0; equals && i < r->lab->knob_count; i++) {
        const struct lab_knob *knob = &r->lab->knobs[i];
        size_t length = strlen(knob->name);
        if (length != (size_t)(equals - setting) || strncmp(knob->name, setting, length) != 0)
            continue;
        for (size_t v = 0; v < knob->value_count; v++)
            if (strcmp(knob->values[v], equals + 1) == 0)
                r->knobs[i] = v;
    }
}

void job_predict(struct runner *r)
{
    const struct lab_prediction *p = &r->lab->prediction;
    for (size_t i = 0; i < r->lab->knob_count; i++)
        r->knobs[i] = r->lab->knobs[i].initial;
    for (size_t i = 0; i < p->knob_count; i++)
        set_knob(r, p->knobs[i]);
    if (p->variant)
        r->stage.variant = variant_named(r->lab, p->variant);
    job_run(r);
    r->has_predicted = true;
}

static void judge_prediction(struct runner *r)
{
    struct err e = {0};
    size_t truth;
    r->has_predicted = false;
    if (r->lesson.truth != LESSON_NONE)
        return;
    if (lab_predict(&truth, r->lab, r->root, r->run_path, &e) < 0) {
        static char text[sizeof e.text];
        snprintf(text, sizeof text, "%s", e.text);
        r->lesson.trouble = text;
        return;
    }
    r->lesson.truth = truth;
    const struct lab_option *options = r->lab->prediction.options;
    char *key = lab_key(r);
    if (r->lesson.answer < r->lab->prediction.option_count)
        progress_predicted(r->progress, key, options[r->lesson.answer].id, options[truth].id);
    free(key);
}

/* The file begins to make sense once its header is written. */
static void try_open(struct runner *r, bool is_over)
{
    struct err e = {0};
    struct stat status;
    if (fstat(r->run_fd, &status) < 0 || (status.st_size == 0 && !is_over))
        return;
    if (replay_open(&r->replay, r->run_path, true, &e) == 0) {
        r->stage.replay = r->replay;
    } else if (is_over) {
        job_child_trouble(&r->run, r->trouble, sizeof r->trouble);
        r->stage.trouble = r->trouble;
    }
}

static void finish_run(struct runner *r)
{
    if (!r->replay)
        try_open(r, true);
    if (!r->replay)
        return;
    replay_finish(r->replay);
    if (recording_step_count(replay_recording(r->replay)) == 0) {
        job_child_trouble(&r->run, r->trouble, sizeof r->trouble);
        r->stage.trouble = r->trouble;
    }
    if (r->has_predicted)
        judge_prediction(r);
}

bool job_run_step(struct runner *r)
{
    bool changed = false, is_over = false;
    if (r->run.pid > 0) {
        is_over = subprocess_step(&r->run);
        if (!r->replay)
            try_open(r, false);
        changed = r->replay && replay_refresh(r->replay);
    }
    if (is_over)
        finish_run(r);
    if (!r->replay)
        return is_over;
    r->has_work = replay_work(r->replay, UINT64_C(8000000));
    return stage_grown(&r->stage) || changed || is_over;
}

static char *recorded_title(const struct recording *rec, const char *fallback)
{
    const char *lab = recording_meta(rec, "lab"), *command = recording_meta(rec, "command");
    const char *variant = recording_meta(rec, "variant");
    if (lab)
        return xasprintf("%s  %s", lab, variant ? variant : "");
    return xstrdup(command ? command : fallback);
}

int job_open(struct runner *r, const char *path, const char *title, uint32_t seq, struct err *e)
{
    struct replay *replay;
    int rc = replay_open(&replay, path, false, e);
    if (rc < 0)
        return rc;
    job_run_stop(r);
    r->replay = replay;
    r->stage_title = title ? xstrdup(title) : recorded_title(replay_recording(replay), path);
    r->stage = (struct stage){.replay = replay, .title = r->stage_title, .finding = SIZE_MAX};
    stage_go(&r->stage, seq);
    if (recording_damage(replay_recording(replay)))
        snprintf(r->trouble, sizeof r->trouble, "%s", recording_damage(replay_recording(replay)));
    r->has_work = true;
    return 0;
}

/* ---- the exercise ---- */

int job_take_exercise(struct runner *r)
{
    struct err e = {0};
    struct buf key = {0};
    int rc = 0;
    if (r->exercise_path)
        return 0;
    home_lab_key(r->lab, &key);
    rc = paths_exercise(&r->exercise_path, key.data, &e);
    if (rc == 0) {
        r->exercise.path = r->exercise_path;
        rc = watch_start(&r->watch, r->exercise_path, &e);
    }
    if (rc < 0) {
        snprintf(r->exercise_trouble, sizeof r->exercise_trouble, "%s", e.text);
        r->exercise.trouble = r->exercise_trouble;
    }
    r->exercise.was_passed = progress_has(r->progress, key.data, DEED_PASSED);
    buf_fini(&key);
    return rc;
}

void job_grade_stop(struct runner *r)
{
    subprocess_stop(&r->grade);
    r->exercise.is_grading = false;
}

/* Recordings of one grading and of the next lie in different folders: one may still be looked at
 * while the next is made. */
static char *keep_folder(struct runner *r)
{
    char *cache;
    if (paths_cache_dir(&cache, NULL) < 0)
        return NULL;
    char *folder = xasprintf("%s/runner/%s/%u", cache, r->lab->name, r->grade_number++ % 2);
    free(cache);
    if (paths_make_dirs(folder, NULL) < 0) {
        free(folder);
        return NULL;
    }
    return folder;
}

void job_grade(struct runner *r)
{
    struct err e = {0};
    struct buf key = {0};
    job_grade_stop(r);
    if (!r->exercise_path)
        return;
    home_lab_key(r->lab, &key);
    char *folder = keep_folder(r);
    char *arguments[] = {
        (char *)(uintptr_t)paths_program(), "grade", key.data, r->exercise_path, "--json",
        folder ? "--keep" : NULL,           folder,  NULL};
    r->asked_ns = clock_ns();
    buf_reset(&r->judged);
    r->has_judged = file_read(&r->judged, r->exercise_path, SOURCE_MOST, NULL) == 0;
    r->exercise.trouble = NULL;
    r->exercise.is_grading = true;
    if (subprocess_start(&r->grade, arguments, &e) < 0) {
        snprintf(r->exercise_trouble, sizeof r->exercise_trouble, "%s", e.text);
        r->exercise.trouble = r->exercise_trouble;
        r->exercise.is_grading = false;
    }
    free(folder);
    buf_fini(&key);
}

static void take_verdict(struct runner *r, struct verdict *take_verdict)
{
    struct exercise *x = &r->exercise;
    verdict_free(r->verdict);
    free(x->hints);
    r->verdict = take_verdict;
    x->verdict = take_verdict;
    x->wait_ns = clock_ns() - r->asked_ns;
    x->hints = xcalloc(take_verdict->check_count + 1, sizeof *x->hints);
    x->check = 0;
    x->scrolled = 0;
    for (size_t i = 0; i < take_verdict->check_count; i++)
        if (take_verdict->checks[i].state == CHECK_FAILED) {
            x->check = i;
            break;
        }
    char *key = lab_key(r);
    progress_attempted(r->progress, key, take_verdict, r->has_judged ? &r->judged : NULL);
    free(key);
}

bool job_grade_step(struct runner *r)
{
    struct verdict *verdict;
    struct err e = {0};
    if (r->grade.pid <= 0 || !subprocess_step(&r->grade))
        return false;
    r->exercise.is_grading = false;
    if (r->grade.out.len > 0 && verdict_parse(&verdict, r->grade.out.data, &e) == 0) {
        take_verdict(r, verdict);
    } else {
        job_child_trouble(&r->grade, r->exercise_trouble, sizeof r->exercise_trouble);
        r->exercise.trouble = r->exercise_trouble;
    }
    subprocess_stop(&r->grade);
    return true;
}
