/* Looks for secrets in, and takes things from, the one process that is not its own. */
/* EXPECT: exit 0 */
/* SAYS: environ EACCES */
/* SAYS: maps EACCES */
/* SAYS: memory EROFS */
/* SAYS: memory, read EACCES */
/* SAYS: root EACCES */
/* SAYS: descriptor EACCES */
/* SAYS: executable EACCES */
/* SAYS: process_vm_readv EPERM */
/* SAYS: process_vm_writev EPERM */
/* SAYS: ptrace EPERM */
/* SAYS: pidfd_getfd EPERM */
/* SAYS: prlimit EPERM */
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attack.h"

int main(void)
{
    char bytes[8];
    struct iovec mine = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct iovec there = {.iov_base = (void *)0x400000, .iov_len = sizeof bytes};
    struct rlimit none = {0};
    SAY("environ", open("/proc/1/environ", O_RDONLY));
    SAY("maps", open("/proc/1/maps", O_RDONLY));
    SAY("memory", open("/proc/1/mem", O_RDWR));
    SAY("memory, read", open("/proc/1/mem", O_RDONLY));
    SAY("root", open("/proc/1/root/etc/passwd", O_RDONLY));
    SAY("descriptor", open("/proc/1/fd/3", O_RDONLY));
    SAY("executable", open("/proc/1/exe", O_RDONLY));
    SAY("process_vm_readv", process_vm_readv(1, &mine, 1, &there, 1, 0));
    SAY("process_vm_writev", process_vm_writev(1, &mine, 1, &there, 1, 0));
    SAY("ptrace", ptrace(PTRACE_SEIZE, 1, 0, 0));
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    SAY("pidfd_getfd", syscall(SYS_pidfd_getfd, fd, 3, 0));
    SAY("prlimit", prlimit(1, RLIMIT_CPU, &none, NULL));
    return 0;
}
