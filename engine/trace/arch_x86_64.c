#ifdef __x86_64__
#include "trace/arch.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

const uint32_t arch_audit = AUDIT_ARCH_X86_64;
const unsigned arch_call_length = 2;
const uint64_t arch_foreign_bit = 0x40000000;
const bool arch_has_link = false;
const int arch_dwarf_sp = 7, arch_dwarf_fp = 6, arch_dwarf_return = 16;

static int poke(pid_t tid, size_t offset, uint64_t value)
{
    return ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value) < 0 ? -errno : 0;
}

#define REGISTER(name) offsetof(struct user_regs_struct, name)

/* System V ABI, AMD64 supplement, figure 3.36 */
static const size_t registers[] = {
    REGISTER(rax), REGISTER(rdx), REGISTER(rcx), REGISTER(rbx), REGISTER(rsi), REGISTER(rdi),
    REGISTER(rbp), REGISTER(rsp), REGISTER(r8),  REGISTER(r9),  REGISTER(r10), REGISTER(r11),
    REGISTER(r12), REGISTER(r13), REGISTER(r14), REGISTER(r15), REGISTER(rip),
};

int arch_get_register(pid_t tid, int dwarf, uint64_t *out)
{
    if (dwarf < 0 || (size_t)dwarf >= sizeof registers / sizeof *registers)
        return -EINVAL;
    errno = 0;
    long value = ptrace(PTRACE_PEEKUSER, tid, (void *)registers[dwarf], NULL);
    if (errno)
        return -errno;
    *out = (uint64_t)value;
    return 0;
}

/* At entry rax holds -ENOSYS already: that is the result of a number that does not exist. */
int arch_refuse_call(pid_t tid)
{
    return poke(tid, REGISTER(orig_rax), UINT64_MAX);
}

int arch_skip_call(pid_t tid, int64_t result)
{
    int status = poke(tid, REGISTER(orig_rax), UINT64_MAX);
    return status < 0 ? status : poke(tid, REGISTER(rax), (uint64_t)result);
}

int arch_rewind_call(pid_t tid, uint64_t nr)
{
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
        return -errno;
    regs.rip -= arch_call_length;
    regs.rax = nr;
    regs.orig_rax = UINT64_MAX;
    return ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ? -errno : 0;
}

int arch_set_arg(pid_t tid, int index, uint64_t value)
{
    static const size_t args[] = {REGISTER(rdi), REGISTER(rsi), REGISTER(rdx),
                                  REGISTER(r10), REGISTER(r8),  REGISTER(r9)};
    return poke(tid, args[index], value);
}

int arch_set_result(pid_t tid, int64_t value)
{
    return poke(tid, REGISTER(rax), (uint64_t)value);
}

const int arch_clone_tid_arg = 3;

int arch_get_state(pid_t tid, struct arch_state *out)
{
    if (ptrace(PTRACE_GETREGS, tid, NULL, &out->regs) < 0)
        return -errno;
    out->nr = out->regs.orig_rax;
    return 0;
}

uint64_t arch_state_sp(const struct arch_state *state)
{
    return state->regs.rsp;
}

int arch_set_call(pid_t tid, const struct arch_state *state, uint64_t nr, const uint64_t args[6])
{
    struct user_regs_struct regs = state->regs;
    regs.orig_rax = nr;
    regs.rdi = args[0];
    regs.rsi = args[1];
    regs.rdx = args[2];
    regs.r10 = args[3];
    regs.r8 = args[4];
    regs.r9 = args[5];
    return ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ? -errno : 0;
}

int arch_restart_from(pid_t tid, const struct arch_state *state)
{
    struct user_regs_struct regs = state->regs;
    regs.rip -= arch_call_length;
    regs.rax = state->nr;
    regs.orig_rax = UINT64_MAX;
    return ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ? -errno : 0;
}

#endif
