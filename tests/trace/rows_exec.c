/* Beginning, exec, privileges, and what the tracer must not hold: traps 7, 10 to 15, 27. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/spawn.h"

/* ---- 7: the handshake leaves no trace ---- */

static int handshake_tracee(void)
{
    /* nothing of the tracer's is inherited: the next descriptors are the lowest free ones */
    int fd = (int)TRY(dup(1));
    sigset_t mask;
    TRY(sigprocmask(SIG_BLOCK, NULL, &mask));
    printf("%d %d\n", fd, sigismember(&mask, SIGUSR1));
    fflush(stdout);
    return fcntl(fd + 1, F_GETFD) < 0 && errno == EBADF ? 0 : 1;
}

static void handshake_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK(!find(t, (struct want){.kind = EVENT_STOP}));
    CHECK(!find(t, (struct want){.kind = EVENT_SIGNAL}));
    const struct event *start = recording_event(t->rec, 0);
    CHECK_EQ(start->kind, EVENT_START);
    CHECK_EQ(start->args[0], 0);
    /* before exec nothing but what it begins with */
    const struct event *exec = get(t, (struct want){.kind = EVENT_EXEC});
    for (uint32_t id = 1; id < exec->id; id++) {
        const struct event *ev = recording_event(t->rec, id);
        CHECK(ev->kind == EVENT_FD || ev->call == CALL_execve);
    }
    struct blob path;
    CHECK(blob(t, exec, 0, BLOB_IN, &path));
    CHECK(path.kept == strlen(own_path()) && !memcmp(path.bytes, own_path(), path.kept));
    const struct event *fd = get(t, (struct want){.kind = EVENT_FD, .has_arg = true, .arg = 1});
    CHECK(S_ISREG(fd->args[3]));
    CHECK_EQ(fd->ret, 1);
}

/* ---- 10: execve in a thread ---- */

static void *exec_true(void *arg)
{
    execl("/bin/true", "true", (char *)NULL);
    return arg;
}

static int thread_exec_tracee(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, exec_true, NULL);
    for (;;)
        pause();
    return 1;
}

static void thread_exec_check(struct traced *t)
{
    pid_t leader = command(t), thread = child(t, 0);
    const struct event *call = get(t, (struct want){.call = CALL_execve, .tid = thread});
    const struct event *exec =
        get(t, (struct want){.kind = EVENT_EXEC, .tid = leader, .from = call->id});
    CHECK_EQ(exec->args[0], thread);
    CHECK_EQ(call->ret, 0);
    CHECK(exec->entry_seq < call->exit_seq);
    const struct event *pause = find(t, (struct want){.call = CALL_pause, .tid = leader});
    CHECK(!pause || event_is_pending(pause));
    CHECK(!find(t, (struct want){.kind = EVENT_EXIT, .tid = thread}));
    const struct event *gone = get(t, (struct want){.kind = EVENT_EXIT, .tid = leader});
    CHECK_EQ(gone->args[0], 0);
    CHECK_EQ(t->result.wait_status, 0);
}

/* ---- 11: a vfork parent cannot move until its child has gone on ---- */

static int vfork_tracee(void)
{
    int fds[2];
    char byte;
    TRY(pipe(fds));
    pid_t pid = (pid_t)TRY(vfork());
    if (pid == 0)
        _exit((int)read(fds[0], &byte, 1));
    return reap(pid);
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

static void vfork_check(struct traced *t)
{
    CHECK_EQ(t->result.end, TRACE_STUCK);
    const struct event *vfork = get(t, (struct want){.call = CALL_vfork});
    const struct event *read = get(t, (struct want){.call = CALL_read, .tid = child(t, 0)});
    const struct event *blocked = get(t, (struct want){.kind = EVENT_BLOCKED, .tid = command(t)});
    CHECK_EQ(blocked->args[0], vfork->id);
    blocked = get(t, (struct want){.kind = EVENT_BLOCKED, .tid = child(t, 0)});
    CHECK_EQ(blocked->args[0], read->id);
    get(t, (struct want){.kind = EVENT_NOTE, .has_arg = true, .arg = NOTE_STUCK});
    CHECK_EQ(t->result.wait_status, SIGKILL);
}

/* ---- 12: nobody outlives the tracer, nor escapes it ---- */

static int wait_tracee(void)
{
    for (;;)
        pause();
    return 1;
}

/* The tracee's stdout is a pipe that ends when the tracee does. */
static void exitkill_whole(const struct row *row)
{
    int fds[2];
    char byte;
    TRY(pipe2(fds, O_CLOEXEC));
    pid_t tracer = fork();
    if (tracer == 0) {
        struct traced t;
        close(fds[0]);
        traced_run(&t, row, fds[1]);
        _exit(1);
    }
    close(fds[1]);
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    kill(tracer, SIGKILL);
    CHECK_EQ(read(fds[0], &byte, 1), 0);
    CHECK_EQ(reap(tracer), SIGKILL);
}

static int exitkill_tracee(void)
{
    TRY(write(1, "x", 1));
    return wait_tracee();
}

static int untraced_tracee(void)
{
    int status;
    pid_t pid = (pid_t)TRY(syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, NULL, NULL, NULL));
    if (pid == 0)
        _exit(dup2(1, 100) == 100 ? 7 : 8); /* ENOSYS without a tracer */
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status) == 7 ? 0 : 1;
}

static void untraced_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK_EQ(get(t, (struct want){.call = CALL_dup2})->tid, child(t, 0));
    CHECK(!recording_completeness(t->rec)->has_untraced);
}

/* ---- 13: privileges are kept if they can be, and their loss is said ---- */

static int privileges_tracee(void)
{
    printf("%d %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), (int)getuid());
    return fflush(stdout);
}

static void privileges_check(struct traced *t)
{
    int no_new_privileges = -1, uid = -1;
    sscanf(t->output, "%d %d", &no_new_privileges, &uid);
    CHECK_EQ(no_new_privileges, uid != 0);
    CHECK(!recording_completeness(t->rec)->lost_privileges);
}

static char *const set_uid_argv[] = {(char[]){"/usr/bin/su"}, (char[]){"--version"}, NULL};

static void set_uid_whole(const struct row *row)
{
    struct stat st;
    struct traced t;
    if (stat(row->argv[0], &st) < 0 || !(st.st_mode & S_ISUID))
        skip("no set-uid program to run");
    if (getuid() == 0) {
        TRY(setuid(65534));
        TRY(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); /* setuid took that: nobody may trace us then */
    }
    traced_run(&t, row, -1);
    CHECK_EQ(t.status, 0);
    CHECK_EQ(t.result.wait_status, 0);
    CHECK(recording_completeness(t.rec)->lost_privileges);
    traced_fini(&t);
}

/* ---- 14: a program with LeakSanitizer runs as it would alone ---- */

#ifdef LEAKY_PROGRAM
static char *const leaky_argv[] = {(char[]){LEAKY_PROGRAM}, NULL};

static void leaky_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
}
#endif

/* ---- 15: the tracer holds no end of the tracee's pipes ---- */

/* The tracee closes its stdout and waits; downstream sees the end, and only then lets it go. */
static int ends_tracee(void)
{
    close(1);
    for (;;)
        pause();
    return 1;
}

static int downstream(int fd, pid_t tracer)
{
    char byte;
    if (read(fd, &byte, 1) != 0)
        return 1;
    return kill(tracer, SIGUSR1);
}

static volatile sig_atomic_t is_told;

static enum trace_answer stop_when_told(void *arg)
{
    (void)arg;
    return is_told ? TRACE_STOP_STUCK : TRACE_GO_ON;
}

static void on_told(int sig)
{
    (void)sig;
    is_told = 1;
}

static void ends_set(struct tracer_options *o)
{
    o->on_tick = stop_when_told;
}

static void ends_whole(const struct row *row)
{
    int fds[2];
    struct traced t;
    signal(SIGUSR1, on_told);
    TRY(pipe2(fds, O_CLOEXEC));
    pid_t tracer = getpid();
    pid_t reader = (pid_t)TRY(fork());
    if (reader == 0) {
        close(fds[1]);
        /* a child of its own, so that the tracer does not reap it */
        _exit(fork() == 0 ? downstream(fds[0], tracer) : 0);
    }
    CHECK_EQ(reap(reader), 0);
    close(fds[0]);
    traced_run(&t, row, fds[1]);
    CHECK_EQ(t.result.end, TRACE_STUCK);
    traced_fini(&t);
}

/* With stdin and stdout inherited, spawn_let_go() gives them up. */
static void let_go_whole(const struct row *row)
{
    int fds[2], saved[2], out = dup(2);
    char byte;
    (void)row;
    TRY(pipe2(fds, O_CLOEXEC));
    TRY(dup2(fds[1], 1));
    close(fds[1]);
    CHECK_EQ(spawn_let_go(false, saved), 0);
    CHECK_EQ(read(fds[0], &byte, 1), 0);
    spawn_take_back(saved);
    TRY(dup2(out, 1));
}

/* ---- 27: does this machine do it at all ---- */

static void probe_whole(const struct row *row)
{
    struct err e = {0};
    (void)row;
    if (tracer_probe(&e) < 0)
        fail_at(__FILE__, __LINE__, e.text);
}

const struct row rows_exec[] = {
    {.name = "trap07-handshake", .tracee = handshake_tracee, .check = handshake_check},
    {.name = "trap10-thread-exec", .tracee = thread_exec_tracee, .check = thread_exec_check},
    {.name = "trap11-vfork", .tracee = vfork_tracee, .check = vfork_check, .set = stuck_set},
    {.name = "trap12-exitkill", .tracee = exitkill_tracee, .whole = exitkill_whole},
    {.name = "trap12-untraced", .tracee = untraced_tracee, .check = untraced_check},
    {.name = "trap13-privileges", .tracee = privileges_tracee, .check = privileges_check},
    {.name = "trap13-set-uid", .argv = set_uid_argv, .whole = set_uid_whole},
#ifdef LEAKY_PROGRAM
    {.name = "trap14-leaks", .argv = leaky_argv, .check = leaky_check},
#endif
    {.name = "trap15-ends", .tracee = ends_tracee, .whole = ends_whole, .set = ends_set},
    {.name = "trap15-let-go", .whole = let_go_whole},
    {.name = "trap27-probe", .whole = probe_whole},
    {0},
};
