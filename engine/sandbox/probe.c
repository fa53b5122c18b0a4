/* Tries each thing for real: some systems let the first step succeed and refuse a later one
 * (Ubuntu 24.04 allows the namespace and withholds its rights; containers cover parts of /proc). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"
#include "trace/recording.h"

static const uint64_t limit_ns = 10ull * 1000 * 1000 * 1000;

static void note(struct sandbox_tier *tier, const struct err *e)
{
    if (!tier->why.code)
        tier->why = *e;
}

static void try_namespaces(struct sandbox_tier *tier, const struct sandbox_options *options)
{
    struct sandbox *s;
    struct target target;
    struct err e = {0};
    int status;
    if (sandbox_open_as(&s, &target, options, false, &e) < 0) {
        note(tier, &e);
        return;
    }
    tier->has_nested_user = s->facts & REPORT_HAS_NESTED_USER;
    tier->has_proc = s->facts & REPORT_HAS_PROC;
    tier->has_ipc_limits = s->facts & REPORT_HAS_IPC_LIMITS;
    if (sandbox_wait(s, &target, limit_ns, &status, NULL, NULL, &e) < 0)
        note(tier, &e);
    else if (status != 0)
        err_set(&tier->why, EIO, "run /bin/sh in the sandbox: wait status %#x", (unsigned)status);
    else
        tier->has_namespaces = true;
    sandbox_close(s);
    if (tier->has_namespaces && !tier->has_proc)
        err_set(&tier->why, EPERM, "mount a private /proc: refused; is this a container?");
    else if (tier->has_namespaces && !tier->has_ipc_limits)
        err_set(&tier->why, EPERM, "set IPC limits: refused; Linux 5.19 and later allow it");
}

static int trace_once(struct target *target, struct recorder *recorder, struct err *e)
{
    struct tracer *tracer;
    struct tracer_result result;
    const struct tracer_options options = {.limit_ns = limit_ns, .ends_with_command = true};
    int rc = tracer_new(&tracer, target, recorder, &options, e);
    if (rc < 0)
        return rc;
    rc = tracer_run(tracer, &result, e);
    tracer_free(tracer);
    if (rc == 0 && (result.end != TRACE_ENDED || result.wait_status != 0))
        rc = err_set(e, EIO, "trace into the sandbox: the program did not run");
    return rc;
}

static void try_tracing(struct sandbox_tier *tier, const struct sandbox_options *options)
{
    struct sandbox_options traced = *options;
    traced.is_traced = true;
    struct sandbox *s = NULL;
    struct target target;
    struct recorder *recorder = NULL;
    struct err e = {0};
    int memory = memfd_create("probe", MFD_CLOEXEC);
    int rc = memory < 0 ? err_sys(&e, errno, "make a recording")
                        : recorder_open_fd(&recorder, memory, &e);
    if (rc == 0)
        rc = sandbox_open_as(&s, &target, &traced, false, &e);
    if (rc == 0)
        rc = trace_once(&target, recorder, &e);
    tier->has_ptrace = rc == 0;
    if (rc < 0)
        note(tier, &e);
    sandbox_close(s);
    if (recorder)
        recorder_close(recorder, NULL);
}

/* "0::PATH" of /proc/self/cgroup, below where cgroup v2 is mounted. The caller frees. */
static char *own_cgroup(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    struct buf text = {0};
    char *path = NULL;
    const char *line = NULL;
    if (file_read(&text, "/proc/self/cgroup", 1 << 16, NULL) == 0 && text.len)
        line = strncmp(text.data, "0::", 3) == 0 ? text.data : strstr(text.data, "\n0::");
    for (size_t i = 0; line && !path && i < sizeof mounts / sizeof *mounts; i++) {
        const char *below = strchr(line, '/');
        path = xasprintf("%s%.*s", mounts[i], (int)strcspn(below, "\n"), below);
        char *file = xasprintf("%s/cgroup.controllers", path);
        if (access(file, R_OK) < 0) {
            free(path);
            path = NULL;
        }
        free(file);
    }
    buf_fini(&text);
    return path;
}

static bool can_make_group(const char *path)
{
    char *group = xasprintf("%s/ipclab-probe-%d", path, (int)getpid());
    char *memory = xasprintf("%s/memory.max", group);
    char *pids = xasprintf("%s/pids.max", group);
    bool is_made = mkdir(group, 0755) == 0;
    bool is_able = is_made && access(memory, W_OK) == 0 && access(pids, W_OK) == 0;
    if (is_made)
        rmdir(group);
    free(group);
    free(memory);
    free(pids);
    return is_able;
}

static void probe(struct sandbox_tier *tier)
{
    static char shell[] = "/bin/sh", option[] = "-c", nothing[] = ":";
    static char *const argv[] = {shell, option, nothing, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const struct sandbox_options options = {
        .argv = argv, .stdio = {null, null, null}, .allow_degraded = true};
    char *group = own_cgroup();
    tier->has_cgroup = group && can_make_group(group);
    free(group);
    try_namespaces(tier, &options);
    if (tier->has_namespaces)
        try_tracing(tier, &options);
    fd_close(&null);
}

/* In a child: a tracer reaps whatever its process has for children. */
void sandbox_probe(struct sandbox_tier *out)
{
    int fds[2];
    *out = (struct sandbox_tier){0};
    if (pipe2(fds, O_CLOEXEC) < 0) {
        err_sys(&out->why, errno, "probe the sandbox: pipe");
        return;
    }
    pid_t pid = fork();
    switch (pid) {
    case -1: err_sys(&out->why, errno, "probe the sandbox: fork"); break;
    case 0: probe(out); _exit(fd_write_full(fds[1], out, sizeof *out) < 0);
    default: break;
    }
    fd_close(&fds[1]);
    struct sandbox_tier seen;
    if (pid > 0 && fd_read_full(fds[0], &seen, sizeof seen) == (ssize_t)sizeof seen)
        *out = seen;
    else if (pid > 0)
        err_set(&out->why, EIO, "probe the sandbox: the probe ended early");
    fd_close(&fds[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
