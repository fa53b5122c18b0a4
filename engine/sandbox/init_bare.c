/* Without a pid namespace: who was started below init is hunted down through /proc. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/init.h"

/* Children of this process, orphans of its descendants included (it is their subreaper). */
static size_t children(pid_t *out, size_t most)
{
    char text[16384];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    size_t count = 0;
    char *rest = text;
    for (char *word; count < most && (word = strtok_r(rest, " ", &rest)) != NULL;)
        out[count++] = (pid_t)strtol(word, NULL, 10);
    return count;
}

static void sweep(void)
{
    pid_t pids[1024];
    for (size_t count; (count = children(pids, sizeof pids / sizeof *pids)) > 0;) {
        /* Killing a parent hands its children to us: the next round gets them. They cannot run
         * away: nobody below us can leave a subreaper. */
        for (size_t i = 0; i < count; i++)
            kill(pids[i], SIGKILL);
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
            return;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
}

static sigset_t awaited(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    return set;
}

void bare_begin(void)
{
    sigset_t set = awaited();
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* not SIGKILL: there is something to do then */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void bare_reap(pid_t program)
{
    sigset_t set = awaited();
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == program)
            report(REPORT_ENDED, status, "");
        if (pid < 0)
            return;
        if (pid == 0 && sigwaitinfo(&set, NULL) == SIGTERM)
            sweep();
    }
}

/* Linux 6.12 and later: landlock(7). Older headers lack the third field. */
enum { SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };
struct scoped_rules {
    uint64_t files, network, scoped;
};

void bare_confine(void)
{
    const struct scoped_rules rules = {.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        fail("confine", "signals without namespaces (Linux 6.12, Landlock)");
}
