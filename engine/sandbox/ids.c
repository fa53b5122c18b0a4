#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "sandbox/sandbox_internal.h"

enum { NOBODY = 65534 };

/* Whether an id exists in our own user namespace, and what it is outside: user_namespaces(7). */
static bool is_mapped(const char *path, unsigned id, unsigned *outside)
{
    struct buf map = {0};
    bool found = false;
    if (file_read(&map, path, 1 << 16, NULL) == 0 && map.len)
        for (char *rest = map.data, *line; !found && (line = strsep(&rest, "\n")) != NULL;) {
            unsigned first, there, count;
            if (sscanf(line, "%u %u %u", &first, &there, &count) == 3) {
                found = id >= first && id - first < count;
                *outside = there + (id - first);
            }
        }
    buf_fini(&map);
    return found;
}

/* Root of a user namespace that has nobody else is somebody's unprivileged self already, unless it
 * is root's. */
int ids_choose(struct ids *out, struct err *e)
{
    unsigned outside = 0;
    *out = (struct ids){.uid = geteuid(), .gid = getegid()};
    if (out->uid != 0)
        return 0;
    if (is_mapped("/proc/self/uid_map", NOBODY, &outside) &&
        is_mapped("/proc/self/gid_map", NOBODY, &outside)) {
        *out = (struct ids){.uid = NOBODY, .gid = NOBODY, .is_other = true};
        return 0;
    }
    if (!is_mapped("/proc/self/uid_map", 0, &outside) || outside == 0)
        return err_set(e, EPERM,
                       "start sandbox: this is root, and no unprivileged user is mapped here");
    return 0;
}

static int put(pid_t pid, const char *file, const char *text, struct err *e)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
    fd_close(&fd);
    return rc < 0 ? err_sys(e, -rc, "map the sandbox's user: write %s", path) : 0;
}

int ids_map(const struct ids *ids, pid_t pid, struct err *e)
{
    char line[64];
    /* setgroups(2) is needed once by root's sandbox, to drop root's groups; others must give it up.
     */
    int rc = ids->is_other ? 0 : put(pid, "setgroups", "deny", e);
    snprintf(line, sizeof line, "0 %u 1", (unsigned)ids->uid);
    if (rc == 0)
        rc = put(pid, "uid_map", line, e);
    snprintf(line, sizeof line, "0 %u 1", (unsigned)ids->gid);
    if (rc == 0)
        rc = put(pid, "gid_map", line, e);
    return rc;
}
