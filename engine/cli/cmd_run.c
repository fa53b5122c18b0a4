#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lab_program.h"
#include "explore/guided.h"
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

struct lab_run {
    struct lab_wish wish;
    const char *recording;
    const char *schedule; /* NULL: a free run */
    bool is_printed, is_verified;
    bool is_diverged; /* from its schedule */
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
        case 'v': q->wish.variant = optarg; break;
        case 'k':
            if (!lab_wish_knob(&q->wish, optarg))
                return cli_usage("run", "too many knobs");
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
    q->wish.lab = argv[optind];
    return -1;
}

static int run_lab(struct lab_run *q, const char *recording, struct err *e)
{
    struct lab_program program;
    struct run_result result;
    struct guided *guided = NULL;
    int rc = lab_program_open(&program, &q->wish, e);
    if (rc == 0 && q->schedule)
        rc = guided_new(&guided, q->schedule, e);
    if (rc == 0) {
        struct run_options options = lab_program_options(&program);
        options.recording_path = recording;
        options.is_verified = q->is_verified;
        options.conduct = guided ? guided_conduct(guided) : NULL;
        rc = run_command(&result, &options, e);
    }
    q->is_diverged = rc == 0 && guided && guided_divergence(guided);
    if (q->is_diverged)
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
    lab_program_close(&program);
    return rc;
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
    struct lab_run q = {.wish = {.variant = "broken"}};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    char *temporary = q.recording ? NULL : cli_temporary(&e);
    const char *recording = q.recording ? q.recording : temporary;
    cli_stop_on_signals();
    int rc = recording ? run_lab(&q, recording, &e) : -EIO;
    if (rc == 0)
        rc = show(&q, recording, &e);
    if (temporary)
        unlink(temporary);
    free(temporary);
    if (rc < 0)
        return cli_error(&e);
    return cli_stopped_by() ? STATUS_INTERRUPTED : q.is_diverged ? STATUS_NO : STATUS_OK;
}
