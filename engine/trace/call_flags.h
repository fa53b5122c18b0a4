/* Names of flags and requests, as text. */
#ifndef IPCLAB_TRACE_CALL_FLAGS_H
#define IPCLAB_TRACE_CALL_FLAGS_H

#include <stdint.h>

#include "base/buf.h"
#include "trace/call.h"
#include "trace/recording.h"

/* Appends "O_WRONLY|O_CREAT"; "0" when there is nothing to say. has_mode: the access mode counts.
 */
void flags_open(struct buf *out, uint64_t flags, bool has_mode, enum recording_arch arch);
void flags_wait(struct buf *out, uint64_t flags);
void flags_clone(struct buf *out, uint64_t flags);
void flags_sigaction(struct buf *out, uint64_t flags);
void flags_poll(struct buf *out, uint64_t events);
void flags_epoll(struct buf *out, uint64_t events);

/* What a Q argument says: "F_SETFL", "PR_SET_NAME", a number when it has no name here. */
void flags_request(struct buf *out, enum call call, uint64_t request);

#endif
