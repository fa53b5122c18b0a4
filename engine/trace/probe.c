#include "trace/probe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xalloc.h"

/* Reads a small file of /proc as a string. Returns its length or -errno. */
static ssize_t read_small(char *text, size_t size, pid_t tid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    int code = errno;
    close(fd);
    if (n < 0)
        return -code;
    text[n] = '\0';
    return n;
}

/* The value of a line "name: value" of status, in hexadecimal or decimal; 0 when it is missing. */
static uint64_t field(const char *text, const char *name, int base)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

int probe_process(pid_t tid, struct probe_process *out)
{
    char text[4096];
    ssize_t n = read_small(text, sizeof text, tid, "stat");
    if (n < 0)
        return (int)n;
    /* the name in parentheses may hold anything, parentheses too */
    const char *rest = strrchr(text, ')');
    struct probe_process p = {0};
    int ppid, pgid, sid;
    if (!rest || sscanf(rest + 1, " %c %d %d %d", &p.state, &ppid, &pgid, &sid) != 4)
        return -ESRCH;
    p.ppid = ppid;
    p.pgid = pgid;
    p.sid = sid;
    n = read_small(text, sizeof text, tid, "status");
    if (n < 0)
        return (int)n;
    p.sig_pending = field(text, "\nSigPnd:", 16);
    p.sig_shared_pending = field(text, "\nShdPnd:", 16);
    p.sig_blocked = field(text, "\nSigBlk:", 16);
    p.sig_ignored = field(text, "\nSigIgn:", 16);
    p.sig_caught = field(text, "\nSigCgt:", 16);
    p.switches = field(text, "\nvoluntary_ctxt_switches:", 10) +
                 field(text, "\nnonvoluntary_ctxt_switches:", 10);
    *out = p;
    return 0;
}

bool probe_is_asleep(pid_t tid, long *nr)
{
    char text[512];
    *nr = -1;
    if (read_small(text, sizeof text, tid, "stat") < 0)
        return false;
    const char *rest = strrchr(text, ')');
    bool is_asleep = rest && (rest[2] == 'S' || rest[2] == 'D');
    /* "running" or a number and its arguments (proc_pid_syscall(5)) */
    if (read_small(text, sizeof text, tid, "syscall") > 0 && isdigit((unsigned char)text[0]))
        *nr = strtol(text, NULL, 10);
    return is_asleep;
}

/* ---- descriptors ---- */

static bool read_fd(pid_t pid, int number, struct probe_fd *out)
{
    char name[32], path[64], text[1024];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, number);
    snprintf(name, sizeof name, "fdinfo/%d", number);
    if (stat(path, &st) < 0 || read_small(text, sizeof text, pid, name) < 0)
        return false;
    int64_t offset = 0;
    const char *pos = strstr(text, "pos:");
    if (pos)
        sscanf(pos, "pos: %" SCNd64, &offset);
    *out = (struct probe_fd){.fd = number,
                             .ino = st.st_ino,
                             .dev = st.st_dev,
                             .mode = st.st_mode,
                             .flags = field(text, "flags:", 8),
                             .offset = offset};
    return true;
}

static int by_number(const void *a, const void *b)
{
    return ((const struct probe_fd *)a)->fd - ((const struct probe_fd *)b)->fd;
}

ssize_t probe_fds(pid_t pid, struct probe_fd **out)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    struct probe_fd *fds = NULL;
    size_t fds_count = 0, fds_cap = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct probe_fd fd;
        if (isdigit((unsigned char)entry->d_name[0]) && read_fd(pid, atoi(entry->d_name), &fd))
            *PUSH(fds) = fd;
    }
    closedir(dir);
    if (fds_count)
        qsort(fds, fds_count, sizeof *fds, by_number);
    *out = fds;
    return (ssize_t)fds_count;
}

/* A copy of another process's descriptor (pidfd_getfd(2)), or -errno. */
static int copy_fd(pid_t pid, int fd)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int code = errno;
    close(pidfd);
    return copy < 0 ? -code : copy;
}

int64_t probe_pipe_fill(pid_t pid, int fd)
{
    int copy = copy_fd(pid, fd);
    if (copy < 0)
        return copy;
    int bytes = 0;
    int64_t result = ioctl(copy, FIONREAD, &bytes) < 0 ? -errno : bytes;
    close(copy);
    return result;
}

int64_t probe_pipe_size(pid_t pid, int fd)
{
    int copy = copy_fd(pid, fd);
    if (copy < 0)
        return copy;
    int size = fcntl(copy, F_GETPIPE_SZ);
    int64_t result = size < 0 ? -errno : size;
    close(copy);
    return result;
}

int probe_same_file(pid_t pid1, int fd1, pid_t pid2, int fd2)
{
    long order = syscall(SYS_kcmp, pid1, pid2, KCMP_FILE, fd1, fd2);
    return order < 0 ? -errno : order == 0;
}
