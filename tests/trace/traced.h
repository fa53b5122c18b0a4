/* Runs a function of the test itself as a traced program, and asks the recording what it saw.
 *
 * A test is a row: what the tracee does, and what must then stand in the recording. The tracee is
 * this very program, called again as `PROGRAM --tracee NAME`. Nothing sleeps: who must wait for
 * somebody waits until /proc says so. */
#ifndef TESTS_TRACE_TRACED_H
#define TESTS_TRACE_TRACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "trace/call.h"
#include "trace/recording.h"
#include "trace/tracer.h"

struct traced {
    struct recording *rec;
    struct tracer_result result;
    int status; /* of tracer_run */
    struct err err;
    char *output; /* what the tracee wrote to its stdout */
};

struct row {
    const char *name;
    int (*tracee)(void);                   /* its exit status */
    char *const *argv;                     /* instead of the tracee */
    void (*check)(struct traced *t);       /* what must stand in the recording */
    void (*set)(struct tracer_options *o); /* may be NULL */
    void (*whole)(const struct row *row);  /* does all itself, instead of check */
};

/* The rows of one file, ended by an empty name. */
extern const struct row rows_order[], rows_signal[], rows_exec[], rows_gap[], rows_memory[],
    rows_quiet[], rows_call[];

/* ---- running ---- */

enum { SKIPPED = 77 };

/* Traces the row's program. stdout_fd: -1 for the memory that becomes t->output. */
void traced_run(struct traced *t, const struct row *row, int stdout_fd);
/* The same in a program that has other children. */
void traced_run_beside(struct traced *t, const struct row *row);
void traced_fini(struct traced *t);
const char *own_path(void);

/* ---- asking ---- */

struct want {
    enum event_kind kind;
    enum call call; /* of EVENT_CALL; 0: any */
    pid_t tid;      /* 0: any */
    uint32_t from;  /* first event id looked at */
    bool has_arg;   /* args[0] must be arg */
    uint64_t arg;
};
const struct event *find(const struct traced *t, struct want w); /* NULL */
/* The same; its absence ends the test. */
const struct event *get(const struct traced *t, struct want w);
size_t count(const struct traced *t, struct want w);
/* The command's own tid; of the nth child made (from 0), by START events. */
pid_t command(const struct traced *t);
pid_t child(const struct traced *t, size_t nth);
bool blob(const struct traced *t, const struct event *ev, int arg, enum blob_side side,
          struct blob *out);

void fail_at(const char *file, int line, const char *what);
#define CHECK(what)                             \
    do {                                        \
        if (!(what))                            \
            fail_at(__FILE__, __LINE__, #what); \
    } while (0)
#define CHECK_EQ(a, b) check_equal(__FILE__, __LINE__, #a " == " #b, (int64_t)(a), (int64_t)(b))
void check_equal(const char *file, int line, const char *what, int64_t a, int64_t b);
void skip(const char *why);

/* ---- in the tracee ---- */

/* Ends the tracee with a message when a call failed. */
#define TRY(call) try_at(__LINE__, #call, (long)(call))
long try_at(int line, const char *what, long result);
/* Returns when the process is in this state (proc_pid_stat(5)): S, asleep in a call that can be
 * interrupted; Z, a zombie. Or when it is gone. */
void wait_until_state(pid_t pid, char state);
/* Context switches of a process so far. */
uint64_t switches_of(pid_t pid);
/* fork; the child runs the function and exits with its result. */
pid_t run_child(int (*function)(void *), void *arg);
int reap(pid_t pid); /* wait status */

#endif
