/* What differs between processors in a stopped task: its registers, and how they are numbered in
 * call frame information. One file per architecture (arch_x86_64.c, arch_aarch64.c); the task must
 * be in a ptrace stop. */
#ifndef IPCLAB_TRACE_ARCH_H
#define IPCLAB_TRACE_ARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

extern const uint32_t arch_audit;       /* AUDIT_ARCH_... of this machine (seccomp(2)) */
extern const unsigned arch_call_length; /* bytes of the instruction that makes a system call */
extern const uint64_t
    arch_foreign_bit; /* numbers with this bit belong to another ABI (x32); 0: none */

/* DWARF numbers (System V ABI supplements). */
extern const bool arch_has_link; /* a call leaves its return address in a register */
extern const int arch_dwarf_sp, arch_dwarf_fp, arch_dwarf_return;

/* A general register, by its DWARF number. 0 or -errno (-EINVAL: not one of those that can be asked
 * for). */
int arch_get_register(pid_t tid, int dwarf, uint64_t *out);

/* At the entry of a call: makes the kernel skip it and return -ENOSYS. */
int arch_refuse_call(pid_t tid);
/* At the entry of a call: makes the kernel skip it and return `result`. */
int arch_skip_call(pid_t tid, int64_t result);
/* At the entry of a call: makes the kernel skip it and enter it again, once pending signals have
 * been delivered. nr: its number. */
int arch_rewind_call(pid_t tid, uint64_t nr);
/* At the entry or the exit of a call: changes argument `index`, 0 to 5. */
int arch_set_arg(pid_t tid, int index, uint64_t value);
/* At the exit of a call: changes its result. */
int arch_set_result(pid_t tid, int64_t value);

/* All general registers of a task that stands at the entry of a call. */
struct arch_state {
    struct user_regs_struct regs;
    uint64_t nr; /* of the call */
};
extern const int arch_clone_tid_arg; /* clone(2)'s argument child_tid: its place differs */

int arch_get_state(pid_t tid, struct arch_state *out);
uint64_t arch_state_sp(const struct arch_state *state);
/* At that entry: another call instead, with other arguments. */
int arch_set_call(pid_t tid, const struct arch_state *state, uint64_t nr, const uint64_t args[6]);
/* Anywhere: the task goes on before the call, and will enter it. */
int arch_restart_from(pid_t tid, const struct arch_state *state);

#endif
