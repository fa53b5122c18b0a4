/* Runs a program in a sandbox, untraced, and keeps what it said. For tests. */
#ifndef IPCLAB_TESTS_SANDBOX_HARNESS_H
#define IPCLAB_TESTS_SANDBOX_HARNESS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

struct outcome {
    int rc;         /* of sandbox_open or sandbox_wait */
    int status;     /* wait status when rc is 0 */
    struct buf out; /* stdout and stderr, the first 64 KiB */
    uint64_t out_size;
    struct err e;
};

/* stdio is made here; everything else is as in *options. */
void outcome_of(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns);
void outcome_fini(struct outcome *o);

/* The folder of this test's programs, for a mount: they lie beside the test itself. */
const char *programs_folder(void);

/* What must be the same before and after: descriptors of this process, its children, SysV objects,
 * names in /dev/shm and in /tmp, mounts. One text, to be compared as such; the caller frees. */
char *world_state(void);

#endif
