/* Chunks on their way to the file.
 *
 * A chunk in the making is a buf whose first 16 bytes are room for its header. Chunks are added in
 * the order in which they shall lie in the file, and then go to the kernel in one writev. After the
 * first failure all that comes is dropped, and the file ends with its last whole chunk. */
#ifndef IPCLAB_TRACE_RECORDER_CHUNKS_H
#define IPCLAB_TRACE_RECORDER_CHUNKS_H

#include <sys/uio.h>

#include "base/buf.h"
#include "trace/recording_format.h"

enum { CHUNKS_MAX = 8 }; /* between two flushes */

struct chunks {
    int fd;
    int error; /* the first -errno of a write */
    uint32_t count;
    uint64_t file_size; /* bytes written, whole chunks */
    struct iovec writes[CHUNKS_MAX];
    int write_count;
};

/* Begins a chunk if the buf is empty; makes room for `more` bytes after what is there. */
void chunk_reserve(struct buf *chunk, size_t more);

/* Seals a chunk and empties the buf, whose memory must stay as it is until the flush. A chunk
 * without a body is left out. */
void chunks_add(struct chunks *c, enum chunk_kind kind, struct buf *chunk);

int chunks_flush(struct chunks *c); /* 0 or the first -errno there was */

#endif
