#include "trace/arch.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

const uint32_t arch_audit = AUDIT_ARCH_X86_64;
const unsigned arch_call_length = 2;
const uint64_t arch_foreign_bit = 0x40000000;
const int arch_dwarf_sp = 7, arch_dwarf_fp = 6, arch_dwarf_return = 16;

static int poke(pid_t tid, size_t offset, uint64_t value)
{
    return ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value) < 0 ? -errno : 0;
}

int arch_get_frame(pid_t tid, struct arch_frame *out)
{
    errno = 0;
    long fp = ptrace(PTRACE_PEEKUSER, tid, (void *)offsetof(struct user_regs_struct, rbp), NULL);
    if (errno)
        return -errno;
    *out = (struct arch_frame){.fp = (uint64_t)fp};
    return 0;
}

/* At entry rax holds -ENOSYS already: that is the result of a number that does not exist. */
int arch_refuse_call(pid_t tid)
{
    return poke(tid, offsetof(struct user_regs_struct, orig_rax), UINT64_MAX);
}

int arch_set_first_arg(pid_t tid, uint64_t value)
{
    return poke(tid, offsetof(struct user_regs_struct, rdi), value);
}
