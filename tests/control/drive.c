/* drive [-r SEED] [-n RUNS] [-a] [-v] [-o FILE] COMMAND...: runs a command under control, RUNS
 * times with one seed, and compares the runs: what moved, in which order, with which results. A
 * seed of 0 is "the first that can". -a: time may pass at any moment. -V: the model is held against
 * the kernel before every move. -1: a new process for every run, not copies of one. -v prints the
 * moves. Exits 1 when two runs differed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "model/model.h"
#include "run/series.h"

struct drive {
    struct cast *cast;
    uint64_t seed, state;
    bool is_verbose;
    struct buf log;
};

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static int choose(void *self, const struct standing *s)
{
    struct drive *d = self;
    size_t able = 0;
    for (size_t i = 0; i < s->count; i++)
        able += s->choices[i].enabled != ENABLED_NO;
    if (!able)
        return 0;
    size_t pick = d->seed ? next_random(&d->state) % able : 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->choices[i].enabled != ENABLED_NO && pick-- == 0)
            return (int)i;
    return 0;
}

static const char *const move_words[] = {
#define X(NAME, word) word,
    MOVE_KINDS(X)
#undef X
};

static void moved(void *self, const struct act *act)
{
    struct drive *d = self;
    size_t start = d->log.len;
    buf_printf(&d->log, "%s %u %s %s%s%s%s%s", cast_name(d->cast, act->move.task), act->op,
               move_words[act->move.kind], act->call ? call_name((enum call)act->call) : "",
               act->is_parking ? " parks" : "", act->is_forced ? " woken" : "",
               act->born ? " makes " : "", act->born ? cast_name(d->cast, act->born) : "");
    for (uint16_t i = 0; i < act->footprint.count; i++)
        buf_printf(&d->log, " [%u:%04x %llu+%llu]", act->footprint.touches[i].kind,
                   (unsigned)(act->footprint.touches[i].object & 0xffff),
                   (unsigned long long)act->footprint.touches[i].at,
                   (unsigned long long)act->footprint.touches[i].done);
    buf_printf(&d->log, "%s\n", act->footprint.touches_all ? " [all]" : "");
    if (d->is_verbose)
        fprintf(stderr, "%s", d->log.data + start);
}

int main(int argc, char **argv)
{
    struct drive d = {.seed = 0};
    char path[] = "/tmp/drive-XXXXXX";
    const char *out = NULL;
    int runs = 1, c, status = 0;
    bool is_fair = true, is_single = false;
    struct chooser chooser = {.choose = choose, .moved = moved, .self = &d};
    struct conduct_options conduct = {
        .chooser = &chooser, .cast = NULL, .is_fair = true, .wants_footprints = true};
    struct run_options options = {.argv = NULL,
                                  .recording_path = path,
                                  .limit_ns = UINT64_C(20000000000),
                                  .conduct = &conduct,

                                  .keeps_stdio = true};
    while ((c = getopt(argc, argv, "+r:n:avo:1V")) != -1) {
        switch (c) {
        case 'r': d.seed = strtoull(optarg, NULL, 10); break;
        case 'n': runs = atoi(optarg); break;
        case 'a': is_fair = false; break;
        case 'v': d.is_verbose = true; break;
        case 'o': out = optarg; break;
        case 'V': options.is_verified = true; break;
        case '1': is_single = true; break;
        default: return 2;
        }
    }
    if (optind == argc)
        return 2;
    int fd = out ? -1 : mkstemp(path);
    fd_close(&fd);
    d.cast = cast_new();
    conduct.cast = d.cast;
    conduct.is_fair = is_fair;
    options.argv = argv + optind;
    options.is_brief = runs > 1;
    if (out)
        options.recording_path = out;
    char *first = NULL;
    struct series *series = NULL;
    struct err e;
    if (runs > 1 && !is_single && series_open(&series, &options, &e) < 0) {
        fprintf(stderr, "drive: %s\n", e.text);
        return 2;
    }
    for (int i = 0; i < runs; i++) {
        struct run_result result;
        d.state = d.seed;
        d.log.len = 0;
        uint64_t start = clock_ns();
        if ((series ? series_run(series, &result, &options, &e)
                    : run_command(&result, &options, &e)) < 0) {
            fprintf(stderr, "drive: %s\n", e.text);
            return 2;
        }
        buf_printf(&d.log, "end %d status %x moves %u\n", (int)result.trace.end,
                   result.trace.wait_status, result.moves);
        if (d.is_verbose)
            fprintf(stderr, "end %d status %x moves %u, %.2f ms\n", (int)result.trace.end,
                    result.trace.wait_status, result.moves, (double)(clock_ns() - start) / 1e6);
        if (!first)
            first = strdup(d.log.data);
        else if (strcmp(first, d.log.data) != 0) {
            fprintf(stderr, "run %d differs\n--- first\n%s--- this\n%s", i + 1, first, d.log.data);
            status = 1;
            break;
        }
        if (result.verify_disagreements) {
            fprintf(stderr, "%s", result.verify_text);
            status = 1;
        }
        run_result_fini(&result);
    }
    series_close(series);
    free(first);
    buf_fini(&d.log);
    cast_free(d.cast);
    if (!out)
        unlink(path);
    return status;
}
