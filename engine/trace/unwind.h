/* From a stopped task to the learner's own line: its call stack, cut to what a reader needs.
 *
 * The rules for leaving a frame are looked up once per address in the call frame information
 * (.eh_frame) and kept; what is read at each stop is a slice of the stack, in the same system call
 * as the payload. Lines are found later, from the recording. */
#ifndef IPCLAB_TRACE_UNWIND_H
#define IPCLAB_TRACE_UNWIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/inflight.h"
#include "trace/recording.h"
#include "trace/space.h"

enum {
    UNWIND_FRAMES_MAX = 4,   /* own frames kept: the innermost and three callers */
    UNWIND_SLICE_MAX = 4096, /* bytes of stack read beforehand */
};

/* Bytes of stack, from the stack pointer up, worth reading for a stop at this place; 0 when there
 * can be no own frame. */
size_t unwind_slice_size(struct space *s, pid_t tid, uint64_t ip);

/* The user's own frames, innermost first, from a slice read at at.sp. The innermost address is
 * taken as it is when the task is in a call (the kernel has it pointing after the instruction);
 * is_exact (a signal hit here) moves it by one, so that every frame reads as a return address.
 * Returns the count. */
size_t unwind(struct space *s, pid_t tid, struct place at, bool is_exact, const void *slice,
              size_t slice_size, struct frame out[UNWIND_FRAMES_MAX]);

#endif
