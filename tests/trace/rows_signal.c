/* Signals and job control: traps 4, 5, 6, 16. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- 4, 5: an interrupted call is one call ---- */

static int fds[2];  /* the byte comes this way */
static int acks[2]; /* and the handler's word that it ran, that way */

static void ignore_it(int sig)
{
    (void)sig;
    TRY(write(acks[1], "a", 1));
}

static void handle(int sig, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    TRY(sigaction(sig, &action, NULL));
}

/* Sends a signal to the parent as soon as it sleeps; then a byte, once a handler ran. */
static int disturb(void *arg)
{
    char ack;
    wait_until_state(getppid(), 'S');
    TRY(kill(getppid(), *(int *)arg));
    TRY(read(acks[0], &ack, 1));
    TRY(write(fds[1], "x", 1));
    return 0;
}

/* The same for a signal that nobody handles: the parent wakes and sleeps again. It may be seen in S
 * before its switch is counted, hence twice. */
static int disturb_unseen(void *arg)
{
    uint64_t before = switches_of(getppid()), now;
    wait_until_state(getppid(), 'S');
    while ((now = switches_of(getppid())) != before)
        before = now;
    TRY(kill(getppid(), *(int *)arg));
    while (switches_of(getppid()) < before + 2)
        continue;
    wait_until_state(getppid(), 'S');
    TRY(write(fds[1], "x", 1));
    return 0;
}

/* The read of the byte, in every case from descriptor fds[0], which is printed. */
static int read_byte(void)
{
    char byte;
    printf("%d\n", fds[0]);
    fflush(stdout);
    ssize_t n = read(fds[0], &byte, 1);
    return n < 0 ? -errno : (int)n;
}

/* A pipe of numbers that nothing else uses, and a child that disturbs. */
static void begin(int (*disturbance)(void *), int sig)
{
    static int number;
    int low[2];
    number = sig;
    TRY(pipe(acks));
    TRY(pipe(low));
    for (int i = 0; i < 2; i++) {
        fds[i] = (int)TRY(fcntl(low[i], F_DUPFD, 200));
        close(low[i]);
    }
    run_child(disturbance, &number);
}

static const struct event *the_call(struct traced *t, enum call call)
{
    int fd = -1;
    sscanf(t->output, "%d", &fd);
    CHECK_EQ(t->result.wait_status, 0);
    return get(
        t, (struct want){.call = call, .tid = command(t), .has_arg = true, .arg = (uint64_t)fd});
}

static size_t calls_of(struct traced *t, const struct event *like)
{
    return count(
        t,
        (struct want){.call = like->call, .tid = like->tid, .has_arg = true, .arg = like->args[0]});
}

static int restart_tracee(void)
{
    handle(SIGUSR1, ignore_it, SA_RESTART);
    begin(disturb, SIGUSR1);
    return read_byte() == 1 ? 0 : 1;
}

static int ignored_tracee(void)
{
    begin(disturb_unseen, SIGCHLD);
    return read_byte() == 1 ? 0 : 1;
}

static void restart_check(struct traced *t)
{
    const struct event *read = the_call(t, CALL_read);
    CHECK_EQ(read->ret, 1);
    CHECK_EQ(read->flags, EVENT_WAS_RESTARTED);
    CHECK_EQ(calls_of(t, read), 1);
    const struct event *sig = get(t, (struct want){.kind = EVENT_SIGNAL, .tid = command(t)});
    CHECK(read->entry_seq < sig->entry_seq && sig->entry_seq < read->exit_seq);
}

static int eintr_tracee(void)
{
    handle(SIGUSR1, ignore_it, 0);
    begin(disturb, SIGUSR1);
    CHECK_EQ(read_byte(), -EINTR);
    return read_byte() == 1 ? 0 : 1;
}

/* The kernel shows this EINTR to the program only, never to a tracer. */
static void eintr_check(struct traced *t)
{
    const struct event *read = the_call(t, CALL_read);
    CHECK_EQ(read->ret, -EINTR);
    CHECK_EQ(read->flags, 0);
    CHECK_EQ(calls_of(t, read), 2);
    const struct event *back = get(t, (struct want){.call = CALL_rt_sigreturn});
    CHECK(read->exit_seq > back->entry_seq);
}

static int poll_byte(int flags)
{
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    handle(SIGUSR1, ignore_it, flags);
    int n = poll(&p, 1, -1);
    return n < 0 ? -errno : n;
}

static int poll_eintr_tracee(void)
{
    begin(disturb, SIGUSR1);
    CHECK_EQ(poll_byte(SA_RESTART), -EINTR); /* poll is never restarted: signal(7) */
    return read_byte() == 1 ? 0 : 1;
}

static void poll_eintr_check(struct traced *t)
{
    const struct event *poll = get(t, (struct want){.call = CALL_poll});
    CHECK_EQ(t->result.wait_status, 0);
    CHECK_EQ(poll->ret, -EINTR);
}

static int poll_until(void *arg)
{
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    (void)arg;
    return poll(&p, 1, 1000 * 1000) == 1 ? 0 : 1;
}

static int poll_stop_tracee(void)
{
    int status;
    TRY(pipe(fds));
    pid_t pid = run_child(poll_until, NULL);
    wait_until_state(pid, 'S');
    TRY(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    TRY(kill(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    wait_until_state(pid, 'S');
    TRY(write(fds[1], "x", 1));
    return reap(pid);
}

/* restart_syscall goes on with it, unseen by the program. */
static void poll_stop_check(struct traced *t)
{
    pid_t pid = child(t, 0);
    const struct event *poll = get(t, (struct want){.call = CALL_poll, .tid = pid});
    CHECK_EQ(t->result.wait_status, 0);
    CHECK_EQ(poll->ret, 1);
    CHECK_EQ(poll->flags, EVENT_WAS_RESTARTED);
    CHECK(!find(t, (struct want){.call = CALL_restart_syscall}));
    const struct event *stop = get(t, (struct want){.kind = EVENT_STOP, .tid = pid});
    const struct event *resume = get(t, (struct want){.kind = EVENT_RESUME, .tid = pid});
    CHECK_EQ(stop->args[0], SIGSTOP);
    CHECK(poll->entry_seq < stop->entry_seq && stop->entry_seq < resume->entry_seq);
    CHECK(resume->entry_seq < poll->exit_seq);
}

/* The handler makes calls of its own, one of them interrupted in its turn. */
static void handle_with_read(int sig)
{
    int saved[2] = {fds[0], fds[1]}, outer_acks = acks[1];
    char byte;
    (void)sig;
    handle(SIGUSR2, ignore_it, 0);
    begin(disturb, SIGUSR2);
    CHECK_EQ(read(fds[0], &byte, 1), -1);
    fds[0] = saved[0];
    fds[1] = saved[1];
    TRY(write(outer_acks, "a", 1));
    TRY(dup2(fds[0], 100));
}

static int nested_tracee(void)
{
    handle(SIGUSR1, handle_with_read, SA_RESTART);
    begin(disturb, SIGUSR1);
    return read_byte() == 1 ? 0 : 1;
}

static void nested_check(struct traced *t)
{
    const struct event *outer = the_call(t, CALL_read);
    CHECK_EQ(outer->ret, 1);
    CHECK_EQ(outer->flags, EVENT_WAS_RESTARTED);
    const struct event *inner =
        get(t, (struct want){.call = CALL_read, .from = outer->id + 1, .tid = command(t)});
    CHECK_EQ(inner->ret, -EINTR);
    CHECK(inner->exit_seq < outer->exit_seq);
    const struct event *dup = get(t, (struct want){.call = CALL_dup2});
    CHECK_EQ(dup->ret, 100);
    CHECK(inner->exit_seq < dup->entry_seq && dup->exit_seq < outer->exit_seq);
}

static sigjmp_buf out;

static void jump(int sig)
{
    TRY(write(acks[1], "a", 1));
    siglongjmp(out, sig);
}

/* All six registers are given: not even one of them shall differ the second time. */
static long read_exactly(char *byte)
{
    return syscall(SYS_read, fds[0], byte, 1, 0, 0, 0);
}

static int abandoned_tracee(void)
{
    char byte;
    handle(SIGUSR1, jump, SA_RESTART);
    begin(disturb, SIGUSR1);
    printf("%d\n", fds[0]);
    fflush(stdout);
    sigsetjmp(out, 1);
    return read_exactly(&byte) == 1 ? 0 : 1;
}

/* The same call at the same place with the same arguments, and yet another. */
static void abandoned_check(struct traced *t)
{
    const struct event *read = the_call(t, CALL_read);
    CHECK_EQ(read->flags, EVENT_WAS_ABANDONED);
    CHECK_EQ(calls_of(t, read), 2);
    const struct event *second = get(t, (struct want){.call = CALL_read,
                                                      .tid = command(t),
                                                      .has_arg = true,
                                                      .arg = read->args[0],
                                                      .from = read->id + 1});
    CHECK_EQ(second->ret, 1);
    CHECK_EQ(second->flags, 0);
    CHECK(read->exit_seq < second->entry_seq);
}

static int sleep_tracee(void)
{
    struct timespec left = {0}, all = {.tv_sec = 1000};
    handle(SIGUSR1, ignore_it, 0);
    begin(disturb, SIGUSR1);
    CHECK_EQ(nanosleep(&all, &left), -1);
    CHECK(left.tv_sec > 900);
    TRY(write(1, &left, sizeof left));
    char byte;
    return read(fds[0], &byte, 1) == 1 ? 0 : 1;
}

static void sleep_check(struct traced *t)
{
    const struct event *sleep = find(t, (struct want){.call = CALL_clock_nanosleep});
    if (!sleep)
        sleep = get(t, (struct want){.call = CALL_nanosleep});
    struct blob left;
    CHECK_EQ(sleep->ret, -EINTR);
    CHECK(blob(t, sleep, sleep->call == CALL_nanosleep ? 1 : 3, BLOB_OUT, &left));
    CHECK(memcmp(left.bytes, t->output, sizeof(struct timespec)) == 0);
}

/* ---- 6: job control works as if nobody watched ---- */

static void write_byte(int sig)
{
    (void)sig;
    TRY(write(fds[1], "x", 1));
}

static int stay(void *arg)
{
    handle(SIGUSR1, write_byte, 0);
    while (arg == NULL)
        pause();
    return 0;
}

/* A stopped process does not run: its handler waits for SIGCONT. */
static void check_stopped(pid_t pid)
{
    char byte;
    TRY(kill(pid, SIGUSR1));
    for (int i = 0; i < 200; i++)
        sched_yield();
    CHECK_EQ(read(fds[0], &byte, 1), -1);
    CHECK_EQ(errno, EAGAIN);
}

static int jobs_tracee(void)
{
    int status;
    TRY(pipe2(fds, O_NONBLOCK));
    pid_t pid = run_child(stay, NULL);
    /* SIGTSTP stops nobody in an orphaned process group, which ours may be: setpgid(2) */
    TRY(setpgid(pid, pid));
    wait_until_state(pid, 'S');
    TRY(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    check_stopped(pid);
    TRY(kill(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    TRY(kill(pid, SIGTSTP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    TRY(kill(pid, SIGKILL)); /* out of a stop */
    CHECK_EQ(reap(pid), SIGKILL);
    return 0;
}

static void jobs_check(struct traced *t)
{
    pid_t pid = child(t, 0);
    CHECK_EQ(t->result.wait_status, 0);
    /* a task killed right after its second stop may not have reported that */
    CHECK(count(t, (struct want){.kind = EVENT_STOP, .tid = pid}) >= 1);
    CHECK_EQ(count(t, (struct want){.kind = EVENT_RESUME, .tid = pid}), 1);
    CHECK_EQ(get(t, (struct want){.kind = EVENT_EXIT, .tid = pid})->args[0], SIGKILL);
}

/* ---- 16: every signal arrives, once, when it should ---- */

static volatile sig_atomic_t arrived;

static void count_it(int sig)
{
    (void)sig;
    arrived++;
}

static int leave(void *arg)
{
    (void)arg;
    return 3;
}

static int signals_tracee(void)
{
    sigset_t set, old;
    handle(SIGCHLD, count_it, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    TRY(sigprocmask(SIG_BLOCK, &set, &old));
    pid_t pid = run_child(leave, NULL);
    wait_until_state(pid, 'Z');
    TRY(dup2(1, 100)); /* a mark: it is pending, not delivered */
    CHECK_EQ(arrived, 0);
    TRY(sigprocmask(SIG_SETMASK, &old, NULL));
    CHECK_EQ(arrived, 1);
    TRY(kill(getpid(), SIGCHLD));
    CHECK_EQ(arrived, 2);
    CHECK_EQ(reap(pid), 3 << 8);
    return 0;
}

static void signals_check(struct traced *t)
{
    CHECK_EQ(t->result.wait_status, 0);
    CHECK_EQ(count(t, (struct want){.kind = EVENT_SIGNAL, .tid = command(t)}), 2);
    const struct event *mark = get(t, (struct want){.call = CALL_dup2});
    const struct event *sig = get(t, (struct want){.kind = EVENT_SIGNAL});
    CHECK_EQ(sig->args[0], SIGCHLD);
    CHECK(mark->exit_seq < sig->entry_seq);
    struct blob info;
    siginfo_t got;
    CHECK(blob(t, sig, 0, BLOB_IN, &info));
    memcpy(&got, info.bytes, sizeof got);
    CHECK_EQ(got.si_pid, child(t, 0));
    CHECK_EQ(got.si_code, CLD_EXITED);
    CHECK_EQ(got.si_status, 3);
}

const struct row rows_signal[] = {
    {.name = "trap05-restart", .tracee = restart_tracee, .check = restart_check},
    {.name = "trap05-ignored", .tracee = ignored_tracee, .check = restart_check},
    {.name = "trap05-eintr", .tracee = eintr_tracee, .check = eintr_check},
    {.name = "trap05-poll-eintr", .tracee = poll_eintr_tracee, .check = poll_eintr_check},
    {.name = "trap04-poll-stop", .tracee = poll_stop_tracee, .check = poll_stop_check},
    {.name = "trap05-nested", .tracee = nested_tracee, .check = nested_check},
    {.name = "trap05-abandoned", .tracee = abandoned_tracee, .check = abandoned_check},
    {.name = "trap05-sleep", .tracee = sleep_tracee, .check = sleep_check},
    {.name = "trap06-jobs", .tracee = jobs_tracee, .check = jobs_check},
    {.name = "trap16-signals", .tracee = signals_tracee, .check = signals_check},
    {0},
};
