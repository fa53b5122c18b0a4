#include "grade/again.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "grade/compile.h"
#include "grade/worker.h"

static const char word[] = "grade ";

bool grade_is_run(const struct schedule *s)
{
    return strncmp(s->what, word, sizeof word - 1) == 0;
}

/* What "grade EXERCISE SEED RUN FILE.c" names. */
struct named {
    char exercise[128];
    unsigned long long seed;
    size_t run; /* from 1 */
    const char *file;
};

static int read_name(struct named *out, const struct schedule *s, struct err *e)
{
    int length = 0;
    if (sscanf(s->what, "grade %127s %llu %zu %n", out->exercise, &out->seed, &out->run, &length) <
            3 ||
        !s->what[length])
        return err_set(
            e, EINVAL,
            "replay \"%.60s\": \"for: grade EXERCISE SEED RUN FILE.c\" is what it should "
            "say",
            s->what);
    out->file = s->what + length;
    return 0;
}

static int compile(char **out, const char *path, const char *with, struct err *e)
{
    const char *sources[] = {path, with && access(with, R_OK) == 0 ? with : NULL, NULL};
    struct compile_options options = {.sources = sources};
    struct compile_result result = {0};
    int rc = compile_program(&result, &options, e);
    if (rc == 0 && !result.is_ok)
        rc = err_set(e, EINVAL, "compile %s: it does not compile", path);
    *out = rc == 0 ? xstrdup(result.program) : NULL;
    compile_result_fini(&result);
    return rc;
}

static int compile_all(struct plan *plan, char **program, char **partners, struct err *e)
{
    const struct grader *g = plan->grader;
    char *settle = xasprintf("%s/scripts/grade/settle.c", plan->root);
    int rc = compile(program, plan->file, NULL, e);
    for (size_t i = 0; i < g->partner_count && rc == 0; i++) {
        char *path = xasprintf("%s/scripts/grade/%s/%s.c", plan->root, g->exercise, g->partners[i]);
        rc = compile(&partners[i], path, settle, e);
        free(path);
    }
    free(settle);
    plan->program = *program;
    plan->partners = partners;
    return rc;
}

static int follow(struct trial_result *out, const struct plan *plan, size_t index,
                  const struct schedule *s, const struct cast *cast, bool is_strict,
                  const char *recording, char **divergence, struct err *e)
{
    struct work work;
    struct trials *trials;
    work_init(&work, plan, index);
    struct trial_options options = {
        .run = work.options, .is_fair = s->is_fair, .limit_ns = work.options.limit_ns};
    int rc = trials_open(&trials, &options, e);
    if (rc == 0) {
        for (size_t i = 0; i < cast_count(cast); i++)
            cast_index(trials_cast(trials), cast_name(cast, (uint16_t)i));
        rc = trials_follow(trials, out, s, is_strict, recording, divergence, e);
        trials_close(trials);
    }
    work_fini(&work);
    return rc;
}

int grade_again(struct trial_result *out, const char *root, const struct schedule *s,
                const struct cast *cast, bool is_strict, const char *recording, char **divergence,
                struct err *e)
{
    struct named named;
    struct grader *grader = NULL;
    int rc = read_name(&named, s, e);
    if (rc == 0)
        rc = grader_load(&grader, root, named.exercise, named.seed, e);
    if (rc < 0)
        return rc;
    struct plan plan = {.root = root, .grader = grader, .file = named.file};
    char *program = NULL;
    char **partners = xcalloc(grader->partner_count + 1, sizeof *partners);
    if (named.run < 1 || named.run > grader->run_count)
        rc = err_set(e, ENOENT, "replay run %zu of %s: it has %zu", named.run, named.exercise,
                     grader->run_count);
    else
        rc = compile_all(&plan, &program, partners, e);
    if (rc == 0)
        rc = follow(out, &plan, named.run - 1, s, cast, is_strict, recording, divergence, e);
    for (size_t i = 0; i < grader->partner_count; i++)
        free(partners[i]);
    free(partners);
    free(program);
    grader_free(grader);
    return rc;
}
