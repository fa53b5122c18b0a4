#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/target.h"
#include "explore/explore.h"

static const char help[] =
    "ipclab explore [OPTION]... PROGRAM|FILE.c|LAB [ARGUMENT]...\n"
    "Runs a program in many orders of its processes' moves, and with faults that Linux may give "
    "it,\n"
    "and says whether it can fail. What it finds is a schedule: `ipclab replay` shows that very "
    "run.\n\n"
    "      --budget N | Ns      so many runs, or seconds; default: 1000 runs\n"
    "      --seed S             random orders from this seed on; default: 1\n"
    "      --time any|fair      sleeps and time limits may be over at any moment (default), or "
    "only\n"
    "                           when nobody else can move\n"
    "      --status N           the exit status of a run that goes well; default: 0\n"
    "      --faults LIST        what may happen to calls: short, signal, small, error, kill, or "
    "none;\n"
    "                           default: short,signal,small,error\n"
    "      --keep-going         look at all there is, also after a failure\n"
    "      --variant NAME       of a lab; default: broken\n"
    "  -o FILE                  where to write the schedule of a failure; default: "
    "failure.schedule\n"
    "Exit status: 0 nothing failed, 1 a failure was found.\n";

struct exploration {
    struct explore_options options;
    const char *variant;
    const char *out;
    bool is_terminal;
};

#define RUNS_NO_LIMIT (UINT64_C(1) << 40) /* where time is the budget */

static int read_budget(struct exploration *q, const char *text)
{
    uint64_t number;
    size_t length = strlen(text);
    if (length > 1 && text[length - 1] == 's') {
        char *end;
        q->options.seconds = strtod(text, &end);
        q->options.runs = RUNS_NO_LIMIT;
        if (end == text + length - 1 && q->options.seconds > 0)
            return -1;
    } else if (cli_number(text, 1, UINT32_MAX, &number)) {
        q->options.runs = number;
        return -1;
    }
    return cli_usage("explore", "--budget takes a number of runs, or of seconds as in 10s");
}

static bool read_faults(struct exploration *q, const char *text)
{
    q->options.faults = 0;
    if (strcmp(text, "none") == 0)
        return true;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, ",");
        uint32_t bit = 0;
        for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
            const char *word = fault_word((enum fault_kind)kind);
            if (strlen(word) == length && strncmp(word, at, length) == 0)
                bit = UINT32_C(1) << kind;
        }
        if (!bit)
            return false;
        q->options.faults |= bit;
        at += length + (at[length] == ',');
    }
    return true;
}

static int parse(struct exploration *q, int argc, char **argv)
{
    static const struct option options[] = {{"budget", required_argument, NULL, 'b'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"time", required_argument, NULL, 't'},
                                            {"status", required_argument, NULL, 'e'},
                                            {"faults", required_argument, NULL, 'F'},
                                            {"variant", required_argument, NULL, 'v'},
                                            {"keep-going", no_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    uint64_t number;
    int status;
    for (int c; (c = getopt_long(argc, argv, "+o:h", options, NULL)) != -1;) {
        switch (c) {
        case 'b':
            if ((status = read_budget(q, optarg)) >= 0)
                return status;
            break;
        case 's':
            if (!cli_number(optarg, 0, UINT64_MAX, &q->options.seed))
                return cli_usage("explore", "--seed takes a whole number");
            break;
        case 't':
            q->options.trial.is_fair = strcmp(optarg, "fair") == 0;
            if (!q->options.trial.is_fair && strcmp(optarg, "any") != 0)
                return cli_usage("explore", "--time takes any or fair");
            break;
        case 'e':
            if (!cli_number(optarg, 0, 255, &number))
                return cli_usage("explore", "--status takes a number from 0 to 255");
            q->options.trial.expected = (int)number;
            break;
        case 'F':
            if (!read_faults(q, optarg))
                return cli_usage("explore", "--faults takes a list of short, signal, small, error, "
                                            "kill; or none");
            break;
        case 'v': q->variant = optarg; break;
        case 'k': q->options.keeps_going = true; break;
        case 'o': q->out = optarg; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind == argc)
        return cli_usage("explore", "nothing was named to explore");
    return -1;
}

static void on_progress(void *arg, const struct explore_progress *p)
{
    (void)arg;
    fprintf(stderr, "\r\033[K%s: %llu", portfolio_word(p->phase), (unsigned long long)p->runs);
    if (p->budget < RUNS_NO_LIMIT)
        fprintf(stderr, " of %llu", (unsigned long long)p->budget);
    fprintf(stderr, " runs, %.0f a second", p->runs_per_second);
    if (p->classes)
        fprintf(stderr, ", %llu orders that differ", (unsigned long long)p->classes);
    fflush(stderr);
}

static int report(const struct exploration *q, const struct target_program *target,
                  const struct explore_result *r, struct err *e)
{
    if (r->unstable)
        printf("not repeatable: %s\n", r->unstable);
    if (!r->has_failed) {
        printf("%s (%llu runs, %.1f s)\n", r->claim, (unsigned long long)r->runs, r->seconds);
        return 0;
    }
    struct buf text = {0};
    outcome_text(&r->outcome, &text);
    printf("%s\n", text.data);
    if (q->options.keeps_going)
        printf("%s; %llu runs failed\n", r->claim, (unsigned long long)r->failures);
    printf("found by %s after %llu run%s, %.1f s\n", r->found_by,
           (unsigned long long)r->found_after, r->found_after == 1 ? "" : "s", r->seconds);
    free(r->schedule->why);
    free(r->schedule->what);
    r->schedule->why = buf_take(&text);
    r->schedule->what = strdup(target->what);
    int rc = schedule_write(r->schedule, r->cast, q->out, e);
    if (r->story)
        fputs(r->story, stdout);
    if (rc == 0)
        printf("schedule: %s (%zu moves, %zu of them not in the plainest order; found with %zu)\n"
               "see it: ipclab replay %s\n",
               q->out, r->schedule->steps_count, r->switches, r->moves_before, q->out);
    return rc;
}

int cmd_explore(int argc, char **argv)
{
    struct exploration q = {
        .out = "failure.schedule", .options.seed = 1, .options.faults = FAULTS_USUAL};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    struct target_program target;
    int rc = target_find(&target, argv + optind, q.variant, &e);
    if (rc < 0)
        return cli_error(&e);
    target_options(&target, &q.options.trial.run);
    q.is_terminal = isatty(STDERR_FILENO);
    if (q.is_terminal)
        q.options.on_progress = on_progress;
    struct explore_result result;
    char *recording = cli_temporary(&e);
    q.options.recording = recording;
    q.options.trial.is_stopped = cli_stopped_by;
    cli_stop_on_signals();
    rc = explore(&result, &q.options, &e);
    if (q.is_terminal)
        fputs("\r\033[K", stderr);
    bool has_failed = rc == 0 && result.has_failed;
    if (rc == 0) {
        rc = report(&q, &target, &result, &e);
        explore_result_fini(&result);
    }
    target_fini(&target);
    if (recording)
        unlink(recording);
    free(recording);
    if (cli_stopped_by())
        return STATUS_INTERRUPTED;
    return rc < 0 ? cli_error(&e) : has_failed ? STATUS_NO : STATUS_OK;
}
