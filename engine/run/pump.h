/* Feeds a hermetic program's descriptor 0 and drains its 1 and 2, in a thread of its own: ptrace
 * stops must be answered by the tracer's thread, and a program that floods must never wait for it.
 *
 * What is beyond the limit is read and counted, not kept. */
#ifndef IPCLAB_RUN_PUMP_H
#define IPCLAB_RUN_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct pump;

/* Makes the three pipes. program_fds[0..2] are the program's ends: the caller closes them once the
 * program has them. input is borrowed until pump_join. keep: bytes kept of each output. */
int pump_start(struct pump **out, int program_fds[3], const void *input, size_t input_size,
               size_t keep, struct err *e);

/* Bytes that came out so far, on both descriptors. Any thread. */
uint64_t pump_total(const struct pump *p);

/* After the program and all its children are gone: takes what is still in the pipes, ends the
 * thread, frees. kept[0] and kept[1] get stdout and stderr (the caller frees), total[] their true
 * sizes. */
void pump_join(struct pump *take_p, struct buf kept[2], uint64_t total[2]);

#endif
