#include "grade/programs.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"

const char *program_kind_name(enum program_kind kind)
{
    static const char *const names[] = {
#define X(NAME, word) [PROGRAM_##NAME] = word,
        PROGRAM_KINDS(X)
#undef X
    };
    return names[kind];
}

/* The word after "wrong:" in the head comment. */
static char *rule_of(const char *file)
{
    struct buf text = {0};
    char *rule = NULL;
    if (file_read(&text, file, 1 << 20, NULL) == 0 && text.len > 2 &&
        strncmp(text.data, "/*", 2) == 0) {
        char *end = strstr(text.data, "*/"), *at = strstr(text.data, "wrong:");
        if (at != NULL && end != NULL && at < end) {
            at += strlen("wrong:");
            at += strspn(at, " \t");
            size_t length = 0;
            while (isalnum((unsigned char)at[length]) || at[length] == '-')
                length++;
            if (length > 0)
                rule = xasprintf("%.*s", (int)length, at);
        }
    }
    buf_fini(&text);
    return rule;
}

static void add(struct programs *out, enum program_kind kind, const char *exercise,
                const char *file)
{
    *PUSH(out->list) = (struct program){.kind = kind,
                                        .exercise = xstrdup(exercise),
                                        .file = xstrdup(file),
                                        .rule = kind == PROGRAM_WRONG ? rule_of(file) : NULL};
}

/* Is this solution of our exercise, or of another one that begins with the same name? It is ours
 * when the name ends there or goes on with '-', and no longer exercise name fits; exercises are
 * told apart by their starters. */
static int is_of(const char *root, const char *exercise, const char *file)
{
    const char *tail = file + strlen(root) + strlen("/solutions/") + strlen(exercise);
    if (*tail != '.' && *tail != '-')
        return 0;
    char *name = xstrdup(file + strlen(root) + strlen("/solutions/"));
    name[strlen(name) - 2] = '\0';
    int is_ours = 1;
    for (char *dash; strlen(name) > strlen(exercise); *dash = '\0') {
        char *starter = xasprintf("%s/exercises/%s.c", root, name);
        is_ours &= access(starter, F_OK) != 0;
        free(starter);
        dash = strrchr(name, '-');
        if (dash == NULL || dash < name + strlen(exercise))
            break;
    }
    free(name);
    return is_ours;
}

static size_t add_all(struct programs *out, enum program_kind kind, const char *root,
                      const char *exercise, const char *pattern)
{
    glob_t found = {0};
    size_t count = 0;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (kind != PROGRAM_SOLUTION || is_of(root, exercise, found.gl_pathv[i])) {
                add(out, kind, exercise, found.gl_pathv[i]);
                count++;
            }
    globfree(&found);
    return count;
}

int programs_add(struct programs *out, const char *root, const char *exercise, struct err *e)
{
    char *starter = xasprintf("%s/exercises/%s.c", root, exercise);
    char *solutions = xasprintf("%s/solutions/%s*.c", root, exercise);
    char *right = xasprintf("%s/tests/right/%s/*.c", root, exercise);
    char *wrong = xasprintf("%s/tests/wrong/%s/*.c", root, exercise);
    int result = 0;
    if (access(starter, R_OK) != 0)
        result = err_sys(e, errno, "read the starter %s", starter);
    else
        add(out, PROGRAM_STARTER, exercise, starter);
    if (result == 0 && add_all(out, PROGRAM_SOLUTION, root, exercise, solutions) == 0)
        result = err_set(e, ENOENT, "verify %s: there is no solution", exercise);
    if (result == 0) {
        add_all(out, PROGRAM_RIGHT, root, exercise, right);
        add_all(out, PROGRAM_WRONG, root, exercise, wrong);
    }
    free(starter);
    free(solutions);
    free(right);
    free(wrong);
    return result;
}

void programs_fini(struct programs *p)
{
    for (size_t i = 0; i < p->list_count; i++) {
        free(p->list[i].exercise);
        free(p->list[i].file);
        free(p->list[i].rule);
    }
    free(p->list);
}
