#include "trace/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

static size_t read_by_proc(pid_t tid, uint64_t address, void *bytes, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = pread(fd, bytes, size, (off_t)address);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}

size_t remote_read(pid_t tid, uint64_t address, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        struct iovec local = {(char *)bytes + done, size - done};
        /* iovecs hold addresses of the other process */
        struct iovec remote = {(void *)(uintptr_t)(address + done), size - done};
        ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
        size_t step = n > 0 ? (size_t)n : 0;
        if (!step) {
            /* one page at a time, so that one bad page does not hide the good ones before it */
            size_t rest = PAGE - (size_t)((address + done) % PAGE);
            step = read_by_proc(tid, address + done, (char *)bytes + done,
                                rest < size - done ? rest : size - done);
        }
        if (!step)
            break;
        done += step;
    }
    return done;
}

size_t remote_read_pieces(pid_t tid, const struct piece *pieces, size_t count, void *bytes)
{
    struct iovec remote[REMOTE_PIECES_MAX];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        remote[i] = (struct iovec){(void *)(uintptr_t)pieces[i].address, pieces[i].size};
        size += pieces[i].size;
    }
    struct iovec local = {bytes, size};
    ssize_t n = process_vm_readv(tid, &local, 1, remote, count, 0);
    return n > 0 ? (size_t)n : 0;
}

int remote_write(pid_t tid, uint64_t address, const void *bytes, size_t size)
{
    struct iovec local = {(void *)(uintptr_t)bytes, size};
    struct iovec remote = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_writev(tid, &local, 1, &remote, 1, 0);
    return n == (ssize_t)size ? 0 : n < 0 ? -errno : -EFAULT;
}
