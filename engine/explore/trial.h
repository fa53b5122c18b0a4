/* One program, run again and again under control: a chooser and faults in, an outcome and the trail
 * of its moves out.
 *
 * A run that goes on beyond any run before gets a fair suffix, strict turns, before it is called a
 * livelock. */
#ifndef IPCLAB_EXPLORE_TRIAL_H
#define IPCLAB_EXPLORE_TRIAL_H

#include "control/schedule.h"
#include "explore/outcome.h"
#include "run/series.h"

struct trial_options {
    struct run_options run;  /* argv, sandbox, stdin, meta, sources; the rest is set here */
    int expected;            /* exit status of a run that goes well */
    bool is_fair;            /* time passes only when nobody else can move */
    uint64_t limit_ns;       /* of one run, for programs that only compute; 0: 5 s */
    int (*is_stopped)(void); /* asked between runs: end with -EINTR. NULL: never */
};

struct trial_run {
    const struct chooser *chooser;
    const struct fault *faults;
    size_t fault_count;
    const char *recording; /* NULL: none is wanted, and the run is brief */
    bool is_blind;         /* the chooser needs no footprints */
    bool wants_acts;
    void (*on_call)(void *arg, struct move move, uint32_t op, const struct fault_facts *facts);
    void *arg;
};

struct trial_result {
    struct outcome outcome;
    struct run_result result; /* the caller ends it by trial_result_fini */
    struct schedule *trail;   /* what was chosen, move by move */
    struct act *acts;         /* when wanted: all that happened */
    size_t act_count;
    bool was_given_up; /* the chooser chose nobody */
    bool is_cut;       /* it did not come to its end */
    uint32_t moves;
    uint64_t stuck_ns;
};

void trial_result_fini(struct trial_result *r);

struct trials;

int trials_open(struct trials **out, const struct trial_options *options, struct err *e);
void trials_close(struct trials *t);
struct cast *trials_cast(struct trials *t); /* borrowed */
int trials_run(struct trials *t, struct trial_result *out, const struct trial_run *run,
               struct err *e);
/* Follows a schedule; *divergence (the caller frees, may be NULL) says where it could not. */
int trials_follow(struct trials *t, struct trial_result *out, const struct schedule *schedule,
                  bool is_strict, const char *recording, char **divergence, struct err *e);
/* Where a run without a recording of its own is kept until the next. Borrowed. */
const char *trials_scratch(const struct trials *t);
uint64_t trials_count(const struct trials *t); /* runs made */

#endif
