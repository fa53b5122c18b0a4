/* Order, life and death of tasks: traps 1, 2, 3, 8, 9, 17, 18, 19, 26. */
#include "traced.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRANSFERS = 200, CHUNK = 777, FORKS = 50 };

/* ---- 1: reports come in the order of a list, not of time ---- */

static int write_all(void *arg)
{
    int *fds = arg;
    char bytes[CHUNK] = {0};
    close(fds[0]);
    for (int i = 0; i < TRANSFERS; i++)
        TRY(write(fds[1], bytes, sizeof bytes));
    return 0;
}

static int order_tracee(void)
{
    int fds[2];
    char bytes[CHUNK];
    TRY(pipe(fds));
    pid_t pid = run_child(write_all, fds);
    close(fds[1]);
    while (TRY(read(fds[0], bytes, sizeof bytes)) > 0)
        continue;
    printf("%d\n", fds[0]);
    return reap(pid) == 0 ? 0 : 1;
}

/* Whatever the order of the reports: bytes are written between a call's entry and its exit, so at
 * every exit of a read the writes entered so far can account for what was read; and the end of file
 * comes after the writer's end began. */
static void order_check(struct traced *t)
{
    int64_t entered = 0, taken = 0;
    uint64_t read_fd = strtoull(t->output, NULL, 10);
    pid_t writer = child(t, 0);
    bool is_dying = false, saw_end = false;
    for (uint32_t seq = 1; seq <= recording_step_count(t->rec); seq++) {
        struct step step = recording_step(t->rec, seq);
        const struct event *ev = recording_event(t->rec, step.event);
        if (ev->kind == EVENT_DYING && ev->tid == writer)
            is_dying = true;
        if (ev->kind != EVENT_CALL)
            continue;
        CHECK_EQ(step.is_exit ? ev->exit_seq : ev->entry_seq, seq);
        if (ev->call == CALL_write && ev->tid == writer && !step.is_exit)
            entered += CHUNK;
        if (ev->call == CALL_read && ev->args[0] == read_fd && ev->args[2] == CHUNK &&
            step.is_exit) {
            taken += ev->ret;
            CHECK(taken <= entered);
            if (ev->ret == 0) {
                CHECK(is_dying);
                saw_end = true;
            }
        }
    }
    CHECK(saw_end);
    CHECK_EQ(taken, TRANSFERS * CHUNK);
    CHECK_EQ(t->result.wait_status, 0);
}

/* ---- 2: descriptors close between DYING and EXIT ---- */

static int leave(void *arg)
{
    (void)arg;
    return 5;
}

static int hang(void *arg)
{
    while (arg == NULL)
        pause();
    return 0;
}

static int dying_tracee(void)
{
    CHECK_EQ(reap(run_child(leave, NULL)), 5 << 8);
    pid_t pid = run_child(hang, NULL);
    wait_until_state(pid, 'S');
    TRY(kill(pid, SIGKILL));
    CHECK_EQ(reap(pid), SIGKILL);
    return 0;
}

static void dying_check(struct traced *t)
{
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = child(t, i);
        uint64_t status = i ? SIGKILL : 5 << 8;
        const struct event *dying = find(t, (struct want){.kind = EVENT_DYING, .tid = pid});
        const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT, .tid = pid});
        CHECK_EQ(gone->args[0], status);
        CHECK_EQ(gone->args[1], 1);
        CHECK(i == 1 || dying); /* a killed task may skip it */
        if (dying) {
            CHECK_EQ(dying->args[0], status);
            CHECK(dying->entry_seq < gone->entry_seq);
        }
    }
    const struct event *pause = get(t, (struct want){.call = CALL_pause, .tid = child(t, 1)});
    CHECK(event_is_pending(pause));
}

/* ---- 3: stops inside of a call must not lose its exit ---- */

static int exits_tracee(void)
{
    extern char **environ;
    char *argv[] = {(char[]){"true"}, NULL};
    pid_t pid = (pid_t)TRY(vfork());
    if (pid == 0)
        _exit(0);
    reap(pid);
    CHECK_EQ(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
    return reap(pid);
}

static void exits_check(struct traced *t)
{
    const struct event *vfork = get(t, (struct want){.call = CALL_vfork});
    CHECK_EQ(vfork->ret, child(t, 0));
    const struct event *start = get(t, (struct want){.kind = EVENT_START, .tid = child(t, 0)});
    CHECK_EQ(start->args[2], vfork->id);
    CHECK_EQ(start->args[1], CLONE_VFORK | CLONE_VM);
    pid_t spawned = child(t, 1);
    start = get(t, (struct want){.kind = EVENT_START, .tid = spawned});
    const struct event *clone = recording_event(t->rec, (uint32_t)start->args[2]);
    CHECK(clone->call == CALL_clone || clone->call == CALL_clone3);
    CHECK_EQ(clone->ret, spawned);
    CHECK(start->args[1] & CLONE_VFORK);
    get(t, (struct want){.kind = EVENT_EXEC, .tid = spawned});
    const struct event *call = get(t, (struct want){.call = CALL_execve, .tid = spawned});
    while (call->ret != 0) /* PATH */
        call = get(t, (struct want){.call = CALL_execve, .tid = spawned, .from = call->id + 1});
    CHECK(!event_is_pending(call));
}

/* ---- 8: a child may report before its creator names it ---- */

static int forks_tracee(void)
{
    for (int i = 0; i < FORKS; i++)
        reap(run_child(leave, NULL));
    return 0;
}

static void forks_check(struct traced *t)
{
    CHECK_EQ(count(t, (struct want){.kind = EVENT_START}), FORKS + 1);
    for (size_t i = 0; i < FORKS; i++) {
        pid_t pid = child(t, i);
        const struct event *start = get(t, (struct want){.kind = EVENT_START, .tid = pid});
        const struct event *fork = recording_event(t->rec, (uint32_t)start->args[2]);
        CHECK_EQ(start->args[0], command(t));
        CHECK_EQ(fork->ret, pid);
        CHECK(fork->entry_seq < start->entry_seq);
        for (uint32_t id = 0; id < start->id; id++)
            CHECK(recording_event(t->rec, id)->tid != pid);
    }
    CHECK_EQ(t->result.tasks, FORKS + 1);
}

/* The creator is killed around its fork: the run must still end, and every task must have a
 * beginning. */
static void *fork_and_stay(void *arg)
{
    (void)arg;
    if (fork() == 0)
        _exit(0);
    return NULL;
}

static int die_forking(void *arg)
{
    pthread_t thread;
    (void)arg;
    pthread_create(&thread, NULL, fork_and_stay, NULL);
    _exit(0);
}

static int orphans_tracee(void)
{
    for (int i = 0; i < FORKS; i++)
        reap(run_child(die_forking, NULL));
    return 0;
}

static void orphans_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_ENDED);
    for (uint32_t id = 0; id < recording_event_count(t->rec); id++) {
        const struct event *ev = recording_event(t->rec, id);
        const struct event *start = get(t, (struct want){.kind = EVENT_START, .tid = ev->tid});
        CHECK(start->id <= id);
    }
}

/* ---- 9: what a child begins with is in its START ---- */

static void *stay(void *arg)
{
    return arg;
}

static int flags_tracee(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, stay, NULL);
    pthread_join(thread, NULL);
    struct clone_args args = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    pid_t pid = (pid_t)TRY(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0)
        _exit(0);
    return reap(pid);
}

static void flags_check(struct traced *t)
{
    const struct event *thread = get(t, (struct want){.kind = EVENT_START, .tid = child(t, 0)});
    CHECK(thread->args[1] & CLONE_THREAD);
    CHECK(thread->args[1] & CLONE_FILES);
    const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT, .tid = child(t, 0)});
    CHECK_EQ(gone->args[1], 0);
    const struct event *other = get(t, (struct want){.kind = EVENT_START, .tid = child(t, 1)});
    CHECK_EQ(other->args[1], CLONE_FILES);
}

static int namespace_tracee(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
        return SKIPPED;
    pid_t pid = (pid_t)TRY(fork());
    if (pid == 0)
        _exit(getpid() == 1 ? 0 : 1);
    return reap(pid);
}

static void namespace_check(struct traced *t)
{
    if (t->result.wait_status == SKIPPED << 8)
        skip("no user namespaces here");
    CHECK_EQ(t->result.wait_status, 0);
    const struct event *start = get(t, (struct want){.kind = EVENT_START, .tid = child(t, 0)});
    CHECK_EQ(start->args[3], 1);
    CHECK(start->tid != 1);
}

/* ---- 17: the leader may end before its threads ---- */

static int leader_fds[2];

static void *outlive(void *arg)
{
    char byte;
    TRY(read(leader_fds[0], &byte, 1));
    return arg;
}

static int leave_thread(void *arg)
{
    pthread_t thread;
    pthread_create(&thread, NULL, outlive, NULL);
    pthread_exit(arg);
}

static int leader_tracee(void)
{
    TRY(pipe(leader_fds));
    pid_t pid = run_child(leave_thread, NULL);
    wait_until_state(pid, 'Z');
    TRY(write(leader_fds[1], "x", 1));
    return reap(pid);
}

static void leader_check(struct traced *t)
{
    pid_t leader = child(t, 0), thread = child(t, 1);
    const struct event *dying = get(t, (struct want){.kind = EVENT_DYING, .tid = leader});
    const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT, .tid = leader});
    const struct event *other = get(t, (struct want){.kind = EVENT_EXIT, .tid = thread});
    const struct event *wait = get(t, (struct want){.call = CALL_wait4, .tid = command(t)});
    CHECK(dying->entry_seq < other->entry_seq);
    CHECK(other->entry_seq < gone->entry_seq);
    CHECK_EQ(other->args[1], 0);
    CHECK_EQ(gone->args[1], 1);
    CHECK_EQ(wait->ret, leader);
    CHECK(gone->entry_seq < wait->exit_seq);
    CHECK_EQ(t->result.wait_status, 0);
}

/* ---- 18: a stopped task may be killed at any time ---- */

static int scribble(void *arg)
{
    while (arg == NULL)
        TRY(lseek(1, 0, SEEK_CUR));
    return 0;
}

static int killed_tracee(void)
{
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = run_child(scribble, NULL);
        for (int k = 0; k < i; k++)
            sched_yield();
        TRY(kill(pid, SIGKILL));
        CHECK_EQ(reap(pid), SIGKILL);
    }
    return 0;
}

static void killed_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_ENDED);
    CHECK_EQ(t->result.wait_status, 0);
    for (size_t i = 0; i < FORKS; i++) {
        const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT, .tid = child(t, i)});
        CHECK_EQ(gone->args[0], SIGKILL);
    }
}

/* ---- 19: a task that stops often keeps nobody waiting, nor the limits ---- */

static int fair_fds[2];

static int work(void *arg)
{
    (void)arg;
    for (int i = 0; i < TRANSFERS; i++)
        TRY(lseek(1, 0, SEEK_CUR));
    TRY(write(fair_fds[1], "x", 1));
    return 0;
}

static int fair_tracee(void)
{
    char byte;
    TRY(pipe2(fair_fds, O_NONBLOCK));
    pid_t pid = run_child(work, NULL);
    pid_t second = run_child(work, NULL);
    while (read(fair_fds[0], &byte, 1) != 1)
        continue;
    while (read(fair_fds[0], &byte, 1) != 1)
        continue;
    return reap(pid) || reap(second);
}

static void fair_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_ENDED);
    CHECK_EQ(t->result.wait_status, 0);
}

static int busy_tracee(void)
{
    return scribble(NULL);
}

static void busy_set(struct tracer_options *o)
{
    o->limit_ns = 50u * 1000 * 1000;
}

static void busy_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_TIMEOUT);
    const struct event *note =
        get(t, (struct want){.kind = EVENT_NOTE, .has_arg = true, .arg = NOTE_TIMEOUT});
    const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT});
    CHECK(note->entry_seq < gone->entry_seq);
    CHECK_EQ(t->result.wait_status, SIGKILL);
}

/* ---- 26: orphans go where they would go untraced: not to the tracer ---- */

static int grandchild(void *arg)
{
    pid_t parent = *(pid_t *)arg;
    while (getppid() == parent)
        sched_yield();
    printf("%d\n", (int)getppid());
    fflush(stdout);
    return 0;
}

static int abandon(void *arg)
{
    pid_t self = getpid();
    (void)arg;
    run_child(grandchild, &self);
    return 0;
}

static int reparent_tracee(void)
{
    return reap(run_child(abandon, NULL));
}

static void reparent_check(struct traced *t)
{
    CHECK(*t->output);
    CHECK(atoi(t->output) != (int)getpid());
}

const struct row rows_order[] = {
    {.name = "trap01-order", .tracee = order_tracee, .check = order_check},
    {.name = "trap02-dying", .tracee = dying_tracee, .check = dying_check},
    {.name = "trap03-exits", .tracee = exits_tracee, .check = exits_check},
    {.name = "trap08-forks", .tracee = forks_tracee, .check = forks_check},
    {.name = "trap08-orphans", .tracee = orphans_tracee, .check = orphans_check},
    {.name = "trap09-flags", .tracee = flags_tracee, .check = flags_check},
    {.name = "trap09-namespace", .tracee = namespace_tracee, .check = namespace_check},
    {.name = "trap17-leader", .tracee = leader_tracee, .check = leader_check},
    {.name = "trap18-killed", .tracee = killed_tracee, .check = killed_check},
    {.name = "trap19-fair", .tracee = fair_tracee, .check = fair_check},
    {.name = "trap19-busy", .tracee = busy_tracee, .check = busy_check, .set = busy_set},
    {.name = "trap26-reparent", .tracee = reparent_tracee, .check = reparent_check},
    {0},
};
