#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

/* Waiting for somebody who mends or migrates. */
enum { LOCK_WAIT_MS = 10000, LOCK_LOOK_MS = 10, BLOCK = 1 << 16 };

static int share_lock(int fd)
{
    for (int waited = 0; flock(fd, LOCK_SH | LOCK_NB) < 0; waited += LOCK_LOOK_MS) {
        struct timespec nap = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
        if (errno != EWOULDBLOCK)
            return -errno;
        if (waited >= LOCK_WAIT_MS)
            return -EBUSY;
        nanosleep(&nap, NULL);
    }
    return 0;
}

int files_lock(struct store *s, struct err *e)
{
    char *path = xasprintf("%s/progress.lock", s->folder);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = s->lock_fd < 0 ? -errno : 0;
    if (rc < 0)
        err_sys(e, -rc, "open %s", path);
    free(path);
    if (rc < 0)
        return rc;
    s->is_alone = flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0;
    return s->is_alone ? 0 : files_share(s, e);
}

int files_share(struct store *s, struct err *e)
{
    int rc = share_lock(s->lock_fd);
    s->is_alone = false;
    if (rc == -EBUSY)
        return err_set(e, EBUSY,
                       "open %s: another ipclab is repairing it, and does not finish; "
                       "end that one, then try again",
                       s->path);
    return rc < 0 ? err_sys(e, -rc, "lock %s/progress.lock", s->folder) : 0;
}

static void clean_folder(const char *folder, const char *prefix)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && strstr(entry->d_name, ".tmp"))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

void files_clean(const struct store *s)
{
    char *backups = xasprintf("%s/backups", s->folder);
    clean_folder(s->folder, "progress.db.");
    clean_folder(backups, "progress-");
    free(backups);
}

/* What is not known to be of this machine counts as a network: slower, and never wrong. */
bool files_are_local(const char *folder)
{
    static const unsigned local[] = {
        EXT4_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,    XFS_SUPER_MAGIC,           F2FS_SUPER_MAGIC,
        TMPFS_MAGIC,       RAMFS_MAGIC,          REISERFS_SUPER_MAGIC,      OVERLAYFS_SUPER_MAGIC,
        NILFS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, 0xca451a4e /* bcachefs */, 0x3153464a /* JFS */};
    struct statfs fs;
    if (statfs(folder, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if ((unsigned)fs.f_type == local[i])
            return true;
    return false;
}

int files_sync(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    fd_close(&fd);
    return rc < 0 ? err_sys(e, -rc, "save %s", path) : 0;
}

static int copy_bytes(int from, int to)
{
    char *block = xmalloc(BLOCK);
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = fd_read_full(from, block, BLOCK)) != 0)
        rc = n < 0 ? (int)n : fd_write_full(to, block, (size_t)n);
    free(block);
    return rc == 0 && fsync(to) < 0 ? -errno : rc;
}

int files_copy(const char *from, const char *to, struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = out < 0 ? -errno : copy_bytes(in, out);
    if (rc < 0 && out >= 0)
        unlink(to);
    fd_close(&in);
    fd_close(&out);
    return rc < 0 ? err_sys(e, -rc, "copy %s to %s", from, to) : 0;
}

int files_keep(const char *from, const char *to, struct err *e)
{
    struct stat a, b;
    if (link(from, to) == 0)
        return 0;
    if (errno == EEXIST && stat(from, &a) == 0 && stat(to, &b) == 0 && a.st_ino == b.st_ino &&
        a.st_dev == b.st_dev)
        return 0;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK)
        return files_copy(from, to, e);
    return err_sys(e, errno, "keep %s as %s", from, to);
}

bool files_exist(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    bool is_there = access(name, F_OK) == 0;
    free(name);
    return is_there;
}
