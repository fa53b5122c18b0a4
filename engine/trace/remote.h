/* The memory of another process, read from outside. */
#ifndef IPCLAB_TRACE_REMOTE_H
#define IPCLAB_TRACE_REMOTE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads up to size bytes at address; stops at the first page that cannot be read. Returns the bytes
 * read, 0 when there are none. Falls back on /proc/TID/mem, which also reads what the process
 * itself may not. */
size_t remote_read(pid_t tid, uint64_t address, void *bytes, size_t size);

/* Writes size bytes at address. 0 or -errno. */
int remote_write(pid_t tid, uint64_t address, const void *bytes, size_t size);

/* A piece of remote memory. */
struct piece {
    uint64_t address;
    size_t size;
};
enum { REMOTE_PIECES_MAX = 16 };

/* Reads several pieces with one system call, one after the other into bytes. Returns the bytes
 * read: it stops where memory ends (process_vm_readv(2)). */
size_t remote_read_pieces(pid_t tid, const struct piece *pieces, size_t count, void *bytes);

#endif
