#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/target.h"
#include "explore/trial.h"
#include "grade/again.h"
#include "ui/ui.h"

static const char help[] =
    "ipclab replay FILE [OPTION]... [PROGRAM|FILE.c|LAB [ARGUMENT]...]\n"
    "Runs a program in the order that a schedule file gives: the same run, every time. Without a\n"
    "program, the one that the file was written for.\n\n"
    "      --text               print every event instead of opening the stage\n"
    "      --summary            print how it ended, processes, pipes, findings\n"
    "      --json               print everything as JSON (docs/trace-json.md)\n"
    "      --lenient            leave steps out that are not to be had, and go on\n"
    "  -o FILE                  keep the recording; alone: print nothing\n"
    "Exit status: 0 it was followed to its end, 1 it could not be.\n";

struct replay {
    const char *recording;
    bool is_printed, is_lenient;
    struct cli_report report;
};

static int parse(struct replay *q, int argc, char **argv)
{
    static const struct option options[] = {
        {"text", no_argument, NULL, 't'}, {"summary", no_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'}, {"lenient", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        switch (c) {
        case 't': q->is_printed = q->report.is_text = true; break;
        case 's': q->is_printed = true; break;
        case 'j': q->is_printed = q->report.is_json = true; break;
        case 'l': q->is_lenient = true; break;
        case 'o': q->recording = optarg; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind == argc)
        return cli_usage("replay", "no schedule was named");
    return -1;
}

/* The words of "for:", as the command line would have them, but that a lab's second word is its
 * variant. */
static int find_named(struct target_program *out, const struct schedule *s, const char *file,
                      struct err *e)
{
    enum { WORDS_MAX = 64 };
    char *copy = xstrdup(s->what), *rest = copy, *words[WORDS_MAX + 1] = {0};
    size_t count = 0;
    for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " ", &rest));)
        words[count++] = word;
    int rc;
    if (count == 0) {
        rc = err_set(e, ENOENT, "replay %s: it does not say what for; name the program", file);
    } else if (target_is_lab(words[0]) && words[1]) {
        char *lab = words[0], *variant = words[1];
        words[1] = lab;
        rc = target_find(out, words + 1, variant, e);
    } else {
        rc = target_find(out, words, NULL, e);
    }
    free(copy);
    return rc;
}

/* How it went, in words. */
static void tell(const struct replay *q, const struct trial_result *result, const char *divergence)
{
    struct buf text = {0};
    outcome_text(&result->outcome, &text);
    if (divergence)
        fprintf(stderr, "ipclab: the run diverged: %s\n", divergence);
    else if (q->is_printed)
        printf("%s\n", text.data);
    buf_fini(&text);
}

static int follow_program(const struct target_program *target, struct trial_result *out,
                          const struct schedule *schedule, const struct cast *cast, bool is_strict,
                          const char *recording, char **divergence, struct err *e)
{
    struct trial_options options = {.is_fair = schedule->is_fair, .is_stopped = cli_stopped_by};
    struct trials *trials;
    target_options(target, &options.run);
    int rc = trials_open(&trials, &options, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < cast_count(cast); i++)
        cast_index(trials_cast(trials), cast_name(cast, (uint16_t)i));
    rc = trials_follow(trials, out, schedule, is_strict, recording, divergence, e);
    trials_close(trials);
    return rc;
}

/* words: the program as the user names it; NULL: the one that the schedule is for. */
static int follow(const struct replay *q, const char *file, char *const *words,
                  const struct schedule *schedule, const struct cast *cast, const char *recording,
                  bool *is_followed, struct err *e)
{
    struct target_program target = {0};
    struct trial_result result;
    char *divergence = NULL;
    int rc;
    if (!words && grade_is_run(schedule)) {
        const char *root = paths_root(e);
        rc = root ? grade_again(&result, root, schedule, cast, !q->is_lenient, recording,
                                &divergence, e)
                  : -ENOENT;
    } else {
        rc = words ? target_find(&target, words, NULL, e) : find_named(&target, schedule, file, e);
        if (rc == 0)
            rc = follow_program(&target, &result, schedule, cast, !q->is_lenient, recording,
                                &divergence, e);
    }
    if (rc == 0) {
        tell(q, &result, divergence);
        *is_followed = !divergence;
        trial_result_fini(&result);
    }
    free(divergence);
    target_fini(&target);
    return rc;
}

static int show(const struct replay *q, const char *recording, struct err *e)
{
    if (q->recording && !q->is_printed)
        return 0;
    if (q->is_printed || !isatty(STDOUT_FILENO))
        return cli_report(stdout, recording, &q->report, e);
    return ui_view(recording, NULL, e);
}

int cmd_replay(int argc, char **argv)
{
    struct replay q = {0};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    struct cast *cast = cast_new();
    struct schedule *schedule = NULL;
    bool is_followed = false;
    const char *file = argv[optind];
    char *temporary = q.recording ? NULL : cli_temporary(&e);
    const char *recording = q.recording ? q.recording : temporary;
    cli_stop_on_signals();
    int rc = recording ? schedule_read(&schedule, file, cast, &e) : -EIO;
    char *const *words = optind + 1 < argc ? argv + optind + 1 : NULL;
    if (rc == 0)
        rc = follow(&q, file, words, schedule, cast, recording, &is_followed, &e);
    if (rc == 0 && (is_followed || q.is_lenient))
        rc = show(&q, recording, &e);
    if (temporary)
        unlink(temporary);
    free(temporary);
    schedule_free(schedule);
    cast_free(cast);
    if (cli_stopped_by())
        return STATUS_INTERRUPTED;
    return rc < 0 ? cli_error(&e) : is_followed ? STATUS_OK : STATUS_NO;
}
