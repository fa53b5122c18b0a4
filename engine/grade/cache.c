#include "grade/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

enum { ENTRIES_MAX = 256, ENTRIES_GO = 128, NAME_LENGTH = 16 };

void cache_touch(const char *entry)
{
    utimensat(AT_FDCWD, entry, NULL, 0);
}

void cache_remove(const char *entry)
{
    DIR *dir = opendir(entry);
    const struct dirent *file;
    while (dir != NULL && (file = readdir(dir)) != NULL)
        unlinkat(dirfd(dir), file->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(entry);
}

struct entry {
    char *path;
    struct timespec used;
};

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->used,
                          *y = &((const struct entry *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

void cache_prune(const char *folder)
{
    struct entry *entries = NULL;
    size_t entries_count = 0, entries_cap = 0;
    DIR *dir = opendir(folder);
    const struct dirent *file;
    while (dir != NULL && (file = readdir(dir)) != NULL) {
        struct stat st;
        if (strlen(file->d_name) == NAME_LENGTH &&
            fstatat(dirfd(dir), file->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            *PUSH(entries) = (struct entry){.path = xasprintf("%s/%s", folder, file->d_name),
                                            .used = st.st_mtim};
    }
    if (dir != NULL)
        closedir(dir);
    if (entries_count > ENTRIES_MAX) {
        qsort(entries, entries_count, sizeof *entries, by_use);
        for (size_t i = 0; i < ENTRIES_GO; i++)
            cache_remove(entries[i].path);
    }
    for (size_t i = 0; i < entries_count; i++)
        free(entries[i].path);
    free(entries);
}
