/* Root's sandbox runs as a user who owns nothing. The caller's mounts are therefore opened here,
 * with root's rights, and idmapped (mount_setattr(2)): what root owns looks owned by the sandbox's
 * user, and what that user makes there is root's on disk. It works on detached copies; nothing
 * changes on the host. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "sandbox/sandbox_internal.h"

static int namespace_open(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool is_readable_by_all(const struct stat *file)
{
    mode_t needed = S_ISDIR(file->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
    return (file->st_mode & needed) == needed;
}

/* Gives a folder or file to the sandbox's user until mounts_return. */
static int lend(struct sandbox *s, const char *path, const struct ids *ids, struct err *e)
{
    struct lent *lent = &s->lent[s->lent_count];
    struct stat file;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0 || fchownat(fd, "", ids->uid, ids->gid, AT_EMPTY_PATH) < 0) {
        int code = errno;
        fd_close(&fd);
        return err_sys(e, code, "lend %s to an unprivileged user", path);
    }
    *lent = (struct lent){.fd = fd, .uid = file.st_uid, .gid = file.st_gid};
    s->lent_count++;
    return 0;
}

void mounts_return(struct sandbox *s)
{
    for (; s->lent_count > 0; s->lent_count--) {
        struct lent *lent = &s->lent[s->lent_count - 1];
        /* It may be gone by now; then it needs no owner. */
        if (fchownat(lent->fd, "", lent->uid, lent->gid, AT_EMPTY_PATH) < 0)
            errno = 0;
        fd_close(&lent->fd);
    }
}

/* On file systems that cannot be idmapped (overlayfs, some network ones), what everybody may read
 * is shown as it is, and what is to be written is lent. */
static int show_as_is(struct sandbox *s, const struct sandbox_mount *m, const struct ids *ids,
                      int code, struct err *e)
{
    struct stat file;
    if (m->is_writable)
        return lend(s, m->from, ids, e);
    if (stat(m->from, &file) < 0)
        return err_sys(e, errno, "open %s", m->from);
    if (!is_readable_by_all(&file))
        return err_sys(e, code,
                       "show %s to an unprivileged user: its file system has no idmapped mounts",
                       m->from);
    return 0;
}

static int mount_open(struct sandbox *s, const struct sandbox_mount *m, const struct ids *ids,
                      int namespace_fd, struct err *e)
{
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, m->from,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0)
        return err_sys(e, errno, "open %s", m->from);
    struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)namespace_fd};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) <
        0) {
        int rc = show_as_is(s, m, ids, errno, e);
        if (rc < 0) {
            fd_close(&fd);
            return rc;
        }
    }
    return fd;
}

int mounts_open(struct sandbox *s, int *fds, size_t *count, struct plan *plan,
                const struct sandbox_options *options, const struct ids *ids, struct err *e)
{
    *count = 0;
    int namespace_fd = namespace_open(s->init_pid);
    if (namespace_fd < 0)
        return err_sys(e, -namespace_fd, "open the sandbox's user namespace");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < options->mount_count; i++) {
        int fd = mount_open(s, &options->mounts[i], ids, namespace_fd, e);
        if (fd < 0) {
            rc = fd;
        } else {
            fds[(*count)++] = fd;
            plan->mounts[i].is_open = true;
        }
    }
    fd_close(&namespace_fd);
    return rc;
}
