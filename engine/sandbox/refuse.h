/* The calls that a sandboxed program is refused, as a BPF program made once by libseccomp.
 *
 * It refuses what no exercise needs and what could reach past the namespaces or hide from the
 * tracer: new namespaces and mounts, clone(2) with CLONE_UNTRACED, a filter of the program's own (a
 * listener would answer calls behind the tracer's back), ptrace, keys, bpf, io_uring, modules,
 * clocks, socket families other than local and internet ones, set-user-id files, foreign
 * architectures (killed). clone3 and openat2 take their flags from memory, where no filter can
 * look: ENOSYS, and the C library takes the older call. seccomp(2), seccomp_rule_add(3). */
#ifndef IPCLAB_SANDBOX_REFUSE_H
#define IPCLAB_SANDBOX_REFUSE_H

#include <stddef.h>

#include "base/err.h"

/* Instructions (struct sock_filter), borrowed for ever; any thread. NULL with *e. */
const void *refuse_program(size_t *instructions, struct err *e);

#endif
