/* diagnose [-v] COMMAND...: prints how the run ended and what is found, for a person who writes a
 * rule. -v: the events, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static void print_events(const struct recording *rec)
{
    struct buf line = {0};
    for (uint32_t seq = 1; seq <= recording_step_count(rec); seq++) {
        struct step step = recording_step(rec, seq);
        const struct event *ev = recording_event(rec, step.event);
        buf_reset(&line);
        call_format(rec, ev, false, &line);
        printf("%u\t#%u %d %s%s\n", seq, step.event, ev->tid, step.is_exit ? "< " : "", line.data);
    }
    buf_fini(&line);
}

int main(int argc, char **argv)
{
    bool is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    struct trial t;
    struct err e = {0};
    struct buf out = {0};
    if (argc < 2 + is_verbose) {
        fprintf(stderr, "usage: diagnose [-v] COMMAND...\n");
        return 2;
    }
    struct trial_limits limits = {.ns = UINT64_C(5000000000)};
    if (trial_run(&t, argv + 1 + is_verbose, NULL, &limits, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    if (is_verbose)
        print_events(t.rec);
    trial_print(t.diagnosis, &out);
    printf("%s%s, %u anomalies %s\n", out.data ? out.data : "",
           run_end_name(diagnosis_end(t.diagnosis)), model_anomalies(diagnosis_model(t.diagnosis)),
           model_anomaly_text(diagnosis_model(t.diagnosis)));
    for (size_t i = 0; i < diagnosis_count(t.diagnosis); i++) {
        const struct finding *f = diagnosis_finding(t.diagnosis, i);
        buf_reset(&out);
        finding_graph(t.diagnosis, f, &out);
        printf("  seq %u: %s\n%s", f->seq, f->next, out.data ? out.data : "");
    }
    buf_fini(&out);
    trial_fini(&t);
    return 0;
}
