/* The flags of a call by their C names: "O_CLOEXEC", "WNOHANG", "SA_RESTART". */
#ifndef IPCLAB_SCRIPT_FLAGS_H
#define IPCLAB_SCRIPT_FLAGS_H

#include "trace/call.h"

/* Calls take() with each name that is set in op->flags, in the sense of op->kind. */
void flags_list(const struct op *op, void (*take)(void *arg, const char *name), void *arg);

#endif
