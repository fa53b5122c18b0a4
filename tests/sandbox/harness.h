/* Runs a program in a sandbox, untraced, and keeps what it said. For tests. */
#ifndef IPCLAB_TESTS_SANDBOX_HARNESS_H
#define IPCLAB_TESTS_SANDBOX_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

struct outcome {
    int rc;         /* of sandbox_open or sandbox_wait */
    int status;     /* wait status when rc is 0 */
    struct buf out; /* stdout and stderr, the first 64 KiB */
    uint64_t out_size;
    bool is_held;   /* somebody still held stdout when all was over */
    uint32_t alive; /* processes of it that were found afterwards */
    uint64_t steps; /* traced: halves recorded */
    struct err e;
};

/* Runs to the end. stdio and env are made here; everything else is as in *options. */
void outcome_of(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns);
/* The same without namespaces. */
void outcome_of_bare(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns);
/* The same, seized and recorded (into memory) by the tracer, which ends the run. */
void outcome_of_traced(struct outcome *o, const struct sandbox_options *options, uint64_t limit_ns);
void outcome_fini(struct outcome *o);

/* The folder of this test's programs, for a mount: they lie beside the test itself. */
const char *programs_folder(void);

/* What must be the same before and after: descriptors and children of this process, its mounts, and
 * on the host every IPC object that bears the attacks' name or key. To be compared as a whole; the
 * caller frees. */
#define ATTACK_NAME "ipclab-attack"
enum { ATTACK_KEY = 0x1bc1ab00 };
char *world_state(void);

/* Ends the test as skipped, with the reason, where namespaces are not to be had. */
void need_namespaces(void);

#endif
