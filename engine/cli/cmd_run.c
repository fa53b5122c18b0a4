#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "explore/guided.h"
#include "grade/compile.h"
#include "script/lab.h"
#include "ui/ui.h"

static const char help[] =
    "ipclab run LAB [OPTION]...\n"
    "Runs one variant of a lab in its sandbox, and shows it on the stage; or prints what it "
    "did.\n\n"
    "      --variant NAME       healthy, broken ...; default: broken\n"
    "      --knob NAME=VALUE    turn a knob (again for more)\n"
    "      --schedule FILE      controlled: one process moves at a time, in the order that FILE "
    "gives\n"
    "      --text               print every event instead of opening the stage\n"
    "      --summary            print how it ended, processes, pipes, findings\n"
    "      --json               print everything as JSON (docs/trace-json.md)\n"
    "  -o FILE                  keep the recording; alone: print nothing\n"
    "      --verify             compare the rebuilt state with the kernel's at every quiet point\n";

enum { ARGS_MAX = 32 };

struct lab_run {
    const char *lab_name;
    const char *variant;
    const char *recording;
    const char *schedule;        /* NULL: a free run */
    const char *knobs[ARGS_MAX]; /* "name=value", as given */
    size_t knob_count;
    bool is_printed, is_verified;
    struct cli_report report;
};

static int parse(struct lab_run *q, int argc, char **argv)
{
    static const struct option options[] = {{"variant", required_argument, NULL, 'v'},
                                            {"knob", required_argument, NULL, 'k'},
                                            {"text", no_argument, NULL, 't'},
                                            {"summary", no_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verify", no_argument, NULL, 'V'},
                                            {"schedule", required_argument, NULL, 'S'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        switch (c) {
        case 'v': q->variant = optarg; break;
        case 'k':
            if (q->knob_count == ARGS_MAX)
                return cli_usage("run", "too many knobs");
            q->knobs[q->knob_count++] = optarg;
            break;
        case 't': q->is_printed = q->report.is_text = true; break;
        case 's': q->is_printed = true; break;
        case 'j': q->is_printed = q->report.is_json = true; break;
        case 'V': q->is_verified = true; break;
        case 'S': q->schedule = optarg; break;
        case 'o': q->recording = optarg; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind + 1 != argc)
        return cli_usage("run", optind == argc ? "no lab was named" : "takes one lab");
    q->lab_name = argv[optind];
    return -1;
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

/* The program's arguments: every knob, as given or at its default. The caller frees each and the
 * list. */
static char **program_args(const struct lab *lab, const struct lab_run *q, const char *program)
{
    char **args = xcalloc(lab->knob_count + 2, sizeof *args);
    size_t n = 0;
    args[n++] = xstrdup(program);
    for (size_t i = 0; i < lab->knob_count; i++) {
        const struct lab_knob *knob = &lab->knobs[i];
        size_t length = strlen(knob->name);
        const char *given = NULL;
        for (size_t k = 0; k < q->knob_count; k++)
            if (strncmp(q->knobs[k], knob->name, length) == 0 && q->knobs[k][length] == '=')
                given = q->knobs[k];
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

static int run_variant(const struct lab *lab, const struct lab_variant *variant,
                       const struct lab_run *q, const char *recording, struct err *e)
{
    struct compile_result program = {0};
    int rc = compile_variant(&program, variant, e);
    if (rc < 0) {
        compile_result_fini(&program);
        return rc;
    }
    struct sandbox_mount mount = {.from = program.program, .to = "/lab/program"};
    struct sandbox_options place = {.mounts = &mount, .mount_count = 1};
    const char *const meta[] = {"lab", lab->name, "variant", variant->name, NULL};
    const char *const sources[] = {variant->path, NULL};
    char **args = program_args(lab, q, "/lab/program");
    struct run_options options = {.argv = args,
                                  .recording_path = recording,
                                  .limit_ns = (uint64_t)(lab->limit * 1e9),
                                  .ends_when_stuck = true,
                                  .is_verified = q->is_verified,
                                  .sandbox = &place,
                                  .meta = meta,
                                  .sources = sources};
    struct run_result result;
    struct guided *guided = NULL;
    if (q->schedule)
        rc = guided_new(&guided, q->schedule, e);
    options.conduct = guided ? guided_conduct(guided) : NULL;
    if (rc == 0)
        rc = run_command(&result, &options, e);
    if (rc == 0 && guided && guided_divergence(guided))
        fprintf(stderr, "ipclab: the run diverged: %s\n", guided_divergence(guided));
    guided_free(guided);
    if (rc == 0) {
        if (q->is_verified)
            fprintf(stderr, "verify: %llu quiet points, %llu disagreements\n%s",
                    (unsigned long long)result.verify_points,
                    (unsigned long long)result.verify_disagreements,
                    result.verify_text ? result.verify_text : "");
        run_result_fini(&result);
    }
    free_args(args);
    compile_result_fini(&program);
    return rc;
}

static int run_lab(const struct lab_run *q, const struct lab *lab, const char *recording,
                   struct err *e)
{
    const struct lab_variant *variant = lab_variant(lab, q->variant);
    if (!variant) {
        struct buf names = {0};
        for (size_t i = 0; i < lab->variant_count; i++)
            buf_printf(&names, "%s%s", i ? ", " : "", lab->variants[i].name);
        err_set(e, EINVAL, "run %s: no variant '%s'; there are %s", lab->name, q->variant,
                names.data ? names.data : "none");
        buf_fini(&names);
        return -EINVAL;
    }
    for (size_t i = 0; i < q->knob_count; i++)
        if (check_knob(lab, q->knobs[i], e) < 0)
            return -EINVAL;
    return run_variant(lab, variant, q, recording, e);
}

static int show(const struct lab_run *q, const char *recording, struct err *e)
{
    if (q->recording && !q->is_printed)
        return 0;
    if (q->is_printed || !isatty(STDOUT_FILENO))
        return cli_report(stdout, recording, &q->report, e);
    return ui_view(recording, NULL, e);
}

int cmd_run(int argc, char **argv)
{
    struct lab_run q = {.variant = "broken"};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    const char *root = paths_root(&e);
    struct lab *lab = NULL;
    if (!root || lab_load(&lab, root, q.lab_name, &e) < 0)
        return cli_error(&e);
    char *temporary = q.recording ? NULL : cli_temporary(&e);
    const char *recording = q.recording ? q.recording : temporary;
    cli_stop_on_signals();
    int rc = recording ? run_lab(&q, lab, recording, &e) : -EIO;
    if (rc == 0)
        rc = show(&q, recording, &e);
    if (temporary)
        unlink(temporary);
    free(temporary);
    lab_free(lab);
    if (rc < 0)
        return cli_error(&e);
    return cli_stopped_by() ? STATUS_INTERRUPTED : STATUS_OK;
}
