#include "ui/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

int watch_start(struct watch *w, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrdup(path) : xstrdup(".");
    int r = 0;
    if (slash)
        folder[slash == path ? 1 : slash - path] = '\0';
    w->name = xstrdup(slash ? slash + 1 : path);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0 || inotify_add_watch(w->fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        r = err_sys(e, errno, "watch %s", folder);
        watch_stop(w);
    }
    free(folder);
    return r;
}

bool watch_step(struct watch *w)
{
    char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool was_saved = false;
    ssize_t size;
    while (w->fd >= 0 && (size = read(w->fd, bytes, sizeof bytes)) > 0) {
        for (char *p = bytes; p < bytes + size;) {
            const struct inotify_event *ev = (const struct inotify_event *)(void *)p;
            if (ev->len && strcmp(ev->name, w->name) == 0)
                was_saved = true;
            p += sizeof *ev + ev->len;
        }
    }
    return was_saved;
}

void watch_stop(struct watch *w)
{
    fd_close(&w->fd);
    free(w->name);
    w->name = NULL;
}
