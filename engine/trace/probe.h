/* Asking the kernel itself, for --verify and for finding sleepers. Nothing here changes a process:
 * copies of its descriptors are closed before the function returns (a copied write end would keep a
 * pipe open). */
#ifndef IPCLAB_TRACE_PROBE_H
#define IPCLAB_TRACE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct probe_fd {
    int fd;
    uint64_t ino, dev;
    uint32_t mode;  /* st_mode */
    uint64_t flags; /* O_*, with O_CLOEXEC (proc_pid_fdinfo(5)) */
    int64_t offset;
};

struct probe_process {
    char state; /* proc_pid_stat(5): R S D Z T t X */
    pid_t ppid, pgid, sid;
    uint64_t sig_pending, sig_shared_pending, sig_blocked, sig_ignored,
        sig_caught;    /* proc_pid_status */
    uint64_t switches; /* voluntary + involuntary */
};

int probe_process(pid_t tid, struct probe_process *out); /* 0 or -errno */
/* Is the task asleep in the kernel, in a system call? *nr gets its number (-1 unknown). */
bool probe_is_asleep(pid_t tid, long *nr);
/* All descriptors, sorted; *out is the caller's to free. Returns the count or -errno. */
ssize_t probe_fds(pid_t pid, struct probe_fd **out);
/* Bytes in the pipe behind a descriptor, and its capacity; -errno. */
int64_t probe_pipe_fill(pid_t pid, int fd);
int64_t probe_pipe_size(pid_t pid, int fd);
/* 1: the same open file description (kcmp(2)); 0: not; -errno. */
int probe_same_file(pid_t pid1, int fd1, pid_t pid2, int fd2);

#endif
