/* The root file system of a sandbox, made inside its own mount namespace. It uses <linux/mount.h>
 * and bare system calls: C libraries before glibc 2.36 have no functions for these, and later ones
 * clash. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/init.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2 /* only <sys/mount.h> has it */
#endif

/* Kept open from before the root changes; -1 where the host has no such thing. */
enum { ROOT_LINKS = 6, NODES = 5, ETC_FILES = 3 };
static const char *const root_names[ROOT_LINKS] = {"bin",   "lib",    "lib32",
                                                   "lib64", "libx32", "sbin"};
static const char *const nodes[NODES] = {"null", "zero", "full", "random", "urandom"};
static const char *const etc_files[ETC_FILES] = {"ld.so.cache", "localtime", "alternatives"};

static void mount_fs(const char *type, const char *at, unsigned long flags, const char *options)
{
    if (syscall(SYS_mount, type, at, type, flags, options) < 0)
        fail("mount", at);
}

/* A detached copy of what is mounted at a path; -1 with errno. */
static int tree_open(const char *path)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static void tree_attach(int fd, const char *to)
{
    if (syscall(SYS_move_mount, fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("mount", to);
    close(fd);
}

static int tree_restrict(int fd, uint64_t attributes)
{
    struct mount_attr change = {.attr_set = attributes};
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &change,
                        sizeof change);
}

static void make_folders(const char *path, bool with_last)
{
    char copy[4096];
    size_t size = strlen(path);
    if (size >= sizeof copy) {
        errno = ENAMETOOLONG;
        fail("make", path);
    }
    memcpy(copy, path, size + 1);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            fail("make", copy);
        *p = '/';
    }
    if (with_last && mkdir(copy, 0755) < 0 && errno != EEXIST)
        fail("make", copy);
}

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail("make", path);
    close(fd);
}

static void attach_at(int fd, const char *to)
{
    struct stat what;
    if (fstat(fd, &what) < 0)
        fail("look at", to);
    bool is_folder = S_ISDIR(what.st_mode);
    make_folders(to, is_folder);
    if (!is_folder && access(to, F_OK) < 0)
        make_file(to, "");
    tree_attach(fd, to);
}

/* Read-only, no set-user-id programs, no devices. `to` is relative to the new root. */
static void attach_system(int fd, const char *to)
{
    if (fd < 0)
        return;
    if (tree_restrict(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) < 0)
        fail("make read-only", to);
    attach_at(fd, to);
}

struct sources {
    int usr;
    int names[ROOT_LINKS]; /* folders of their own, where the system has not merged them into /usr
                            */
    char links[ROOT_LINKS][64];
    int nodes[NODES];
    int etc[ETC_FILES];
};

static void open_sources(struct sources *s, struct job *job)
{
    char path[64];
    if ((s->usr = tree_open("/usr")) < 0)
        fail("open", "/usr");
    for (int i = 0; i < ROOT_LINKS; i++) {
        snprintf(path, sizeof path, "/%s", root_names[i]);
        ssize_t n = readlink(path, s->links[i], sizeof s->links[i] - 1);
        s->links[i][n > 0 ? n : 0] = '\0';
        s->names[i] = n > 0 ? -1 : tree_open(path);
    }
    for (int i = 0; i < NODES; i++) {
        snprintf(path, sizeof path, "/dev/%s", nodes[i]);
        if ((s->nodes[i] = tree_open(path)) < 0)
            fail("open", path);
    }
    for (int i = 0; i < ETC_FILES; i++) {
        snprintf(path, sizeof path, "/etc/%s", etc_files[i]);
        s->etc[i] = tree_open(path);
    }
    for (uint32_t i = 0; i < job->plan.mount_count; i++)
        if (job->mount_fds[i] < 0 && (job->mount_fds[i] = tree_open(job->from[i])) < 0)
            fail("open", job->from[i]);
}

static void build_system(struct sources *s)
{
    attach_system(s->usr, "usr");
    for (int i = 0; i < ROOT_LINKS; i++) {
        if (s->links[i][0] && symlink(s->links[i], root_names[i]) < 0)
            fail("link", root_names[i]);
        attach_system(s->names[i], root_names[i]);
    }
    make_folders("etc/", false);
    make_file("etc/passwd", "root:x:0:0:root:/:/usr/sbin/nologin\nlab:x:1000:1000::/tmp:/bin/sh\n");
    make_file("etc/group", "root:x:0:\nlab:x:1000:\n");
    make_file("etc/hosts", "127.0.0.1 localhost lab\n::1 localhost\n");
    make_file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
    char path[64];
    for (int i = 0; i < ETC_FILES; i++) {
        snprintf(path, sizeof path, "etc/%s", etc_files[i]);
        attach_system(s->etc[i], path);
    }
}

static void build_dev(struct sources *s)
{
    char path[64];
    make_folders("dev/", false);
    for (int i = 0; i < NODES; i++) {
        snprintf(path, sizeof path, "dev/%s", nodes[i]);
        attach_at(s->nodes[i], path);
    }
    if (symlink("/proc/self/fd", "dev/fd") < 0 || symlink("/proc/self/fd/0", "dev/stdin") < 0 ||
        symlink("/proc/self/fd/1", "dev/stdout") < 0 ||
        symlink("/proc/self/fd/2", "dev/stderr") < 0)
        fail("link", "/dev/fd");
}

static void build_private(const struct plan *plan)
{
    char options[96];
    make_folders("tmp/", false);
    make_folders("dev/shm/", false);
    make_folders("dev/mqueue/", false);
    snprintf(options, sizeof options, "size=%llu,nr_inodes=2048,mode=1777",
             (unsigned long long)plan->tmp_max);
    /* MS_NOSYMFOLLOW: whoever looks in from outside (/proc/PID/root/tmp) is led nowhere else. */
    mount_fs("tmpfs", "tmp", MS_NOSUID | MS_NODEV | MS_NOSYMFOLLOW, options);
    mount_fs("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW,
             "size=16m,nr_inodes=256,mode=1777");
    mount_fs("mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* The limits of this IPC namespace, and no user namespaces but the program's own: proc(5),
 * sysvipc(7). Kernels before 5.19 let only real root write the IPC ones. */
static void limit_ipc(struct job *job, int proc_fd)
{
    static const char *const limits[][2] = {
        {"sys/kernel/shmall", "4096"},      {"sys/kernel/shmmax", "16777216"},
        {"sys/kernel/shmmni", "64"},        {"sys/kernel/msgmni", "64"},
        {"sys/kernel/sem", "64 512 32 64"}, {"sys/fs/mqueue/queues_max", "16"},
    };
    bool is_limited = true;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (write_at(proc_fd, limits[i][0], limits[i][1]) < 0)
            is_limited = false;
    write_at(proc_fd, "sys/user/max_user_namespaces", "1");
    if (is_limited)
        job->facts |= REPORT_HAS_IPC_LIMITS;
}

/* Read-only: what a process may do to itself through /proc (oom_score_adj, comm, timerslack) is no
 * lesson, and sysctls are no business of the program. A container may forbid a new /proc: "Mount
 * too revealing" where its own is partly covered. */
static void build_proc(struct job *job)
{
    make_folders("proc/", false);
    if (syscall(SYS_mount, "proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        if (!job->plan.may_lack_proc)
            fail("mount", "a private /proc");
        limit_ipc(job, job->host_proc_fd);
        return;
    }
    int fd = open("proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        fail("open", "/proc");
    limit_ipc(job, fd);
    if (tree_restrict(fd, MOUNT_ATTR_RDONLY) < 0)
        fail("make read-only", "/proc");
    close(fd);
    job->facts |= REPORT_HAS_PROC;
}

static void attach_given(struct job *job)
{
    for (uint32_t i = 0; i < job->plan.mount_count; i++) {
        uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        attributes |= job->plan.mounts[i].is_writable ? MOUNT_ATTR_NOSYMFOLLOW : MOUNT_ATTR_RDONLY;
        if (tree_restrict(job->mount_fds[i], attributes) < 0)
            fail("restrict", job->from[i]);
        attach_at(job->mount_fds[i], job->to[i] + 1);
    }
}

/* An installed ipclab lies below /usr, with its solutions. The caller may mount something there. */
static void cover(const char *path)
{
    if (path[0] == '/' && access(path + 1, F_OK) == 0)
        mount_fs("tmpfs", path + 1, MS_NOSUID | MS_NODEV, "size=4k,mode=755");
}

/* To the kernel the program is the owner of what init made. */
static void make_read_only(const char *path)
{
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    if (syscall(SYS_mount, NULL, path, NULL, flags, NULL) < 0)
        fail("make read-only", path);
}

static void raise_loopback(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("open", "a socket for the loopback");
    int rc = ioctl(fd, SIOCGIFFLAGS, &lo);
    lo.ifr_flags = (short)(lo.ifr_flags | IFF_UP);
    if (rc < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
        fail("raise", "the loopback");
    close(fd);
}

int write_at(int dir_fd, const char *path, const char *text)
{
    int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

/* The new root is mounted over /tmp, the old one put under it by pivot_root(".", ".") and let go:
 * no folder for it is needed. pivot_root(2), NOTES. */
void root_build(struct job *job)
{
    struct sources sources;
    if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        fail("make private", "the mounts");
    job->host_proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (job->host_proc_fd < 0)
        fail("open", "/proc");
    open_sources(&sources, job);
    mount_fs("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "size=1m,mode=755");
    if (chdir("/tmp") < 0)
        fail("enter", "the new root");
    umask(022);
    build_system(&sources);
    build_dev(&sources);
    build_private(&job->plan);
    build_proc(job);
    cover(job->mask);
    attach_given(job);
    if (syscall(SYS_pivot_root, ".", ".") < 0 || syscall(SYS_umount2, ".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        fail("change to", "the new root");
    make_read_only("/");
    if (access(job->mask, F_OK) == 0)
        make_read_only(job->mask);
    raise_loopback();
    if (sethostname("lab", 3) < 0)
        fail("name", "the host");
}
