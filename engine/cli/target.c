#include "cli/target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "grade/compile.h"
#include "grade/grade.h"
#include "script/lab.h"

static const char inside[] = "/lab/program";

static bool is_c_file(const char *word)
{
    size_t length = strlen(word);
    return length > 2 && strcmp(word + length - 2, ".c") == 0;
}

static void set_argv(struct target_program *t, const char *program, char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    t->argv = xcalloc(count + 2, sizeof *t->argv);
    t->argv[0] = xstrdup(program);
    for (size_t i = 1; i < count; i++)
        t->argv[i] = xstrdup(words[i]);
}

static int use_source(struct target_program *t, const char *path, struct err *e)
{
    const char *const sources[] = {path, NULL};
    struct compile_options options = {.sources = sources};
    struct compile_result result = {0};
    int rc = compile_program(&result, &options, e);
    if (rc == 0 && !result.is_ok) {
        fputs(result.text, stderr);
        rc = err_set(e, EINVAL, "compile %s: it does not compile", path);
    }
    if (rc == 0) {
        t->compiled = xstrdup(result.program);
        t->source = xstrdup(path);
        t->mount = (struct sandbox_mount){.from = t->compiled, .to = inside};
    }
    compile_result_fini(&result);
    return rc;
}

static int use_program(struct target_program *t, const char *path, struct err *e)
{
    char full[PATH_MAX];
    if (!realpath(path, full))
        return err_sys(e, errno, "run %s", path);
    if (access(full, X_OK) < 0)
        return err_sys(e, errno, "run %s", path);
    t->compiled = xstrdup(full);
    t->mount = (struct sandbox_mount){.from = t->compiled, .to = inside};
    return 0;
}

/* A lab's variant runs with its knobs as they stand, and those that are named. */
static void set_lab_argv(struct target_program *t, const struct lab *lab, char *const *words)
{
    size_t count = 0;
    t->argv = xcalloc(lab->knob_count + 2, sizeof *t->argv);
    t->argv[count++] = xstrdup(inside);
    for (size_t i = 0; i < lab->knob_count; i++) {
        const struct lab_knob *knob = &lab->knobs[i];
        size_t length = strlen(knob->name);
        const char *given = NULL;
        for (char *const *word = words + 1; *word; word++)
            if (strncmp(*word, knob->name, length) == 0 && (*word)[length] == '=')
                given = *word;
        t->argv[count++] =
            given ? xstrdup(given) : xasprintf("%s=%s", knob->name, knob->values[knob->initial]);
    }
}

/* As a user would write it again. */
static char *join(const char *first, char *const *rest)
{
    struct buf text = {0};
    buf_puts(&text, first);
    for (; *rest; rest++)
        buf_printf(&text, " %s", *rest);
    return buf_take(&text);
}

bool target_is_lab(const char *word)
{
    bool is_path =
        word[0] == '/' || word[0] == '.' || (strchr(word, '/') && access(word, F_OK) == 0);
    return !is_c_file(word) && !is_path;
}

static int use_lab(struct target_program *t, char *const *words, const char *name, struct err *e)
{
    const char *root = paths_root(e);
    struct lab *lab = NULL;
    if (!root)
        return -ENOENT;
    int rc = lab_load(&lab, root, words[0], e);
    if (rc < 0)
        return rc;
    const struct lab_variant *variant = lab_variant(lab, name ? name : "broken");
    if (!variant)
        rc = err_set(e, ENOENT, "find variant %s: lab %s has none of that name", name, lab->name);
    else
        rc = use_source(t, variant->path, e);
    if (rc == 0) {
        set_lab_argv(t, lab, words);
        char *first = xasprintf("%s %s", lab->name, variant->name);
        t->what = join(first, words + 1);
        free(first);
    }
    lab_free(lab);
    return rc;
}

int target_find(struct target_program *out, char *const *words, const char *variant, struct err *e)
{
    const char *word = words[0];
    *out = (struct target_program){0};
    int rc;
    if (is_c_file(word))
        rc = use_source(out, word, e);
    else if (!target_is_lab(word))
        rc = use_program(out, word, e);
    else
        rc = use_lab(out, words, variant, e);
    if (rc < 0) {
        target_fini(out);
        return rc;
    }
    if (!out->argv)
        set_argv(out, inside, words);
    if (!out->what)
        out->what = join(word, words + 1);
    out->sandbox = (struct sandbox_options){.mounts = &out->mount, .mount_count = 1};
    out->sources[0] = out->source;
    out->meta[0] = "what";
    out->meta[1] = out->what;
    return 0;
}

void target_options(const struct target_program *t, struct run_options *out)
{
    *out = (struct run_options){
        .argv = t->argv, .sandbox = &t->sandbox, .sources = t->sources, .meta = t->meta};
}

void target_fini(struct target_program *t)
{
    for (char **arg = t->argv; arg && *arg; arg++)
        free(*arg);
    free(t->argv);
    free(t->source);
    free(t->what);
    free(t->compiled);
    *t = (struct target_program){0};
}
