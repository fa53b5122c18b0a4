/* Descriptors, read and written to the end, and the monotonic clock. */
#ifndef IPCLAB_BASE_FDUTIL_H
#define IPCLAB_BASE_FDUTIL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Closes *fd when it is not -1, and makes it -1. Keeps errno. */
void fd_close(int *fd);

/* Reads until size bytes or end of file; resumes after EINTR. Returns the bytes read or -errno. */
ssize_t fd_read_full(int fd, void *bytes, size_t size);

/* Writes all; resumes after EINTR and short writes. 0 or -errno. */
int fd_write_full(int fd, const void *bytes, size_t size);

/* Reads a whole file (regular or /proc), at most `most` bytes; appends to *out. 0 or -errno. */
int file_read(struct buf *out, const char *path, size_t most, struct err *e);

/* Writes a file as a whole: a temporary beside it, fsync, rename. 0 or -errno. */
int file_write(const char *path, const void *bytes, size_t size, struct err *e);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_ns(void);

#endif
