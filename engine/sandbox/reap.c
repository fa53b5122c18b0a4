/* The last step of a pid namespace's death. Init stays until all others are reaped, and who was
 * traced by us is reaped by us: a plain wait for init after a tracer gave up would never return
 * (pid_namespaces(7); ptrace(2), "Death under ptrace"). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "sandbox/sandbox_internal.h"

enum { PATIENCE_MS = 20 };

/* How deep in pid namespaces below ours a process of ours is. */
static int depth(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    const char *line = NULL;
    if (file_read(&text, path, 4096, NULL) == 0 && text.len)
        line = strstr(text.data, "NSpid:");
    for (; line && *line && *line != '\n'; line++)
        count += *line == '\t';
    buf_fini(&text);
    return count;
}

/* Threads of this process each have tracees of their own: __WNOTHREAD. Other children of the caller
 * are left to it. */
static void reap_tracees(const struct sandbox *s)
{
    siginfo_t info;
    int own = depth(getpid());
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD) < 0 ||
            info.si_pid == 0 || info.si_pid == s->init_pid || depth(info.si_pid) <= own)
            return;
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG | __WALL | __WNOTHREAD);
    }
}

void reap_init(struct sandbox *s)
{
    struct pollfd gone = {.fd = s->init_fd, .events = POLLIN};
    siginfo_t info;
    while (poll(&gone, 1, PATIENCE_MS) <= 0)
        reap_tracees(s);
    /* ECHILD: a tracer's wait(2) has had it already. */
    while (waitid(P_PIDFD, (id_t)s->init_fd, &info, WEXITED) < 0 && errno == EINTR)
        continue;
}
