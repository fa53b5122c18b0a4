/* Can this machine trace? A throw-away child is traced for real; what fails first is the answer. */
#include <sys/ptrace.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "trace/arch.h"
#include "trace/remote.h"
#include "trace/spawn.h"
#include "trace/tracer.h"

static const char token[] = "ipclab";

/* Waits to be seized, sets the filter, makes one call that stops: writes the token nowhere. */
static _Noreturn void child(int go_fd)
{
    char go;
    if (fd_read_full(go_fd, &go, 1) != 1)
        _exit(1);
    if (filter_install(false) < 0)
        _exit(2);
    _exit(write(-1, token, sizeof token) < 0 && errno == EBADF ? 0 : 3);
}

/* The next report must be this stop, and the kernel must call it `op`. */
static int expect(pid_t pid, int stop, int op, struct ptrace_syscall_info *info, struct err *e)
{
    int status;
    if (waitpid(pid, &status, __WALL) != pid)
        return err_sys(e, errno, "wait for a traced process");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return err_set(e, ENOSYS, "install a seccomp filter: not allowed here");
    if (!WIFSTOPPED(status) || status >> 8 != stop)
        return err_set(e, ENOSYS, "trace a call: the kernel stops in another order than Linux 5.3");
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof *info, info) <= 0)
        return err_sys(e, errno, "PTRACE_GET_SYSCALL_INFO (Linux 5.3)");
    if (info->op != op || info->arch != arch_audit)
        return err_set(e, ENOSYS, "trace a call: PTRACE_GET_SYSCALL_INFO says something else");
    return 0;
}

static int resume(pid_t pid, int op, struct err *e)
{
    if (ptrace(op, pid, NULL, NULL) < 0)
        return err_sys(e, errno, "resume a traced process");
    return 0;
}

static int check_memory(pid_t pid, uint64_t address, struct err *e)
{
    char copy[sizeof token];
    struct piece piece = {address, sizeof copy};
    if (remote_read_pieces(pid, &piece, 1, copy) != sizeof copy)
        return err_sys(e, errno, "read a process's memory (process_vm_readv)");
    if (memcmp(copy, token, sizeof token) != 0)
        return err_set(e, EIO, "read a process's memory: wrong bytes");
    return 0;
}

static int follow(pid_t pid, int go_fd, struct err *e)
{
    struct ptrace_syscall_info info;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0)
        return err_sys(e, errno, "trace a process (Yama, or a container that forbids it)");
    if (fd_write_full(go_fd, "g", 1) < 0)
        return err_sys(e, errno, "release a traced process");
    int status =
        expect(pid, SIGTRAP | PTRACE_EVENT_SECCOMP << 8, PTRACE_SYSCALL_INFO_SECCOMP, &info, e);
    if (status == 0)
        status = check_memory(pid, info.seccomp.args[1], e);
    if (status == 0)
        status = resume(pid, PTRACE_SYSCALL, e);
    if (status == 0)
        status = expect(pid, SIGTRAP | 0x80, PTRACE_SYSCALL_INFO_EXIT, &info, e);
    if (status == 0 && info.exit.rval != -EBADF)
        status = err_set(e, EIO, "trace a call: its result was not seen");
    return status;
}

int tracer_probe(struct err *e)
{
    size_t instructions;
    int go[2];
    if (!filter_program(false, &instructions, e))
        return -ENOSYS;
    if (pipe2(go, O_CLOEXEC) < 0)
        return err_sys(e, errno, "make a pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        child(go[0]);
    }
    int status = pid < 0 ? err_sys(e, errno, "start a process") : follow(pid, go[1], e);
    close(go[0]);
    close(go[1]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        int report;
        while (waitpid(pid, &report, __WALL) > 0 && WIFSTOPPED(report))
            continue;
    }
    return status;
}
