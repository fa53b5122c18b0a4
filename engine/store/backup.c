#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

enum { DAILY_KEPT = 3, DATE = 10, DAILY_NAME = sizeof "progress-2026-11-25.db" - 1 };

static char *folder_of(const struct store *s)
{
    return xasprintf("%s/backups", s->folder);
}

/* "2026-11-25" */
static void today(char out[DATE + 1])
{
    char text[32];
    time_format(time_now_ms(), text);
    snprintf(out, DATE + 1, "%.10s", text);
}

/* A name that no other backup has. */
static char *free_name(const char *folder, const char *reason)
{
    char date[DATE + 1];
    today(date);
    char *name = xasprintf("%s/progress-%s-%s.db", folder, date, reason);
    for (int n = 2; access(name, F_OK) == 0; n++) {
        free(name);
        name = xasprintf("%s/progress-%s-%s-%d.db", folder, date, reason, n);
    }
    return name;
}

/* VACUUM INTO does not promise to wait for the disk (sqlite.org/lang_vacuum.html): that is ours to
 * do, before the name says that the copy is whole. */
static int copy_into(struct store *s, const char *temporary, const char *name, const char *folder,
                     struct err *e)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, errno, "make backup %s", temporary);
    close(fd);
    if (sql_finish(sql_prepare(s->db, "VACUUM INTO ?", "s", temporary)) != SQLITE_OK)
        return sql_err(s->db, "back up", e);
    int rc = files_sync(temporary, e);
    if (rc == 0 && rename(temporary, name) < 0)
        rc = err_sys(e, errno, "make backup %s", name);
    return rc == 0 ? files_sync(folder, e) : rc;
}

static int make(struct store *s, const char *folder, const char *name, struct err *e)
{
    char *temporary = xasprintf("%s.%d.tmp", name, (int)getpid());
    char *journal = xasprintf("%s-journal", temporary);
    int rc = copy_into(s, temporary, name, folder, e);
    if (rc < 0) {
        unlink(temporary);
        unlink(journal);
    }
    free(journal);
    free(temporary);
    return rc;
}

int backup_make(struct store *s, const char *reason, char **out, struct err *e)
{
    char *folder = folder_of(s);
    int rc = paths_make_dirs(folder, e);
    if (rc == 0) {
        char *name = free_name(folder, reason);
        rc = make(s, folder, name, e);
        if (rc == 0 && out)
            *out = name;
        else
            free(name);
    }
    free(folder);
    return rc;
}

static int is_daily(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return strlen(name) == DAILY_NAME && strncmp(name, "progress-", 9) == 0 &&
           strcmp(name + DAILY_NAME - 3, ".db") == 0;
}

/* The daily backups' names, oldest first; returns how many. */
static int list(const char *folder, struct dirent ***out)
{
    int n = scandir(folder, out, is_daily, alphasort);
    return n < 0 ? 0 : n;
}

static void list_fini(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n > 0)
        free(entries);
}

static void prune(const char *folder)
{
    struct dirent **entries = NULL;
    int n = list(folder, &entries);
    for (int i = 0; i < n - DAILY_KEPT; i++) {
        char *path = xasprintf("%s/%s", folder, entries[i]->d_name);
        unlink(path);
        free(path);
    }
    list_fini(entries, n);
}

int backup_daily(struct store *s, bool is_again, struct err *e)
{
    char date[DATE + 1];
    today(date);
    char *folder = folder_of(s), *name = xasprintf("%s/progress-%s.db", folder, date);
    int rc = 0;
    if (is_again || access(name, F_OK) < 0) {
        rc = paths_make_dirs(folder, e);
        if (rc == 0)
            rc = make(s, folder, name, e);
        if (rc == 0)
            prune(folder);
    }
    free(name);
    free(folder);
    return rc;
}

char *backup_newest(const struct store *s)
{
    struct dirent **entries = NULL;
    char *folder = folder_of(s), *path = NULL;
    int n = list(folder, &entries);
    if (n > 0)
        path = xasprintf("%s/%s", folder, entries[n - 1]->d_name);
    list_fini(entries, n);
    free(folder);
    return path;
}
