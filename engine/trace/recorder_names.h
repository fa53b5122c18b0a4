/* What a recorder writes once and then refers to by a small number: calls, modules, call stacks.
 *
 * Each kind has a buffer of what is new since the last flush: a chunk in the making, with room for
 * its header in front. */
#ifndef IPCLAB_TRACE_RECORDER_NAMES_H
#define IPCLAB_TRACE_RECORDER_NAMES_H

#include "base/buf.h"
#include "trace/recording.h"

struct names;

struct names *names_new(void);
void names_free(struct names *n);

/* The file's own number of a call: enum call may change with every version, a name does not. 0 is
 * CALL_UNKNOWN. */
uint32_t names_call(struct names *n, enum call call);
uint32_t names_module(struct names *n, const struct module *module);
uint32_t names_stack(struct names *n, const struct frame *frames, size_t count);

/* Borrowed; the recorder empties them. */
struct buf *names_calls(struct names *n);
struct buf *names_modules(struct names *n);
struct buf *names_stacks(struct names *n);

#endif
