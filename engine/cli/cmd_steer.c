#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/lab_program.h"
#include "cli/steer_json.h"

static const char help[] =
    "ipclab steer LAB [OPTION]...\n"
    "Runs one variant of a lab move by move, as lines on standard input say; tells on standard\n"
    "output, as JSON, what there is to choose (docs/steer-json.md). The runner uses it.\n\n"
    "      --variant NAME       healthy, broken ...; default: broken\n"
    "      --knob NAME=VALUE    turn a knob (again for more)\n"
    "  -o FILE                  keep the recordings: FILE, after going back FILE.2, FILE.3 ...\n";

/* Recordings that nobody asked to keep lie in memory: the one under way and the one before, which
 * somebody may still be reading. */
enum { MEMORIES = 2 };

struct steerer {
    struct lab_wish wish;
    const char *recording; /* NULL: in memory */
    struct lab_program program;
    struct steer_input input;
    int memory_fds[MEMORIES];
    char *path; /* of the run under way */
    bool *goals;
    size_t goal_count;
};

static char *place(void *arg, unsigned run, struct err *e)
{
    struct steerer *s = arg;
    if (s->recording)
        return run == 1 ? xstrdup(s->recording) : xasprintf("%s.%u", s->recording, run);
    int *fd = &s->memory_fds[run % MEMORIES];
    fd_close(fd);
    *fd = memfd_create("ipclab-steer", MFD_CLOEXEC);
    if (*fd < 0) {
        err_sys(e, errno, "make room for the recording");
        return NULL;
    }
    return xasprintf("/proc/%d/fd/%d", (int)getpid(), *fd);
}

static void began(void *arg, unsigned run, const char *recording, uint32_t replays)
{
    struct steerer *s = arg;
    free(s->path);
    s->path = xstrdup(recording);
    steer_say_run(run, recording, replays);
}

static void moved(void *arg, const struct steer_move *move)
{
    (void)arg;
    steer_say_moved(move);
}

/* Asks the lab, and keeps the answers about goals of this variant. */
static void judge(struct steerer *s, const char *how, bool is_well)
{
    const struct lab *lab = s->program.lab;
    struct err e = {0};
    bool *all = xcalloc(lab->goal_count + 1, sizeof *all);
    if (lab_goals(all, lab, s->program.root, s->path, how, is_well, &e) < 0)
        steer_say_text("error", e.text);
    s->goal_count = 0;
    for (size_t i = 0; i < lab->goal_count; i++)
        if (lab_goal_is_for(&lab->goals[i], s->program.variant->name))
            s->goals[s->goal_count++] = all[i];
    free(all);
}

static void stands(void *arg, const struct steer_state *state)
{
    struct steerer *s = arg;
    judge(s, NULL, false);
    steer_say_state(state, s->goals, s->goal_count);
}

static void ended(void *arg, const struct steer_ending *ending)
{
    struct steerer *s = arg;
    judge(s, ending->how, ending->is_well);
    steer_say_ended(ending, s->goals, s->goal_count);
}

static void differs(void *arg, const char *text)
{
    (void)arg;
    steer_say_text("differs", text);
}

static void ask(void *arg, size_t choices, uint32_t step, struct steer_order *out)
{
    struct steerer *s = arg;
    steer_read_order(&s->input, choices, step, out);
}

static int steer_lab(struct steerer *s, struct err *e)
{
    int rc = lab_program_open(&s->program, &s->wish, e);
    if (rc < 0)
        return rc;
    struct steer_partner partner = {.place = place,
                                    .began = began,
                                    .moved = moved,
                                    .stands = stands,
                                    .ended = ended,
                                    .differs = differs,
                                    .ask = ask,
                                    .arg = s};
    struct run_options options = lab_program_options(&s->program);
    options.limit_ns = 0; /* people think as long as they like */
    s->goals = xcalloc(s->program.lab->goal_count + 1, sizeof *s->goals);
    steer_say_hello(s->program.lab, s->program.variant);
    return steer(&options, &partner, e);
}

static int parse(struct steerer *s, int argc, char **argv)
{
    static const struct option options[] = {{"variant", required_argument, NULL, 'v'},
                                            {"knob", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        switch (c) {
        case 'v': s->wish.variant = optarg; break;
        case 'k':
            if (!lab_wish_knob(&s->wish, optarg))
                return cli_usage("steer", "too many knobs");
            break;
        case 'o': s->recording = optarg; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind + 1 != argc)
        return cli_usage("steer", optind == argc ? "no lab was named" : "takes one lab");
    s->wish.lab = argv[optind];
    return -1;
}

int cmd_steer(int argc, char **argv)
{
    struct steerer s = {.wish = {.variant = "broken"}, .memory_fds = {-1, -1}};
    struct err e = {0};
    int status = parse(&s, argc, argv);
    if (status >= 0)
        return status;
    cli_stop_on_signals();
    int rc = steer_lab(&s, &e);
    lab_program_close(&s.program);
    for (size_t i = 0; i < MEMORIES; i++)
        fd_close(&s.memory_fds[i]);
    buf_fini(&s.input.text);
    free(s.path);
    free(s.goals);
    if (rc < 0)
        return cli_error(&e);
    return cli_stopped_by() ? STATUS_INTERRUPTED : STATUS_OK;
}
