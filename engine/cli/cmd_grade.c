#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "grade/grade.h"

static const char help[] = "ipclab grade EXERCISE [FILE.c] [OPTION]...\n"
                           "Judges your solution of an exercise (pipe-eof, 2-pipes/pipe-eof, or "
                           "its file) by what it does.\n\n"
                           "      --hints N     show N hints of each failed check\n"
                           "      --json        print the verdict as JSON (docs/verdict-json.md)\n"
                           "      --seed N      the same random data again\n"
                           "      --keep DIR    keep the recording of each run in DIR\n\n"
                           "Exit status: 0 pass; 1 fail, crash or timeout; 2 not judged.\n";

struct grade_request {
    struct grade_options options;
    uint64_t hints;
    bool is_json;
};

static int parse(struct grade_request *q, int argc, char **argv)
{
    static const struct option options[] = {
        {"hints", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
        {"seed", required_argument, NULL, 's'},  {"keep", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},        {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'n':
            if (!cli_number(optarg, 0, 100, &q->hints))
                return cli_usage("grade", "--hints wants 0 to 100, not '%s'", optarg);
            break;
        case 's':
            if (!cli_number(optarg, 1, UINT64_MAX, &q->options.seed))
                return cli_usage("grade", "--seed wants a whole number from 1, not '%s'", optarg);
            break;
        case 'j': q->is_json = true; break;
        case 'k': q->options.recordings = optarg; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind == argc || argc - optind > 2)
        return cli_usage("grade", optind == argc ? "no exercise was named"
                                                 : "takes one exercise and one file");
    q->options.exercise = argv[optind];
    q->options.file = argv[optind + 1];
    return -1;
}

static int status_of(enum verdict_kind kind)
{
    return kind == VERDICT_PASS ? STATUS_OK : kind == VERDICT_NOT_JUDGED ? STATUS_USAGE : STATUS_NO;
}

int cmd_grade(int argc, char **argv)
{
    struct grade_request q = {0};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    q.options.root = paths_root(&e);
    struct verdict *verdict = NULL;
    cli_stop_on_signals();
    if (!q.options.root || grade_exercise(&verdict, &q.options, &e) < 0)
        return cli_error(&e);
    struct buf text = {0};
    if (q.is_json)
        verdict_json(verdict, &text);
    else
        verdict_text(verdict, q.hints, &text);
    fwrite(text.data, 1, text.len, stdout);
    status = fflush(stdout) == 0 ? status_of(verdict->kind) : STATUS_USAGE;
    buf_fini(&text);
    verdict_free(verdict);
    return status;
}
