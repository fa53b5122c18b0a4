#include "machines.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "harness.h"
#include "sandbox/sandbox_internal.h"

static const uint64_t long_enough = 20000000000;

static bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0;
    fd_close(&fd);
    return is_written;
}

/* This process moves to a user namespace of its own, where it is root and nobody else is. */
static bool move_out(unsigned uid, unsigned gid)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof uids, "0 %u 1", uid);
    snprintf(gids, sizeof gids, "0 %u 1", gid);
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put("/proc/self/setgroups", "deny") &&
           put("/proc/self/uid_map", uids) && put("/proc/self/gid_map", gids);
}

/* A machine that forbids user namespaces, as far as a child of ours can see. */
int machine_without_namespaces(unsigned uid, unsigned gid)
{
    if (!move_out(uid, gid) || !put("/proc/sys/user/max_user_namespaces", "0"))
        return 10;
    struct outcome o;
    char *const argv[] = {"/bin/sh", "-c", "exit 4", NULL};
    struct sandbox_options options = {.argv = argv};
    outcome_of(&o, &options, long_enough);
    if (uid == 0) /* root must not run programs as itself in any way */
        return strstr(o.e.text, "this is root") ? 0 : 11;
    if (o.rc != -ENOSPC || !strstr(o.e.text, "user.max_user_namespaces is 0"))
        return 12;
    struct sandbox_tier tier;
    sandbox_probe(&tier);
    if (tier.has_namespaces || strcmp(tier.why.text, o.e.text) != 0)
        return 13;
    options.allow_degraded = true;
    outcome_of(&o, &options, long_enough);
    return (o.rc == 0 && o.status == 4 << 8) || strstr(o.e.text, "Landlock") ||
                   strstr(o.e.text, "max_user_namespaces")
               ? 0
               : 14;
}

/* Covers a file of every proc file system in sight: one that is whole would allow a new one
 * (mount_too_revealing in fs/namespace.c). False when one cannot be covered. */
static bool cover_proc(void)
{
    struct mntent *m;
    FILE *table = setmntent("/proc/self/mounts", "re");
    bool is_covered = table != NULL;
    while (is_covered && (m = getmntent(table))) {
        if (strcmp(m->mnt_type, "proc") != 0)
            continue;
        char *path = xasprintf("%s/version", m->mnt_dir);
        /* what has no such file is a part of proc, which allows nothing */
        is_covered = mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT ||
                     errno == ENOTDIR;
        free(path);
    }
    if (table)
        endmntent(table);
    return is_covered;
}

/* A container that covers parts of /proc: the kernel then allows no new one. */
int machine_without_proc(unsigned uid, unsigned gid)
{
    if (!move_out(uid, gid))
        return 20;
    if (!cover_proc()) {
        fputs("skipped: a /proc is mounted where this user cannot cover it\n", stderr);
        return MACHINE_SKIPPED;
    }
    struct outcome o;
    char *const argv[] = {"/bin/sh", "-c", "[ -e /proc/self ] || exit 4", NULL};
    struct sandbox_options options = {.argv = argv};
    outcome_of(&o, &options, long_enough);
    if (uid == 0)
        return strstr(o.e.text, "this is root") ? 0 : 21;
    if (o.rc != -EPERM || !strstr(o.e.text, "private /proc"))
        return 22;
    struct sandbox_tier tier;
    sandbox_probe(&tier);
    if (!tier.has_namespaces || tier.has_proc)
        return 23;
    options.allow_degraded = true;
    outcome_of(&o, &options, long_enough);
    return o.rc == 0 && o.status == 4 << 8 ? 0 : 24;
}

static bool make_overlay(const char *base)
{
    static const char *const names[] = {"lower", "upper", "work", "merged", "merged/out"};
    char options[512], path[256];
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", base, "tmpfs", 0, NULL) < 0)
        return false;
    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", base,
             base, base);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", base, names[i]);
        mkdir(path, 0755);
    }
    if (mount("overlay", path, "overlay", 0, options) < 0)
        return false;
    snprintf(path, sizeof path, "%s/%s", base, names[4]);
    return mkdir(path, 0700) == 0;
}

/* Root on a file system without idmapped mounts, as in containers: the writable folder is lent. */
int machine_without_idmaps(unsigned uid, const char *folder)
{
    if (uid != 0 || !make_overlay(folder))
        return 0; /* nothing to be shown here */
    struct outcome o;
    struct stat made, out;
    char *path = xasprintf("%s/merged/out", folder), *file = xasprintf("%s/made", path);
    char *const argv[] = {"/bin/sh", "-c", "echo new > /out/made && stat -c %u /out", NULL};
    const struct sandbox_mount mount = {.from = path, .to = "/out", .is_writable = true};
    const struct sandbox_options options = {.argv = argv, .mounts = &mount, .mount_count = 1};
    outcome_of(&o, &options, long_enough);
    if (o.rc < 0 || o.status != 0 || strcmp(o.out.data, "1000\n") != 0)
        return 30;
    return stat(file, &made) == 0 && stat(path, &out) == 0 && out.st_uid == 0 ? 0 : 31;
}
