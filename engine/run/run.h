/* One run, from the command to its finished recording: joins spawn or sandbox, tracer, recorder and
 * model.
 *
 * `ipclab trace` runs the user's own program in the user's own environment; labs and grading run
 * hermetically. Both end as soon as nobody can move any more. */
#ifndef IPCLAB_RUN_RUN_H
#define IPCLAB_RUN_RUN_H

#include "base/buf.h"
#include "base/err.h"
#include "run/conduct.h"
#include "sandbox/sandbox.h"
#include "trace/tracer.h"

struct run_options {
    char *const *argv;
    const char *recording_path; /* file to write; never NULL */
    uint64_t limit_ns;          /* 0: none */
    size_t payload_cap;         /* 0: default */
    bool is_brief; /* one of many: without call stacks and what is needed to read it elsewhere */
    uint64_t events_max;   /* 0: none */
    bool is_verified;      /* compare model and kernel at quiescent points */
    uint32_t verify_every; /* events between two forced quiescent points; 0: 1 */
    bool keeps_stdio; /* 0 and 1 are wanted after the run, though a reader of our stdout may then
                         see its end later than without us */
    bool ends_when_stuck; /* a hopeless run is ended at once */

    const struct conduct_options *conduct; /* one task moves at a time, as its chooser says; NULL:
                                              freely */

    /* hermetic runs; NULL: the user's own environment and terminal */
    const struct sandbox_options *sandbox; /* argv and stdio are taken from here, not there */
    const void *stdin_bytes; /* what a hermetic program finds on descriptor 0 (a pipe) */
    size_t stdin_size;
    bool stdin_when_quiet; /* byte by byte, each once everybody is asleep; the end of file, too */
    size_t output_max; /* bytes kept of stdout and of stderr; 0: 64 KiB; beyond 16 times: flood */

    /* key/value pairs for recording_meta, and source files to embed; NULL-terminated arrays */
    const char *const *meta;
    const char *const *sources;
};

struct run_result {
    struct tracer_result trace;
    bool is_command_error;       /* after a failure: the command could not be started (126, 127) */
    struct buf out, err;         /* hermetic runs: head of the program's own output */
    uint64_t out_size, err_size; /* its true size */
    uint32_t moves;              /* of a controlled run */
    bool was_given_up;           /* its chooser chose nobody */
    uint64_t stuck_ns;           /* from its last move to the finding that nobody can move */
    uint64_t verify_points;      /* quiescent points compared */
    uint64_t verify_disagreements;
    char *verify_text; /* the disagreements, a line each; NULL */
};

/* Runs to the end. 0, or -errno with one line when nothing could be run (not found, no ptrace ...).
 */
int run_command(struct run_result *out, const struct run_options *options, struct err *e);
void run_result_fini(struct run_result *r);

/* Ends the run that this process is in, from a signal handler. */
void run_stop(void);

#endif
