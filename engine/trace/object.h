/* An ELF file that is mapped into some process: who owns it, and its call frame information.
 * Private to space.c and object.c. */
#ifndef IPCLAB_TRACE_OBJECT_H
#define IPCLAB_TRACE_OBJECT_H

#include "trace/space.h"

/* A line of /proc/TID/maps. */
struct mapped_file {
    const char *path; /* borrowed */
    uint64_t offset;  /* of the mapping in the file */
    uint64_t ino, dev;
    pid_t tid; /* through whose root directory the path leads to it */
};

/* The object of a mapped file, made on first use; NULL when it is no ELF file that can be read.
 * Stores the bias of a mapping that starts at `start`. */
struct object *objects_get(struct objects *all, const struct mapped_file *file, uint64_t start,
                           uint64_t *bias);

#endif
