/* Memory of a stopped task, kept with one half of a call: what call_captures() asks for, and a
 * slice of the stack, read with as few system calls as can be (one, mostly). */
#ifndef IPCLAB_TRACE_CAPTURE_H
#define IPCLAB_TRACE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/recording.h"

struct capturer {
    size_t payload_cap;
    uint64_t payload_cut; /* bytes not kept, of all payloads so far */
    uint8_t *bytes;       /* of the last capture */
    size_t bytes_count, bytes_cap;
    /* results of the last capture; they point into bytes */
    struct blob_in blobs[CAPTURES_MAX];
    size_t blob_count;
    size_t slice_size; /* of the stack, at bytes[0] */
};

void capturer_init(struct capturer *c, size_t payload_cap);
void capturer_fini(struct capturer *c);

/* What to read. */
struct capture_plan {
    pid_t tid;
    enum call call;
    const uint64_t *args;
    int64_t ret;
    bool at_exit;
    uint64_t sp;       /* stack slice from here */
    size_t slice_size; /* 0: none */
};

/* Fills c->blobs and the slice. Memory that cannot be read is kept as far as it can. */
void capture(struct capturer *c, const struct capture_plan *plan);

/* The bytes of an argument in the last capture, NULL when fewer than size were kept. */
const void *capture_find(const struct capturer *c, int arg, size_t size);

#endif
