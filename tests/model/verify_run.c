/* verify_run [-n EVERY] [-o FILE] COMMAND...: runs a command under the tracer, compares model and
 * kernel at every EVERYth event, and says on descriptor 2 where they differ. Exits 0 when they
 * never did and the model saw no anomaly, else 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "run/run.h"

static int fold_again(const char *path)
{
    struct recording *rec;
    struct err e;
    if (recording_open(&rec, path, &e) < 0) {
        fprintf(stderr, "verify: %s\n", e.text);
        return 1;
    }
    struct model *m = model_new(rec);
    while (model_seq(m) < recording_step_count(rec))
        model_apply(m);
    uint32_t anomalies = model_anomalies(m);
    if (anomalies)
        fprintf(stderr, "verify: %u anomalies, the last: %s\n", anomalies, model_anomaly_text(m));
    model_free(m);
    recording_free(rec);
    return anomalies != 0;
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/verify-run-XXXXXX";
    struct run_options options = {.is_verified = true, .verify_every = 1, .recording_path = NULL};
    int c;
    while ((c = getopt(argc, argv, "+n:o:")) != -1) {
        if (c == 'n')
            options.verify_every = (uint32_t)atoi(optarg);
        else if (c == 'o')
            options.recording_path = optarg;
        else
            return 2;
    }
    options.argv = argv + optind;
    if (optind == argc)
        return 2;
    if (!options.recording_path) {
        int fd = mkstemp(path);
        if (fd < 0)
            return 2;
        close(fd);
        options.recording_path = path;
    }
    struct run_result result;
    struct err e;
    if (run_command(&result, &options, &e) < 0) {
        fprintf(stderr, "verify: %s\n", e.text);
        return 2;
    }
    int bad = result.verify_disagreements != 0 || fold_again(options.recording_path);
    fprintf(stderr, "verify: %llu points, %llu disagreements, %llu steps, %u tasks, status %x\n",
            (unsigned long long)result.verify_points,
            (unsigned long long)result.verify_disagreements, (unsigned long long)result.trace.steps,
            result.trace.tasks, result.trace.wait_status);
    if (result.verify_text)
        fputs(result.verify_text, stderr);
    run_result_fini(&result);
    if (options.recording_path == path)
        unlink(path);
    return bad;
}
