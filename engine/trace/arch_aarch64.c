#ifdef __aarch64__
#include "trace/arch.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

const uint32_t arch_audit = AUDIT_ARCH_AARCH64;
const unsigned arch_call_length = 4;
const uint64_t arch_foreign_bit = 0;
const bool arch_has_link = true;
const int arch_dwarf_sp = 31, arch_dwarf_fp = 29, arch_dwarf_return = 30;

static int get_regs(pid_t tid, struct user_regs_struct *regs)
{
    struct iovec io = {regs, sizeof *regs};
    return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) < 0 ? -errno : 0;
}

static int set_regs(pid_t tid, struct user_regs_struct *regs)
{
    struct iovec io = {regs, sizeof *regs};
    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io) < 0 ? -errno : 0;
}

int arch_get_register(pid_t tid, int dwarf, uint64_t *out)
{
    struct user_regs_struct regs;
    if (dwarf < 0 || dwarf > 31)
        return -EINVAL;
    int status = get_regs(tid, &regs);
    if (status == 0)
        *out = dwarf == 31 ? regs.sp : regs.regs[dwarf];
    return status;
}

int arch_set_arg(pid_t tid, int index, uint64_t value)
{
    struct user_regs_struct regs;
    int status = get_regs(tid, &regs);
    if (status < 0)
        return status;
    regs.regs[index] = value;
    return set_regs(tid, &regs);
}

/* x0 is both first argument and result. */
int arch_set_result(pid_t tid, int64_t value)
{
    return arch_set_arg(tid, 0, (uint64_t)value);
}

/* The number has a register set of its own. */
int arch_skip_call(pid_t tid, int64_t result)
{
    int none = -1;
    struct iovec io = {&none, sizeof none};
    if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &io) < 0)
        return -errno;
    return arch_set_result(tid, result);
}

int arch_refuse_call(pid_t tid)
{
    return arch_skip_call(tid, -ENOSYS);
}

/* x8, the number, is not changed by a call. */
int arch_rewind_call(pid_t tid, uint64_t nr)
{
    int none = -1;
    struct iovec io = {&none, sizeof none};
    struct user_regs_struct regs;
    (void)nr;
    if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &io) < 0)
        return -errno;
    int status = get_regs(tid, &regs);
    if (status < 0)
        return status;
    regs.pc -= arch_call_length;
    return set_regs(tid, &regs);
}

const int arch_clone_tid_arg = 4;

int arch_get_state(pid_t tid, struct arch_state *out)
{
    int status = get_regs(tid, &out->regs);
    out->nr = out->regs.regs[8];
    return status;
}

uint64_t arch_state_sp(const struct arch_state *state)
{
    return state->regs.sp;
}

int arch_set_call(pid_t tid, const struct arch_state *state, uint64_t nr, const uint64_t args[6])
{
    struct user_regs_struct regs = state->regs;
    int number = (int)nr;
    struct iovec io = {&number, sizeof number};
    for (int i = 0; i < 6; i++)
        regs.regs[i] = args[i];
    if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &io) < 0)
        return -errno;
    return set_regs(tid, &regs);
}

int arch_restart_from(pid_t tid, const struct arch_state *state)
{
    struct user_regs_struct regs = state->regs;
    regs.pc -= arch_call_length;
    regs.regs[8] = state->nr;
    return set_regs(tid, &regs);
}

#endif
