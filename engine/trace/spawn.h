/* Starting the command that is to be traced, in the user's own environment.
 *
 * The child waits on a pipe until it is seized, then sets the filter as its last act before exec.
 * What it inherits is listed here and nowhere else: descriptors 0 to 2 (and, for `ipclab trace`,
 * all the user's own inheritable ones), default dispositions for signals that ipclab itself
 * changed, an empty mask. */
#ifndef IPCLAB_TRACE_SPAWN_H
#define IPCLAB_TRACE_SPAWN_H

#include "base/err.h"
#include "trace/tracer.h"

struct spawn_options {
    char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    char *const *env;  /* NULL: this process's own */
    const char *cwd;   /* NULL: this process's own */
    int stdio[3];      /* -1: inherited */
    bool is_stepped;   /* for a run in which one task moves at a time (trace/step.h) */
};

/* Forks. After that this process holds no end of stdio[]: the caller closes its copies, and
 * spawn_let_go() replaces the tracer's own 0 and 1 by /dev/null for the length of the run. */
int spawn_command(struct target *out, const struct spawn_options *options, struct err *e);

/* Points descriptors 0 and 1 of this process at /dev/null, keeping copies that are close-on-exec
 * only if `keep` (a tracer that keeps a copy of its inherited stdout delays the next program's EOF:
 * give keep false unless 0 and 1 are a terminal or a file). */
int spawn_let_go(bool keep, int saved[2]);
void spawn_take_back(int saved[2]);

/* The filter as classic BPF (struct sock_filter[]), made once by libseccomp; for programs that
 * install it themselves (the sandbox's init). Borrowed. */
const void *filter_program(bool is_stepped, size_t *instructions, struct err *e);
/* Installs it in this process: NO_NEW_PRIVS only when not privileged. Async-signal-safe once
 * filter_program has been called. */
int filter_install(bool is_stepped);

#endif
