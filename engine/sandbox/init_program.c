/* From init's child to the program: the second user namespace, limits, signals, no rights, filters,
 * exec. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/init.h"

/* User 1000 in a namespace of its own. Though it has the host id that init has, it is a stranger to
 * init for ptrace(2), /proc/1/mem, pidfd_getfd(2): those ask for rights in init's namespace. */
static void enter_user_namespace(struct job *job)
{
    if (unshare(CLONE_NEWUSER) < 0)
        fail("create", "the program's user namespace");
    if (write_at(job->host_proc_fd, "self/setgroups", "deny") < 0 ||
        write_at(job->host_proc_fd, "self/uid_map", "1000 0 1") < 0 ||
        write_at(job->host_proc_fd, "self/gid_map", "1000 0 1") < 0)
        fail("map", "the program's user");
    job->facts |= REPORT_HAS_NESTED_USER;
}

/* A host that is stricter than we are stays so: a hard limit can only be lowered. */
static void limit(int resource, uint64_t soft, uint64_t hard)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
        fail("read", "limits");
    rlim_t most = hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)hard;
    if (now.rlim_max < most)
        most = now.rlim_max;
    rlim_t wanted = soft == UINT64_MAX ? RLIM_INFINITY : (rlim_t)soft;
    struct rlimit next = {.rlim_cur = wanted < most ? wanted : most, .rlim_max = most};
    if (setrlimit((__rlimit_resource_t)resource, &next) < 0)
        fail("set", "limits");
}

static void set_limits(const struct plan *plan)
{
    /* 1, not 0: a core_pattern that is a pipe runs its handler even at 0; core(5). */
    limit(RLIMIT_CORE, 1, 1);
    /* Processes are counted in each user namespace; without one, all the user's would count. */
    if (!plan->is_bare)
        limit(RLIMIT_NPROC, plan->processes_max, plan->processes_max);
    limit(RLIMIT_NOFILE, plan->files_max, plan->files_max);
    limit(RLIMIT_FSIZE, plan->file_max, plan->file_max);
    limit(RLIMIT_AS, plan->memory_max, plan->memory_max);
    limit(RLIMIT_CPU, plan->cpu_seconds, plan->cpu_seconds + 1);
    limit(RLIMIT_STACK, 8 << 20, 64 << 20);
    limit(RLIMIT_MSGQUEUE, 819200, 819200);
    limit(RLIMIT_MEMLOCK, 64 << 10, 64 << 10);
    limit(RLIMIT_SIGPENDING, 1024, 1024);
    limit(RLIMIT_RTPRIO, 0, 0);
    limit(RLIMIT_NICE, 0, 0);
}

/* As the kernel sees it: the C library hides signals 32 and 33. */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static void set_signals(uint64_t ignored)
{
    for (int n = 1; n <= 64; n++) {
        bool is_ignored = ignored >> (n - 1) & 1;
        struct kernel_action action = {.handler = is_ignored ? SIG_IGN : SIG_DFL};
        syscall(SYS_rt_sigaction, n, &action, NULL, sizeof action.mask);
    }
    uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

static void drop_rights(bool is_bare)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (!is_bare) {
        for (int cap = 0; cap <= 63; cap++)
            prctl(PR_CAPBSET_DROP, cap); /* EINVAL beyond the last */
        prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS);
    }
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) < 0)
        fail("drop", "capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail("forbid", "new privileges");
}

/* After the release nobody listens on the control socket: exec's answer goes to the error pipe. */
static _Noreturn void refuse_to_start(const struct job *job, int code, const char *text)
{
    struct {
        int code;
        char text[PATH_MAX + 64];
    } answer = {.code = code};
    int n = snprintf(answer.text, sizeof answer.text, "%s: %s", text, strerror(code));
    size_t size = n < (int)sizeof answer.text ? (size_t)n : sizeof answer.text - 1;
    ssize_t written = write(job->fds[PLAN_ERROR], &answer, sizeof answer.code + size);
    _exit(written < 0 ? 126 : 127);
}

static void await_release(const struct job *job)
{
    char byte;
    if (read(job->fds[PLAN_RELEASE], &byte, 1) != 1)
        _exit(126); /* the supervisor has given up */
}

static int install(struct sock_filter *filter, uint32_t count)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    return count ? (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) : 0;
}

void program_run(struct job *job)
{
    const struct plan *plan = &job->plan;
    if (!plan->is_bare)
        enter_user_namespace(job);
    else
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    umask(022);
    if (chdir(job->cwd) < 0)
        fail("enter", job->cwd);
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(job->fds[fd], fd) < 0)
            fail("give", "descriptors");
    set_limits(plan);
    set_signals(plan->ignored_signals);
    personality(ADDR_NO_RANDOMIZE); /* addresses repeat, run for run */
    drop_rights(plan->is_bare);
    if (plan->is_bare)
        bare_confine();
    /* The control socket, too: the tracer writes down what is inherited as soon as it has heard. */
    close_range(PLAN_CONTROL_FD, ~0U, CLOSE_RANGE_CLOEXEC);
    report(REPORT_READY, job->facts, "");
    close(PLAN_CONTROL_FD);
    await_release(job);
    /* The tracer's first: after ours seccomp(2) itself is refused. */
    if (install(job->trace, plan->trace_count) < 0 || install(job->refuse, plan->refuse_count) < 0)
        refuse_to_start(job, errno, "install the filter");
    execve(job->argv[0], job->argv, job->env);
    char text[PATH_MAX + 16];
    snprintf(text, sizeof text, "run %s", job->argv[0]);
    refuse_to_start(job, errno, text);
}
