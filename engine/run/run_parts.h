/* What one run consists of. Private to engine/run. */
#ifndef IPCLAB_RUN_RUN_PARTS_H
#define IPCLAB_RUN_RUN_PARTS_H

#include <sched.h>

#include "model/model.h"
#include "run/conduct.h"
#include "run/pump.h"
#include "run/run.h"
#include "run/verify.h"
#include "trace/recording.h"

struct run {
    const struct run_options *options;
    struct recorder *recorder;
    struct recording *recording; /* the same file, read back */
    struct model *model;         /* folded as far as the recording was read */
    struct verify *verify;
    struct tracer *tracer;
    struct sandbox *sandbox;
    struct pump *pump;
    struct conduct *conduct;
    int feed_fd; /* stdin_when_quiet: the program's descriptor 0, until all is said */
    size_t fed;
    uint64_t output_limit;
};

int run_open_recording(struct run *r, struct err *e);
/* The hooks of this run, as its options ask. */
struct tracer_options run_tracer_options(struct run *r);
/* Runs the tracer that was made; it is this process's `run_stop`. */
int run_trace(struct run *r, struct run_result *out, struct err *e);
/* This thread and what it starts stay on one CPU, from now on; *before gets where it might run. */
int run_pin(cpu_set_t *before, struct err *e);
void run_take_control(struct run *r);
/* Closes all and fills in the rest of *out. rc: how it went so far; returns how it went. */
int run_finish(struct run *r, struct run_result *out, int rc, struct err *e);

#endif
