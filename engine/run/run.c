#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "model/model.h"
#include "run/run_parts.h"
#include "source/source.h"
#include "trace/spawn.h"

enum {
    OUTPUT_KEPT = 64 * 1024,
    FLOOD_FACTOR = 16,
    EVENTS_MAX = 20 * 1000 * 1000,
    TASKS_MAX = 4096
};

static struct tracer *volatile current; /* for run_stop */

void run_stop(void)
{
    struct tracer *t = current;
    if (t)
        tracer_stop(t);
}

static size_t output_kept(const struct run_options *o)
{
    return o->output_max ? o->output_max : OUTPUT_KEPT;
}

static int embed_source(struct recorder *w, const char *path, struct err *e)
{
    struct buf text = {0};
    int rc = file_read(&text, path, 1 << 20, e);
    if (rc == 0) {
        char *key = xasprintf("source:%s", path);
        recorder_meta(w, key, text.data ? text.data : "");
        free(key);
    }
    buf_fini(&text);
    return rc;
}

static void describe(struct recorder *w, const struct run_options *o)
{
    struct buf command = {0};
    for (char *const *arg = o->argv; *arg; arg++)
        buf_printf(&command, "%s%s", arg == o->argv ? "" : " ", *arg);
    recorder_meta(w, "command", command.data ? command.data : "");
    buf_fini(&command);
    for (const char *const *pair = o->meta; pair && pair[0]; pair += 2)
        recorder_meta(w, pair[0], pair[1]);
    for (size_t i = 0; o->sandbox && i < o->sandbox->mount_count; i++) {
        /* A program is known by its path inside; its lines are looked up outside. */
        char *key = xasprintf("module:%s", o->sandbox->mounts[i].to);
        recorder_meta(w, key, o->sandbox->mounts[i].from);
        free(key);
    }
}

int run_open_recording(struct run *r, struct err *e)
{
    const struct run_options *o = r->options;
    int rc = recorder_open(&r->recorder, o->recording_path, e);
    if (rc < 0)
        return rc;
    describe(r->recorder, o);
    for (const char *const *source = o->sources; source && *source && rc == 0; source++)
        rc = embed_source(r->recorder, *source, e);
    if (rc == 0)
        recorder_flush(r->recorder);
    return rc;
}

/* Reads what was flushed and folds it. */
static int catch_up(struct run *r)
{
    struct err e = {0};
    recorder_flush(r->recorder);
    int rc = r->recording ? recording_refresh(r->recording, &e)
                          : recording_open(&r->recording, r->options->recording_path, &e);
    if (rc < 0)
        return rc;
    if (!r->model)
        r->model = model_new(r->recording);
    while (model_seq(r->model) < recording_step_count(r->recording))
        model_apply(r->model);
    return 0;
}

static const struct model *fold(void *arg)
{
    struct run *r = arg;
    return catch_up(r) < 0 ? NULL : r->model;
}

/* On one CPU "asleep" is exact (trace/step.h), and a stop costs half of what it does across two. */
int run_pin(cpu_set_t *before, struct err *e)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_getaffinity(0, sizeof *before, before) < 0 ||
        sched_setaffinity(0, sizeof one, &one) < 0)
        return err_sys(e, errno, "run on one CPU");
    return 0;
}

void run_take_control(struct run *r)
{
    r->conduct = conduct_new(r->options->conduct, fold, r);
}

/* Writes the next byte to the program, which may be gone: SIGPIPE is not for us. pipe(7). */
static void feed_one(struct run *r)
{
    const char *bytes = r->options->stdin_bytes;
    sigset_t sigpipe, before;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    bool is_over = r->fed == r->options->stdin_size;
    if (!is_over && write(r->feed_fd, bytes + r->fed++, 1) < 0 && errno == EPIPE) {
        sigtimedwait(&sigpipe, NULL, &(struct timespec){0});
        is_over = true;
    }
    if (is_over)
        fd_close(&r->feed_fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static enum trace_answer on_quiet(void *arg)
{
    struct run *r = arg;
    if (r->feed_fd >= 0) {
        feed_one(r);
        return TRACE_GO_ON;
    }
    if (!r->options->ends_when_stuck || catch_up(r) < 0)
        return TRACE_GO_ON;
    return model_is_stuck(r->model) ? TRACE_STOP_STUCK : TRACE_GO_ON;
}

static enum trace_answer on_tick(void *arg)
{
    struct run *r = arg;
    if (r->pump && pump_total(r->pump) > r->output_limit)
        return TRACE_STOP_FLOODED;
    if (r->sandbox && sandbox_watch(r->sandbox, NULL) < 0)
        return TRACE_STOP_FLOODED;
    return TRACE_GO_ON;
}

static void on_held(void *arg)
{
    struct run *r = arg;
    if (catch_up(r) < 0)
        return;
    if (!r->verify)
        r->verify = verify_new();
    verify_compare(r->verify, r->model, r->tracer);
}

/* Replaces the pump's descriptor 0 by one that is fed from on_quiet. */
static int feed_by_hand(struct run *r, int *program_fd, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(e, errno, "make a pipe for the program");
    fd_close(program_fd);
    *program_fd = ends[0];
    r->feed_fd = ends[1];
    fcntl(r->feed_fd, F_SETFL, O_NONBLOCK);
    return 0;
}

static int start_hermetic(struct run *r, struct target *target, struct err *e)
{
    const struct run_options *o = r->options;
    struct sandbox_options place = *o->sandbox;
    place.argv = o->argv;
    place.is_traced = true;
    place.is_stepped = o->conduct != NULL;
    size_t kept = output_kept(o);
    r->output_limit = kept * FLOOD_FACTOR;
    size_t pumped = o->stdin_when_quiet ? 0 : o->stdin_size;
    int rc = pump_start(&r->pump, place.stdio, o->stdin_bytes, pumped, kept, e);
    if (rc == 0 && o->stdin_when_quiet)
        rc = feed_by_hand(r, &place.stdio[0], e);
    if (rc == 0)
        rc = sandbox_open(&r->sandbox, target, &place, e);
    for (int i = 0; i < 3 && r->pump; i++)
        fd_close(&place.stdio[i]);
    return rc;
}

static int start(struct run *r, struct target *target, struct err *e)
{
    if (r->options->sandbox)
        return start_hermetic(r, target, e);
    struct spawn_options plain = {
        .argv = r->options->argv, .stdio = {-1, -1, -1}, .is_stepped = r->options->conduct != NULL};
    return spawn_command(target, &plain, e);
}

struct tracer_options run_tracer_options(struct run *r)
{
    const struct run_options *o = r->options;
    uint32_t every = o->verify_every ? o->verify_every : 1;
    return (struct tracer_options){
        .payload_cap = o->payload_cap,
        .no_stacks = o->is_brief,
        .limit_ns = o->limit_ns,
        .events_max = o->events_max ? o->events_max : EVENTS_MAX,
        .tasks_max = TASKS_MAX,
        .ends_with_command = o->sandbox != NULL,
        .on_quiet = on_quiet,
        .on_tick = on_tick,
        .on_held = o->is_verified ? on_held : NULL,
        .hold_every = o->is_verified ? every : 0,
        .arg = r,
        .stepped = r->conduct ? conduct_hooks(r->conduct) : NULL,
    };
}

static bool is_pipe(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

int run_trace(struct run *r, struct run_result *out, struct err *e)
{
    if (r->conduct)
        conduct_attach(r->conduct, r->tracer);
    current = r->tracer;
    int rc = tracer_run(r->tracer, &out->trace, e);
    current = NULL;
    return rc;
}

static int trace_it(struct run *r, struct run_result *out, struct err *e)
{
    struct target target = {.pid = -1, .release_fd = -1, .error_fd = -1};
    int rc = start(r, &target, e);
    out->is_command_error = rc < 0;
    if (rc < 0)
        return rc;
    recorder_meta(r->recorder, "isolation", r->sandbox ? sandbox_isolation(r->sandbox) : "none");
    struct tracer_options options = run_tracer_options(r);
    rc = tracer_new(&r->tracer, &target, r->recorder, &options, e);
    if (rc < 0)
        return rc;
    /* A terminal or a file does not mind that we hold it, too; the peer at a pipe's other end does.
     */
    bool keeps = r->options->keeps_stdio || (!is_pipe(STDIN_FILENO) && !is_pipe(STDOUT_FILENO));
    int saved[2] = {-1, -1};
    if (!r->options->sandbox)
        spawn_let_go(keeps, saved);
    rc = run_trace(r, out, e);
    out->is_command_error = rc < 0;
    if (!r->options->sandbox)
        spawn_take_back(saved);
    return rc;
}

static void collect(struct run *r, struct run_result *out)
{
    if (r->pump) {
        struct buf kept[2];
        uint64_t total[2];
        pump_join(r->pump, kept, total);
        out->out = kept[0];
        out->err = kept[1];
        out->out_size = total[0];
        out->err_size = total[1];
    }
    if (r->verify) {
        out->verify_points = verify_points(r->verify);
        out->verify_disagreements = verify_disagreements(r->verify);
        const char *text = verify_text(r->verify);
        out->verify_text = text && text[0] ? xstrdup(text) : NULL;
    }
}

int run_finish(struct run *r, struct run_result *out, int rc, struct err *e)
{
    collect(r, out);
    tracer_free(r->tracer);
    if (r->conduct) {
        out->moves = conduct_moves(r->conduct);
        out->stuck_ns = conduct_stuck_ns(r->conduct);
        out->was_given_up = conduct_was_given_up(r->conduct);
    }
    conduct_free(r->conduct);
    if (rc == 0 && !r->options->is_brief && catch_up(r) == 0)
        source_embed(r->recording, r->recorder);
    verify_free(r->verify);
    model_free(r->model);
    recording_free(r->recording);
    if (r->recorder) {
        int closed = recorder_close(r->recorder, rc == 0 ? e : NULL);
        rc = rc < 0 ? rc : closed;
    }
    if (rc < 0)
        run_result_fini(out);
    return rc;
}

int run_command(struct run_result *out, const struct run_options *options, struct err *e)
{
    struct run r = {.options = options, .feed_fd = -1};
    cpu_set_t before;
    bool is_pinned = false;
    memset(out, 0, sizeof *out);
    int rc = run_open_recording(&r, e);
    if (rc == 0 && options->conduct) {
        rc = run_pin(&before, e);
        is_pinned = rc == 0;
        run_take_control(&r);
    }
    if (rc == 0)
        rc = trace_it(&r, out, e);
    if (r.sandbox) {
        sandbox_kill(r.sandbox);
        sandbox_close(r.sandbox);
    }
    fd_close(&r.feed_fd);
    if (is_pinned)
        sched_setaffinity(0, sizeof before, &before);
    return run_finish(&r, out, rc, e);
}

void run_result_fini(struct run_result *r)
{
    buf_fini(&r->out);
    buf_fini(&r->err);
    free(r->verify_text);
    r->verify_text = NULL;
}
