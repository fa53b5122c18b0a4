#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/spawn.h"

/* ---- running ---- */

const char *own_path(void)
{
    static char path[PATH_MAX];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        die("cannot find the test program");
    return path;
}

static void need(int status, const struct err *e)
{
    if (status < 0) {
        fprintf(stderr, "%s\n", e->text);
        exit(1);
    }
}

static char *read_back(int fd)
{
    struct buf text = {0};
    char block[4096];
    ssize_t size;
    lseek(fd, 0, SEEK_SET);
    while ((size = read(fd, block, sizeof block)) > 0)
        buf_put(&text, block, (size_t)size);
    return text.data ? buf_take(&text) : xstrdup("");
}

static void run_row(struct traced *t, const struct row *row, int stdout_fd)
{
    char *own[] = {(char *)(uintptr_t)own_path(), (char[]){"--tracee"},
                   (char *)(uintptr_t)row->name, NULL};
    int file_fd = memfd_create("recording", MFD_CLOEXEC);
    int out_fd = memfd_create("output", MFD_CLOEXEC);
    int read_fd = dup(file_fd);
    struct recorder *recorder;
    struct tracer *tracer;
    struct target target;
    struct spawn_options spawn = {.argv = row->argv ? row->argv : own,
                                  .stdio = {-1, stdout_fd >= 0 ? stdout_fd : out_fd, -1}};
    struct tracer_options options = {.limit_ns = 30ull * 1000 * 1000 * 1000};
    *t = (struct traced){0};
    need(recorder_open_fd(&recorder, file_fd, &t->err), &t->err);
    if (row->set)
        row->set(&options);
    need(spawn_command(&target, &spawn, &t->err), &t->err);
    if (stdout_fd >= 0)
        close(stdout_fd);
    need(tracer_new(&tracer, &target, recorder, &options, &t->err), &t->err);
    t->status = tracer_run(tracer, &t->result, &t->err);
    tracer_free(tracer);
    need(recorder_close(recorder, &t->err), &t->err);
    need(recording_open_fd(&t->rec, read_fd, "recording", &t->err), &t->err);
    t->output = read_back(out_fd);
    close(out_fd);
}

void traced_run(struct traced *t, const struct row *row, int stdout_fd)
{
    run_row(t, row, stdout_fd);
    if (waitpid(-1, NULL, __WALL | WNOHANG) >= 0 || errno != ECHILD)
        fail_at(__FILE__, __LINE__, "the run left a process behind");
}

void traced_run_beside(struct traced *t, const struct row *row)
{
    run_row(t, row, -1);
}

void traced_fini(struct traced *t)
{
    recording_free(t->rec);
    free(t->output);
}

/* ---- asking ---- */

static bool matches(const struct event *ev, struct want w)
{
    return ev->kind == w.kind && (w.call == CALL_UNKNOWN || ev->call == w.call) &&
           (!w.tid || ev->tid == w.tid) && (!w.has_arg || ev->args[0] == w.arg);
}

const struct event *find(const struct traced *t, struct want w)
{
    for (uint32_t id = w.from; id < recording_event_count(t->rec); id++)
        if (matches(recording_event(t->rec, id), w))
            return recording_event(t->rec, id);
    return NULL;
}

const struct event *get(const struct traced *t, struct want w)
{
    const struct event *ev = find(t, w);
    if (!ev) {
        fprintf(stderr, "no event %s %s of task %d from event %u\n", event_kind_name(w.kind),
                call_name(w.call), (int)w.tid, w.from);
        exit(1);
    }
    return ev;
}

size_t count(const struct traced *t, struct want w)
{
    size_t n = 0;
    for (const struct event *ev; (ev = find(t, w)); w.from = ev->id + 1)
        n++;
    return n;
}

pid_t command(const struct traced *t)
{
    return get(t, (struct want){.kind = EVENT_START})->tid;
}

pid_t child(const struct traced *t, size_t nth)
{
    const struct event *start = get(t, (struct want){.kind = EVENT_START});
    for (size_t i = 0; i <= nth; i++)
        start = get(t, (struct want){.kind = EVENT_START, .from = start->id + 1});
    return start->tid;
}

bool blob(const struct traced *t, const struct event *ev, int arg, enum blob_side side,
          struct blob *out)
{
    return recording_blob(t->rec, ev, arg, side, out);
}

void fail_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    exit(1);
}

void check_equal(const char *file, int line, const char *what, int64_t a, int64_t b)
{
    if (a == b)
        return;
    fprintf(stderr, "%s:%d: not so: %s (%lld and %lld)\n", file, line, what, (long long)a,
            (long long)b);
    exit(1);
}

void skip(const char *why)
{
    printf("skipped: %s\n", why);
    exit(SKIPPED);
}

/* ---- in the tracee ---- */

long try_at(int line, const char *what, long result)
{
    if (result >= 0)
        return result;
    fprintf(stderr, "tracee, line %d: %s: %s\n", line, what, strerror(errno));
    _exit(99);
}

static void read_proc(pid_t tid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

static char state_of(pid_t tid)
{
    char text[512];
    read_proc(tid, "stat", text, sizeof text);
    const char *rest = strrchr(text, ')');
    return rest ? rest[2] : '\0';
}

uint64_t switches_of(pid_t pid)
{
    char text[4096];
    uint64_t total = 0;
    read_proc(pid, "status", text, sizeof text);
    static const char *const names[] = {"\nvoluntary_ctxt_switches:",
                                        "\nnonvoluntary_ctxt_switches:"};
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(text, names[i]);
        total += at ? strtoull(at + strlen(names[i]), NULL, 10) : 0;
    }
    return total;
}

void wait_until_state(pid_t pid, char state)
{
    for (;;) {
        char now = state_of(pid);
        if (now == state || now == '\0')
            return;
        sched_yield();
    }
}

pid_t run_child(int (*function)(void *), void *arg)
{
    pid_t pid = (pid_t)TRY(fork());
    if (pid == 0)
        _exit(function(arg));
    return pid;
}

int reap(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
