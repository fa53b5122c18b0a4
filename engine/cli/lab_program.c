#include "cli/lab_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "base/xalloc.h"

bool lab_wish_knob(struct lab_wish *wish, const char *knob)
{
    if (wish->knob_count == LAB_KNOBS_MAX)
        return false;
    wish->knobs[wish->knob_count++] = knob;
    return true;
}

static const struct lab_knob *knob_named(const struct lab *lab, const char *name, size_t length)
{
    for (size_t i = 0; i < lab->knob_count; i++)
        if (strlen(lab->knobs[i].name) == length && strncmp(lab->knobs[i].name, name, length) == 0)
            return &lab->knobs[i];
    return NULL;
}

static int check_knob(const struct lab *lab, const char *given, struct err *e)
{
    const char *equals = strchr(given, '=');
    const struct lab_knob *knob = equals ? knob_named(lab, given, (size_t)(equals - given)) : NULL;
    if (!knob)
        return err_set(e, EINVAL, "turn knob '%s': %s has no such knob (NAME=VALUE)", given,
                       lab->name);
    for (size_t i = 0; i < knob->value_count; i++)
        if (strcmp(knob->values[i], equals + 1) == 0)
            return 0;
    struct buf values = {0};
    for (size_t i = 0; i < knob->value_count; i++)
        buf_printf(&values, "%s%s", i ? ", " : "", knob->values[i]);
    err_set(e, EINVAL, "turn knob '%s': its values are %s", knob->name,
            values.data ? values.data : "none");
    buf_fini(&values);
    return -EINVAL;
}

static int check_wish(struct lab_program *p, const struct lab_wish *wish, struct err *e)
{
    p->variant = lab_variant(p->lab, wish->variant);
    if (!p->variant) {
        struct buf names = {0};
        for (size_t i = 0; i < p->lab->variant_count; i++)
            buf_printf(&names, "%s%s", i ? ", " : "", p->lab->variants[i].name);
        err_set(e, EINVAL, "run %s: no variant '%s'; there are %s", p->lab->name, wish->variant,
                names.data ? names.data : "none");
        buf_fini(&names);
        return -EINVAL;
    }
    for (size_t i = 0; i < wish->knob_count; i++)
        if (check_knob(p->lab, wish->knobs[i], e) < 0)
            return -EINVAL;
    return 0;
}

/* The program's arguments: every knob, as given or at its default. The caller frees each and the
 * list. */
static char **program_args(const struct lab *lab, const struct lab_wish *wish, const char *program)
{
    char **args = xcalloc(lab->knob_count + 2, sizeof *args);
    size_t n = 0;
    args[n++] = xstrdup(program);
    for (size_t i = 0; i < lab->knob_count; i++) {
        const struct lab_knob *knob = &lab->knobs[i];
        size_t length = strlen(knob->name);
        const char *given = NULL;
        for (size_t k = 0; k < wish->knob_count; k++)
            if (strncmp(wish->knobs[k], knob->name, length) == 0 && wish->knobs[k][length] == '=')
                given = wish->knobs[k];
        args[n++] =
            given ? xstrdup(given) : xasprintf("%s=%s", knob->name, knob->values[knob->initial]);
    }
    return args;
}

static void free_args(char **args)
{
    for (char **arg = args; *arg; arg++)
        free(*arg);
    free(args);
}

static int compile_variant(struct compile_result *out, const struct lab_variant *variant,
                           struct err *e)
{
    const char *const sources[] = {variant->path, NULL};
    struct compile_options options = {.sources = sources};
    int rc = compile_program(out, &options, e);
    if (rc == 0 && !out->is_ok) {
        fputs(out->text, stderr);
        rc = err_set(e, EINVAL, "compile %s: it does not compile", variant->path);
    }
    return rc;
}

int lab_program_open(struct lab_program *out, const struct lab_wish *wish, struct err *e)
{
    *out = (struct lab_program){.root = paths_root(e)};
    if (!out->root)
        return -ENOENT;
    int rc = lab_load(&out->lab, out->root, wish->lab, e);
    if (rc == 0)
        rc = check_wish(out, wish, e);
    if (rc == 0)
        rc = compile_variant(&out->compiled, out->variant, e);
    if (rc < 0)
        return rc;
    out->args = program_args(out->lab, wish, "/lab/program");
    out->mount = (struct sandbox_mount){.from = out->compiled.program, .to = out->args[0]};
    out->place = (struct sandbox_options){.mounts = &out->mount, .mount_count = 1};
    out->meta[0] = "lab";
    out->meta[1] = out->lab->name;
    out->meta[2] = "variant";
    out->meta[3] = out->variant->name;
    out->sources[0] = out->variant->path;
    return 0;
}

void lab_program_close(struct lab_program *p)
{
    if (p->args)
        free_args(p->args);
    compile_result_fini(&p->compiled);
    lab_free(p->lab);
}

struct run_options lab_program_options(struct lab_program *p)
{
    return (struct run_options){.argv = p->args,
                                .limit_ns = (uint64_t)(p->lab->limit * 1e9),
                                .ends_when_stuck = true,
                                .sandbox = &p->place,
                                .meta = p->meta,
                                .sources = p->sources};
}
