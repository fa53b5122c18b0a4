#include "trace/template.h"

#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/arch.h"
#include "trace/begin.h"
#include "trace/remote.h"
#include "trace/space.h"
#include "trace/tracer_parts.h"

enum { RED_ZONE = 256 }; /* below the stack pointer: System V ABI, 128 bytes; and some room */

struct template
{
    pid_t pid;
    struct arch_state state; /* at the entry of the call */
    uint64_t tid_address;    /* where the C library keeps the thread's number; 0: nowhere */
    char program[PATH_MAX];
    struct beginning beginning;
};

/* The next stop of the template; false when it has ended. */
static bool next_stop(struct template *s, int op, int sig, int *status)
{
    if (op && ptrace(op, s->pid, NULL, (void *)(long)sig) < 0)
        return false;
    for (;;) {
        pid_t got = waitpid(s->pid, status, __WALL);
        if (got == s->pid)
            return WIFSTOPPED(*status);
        if (got < 0 && errno != EINTR)
            return false;
    }
}

static int event_of(int status)
{
    return status >> 16;
}

/* Made for one call: is it the dynamic linker's? */
static bool is_loaders(pid_t pid, uint64_t ip)
{
    struct objects *objects = objects_new(NULL);
    struct space *space = space_new(objects);
    const struct range *range = space_find(space, pid, ip);
    bool is = range && range->object && object_is_loader(range->object);
    space_release(space);
    objects_free(objects);
    return is;
}

static int wait_for_first_call(struct template *s, struct err *e)
{
    int status, op = 0, sig = 0;
    bool has_execed = false;
    while (next_stop(s, op, sig, &status)) {
        struct ptrace_syscall_info info;
        op = PTRACE_CONT;
        sig = 0;
        switch (event_of(status)) {
        case PTRACE_EVENT_EXEC: has_execed = true; break;
        case PTRACE_EVENT_SECCOMP:
            if (!has_execed || ptrace(PTRACE_GET_SYSCALL_INFO, s->pid, sizeof info, &info) <= 0 ||
                is_loaders(s->pid, info.instruction_pointer))
                break;
            return arch_get_state(s->pid, &s->state);
        case 0:
            if (WSTOPSIG(status) != (SIGTRAP | 0x80))
                sig = WSTOPSIG(status);
            break;
        case PTRACE_EVENT_CLONE:
        case PTRACE_EVENT_FORK:
        case PTRACE_EVENT_VFORK:
            return err_set(e, ENOTSUP, "copy program: it makes processes before its first call");
        default: break;
        }
    }
    return err_set(e, ENOTSUP, "copy program: it ended before its first call");
}

/* Makes the template call `nr` instead of its own, and brings it back. event (may be NULL) gets the
 * number that a fork event told. */
static int64_t call_instead(struct template *s, uint64_t nr, const uint64_t args[6], pid_t *event)
{
    struct ptrace_syscall_info info;
    int status;
    if (arch_set_call(s->pid, &s->state, nr, args) < 0 || !next_stop(s, PTRACE_SYSCALL, 0, &status))
        return -ESRCH;
    while (event_of(status) == PTRACE_EVENT_FORK || event_of(status) == PTRACE_EVENT_CLONE) {
        unsigned long child = 0;
        ptrace(PTRACE_GETEVENTMSG, s->pid, NULL, &child);
        if (event)
            *event = (pid_t)child;
        if (!next_stop(s, PTRACE_SYSCALL, 0, &status))
            return -ESRCH;
    }
    if (ptrace(PTRACE_GET_SYSCALL_INFO, s->pid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_EXIT)
        return -EPROTO;
    /* back to its own call: it comes to the same entry again */
    if (arch_restart_from(s->pid, &s->state) < 0 || !next_stop(s, PTRACE_CONT, 0, &status) ||
        event_of(status) != PTRACE_EVENT_SECCOMP)
        return -EPROTO;
    return info.exit.rval;
}

/* set_tid_address(2) told the kernel where the library keeps the number of its thread: the copy's
 * must be right there, too, or raise(3) signals the template. */
static void find_tid_address(struct template *s)
{
    uint64_t at = (arch_state_sp(&s->state) - RED_ZONE) & ~(uint64_t)7;
    const uint64_t args[6] = {PR_GET_TID_ADDRESS, at};
    if (call_instead(s, SYS_prctl, args, NULL) == 0)
        remote_read(s->pid, at, &s->tid_address, sizeof s->tid_address);
}

static int read_failure(int error_fd, struct err *e)
{
    char text[400];
    int code = 0;
    ssize_t size = fd_read_full(error_fd, text, sizeof text - 1);
    if (size < (ssize_t)sizeof code)
        return -ENOTSUP;
    memcpy(&code, text, sizeof code);
    text[size] = '\0';
    return err_set(e, code, "%s", text + sizeof code);
}

int template_new(struct template **out, const struct target *take_target, struct err *e)
{
    struct target target = *take_target;
    struct template *s = xcalloc(1, sizeof *s);
    s->pid = target.pid;
    int rc = 0;
    if (ptrace(PTRACE_SEIZE, s->pid, NULL, (void *)tracer_seize_options) < 0)
        rc = err_sys(e, errno, "trace process %d", (int)s->pid);
    else if (fd_write_full(target.release_fd, "g", 1) < 0)
        rc = err_set(e, ESRCH, "the command ended before it could be run");
    fd_close(&target.release_fd);
    if (rc == 0)
        rc = wait_for_first_call(s, e);
    if (rc == -ENOTSUP && read_failure(target.error_fd, e) != -ENOTSUP)
        rc = -e->code;
    fd_close(&target.error_fd);
    if (rc < 0) {
        template_free(s);
        return rc;
    }
    char link[32];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)s->pid);
    ssize_t size = readlink(link, s->program, sizeof s->program - 1);
    s->program[size > 0 ? size : 0] = '\0';
    find_tid_address(s);
    begin_probe(&s->beginning, s->pid);
    *out = s;
    return 0;
}

pid_t template_copy(struct template *s, struct err *e)
{
    const uint64_t flags =
        CLONE_PARENT | SIGCHLD | (s->tid_address ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0);
    uint64_t args[6] = {flags};
    args[arch_clone_tid_arg] = s->tid_address;
    pid_t child = -1;
    int status;
    int64_t ret = call_instead(s, SYS_clone, args, &child);
    if (ret < 0 || child < 0)
        return err_sys(e, ret < 0 ? (int)-ret : EPROTO, "copy the program");
    pid_t got;
    do
        got = waitpid(child, &status, __WALL);
    while (got < 0 && errno == EINTR);
    if (got != child || !WIFSTOPPED(status) || arch_restart_from(child, &s->state) < 0) {
        kill(child, SIGKILL);
        return err_set(e, EPROTO, "copy the program: the copy did not stop");
    }
    return child;
}

const struct beginning *template_beginning(const struct template *s)
{
    return &s->beginning;
}

const char *template_program(const struct template *s)
{
    return s->program;
}

void template_free(struct template *s)
{
    if (!s)
        return;
    int status;
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, &status, __WALL) == s->pid && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, s->pid, NULL, NULL);
    begin_fini(&s->beginning);
    free(s);
}
