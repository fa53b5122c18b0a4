/* The least that a tracer can do: ipclab's own filter and the same stops, nothing decoded, nothing
 * stored. What recording costs beyond this is ours; what this costs is the kernel's.
 *
 * Usage: bare_tracer COMMAND [ARGUMENT]... */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "trace/spawn.h"

enum {
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
              PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
              PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL
};

/* The request that goes on from a stop so that the same stops follow as in ipclab. */
static void go_on(pid_t tid, int status)
{
    int event = status >> 16, sig = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP)
        ptrace(PTRACE_SYSCALL, tid, 0, 0);
    else if (sig == (SIGTRAP | 0x80))
        ptrace(PTRACE_CONT, tid, 0, 0);
    else if (event == PTRACE_EVENT_STOP)
        ptrace(PTRACE_CONT, tid, 0, 0);
    else if (event == PTRACE_EVENT_EXIT)
        ptrace(PTRACE_CONT, tid, 0, 0);
    else if (event)
        ptrace(PTRACE_SYSCALL, tid, 0, 0);
    else
        ptrace(PTRACE_CONT, tid, 0, sig);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    struct err e = {0};
    struct target target;
    struct spawn_options options = {.argv = argv + 1, .stdio = {-1, -1, -1}};
    if (spawn_command(&target, &options, &e) < 0) {
        fprintf(stderr, "bare_tracer: %s\n", e.text);
        return 2;
    }
    if (ptrace(PTRACE_SEIZE, target.pid, 0, OPTIONS) < 0) {
        perror("seize");
        return 2;
    }
    if (write(target.release_fd, "x", 1) != 1)
        return 2;
    int status;
    for (pid_t tid; (tid = waitpid(-1, &status, __WALL)) > 0;)
        if (WIFSTOPPED(status))
            go_on(tid, status);
    return 0;
}
