/* What the files of this folder share. */
#ifndef IPCLAB_SANDBOX_SANDBOX_INTERNAL_H
#define IPCLAB_SANDBOX_SANDBOX_INTERNAL_H

#include "base/buf.h"
#include "sandbox/plan.h"
#include "sandbox/sandbox.h"

/* A file or folder that belongs to the sandbox's user for the time of the run. */
struct lent {
    int fd;
    uid_t uid;
    gid_t gid;
};

struct sandbox {
    pid_t init_pid;
    int init_fd;    /* pidfd; readable when init has ended */
    int control_fd; /* our end of the socket */
    bool is_bare;   /* no namespaces */
    int facts;      /* enum report_facts */
    struct lent lent[PLAN_MOUNTS_MAX];
    size_t lent_count;
    uint64_t memory_total;
    uint64_t watched_ns;   /* when sandbox_watch last looked */
    uint64_t host_reserve; /* bytes of host memory that must stay free */
};

/* sandbox.c: one try. sandbox_bare.c: the same without namespaces. */
int sandbox_open_as(struct sandbox **out, struct target *target,
                    const struct sandbox_options *options, bool is_bare, struct err *e);
int sandbox_bare_open(struct sandbox **out, struct target *target,
                      const struct sandbox_options *options, struct err *e);

/* plan.c: the plan as bytes: struct plan, then the payload. trace: the tracer's filter, or NULL. */
int plan_build(struct buf *out, const struct sandbox_options *options, bool is_bare, struct err *e);

/* ids.c: who the sandbox's user is on the host. */
struct ids {
    uid_t uid;
    gid_t gid;
    bool is_other; /* not our own: we are root, and run the program as somebody else */
};
int ids_choose(struct ids *out, struct err *e);
int ids_map(const struct ids *ids, pid_t pid, struct err *e);

/* Reads a report; the pid of its sender in *sender when not NULL. 1, 0 at end of file, -errno. */
int report_read(int control_fd, struct report *out, pid_t *sender);

/* mounts.c: as root, opens the mounts so that they look as if the sandbox's user owned root's
 * files; marks them in the plan. fds[] gets up to PLAN_MOUNTS_MAX descriptors, *count of them. What
 * had to change its owner for that gets it back by mounts_return. */
int mounts_open(struct sandbox *s, int *fds, size_t *count, struct plan *plan,
                const struct sandbox_options *options, const struct ids *ids, struct err *e);
void mounts_return(struct sandbox *s);

/* reap.c: init is dead or dying; returns when it is gone. */
void reap_init(struct sandbox *s);

/* init_path.c: opens ipclab-init for execveat(2). The descriptor, or -errno. */
int init_open(const struct ids *ids, struct err *e);
/* Tests name another file. */
void init_use(const char *path);

#endif
