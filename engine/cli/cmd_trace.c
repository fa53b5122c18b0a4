#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/cli.h"
#include "explore/guided.h"

static const char help[] =
    "ipclab trace [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "Runs the command as it is, in your own environment, and explains what its processes did to "
    "each other.\n\n"
    "  -o FILE             keep the recording (look at it with `ipclab view FILE`)\n"
    "      --text          print every event, too\n"
    "      --json          print everything as JSON (docs/trace-json.md)\n"
    "      --report FILE   print to FILE instead of stderr (- is stdout)\n"
    "      --quiet         print nothing\n"
    "      --timeout S     end the run after S seconds\n"
    "      --payload N     keep up to N bytes of what each call carries (default 4096)\n"
    "      --controlled    one process moves at a time, in the plainest order: the same run, every "
    "time\n"
    "      --schedule FILE controlled, in the order that FILE gives (docs/control.md)\n"
    "      --verify        compare the rebuilt state with the kernel's at every quiet point\n\n"
    "Exit status: the command's own; 124 the time limit ended it, 125 nobody could move any more,\n"
    "126 cannot be run, 127 not found, 130 ended by Ctrl-C (what was seen is kept).\n";

struct trace_request {
    struct run_options run;
    struct cli_report report;
    const char *recording;   /* -o */
    const char *report_path; /* NULL: stderr */
    const char *schedule;
    bool is_quiet, is_controlled;
    struct guided *guided; /* NULL: a free run */
};

enum {
    OPT_TEXT = 256,
    OPT_JSON,
    OPT_REPORT,
    OPT_QUIET,
    OPT_TIMEOUT,
    OPT_PAYLOAD,
    OPT_VERIFY,
    OPT_CONTROLLED,
    OPT_SCHEDULE,
    OPT_HELP
};

static const struct option long_options[] = {
    {"text", no_argument, NULL, OPT_TEXT},
    {"json", no_argument, NULL, OPT_JSON},
    {"report", required_argument, NULL, OPT_REPORT},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"payload", required_argument, NULL, OPT_PAYLOAD},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"controlled", no_argument, NULL, OPT_CONTROLLED},
    {"schedule", required_argument, NULL, OPT_SCHEDULE},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* -1: go on; else the exit status. */
static int parse(struct trace_request *q, int argc, char **argv)
{
    uint64_t number;
    for (int c; (c = getopt_long(argc, argv, "+o:h", long_options, NULL)) != -1;) {
        switch (c) {
        case 'o': q->recording = optarg; break;
        case OPT_TEXT: q->report.is_text = true; break;
        case OPT_JSON: q->report.is_json = true; break;
        case OPT_REPORT:
            q->report_path = optarg;
            q->run.keeps_stdio = strcmp(optarg, "-") == 0;
            break;
        case OPT_QUIET: q->is_quiet = true; break;
        case OPT_VERIFY: q->run.is_verified = true; break;
        case OPT_CONTROLLED: q->is_controlled = true; break;
        case OPT_SCHEDULE:
            q->is_controlled = true;
            q->schedule = optarg;
            break;
        case OPT_TIMEOUT:
            if (!cli_seconds(optarg, &q->run.limit_ns))
                return cli_usage("trace", "--timeout wants seconds, not '%s'", optarg);
            break;
        case OPT_PAYLOAD:
            if (!cli_number(optarg, 1, 1 << 20, &number))
                return cli_usage("trace", "--payload wants 1 to 1048576 bytes, not '%s'", optarg);
            q->run.payload_cap = number;
            break;
        case 'h':
        case OPT_HELP: fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind == argc)
        return cli_usage("trace", "no command was given");
    q->run.argv = argv + optind;
    return -1;
}

static void report_verify(FILE *out, const struct run_result *r)
{
    fprintf(out,
            "\nverify: %" PRIu64 " quiet points compared with the kernel, %" PRIu64
            " disagreement%s\n",
            r->verify_points, r->verify_disagreements, r->verify_disagreements == 1 ? "" : "s");
    if (r->verify_text)
        fprintf(out, "%s", r->verify_text);
}

static FILE *open_report(const struct trace_request *q, struct err *e)
{
    if (!q->report_path)
        return stderr;
    if (strcmp(q->report_path, "-") == 0)
        return stdout;
    FILE *out = fopen(q->report_path, "we");
    if (!out)
        err_sys(e, errno, "write %s", q->report_path);
    return out;
}

static int print_report(const struct trace_request *q, const struct run_result *r, struct err *e)
{
    if (q->is_quiet)
        return 0;
    FILE *out = open_report(q, e);
    if (!out)
        return -EIO;
    int rc = cli_report(out, q->run.recording_path, &q->report, e);
    if (q->run.is_verified && !q->report.is_json)
        report_verify(out, r);
    if (out != stderr && out != stdout)
        fclose(out);
    return rc;
}

/* As the command died, so do we: a caller that asks wait(2) must see no difference. */
static int same_status(int wait_status)
{
    if (WIFEXITED(wait_status))
        return WEXITSTATUS(wait_status);
    int sig = WTERMSIG(wait_status);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(sig, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, sig);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(sig);
    return 128 + sig;
}

static int status_of(const struct run_result *r)
{
    switch (r->trace.end) {
    case TRACE_TIMEOUT:
    case TRACE_FLOODED: return STATUS_TIMEOUT;
    case TRACE_STUCK: return STATUS_STUCK;
    case TRACE_INTERRUPTED: return STATUS_INTERRUPTED;
    case TRACE_FAILED: return STATUS_USAGE;
    case TRACE_ENDED: break;
    }
    return same_status(r->trace.wait_status);
}

int cmd_trace(int argc, char **argv)
{
    struct trace_request q = {.run = {.ends_when_stuck = true}};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    char *temporary = q.recording ? NULL : cli_temporary(&e);
    if (!q.recording && !temporary)
        return cli_error(&e);
    q.run.recording_path = q.recording ? q.recording : temporary;
    cli_stop_on_signals();
    struct run_result result = {.is_command_error = false};
    int rc = q.is_controlled ? guided_new(&q.guided, q.schedule, &e) : 0;
    if (rc == 0) {
        q.run.conduct = q.guided ? guided_conduct(q.guided) : NULL;
        rc = run_command(&result, &q.run, &e);
    }
    if (rc == 0)
        rc = print_report(&q, &result, &e);
    if (rc == 0 && q.guided && guided_divergence(q.guided))
        fprintf(stderr, "ipclab: the run diverged: %s\n", guided_divergence(q.guided));
    guided_free(q.guided);
    if (temporary)
        unlink(temporary);
    free(temporary);
    if (rc < 0) {
        cli_error(&e);
        return !result.is_command_error ? STATUS_USAGE : rc == -ENOENT ? 127 : 126;
    }
    run_result_fini(&result);
    return status_of(&result);
}
