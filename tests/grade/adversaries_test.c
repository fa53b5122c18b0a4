/* Programs that no grader was written for: each must get a verdict of the declared kinds, and leave
 * nothing behind. usage: adversaries_test ROOT EXERCISE FOLDER */
#include <dirent.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "grade/grade.h"

static unsigned failures;

/* What the kernel keeps after a process is gone, and whoever still runs a program of ours. */
static void look_around(struct buf *out)
{
    static const char *const files[] = {"/proc/sysvipc/shm", "/proc/sysvipc/sem",
                                        "/proc/sysvipc/msg", "/proc/self/mounts"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        file_read(out, files[i], 1 << 20, NULL);
    glob_t found = {0};
    if (glob("/dev/shm/*", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            buf_printf(out, "%s\n", found.gl_pathv[i]);
    globfree(&found);
}

/* Processes that run the judged program. */
static unsigned count_running(const char *name)
{
    glob_t found = {0};
    unsigned count = 0;
    if (glob("/proc/[0-9]*/exe", 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char target[4096];
        ssize_t n = readlink(found.gl_pathv[i], target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        const char *slash = strrchr(target, '/');
        count +=
            strstr(target, "/ipclab/bin/") != NULL && slash != NULL && strcmp(slash + 1, name) == 0;
    }
    globfree(&found);
    return count;
}

/* "expect: fail timeout — ..." allows fail and timeout. */
static bool is_expected(const char *file, enum verdict_kind kind)
{
    struct buf text = {0};
    bool is_it = false;
    if (file_read(&text, file, 1 << 20, NULL) == 0) {
        const char *at = strstr(text.data, "expect:"), *end = strstr(text.data, " — ");
        const char *word = verdict_kind_name(kind);
        for (const char *p = at; at != NULL && end != NULL && p < end; p++)
            is_it |= strncmp(p, word, strlen(word)) == 0;
    }
    buf_fini(&text);
    return is_it;
}

static void complain(const char *file, const char *what)
{
    fprintf(stderr, "FAIL %s: %s\n", file, what);
    failures++;
}

static void try(const char *root, const char *exercise, const char *file)
{
    struct grade_options options = {.root = root, .exercise = exercise, .file = file, .seed = 1};
    struct buf before = {0}, after = {0}, text = {0};
    struct verdict *v = NULL;
    struct err e = {0};
    look_around(&before);
    if (grade_exercise(&v, &options, &e) < 0) {
        complain(file, e.text);
        return;
    }
    printf("%-12s %s\n", verdict_kind_name(v->kind), file);
    fflush(stdout);
    if (!is_expected(file, v->kind)) {
        verdict_text(v, 0, &text);
        complain(file, text.data);
    }
    look_around(&after);
    if (before.len != after.len || memcmp(before.data, after.data, after.len) != 0)
        complain(file, "left something behind");
    const char *slash = strrchr(file, '/');
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)strlen(slash + 1) - 2, slash + 1);
    if (count_running(name) != 0)
        complain(file, "still runs");
    verdict_free(v);
    buf_fini(&before);
    buf_fini(&after);
    buf_fini(&text);
}

int main(int argc, char *argv[])
{
    glob_t found = {0};
    char pattern[4096];
    if (argc != 4)
        return 2;
    snprintf(pattern, sizeof pattern, "%s/*.c", argv[3]);
    if (glob(pattern, 0, NULL, &found) != 0)
        return 2;
    for (size_t i = 0; i < found.gl_pathc; i++)
        try(argv[1], argv[2], found.gl_pathv[i]);
    globfree(&found);
    return failures == 0 ? 0 : 1;
}
