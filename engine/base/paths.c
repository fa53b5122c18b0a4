#include "base/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"

const char *paths_program(void)
{
    static char path[PATH_MAX];
    if (!path[0]) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        if (n < 0)
            return "ipclab";
        path[n] = '\0';
    }
    return path;
}

static bool holds_labs(const char *folder)
{
    char *order = xasprintf("%s/labs/order", folder);
    bool is_there = access(order, R_OK) == 0;
    free(order);
    return is_there;
}

static char *search_root(void)
{
    const char *given = getenv("IPCLAB_ROOT");
    if (given)
        return holds_labs(given) ? realpath(given, NULL) : NULL;
    char *folder = xstrdup(paths_program());
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        if (holds_labs(folder[0] ? folder : "/"))
            return folder;
        char *shared = xasprintf("%s/share/ipclab", folder);
        if (holds_labs(shared)) {
            free(folder);
            return shared;
        }
        free(shared);
    }
    free(folder);
    return NULL;
}

const char *paths_root(struct err *e)
{
    static char *root;
    if (!root)
        root = search_root();
    if (!root && getenv("IPCLAB_ROOT"))
        err_set(e, ENOENT, "find labs: IPCLAB_ROOT=%s has no labs/order", getenv("IPCLAB_ROOT"));
    else if (!root)
        err_set(e, ENOENT, "find labs: no labs/order above %s; set IPCLAB_ROOT", paths_program());
    return root;
}

char *paths_in_root(const char *relative)
{
    struct err e = {0};
    const char *root = paths_root(&e);
    if (!root)
        die("%s", e.text);
    return xasprintf("%s/%s", root, relative);
}

int paths_make_dirs(const char *path, struct err *e)
{
    char *copy = xstrdup(path);
    int rc = 0;
    for (char *p = copy + 1; rc == 0; p++) {
        bool is_end = *p == '\0';
        if (*p != '/' && !is_end)
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            rc = err_sys(e, errno, "make folder %s", copy);
        if (is_end)
            break;
        *p = '/';
    }
    free(copy);
    return rc;
}

static int own_name(char **out, const char *variable, const char *under_home, struct err *e)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");
    if (base && base[0] == '/')
        *out = xasprintf("%s/ipclab", base);
    else if (home && home[0] == '/')
        *out = xasprintf("%s/%s/ipclab", home, under_home);
    else
        return err_set(e, ENOENT, "find your folder: neither %s nor HOME is set", variable);
    return 0;
}

static int own_dir(char **out, const char *variable, const char *under_home, struct err *e)
{
    char *path;
    int rc = own_name(&path, variable, under_home, e);
    if (rc < 0)
        return rc;
    rc = paths_make_dirs(path, e);
    if (rc == 0 && access(path, W_OK | X_OK) < 0)
        rc = err_sys(e, errno, "write to %s", path);
    if (rc < 0) {
        free(path);
        return rc;
    }
    *out = path;
    return 0;
}

int paths_data_name(char **out, struct err *e)
{
    return own_name(out, "XDG_DATA_HOME", ".local/share", e);
}

int paths_config_name(char **out, struct err *e)
{
    return own_name(out, "XDG_CONFIG_HOME", ".config", e);
}

int paths_state_name(char **out, struct err *e)
{
    return own_name(out, "XDG_STATE_HOME", ".local/state", e);
}

/* /tmp is everybody's: the folder must be ours alone, and not a link that somebody else put there.
 */
static int temporary_cache(char **out, struct err *e)
{
    const char *base = getenv("TMPDIR");
    char *path =
        xasprintf("%s/ipclab-cache-%d", base && base[0] == '/' ? base : "/tmp", (int)geteuid());
    struct stat st;
    bool is_ours = (mkdir(path, 0700) == 0 || errno == EEXIST) && lstat(path, &st) == 0 &&
                   S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
    if (!is_ours) {
        err_set(e, EACCES,
                "make folder %s: it is not ours alone; set HOME to a folder you can write", path);
        free(path);
        return -EACCES;
    }
    *out = path;
    return 0;
}

int paths_cache_dir(char **out, struct err *e)
{
    return own_dir(out, "XDG_CACHE_HOME", ".cache", NULL) == 0 ? 0 : temporary_cache(out, e);
}

static int copy_starter(const char *from, const char *to, struct err *e)
{
    struct buf text = {0};
    int rc = file_read(&text, from, SIZE_MAX, e);
    char *folder = xstrdup(to);
    *strrchr(folder, '/') = '\0';
    if (rc == 0)
        rc = paths_make_dirs(folder, e);
    if (rc == 0)
        rc = file_write(to, text.data, text.len, e);
    free(folder);
    buf_fini(&text);
    return rc;
}

int paths_exercise(char **out, const char *exercise, struct err *e)
{
    const char *root = paths_root(e);
    if (!root)
        return -ENOENT;
    char *starter = xasprintf("%s/exercises/%s.c", root, exercise);
    if (access(starter, W_OK) == 0) {
        *out = starter;
        return 0;
    }
    char *mine = NULL, *data = NULL;
    int rc = own_dir(&data, "XDG_DATA_HOME", ".local/share", e);
    if (rc == 0) {
        mine = xasprintf("%s/exercises/%s.c", data, exercise);
        if (access(mine, F_OK) < 0)
            rc = copy_starter(starter, mine, e);
    }
    free(data);
    free(starter);
    if (rc < 0) {
        free(mine);
        return rc;
    }
    *out = mine;
    return 0;
}
