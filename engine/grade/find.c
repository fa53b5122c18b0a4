/* Which exercise does a name, or a path, mean? */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "grade/exercises.h"
#include "grade/grade.h"
#include "script/json.h"

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length > tail && strcmp(text + length - tail, suffix) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds PART/NAME for each NAME.lua in a part's folder of graders. */
static void add_part(struct exercises *list, const char *root, const char *part)
{
    char *path = xasprintf("%s/scripts/grade/%s", root, part);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (has_suffix(entry->d_name, ".lua"))
            *PUSH(list->names) =
                xasprintf("%s/%.*s", part, (int)strlen(entry->d_name) - 4, entry->d_name);
    if (dir != NULL)
        closedir(dir);
    free(path);
}

int exercises_list(struct exercises *out, const char *root, struct err *e)
{
    char *path = xasprintf("%s/scripts/grade", root);
    DIR *dir = opendir(path);
    int result = dir != NULL ? 0 : err_sys(e, errno, "read %s", path);
    free(path);
    if (result < 0)
        return result;
    struct exercises list = {0};
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            add_part(&list, root, entry->d_name);
    closedir(dir);
    if (list.names_count > 0)
        qsort(list.names, list.names_count, sizeof *list.names, by_name);
    *out = list;
    return 0;
}

void exercises_fini(struct exercises *list)
{
    strings_free(list->names, list->names_count);
}

static bool is_end_of_name(char c)
{
    return c == '\0' || c == '/' || c == '.' || c == '-';
}

/* Is "PART/LAB" in the path, as whole names? "solutions/2-pipes/pipe-eof-poll.c" and
 * "tests/wrong/2-pipes/pipe-eof/leak.c" are about 2-pipes/pipe-eof, too. */
static bool is_in_path(const char *path, const char *exercise)
{
    for (const char *at = path; (at = strstr(at, exercise)) != NULL; at++)
        if ((at == path || at[-1] == '/') && is_end_of_name(at[strlen(exercise)]))
            return true;
    return false;
}

/* "pipe-eof", "2-pipes/pipe-eof". */
static bool is_name_of(const char *name, const char *exercise)
{
    return strcmp(name, exercise) == 0 || strcmp(name, strchr(exercise, '/') + 1) == 0;
}

int grade_find(char **out, const char *root, const char *name, struct err *e)
{
    struct exercises list;
    int result = exercises_list(&list, root, e);
    if (result < 0)
        return result;
    const char *found = NULL;
    for (size_t i = 0; i < list.names_count; i++) {
        const char *exercise = list.names[i];
        bool is_it =
            has_suffix(name, ".c") ? is_in_path(name, exercise) : is_name_of(name, exercise);
        if (is_it && (found == NULL || strlen(exercise) > strlen(found)))
            found = exercise;
    }
    if (found != NULL)
        *out = xstrdup(found);
    else
        result = err_set(e, ENOENT, "find exercise '%s': there is no such exercise", name);
    exercises_fini(&list);
    return result;
}
