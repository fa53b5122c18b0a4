/* Compares the model with the kernel, at a moment when the world is held (tracer.h, on_held).
 *
 * For every process: state, parent, descriptor table (numbers, close-on-exec, access mode, status
 * flags, offset where the model knows it), which descriptors share an open file description
 * (kcmp(2)), signal dispositions, masks and pending sets; for every pipe that somebody holds: bytes
 * inside (FIONREAD) and capacity (F_GETPIPE_SZ). What the model says it does not know is not
 * compared. */
#ifndef IPCLAB_RUN_VERIFY_H
#define IPCLAB_RUN_VERIFY_H

#include <stdint.h>

#include "model/model.h"
#include "trace/tracer.h"

struct verify;

struct verify *verify_new(void);
void verify_free(struct verify *v);

/* One comparison. The model stands at the end of what the tracer has recorded. */
void verify_compare(struct verify *v, const struct model *m, const struct tracer *t);

uint64_t verify_points(const struct verify *v);        /* comparisons so far */
uint64_t verify_disagreements(const struct verify *v); /* of all of them together */
/* The first 100 disagreements, a line each: "seq 41: P.1 fd 4: model says closed, kernel says
 * open". */
const char *verify_text(const struct verify *v);

#endif
