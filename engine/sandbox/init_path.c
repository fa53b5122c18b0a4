/* Where ipclab-init is: beside the program, in a build tree's engine/sandbox, or in libexec/ipclab
 * of the tree the program is installed in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"

static const char *given;

void init_use(const char *path)
{
    given = path;
}

static int try_open(const char *folder, const char *below)
{
    char *path = xasprintf("%s%s/ipclab-init", folder, below);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    return fd;
}

/* Upwards from the program's folder. */
static int search(void)
{
    static const char *const places[] = {"", "/libexec/ipclab", "/engine/sandbox"};
    char *folder = xstrdup(paths_program());
    int fd = -1;
    for (char *slash; fd < 0 && (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        for (size_t i = 0; fd < 0 && i < sizeof places / sizeof *places; i++)
            fd = try_open(folder, places[i]);
    }
    free(folder);
    return fd;
}

/* Root's sandbox runs as somebody else, who may not be allowed to run the file: a copy in memory.
 */
static int copy_to_memory(int fd)
{
    struct stat file;
    int copy = memfd_create("ipclab-init", MFD_CLOEXEC);
    if (copy < 0 || fstat(fd, &file) < 0)
        return -errno;
    for (off_t done = 0; done < file.st_size;) {
        ssize_t n = sendfile(copy, fd, &done, (size_t)(file.st_size - done));
        if (n <= 0) {
            fd_close(&copy);
            return n < 0 ? -errno : -EIO;
        }
    }
    /* A file that is open for writing cannot be run (ETXTBSY). */
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
    int readable = open(path, O_RDONLY | O_CLOEXEC);
    int code = errno;
    fd_close(&copy);
    return readable < 0 ? -code : readable;
}

int init_open(const struct ids *ids, struct err *e)
{
    int fd = given ? open(given, O_RDONLY | O_CLOEXEC) : search();
    if (fd < 0)
        return err_set(e, ENOENT, "find ipclab-init: not beside %s, nor in libexec/ipclab",
                       paths_program());
    struct stat file;
    if (ids->is_other && fstat(fd, &file) == 0 && !(file.st_mode & S_IXOTH)) {
        int copy = copy_to_memory(fd);
        fd_close(&fd);
        if (copy < 0)
            return err_sys(e, -copy, "copy ipclab-init");
        fd = copy;
    }
    /* Out of the way of PLAN_CONTROL_FD. */
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 16);
    int code = errno;
    fd_close(&fd);
    return high < 0 ? err_sys(e, code, "open ipclab-init") : high;
}
