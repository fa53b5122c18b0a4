#include <getopt.h>
#include <string.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "grade/verify.h"

static const char help[] =
    "ipclab verify [EXERCISE]... [OPTION]...\n"
    "Proves graders: each starter must fail for its declared reason, each solution must pass, each "
    "wrong\n"
    "answer (tests/wrong/) must be rejected by the rule it names.\n\n"
    "      --runs N      grade each program N times, each time with other data (default 1)\n"
    "      --workers N   programs at once (default: one for each processor)\n"
    "      --json        one JSON object a line\n\n"
    "Exit status: 0 all is as it must be; 1 something is not; 2 nothing could be judged.\n";

static void print_line(void *arg, const char *line)
{
    (void)arg;
    puts(line);
    fflush(stdout);
}

static int verify_one(struct verify_options *options, const char *exercise,
                      struct verify_result *sum)
{
    struct err e = {0};
    struct verify_result one = {0};
    options->exercise = exercise;
    if (grade_verify(&one, options, &e) < 0)
        return cli_error(&e);
    sum->exercises += one.exercises;
    sum->programs += one.programs;
    sum->failures += one.failures;
    return STATUS_OK;
}

int cmd_verify(int argc, char **argv)
{
    static const struct option long_options[] = {{"runs", required_argument, NULL, 'n'},
                                                 {"workers", required_argument, NULL, 'w'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {0}};
    struct verify_options options = {.on_line = print_line};
    uint64_t number;
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (c) {
        case 'n':
            if (!cli_number(optarg, 1, 100000, &number))
                return cli_usage("verify", "--runs wants 1 to 100000, not '%s'", optarg);
            options.runs = (unsigned)number;
            break;
        case 'w':
            if (!cli_number(optarg, 1, 256, &number))
                return cli_usage("verify", "--workers wants 1 to 256, not '%s'", optarg);
            options.workers = (unsigned)number;
            break;
        case 'j': options.is_json = true; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    struct err e = {0};
    options.root = paths_root(&e);
    if (!options.root)
        return cli_error(&e);
    struct verify_result sum = {0};
    int status = STATUS_OK;
    for (int i = optind; i < argc && status == STATUS_OK; i++)
        status = verify_one(&options, argv[i], &sum);
    if (optind == argc)
        status = verify_one(&options, NULL, &sum);
    if (status != STATUS_OK)
        return status;
    if (!options.is_json)
        printf("%u exercise%s, %u programs, %u not as they must be\n", sum.exercises,
               sum.exercises == 1 ? "" : "s", sum.programs, sum.failures);
    return sum.failures ? STATUS_NO : STATUS_OK;
}
