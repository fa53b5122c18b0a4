/* What a command begins with: its descriptors and dispositions, before its first instruction. */
#ifndef IPCLAB_TRACE_BEGIN_H
#define IPCLAB_TRACE_BEGIN_H

#include <stddef.h>
#include <sys/types.h>

#include "trace/probe.h"

struct begun_fd {
    struct probe_fd fd;
    int same_as; /* the lowest descriptor of the same open file description */
    char *path;  /* what it refers to */
};

struct beginning {
    struct probe_process process;
    struct begun_fd *fds;
    size_t count;
};

void begin_probe(struct beginning *out, pid_t pid);
void begin_fini(struct beginning *b);

struct tracer;
/* Writes it into the recording. known: as probed before of an equal process; NULL: it is asked. */
void begin_record(struct tracer *t, const struct beginning *known);

#endif
