/* One argument of a call as text, by its letter (trace/call.h). */
#ifndef IPCLAB_TRACE_CALL_ARGS_H
#define IPCLAB_TRACE_CALL_ARGS_H

#include "trace/call_decode.h"

/* Is this an argument that only the kernel fills, so that nothing is known of it before the exit?
 */
bool arg_is_result(char letter);

/* Does this call have it? open without O_CREAT has no mode, some requests take no argument: then
 * the register holds anything. */
bool arg_exists(const struct raw *raw, int arg, const char *shape);

/* Does a person who reads quickly miss nothing without it? */
bool arg_is_minor(const struct raw *raw, int arg, const char *shape);

/* Appends the argument. Memory that was not kept shows as "...". */
void arg_format(const struct raw *raw, int arg, const char *shape, bool is_short, struct buf *out);

/* "SIGCHLD from 1234, exited 3" of a kept siginfo_t; what is missing is left out. */
void siginfo_format(const struct raw *raw, int arg, enum blob_side side, struct buf *out);

/* "1.5 s", "20 ms". */
void duration_format(int64_t ns, struct buf *out);

#endif
