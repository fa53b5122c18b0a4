#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const fault_names[FAULT_COUNT] = {"none",   "kill", "half-write", "power", "flicker",
                                              "ENOSPC", "EIO",  "ENOSPC on",  "EIO on"};

static enum fault armed;
static unsigned armed_at, calls;

/* ---- what has not been synced: the bytes that were there before ---- */

enum { FILES_MOST = 64, UNDO_MOST = 4096 };

static struct file {
    ino_t inode;
    int fd; /* never closed: closing would drop SQLite's locks (fcntl(2)) */
} files[FILES_MOST];
static struct undo {
    int file; /* -1: synced meanwhile */
    off_t offset, size_before;
    size_t length;
    char *bytes;
} undos[UNDO_MOST];
static size_t file_count, undo_count;

static bool models_power(void)
{
    return armed == FAULT_POWER || armed == FAULT_FLICKER;
}

static int file_of(int fd)
{
    struct stat status;
    char path[64];
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return -1;
    for (size_t i = 0; i < file_count; i++)
        if (files[i].inode == status.st_ino)
            return (int)i;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (again < 0 || file_count == FILES_MOST)
        abort();
    files[file_count] = (struct file){status.st_ino, again};
    return (int)file_count++;
}

/* Remembers what a write of so many bytes, or cutting there, is about to change. */
static void remember(int fd, off_t offset, size_t length)
{
    struct stat status;
    int file = models_power() ? file_of(fd) : -1;
    if (file < 0)
        return;
    if (undo_count == UNDO_MOST)
        abort();
    fstat(fd, &status);
    char *bytes = malloc(length ? length : 1);
    ssize_t n = pread(files[file].fd, bytes, length, offset);
    undos[undo_count++] = (struct undo){file, offset, status.st_size, n > 0 ? (size_t)n : 0, bytes};
}

static void forget(int fd)
{
    int file = models_power() ? file_of(fd) : -1;
    for (size_t i = 0; file >= 0 && i < undo_count; i++)
        if (undos[i].file == file)
            undos[i].file = -1;
}

static void cut_power(void)
{
    unsigned coin = armed_at * 2654435761u;
    for (size_t i = undo_count; i-- > 0;) {
        struct undo *u = &undos[i];
        coin = coin * 1664525u + 1013904223u;
        if (u->file < 0 || (armed == FAULT_FLICKER && coin >> 31))
            continue;
        int fd = files[u->file].fd;
        if (syscall(SYS_pwrite64, fd, u->bytes, u->length, u->offset) < 0 ||
            syscall(SYS_ftruncate, fd, u->size_before) < 0)
            abort();
    }
}

/* ---- the fault ---- */

void faults_arm(enum fault fault, unsigned at)
{
    armed = fault;
    armed_at = at;
    calls = 0;
}

unsigned faults_calls(void)
{
    return calls;
}

static void die_now(void)
{
    if (models_power())
        cut_power();
    kill(getpid(), SIGKILL);
    pause();
}

/* Counts a call; true: it is to fail with errno set. */
static bool strikes(void)
{
    bool is_now = ++calls == armed_at, is_after = calls >= armed_at;
    switch (armed) {
    case FAULT_KILL:
    case FAULT_POWER:
    case FAULT_FLICKER:
        if (is_now)
            die_now();
        return false;
    case FAULT_ENOSPC:
    case FAULT_ENOSPC_ON: errno = ENOSPC; return armed == FAULT_ENOSPC ? is_now : is_after;
    case FAULT_EIO:
    case FAULT_EIO_ON: errno = EIO; return armed == FAULT_EIO ? is_now : is_after;
    default: return false;
    }
}

static bool is_half(void)
{
    return armed == FAULT_HALF && calls == armed_at;
}

/* ---- the calls ---- */

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
        return syscall(SYS_write, fd, bytes, size);
    if (strikes())
        return -1;
    remember(fd, lseek(fd, 0, SEEK_CUR), size);
    ssize_t n = syscall(SYS_write, fd, bytes, is_half() ? size / 2 : size);
    if (is_half())
        die_now();
    return n;
}

static ssize_t do_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    if (strikes())
        return -1;
    remember(fd, at, size);
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, is_half() ? size / 2 : size, at);
    if (is_half())
        die_now();
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return do_pwrite(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    return do_pwrite(fd, bytes, size, at);
}

static int do_truncate(int fd, off_t size)
{
    struct stat status;
    if (strikes())
        return -1;
    fstat(fd, &status);
    remember(fd, size, status.st_size > size ? (size_t)(status.st_size - size) : 0);
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
    return do_truncate(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return do_truncate(fd, size);
}

static int do_sync(int fd)
{
    if (strikes())
        return -1;
    forget(fd);
    return 0;
}

int fsync(int fd)
{
    return do_sync(fd);
}

int fdatasync(int fd)
{
    return do_sync(fd);
}

static int do_open(const char *path, int flags, mode_t mode)
{
    if (flags & (O_CREAT | O_TRUNC) && strikes())
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define MODE(flags)                     \
    mode_t mode = 0;                    \
    if (flags & O_CREAT) {              \
        va_list ap;                     \
        va_start(ap, flags);            \
        mode = (mode_t)va_arg(ap, int); \
        va_end(ap);                     \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    return do_open(path, flags, mode);
}

int unlink(const char *path)
{
    return strikes() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
    return strikes() ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

int rename(const char *from, const char *to)
{
    return strikes() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to)
{
    return strikes() ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return strikes() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int fchown(int fd, uid_t user, gid_t group)
{
    return strikes() ? -1 : (int)syscall(SYS_fchown, fd, user, group);
}

int fchmod(int fd, mode_t mode)
{
    return strikes() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}
