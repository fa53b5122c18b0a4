/* Who sleeps, when all is quiet, holding the world, and the ends of a run. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/probe.h"
#include "trace/spawn.h"

/* ---- quiet ---- */

static int fill(void *arg)
{
    int *fds = arg;
    char bytes[4096] = {0};
    for (;;)
        TRY(write(fds[1], bytes, sizeof bytes));
    return 0;
}

static int stuck_tracee(void)
{
    int fds[2], never[2];
    char byte;
    TRY(pipe(fds));
    TRY(pipe(never));
    run_child(fill, fds);
    return (int)read(never[0], &byte, 1);
}

static enum trace_answer stop_stuck(void *arg)
{
    (void)arg;
    return TRACE_STOP_STUCK;
}

static void stuck_set(struct tracer_options *o)
{
    o->on_quiet = stop_stuck;
}

static void stuck_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_STUCK);
    CHECK_EQ(t->result.wait_status, SIGKILL);
    const struct event *note =
        get(t, (struct want){.kind = EVENT_NOTE, .has_arg = true, .arg = NOTE_STUCK});
    for (int i = 0; i < 2; i++) {
        pid_t pid = i ? child(t, 0) : command(t);
        const struct event *blocked = get(t, (struct want){.kind = EVENT_BLOCKED, .tid = pid});
        const struct event *call = recording_event(t->rec, (uint32_t)blocked->args[0]);
        CHECK_EQ(call->call, i ? CALL_write : CALL_read);
        CHECK_EQ(call->tid, pid);
        CHECK(event_is_pending(call));
        CHECK(blocked->entry_seq < note->entry_seq);
    }
}

/* Computing is not quiet. */
static int spin_tracee(void)
{
    for (volatile unsigned i = 0;; i++)
        continue;
    return 0;
}

static bool was_asked;

static enum trace_answer remember_asked(void *arg)
{
    (void)arg;
    was_asked = true;
    return TRACE_GO_ON;
}

static void spin_set(struct tracer_options *o)
{
    o->on_quiet = remember_asked;
    o->limit_ns = 200u * 1000 * 1000;
}

static void spin_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_TIMEOUT);
    CHECK(!was_asked);
}

/* ---- holding the world ---- */

static int held_tracee(void)
{
    int fds[2];
    TRY(pipe(fds));
    if (TRY(fork()) == 0) {
        for (int i = 0; i < 50; i++)
            TRY(write(fds[1], "abc", 3));
        _exit(0);
    }
    close(fds[1]);
    char bytes[2];
    while (TRY(read(fds[0], bytes, sizeof bytes)) > 0)
        continue;
    return reap(-1);
}

static unsigned held_times;

static void count_held(void *arg)
{
    (void)arg;
    held_times++;
}

static void held_set(struct tracer_options *o)
{
    o->hold_every = 1;
    o->on_held = count_held;
}

static void held_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_ENDED);
    CHECK_EQ(t->result.wait_status, 0);
    CHECK(held_times > 50);
}

/* ---- ends ---- */

static int many_tracee(void)
{
    for (;;)
        if (fork() == 0)
            for (;;)
                pause();
    return 0;
}

static void many_set(struct tracer_options *o)
{
    o->tasks_max = 10;
}

static void flood_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_FLOODED);
    get(t, (struct want){.kind = EVENT_NOTE, .has_arg = true, .arg = NOTE_FLOOD});
    CHECK_EQ(t->result.left_behind, 0);
}

static int events_tracee(void)
{
    for (;;)
        TRY(lseek(1, 0, SEEK_CUR));
    return 0;
}

static void events_set(struct tracer_options *o)
{
    o->events_max = 500;
}

static int daemon_tracee(void)
{
    int fds[2];
    char byte;
    TRY(pipe(fds));
    if (TRY(fork()) == 0) {
        setsid();
        close(0);
        TRY(write(fds[1], "x", 1));
        for (;;)
            pause();
    }
    TRY(read(fds[0], &byte, 1));
    return 4;
}

static void daemon_set(struct tracer_options *o)
{
    o->ends_with_command = true;
}

static void daemon_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_ENDED);
    CHECK_EQ(t->result.wait_status, 4 << 8);
    CHECK_EQ(t->result.left_behind, 1);
    CHECK_EQ(get(t, (struct want){.kind = EVENT_EXIT, .tid = child(t, 0)})->args[0], SIGKILL);
}

/* tracer_stop() is for signal handlers. */
static int pause_tracee(void)
{
    for (;;)
        pause();
    return 0;
}

static struct tracer *running;

static void on_signal(int sig)
{
    (void)sig;
    tracer_stop(running);
}

static enum trace_answer raise_once(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
    return TRACE_GO_ON;
}

static void stop_whole(const struct row *row)
{
    char *argv[] = {(char *)(uintptr_t)own_path(), (char[]){"--tracee"},
                    (char *)(uintptr_t)row->name, NULL};
    struct spawn_options spawn = {.argv = argv, .stdio = {-1, -1, -1}};
    struct tracer_options options = {.on_quiet = raise_once};
    struct target target;
    struct recorder *recorder;
    struct tracer_result result;
    struct err e;
    signal(SIGUSR1, on_signal);
    CHECK_EQ(recorder_open_fd(&recorder, open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), &e),
             0);
    CHECK_EQ(spawn_command(&target, &spawn, &e), 0);
    CHECK_EQ(tracer_new(&running, &target, recorder, &options, &e), 0);
    CHECK_EQ(tracer_run(running, &result, &e), 0);
    CHECK_EQ(result.end, TRACE_INTERRUPTED);
    tracer_free(running);
    CHECK_EQ(recorder_close(recorder, &e), 0);
}

/* A child of ours that is not traced must neither keep the run alive nor be taken for a tracee. */
static void bystander_whole(const struct row *row)
{
    struct traced t;
    pid_t bystander = (pid_t)TRY(fork());
    if (bystander == 0)
        for (;;)
            pause();
    traced_run_beside(&t, row);
    CHECK_EQ(t.result.end, TRACE_ENDED);
    CHECK_EQ(t.result.wait_status, 0);
    traced_fini(&t);
    kill(bystander, SIGKILL);
    CHECK_EQ(reap(bystander), SIGKILL);
}

/* ---- a command that cannot be run ---- */

static char *const nothing_argv[] = {(char[]){"/nonexistent/program"}, NULL};

static void nothing_whole(const struct row *row)
{
    struct traced t;
    traced_run(&t, row, -1);
    CHECK_EQ(t.status, -ENOENT);
    CHECK(strcmp(t.err.text, "run /nonexistent/program: No such file or directory") == 0);
    CHECK_EQ(t.result.end, TRACE_FAILED);
    traced_fini(&t);
}

/* ---- asking the kernel ---- */

static void probe_whole(const struct row *row)
{
    int fds[2];
    struct probe_fd *list;
    (void)row;
    TRY(pipe2(fds, O_CLOEXEC));
    int copy = (int)TRY(dup(fds[0]));
    TRY(write(fds[1], "hello", 5));
    TRY(fcntl(fds[1], F_SETPIPE_SZ, 8192));
    CHECK_EQ(probe_pipe_fill(getpid(), fds[0]), 5);
    CHECK_EQ(probe_pipe_size(getpid(), copy), 8192);
    CHECK_EQ(probe_same_file(getpid(), fds[0], getpid(), copy), 1);
    CHECK_EQ(probe_same_file(getpid(), fds[0], getpid(), fds[1]), 0);
    CHECK_EQ(probe_pipe_fill(getpid(), 999), -EBADF);
    ssize_t n = probe_fds(getpid(), &list);
    bool has_seen = false;
    for (ssize_t i = 0; i < n; i++) {
        CHECK(i == 0 || list[i - 1].fd < list[i].fd);
        if (list[i].fd != fds[1])
            continue;
        has_seen = true;
        CHECK_EQ(list[i].flags, O_WRONLY | O_CLOEXEC);
    }
    CHECK(has_seen);
    free(list);
    close(fds[1]);
    CHECK_EQ(probe_pipe_fill(getpid(), copy), 5); /* no copy of the write end was left open */
    char bytes[10];
    CHECK_EQ(read(copy, bytes, 10), 5);
    CHECK_EQ(read(copy, bytes, 10), 0);
}

const struct row rows_quiet[] = {
    {.name = "quiet-stuck", .tracee = stuck_tracee, .check = stuck_check, .set = stuck_set},
    {.name = "quiet-spin", .tracee = spin_tracee, .check = spin_check, .set = spin_set},
    {.name = "held", .tracee = held_tracee, .check = held_check, .set = held_set},
    {.name = "end-tasks", .tracee = many_tracee, .check = flood_check, .set = many_set},
    {.name = "end-events", .tracee = events_tracee, .check = flood_check, .set = events_set},
    {.name = "end-daemon", .tracee = daemon_tracee, .check = daemon_check, .set = daemon_set},
    {.name = "end-stop", .tracee = pause_tracee, .whole = stop_whole},
    {.name = "end-bystander", .tracee = held_tracee, .whole = bystander_whole},
    {.name = "not-found", .argv = nothing_argv, .whole = nothing_whole},
    {.name = "probe", .whole = probe_whole},
    {0},
};
