#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "trace/spawn.h"

/* A trial under way. */
struct stage {
    struct recorder *recorder;
    struct trial *trial;
};

static enum trace_answer on_quiet(void *arg)
{
    struct stage *s = arg;
    struct trial *t = s->trial;
    recorder_flush(s->recorder);
    if (recording_refresh(t->rec, NULL) < 0)
        return TRACE_GO_ON;
    diagnosis_extend(t->live, 0);
    return model_is_stuck(diagnosis_model(t->live)) ? TRACE_STOP_STUCK : TRACE_GO_ON;
}

static int trace(struct stage *s, char *const *argv, const char *cwd,
                 const struct trial_limits *limits, struct err *e)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct spawn_options how = {.argv = argv, .cwd = cwd, .stdio = {null_fd, null_fd, -1}};
    struct tracer_options options = {.limit_ns = limits->ns,
                                     .events_max = limits->events,
                                     .ends_with_command = limits->ends_with_command,
                                     .on_quiet = on_quiet,
                                     .arg = s};
    struct target target;
    struct tracer *tracer = NULL;
    int rc = spawn_command(&target, &how, e);
    fd_close(&null_fd);
    if (rc == 0)
        rc = tracer_new(&tracer, &target, s->recorder, &options, e);
    if (rc == 0)
        rc = tracer_run(tracer, &s->trial->result, e);
    tracer_free(tracer);
    return rc;
}

/* The recorder and the reader each have an open file description of their own. */
static int open_both(struct stage *s, struct err *e)
{
    char path[64];
    int fd = memfd_create("recording", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = recorder_open_fd(&s->recorder, fd, e);
    if (rc == 0)
        rc = recorder_flush(s->recorder);
    if (rc == 0)
        rc = recording_open(&s->trial->rec, path, e);
    return rc;
}

int trial_run(struct trial *t, char *const *argv, const char *cwd,
              const struct trial_limits *limits, struct err *e)
{
    struct stage s = {.trial = t};
    *t = (struct trial){0};
    int rc = open_both(&s, e);
    if (rc < 0)
        return rc;
    t->live = diagnosis_new(t->rec);
    rc = trace(&s, argv, cwd, limits, e);
    recorder_flush(s.recorder);
    if (rc == 0)
        rc = recording_refresh(t->rec, e);
    recorder_close(s.recorder, NULL);
    if (rc >= 0)
        rc = recording_refresh(t->rec, e);
    if (rc < 0)
        return rc;
    diagnosis_extend(t->live, 1);
    t->diagnosis = diagnosis_new(t->rec);
    diagnosis_extend(t->diagnosis, 1);
    return 0;
}

void trial_fini(struct trial *t)
{
    diagnosis_free(t->live);
    diagnosis_free(t->diagnosis);
    recording_free(t->rec);
    *t = (struct trial){0};
}

void trial_print(const struct diagnosis *d, struct buf *out)
{
    for (size_t i = 0; i < diagnosis_count(d); i++) {
        const struct finding *f = diagnosis_finding(d, i);
        buf_printf(out, "%s %s ", severity_name(f->severity), rule_id(f->rule));
        if (f->proc == MODEL_NONE)
            buf_putc(out, '-');
        else
            model_proc_name(diagnosis_model(d), f->proc, out);
        buf_printf(out, ": %s\n", f->text);
    }
}
