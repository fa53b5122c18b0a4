/* A hermetic place to run somebody's program.
 *
 * Private user (two nested, so that the program cannot reach its own init), pid, mount, IPC, UTS,
 * cgroup and network namespaces (loopback up); a tmpfs root with a read-only /usr, private /tmp,
 * /dev/shm and /dev/mqueue; an exec'd init with an empty environment; default signal dispositions,
 * an empty mask, descriptors 0 to 2 only; limits; no new privileges; a filter that refuses what no
 * exercise needs. When the sandbox is closed nothing is left: the pid namespace dies as a whole.
 *
 * Namespaces contain, the filter reduces, the tracer (which seizes the program from outside) only
 * observes. A sandbox belongs to the thread that opened it: it dies when that thread ends.
 * namespaces(7), user_namespaces(7), pivot_root(2); docs/sandbox.md. */
#ifndef IPCLAB_SANDBOX_SANDBOX_H
#define IPCLAB_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trace/tracer.h"

struct sandbox_mount {
    const char *from; /* host path: a directory or a file */
    const char *to;   /* absolute path inside, made if missing */
    bool is_writable;
};

#define SANDBOX_UNLIMITED UINT64_MAX

struct sandbox_options {
    char *const *argv;                  /* argv[0]: a path inside */
    char *const *env;                   /* NULL: PATH, HOME=/tmp, LANG=C.UTF-8 only */
    const char *cwd;                    /* inside; NULL: /tmp */
    int stdio[3];                       /* the program's 0, 1, 2; all must be given */
    const struct sandbox_mount *mounts; /* at most 32; later ones may lie inside earlier ones */
    size_t mount_count;
    uint32_t processes_max;   /* 0: 64 */
    uint64_t memory_max;      /* RLIMIT_AS of each process, bytes; 0: 1 GiB; or SANDBOX_UNLIMITED */
    uint64_t memory_total;    /* of all processes together, see sandbox_watch; 0: 1 GiB */
    uint64_t file_max;        /* RLIMIT_FSIZE; 0: 8 MiB */
    uint64_t tmp_max;         /* size of /tmp; 0: 16 MiB */
    uint32_t files_max;       /* RLIMIT_NOFILE; 0: 256 */
    uint32_t cpu_seconds;     /* RLIMIT_CPU of each process; 0: 10 */
    uint64_t ignored_signals; /* bit n-1: signal n starts as SIG_IGN; all others start as SIG_DFL */
    bool is_stepped;          /* the tracer's filter is that of stepped runs (trace/step.h) */
    bool is_traced;           /* install the tracer's filter before exec, wait to be seized */
    /* Where namespaces are not to be had, run all the same with limits and filter only, and where
     * /proc cannot be mounted, without it: sandbox_isolation says which. Root never goes without
     * namespaces. */
    bool allow_degraded;
};

struct sandbox;

/* Builds it and brings the program to the point before exec. *target is for tracer_new (or, when
 * not is_traced, for sandbox_wait). Never needs privileges; run as root, it runs the program as an
 * unprivileged user (65534) all the same, and shows the mounts as if that user owned root's files.
 * The caller may close its copies of stdio afterwards. -EPERM and the like, with one line, where
 * namespaces are not to be had. */
int sandbox_open(struct sandbox **out, struct target *target, const struct sandbox_options *options,
                 struct err *e);

/* For programs that are not traced (the compiler): lets it go, waits until it ends or the limit
 * passes, then kills what it left. Returns its wait status in *status; -ETIMEDOUT after the limit,
 * -ENOMEM when sandbox_watch said so, -ECANCELED when on_tick (may be NULL; every 5 ms) returned
 * false, or what exec answered. The sandbox is to be closed in any case. */
int sandbox_wait(struct sandbox *s, struct target *take_target, uint64_t limit_ns, int *status,
                 bool (*on_tick)(void *arg), void *arg, struct err *e);

/* To be asked every 10 ms or so while a program runs: does it use more memory than it may, or is
 * the host's nearly gone (memory that no process has mapped is not seen otherwise)? 0, or -ENOMEM
 * with one line: kill it. Cheap: looks at the clock first, and works at most every 10 ms. */
int sandbox_watch(struct sandbox *s, struct err *e);

/* Kills everything in it; safe at any time, also while a tracer is waiting for its tasks. */
void sandbox_kill(struct sandbox *s);
/* After the tracer has reaped all tasks (or after sandbox_wait, or when the target was never
 * seized): kills, reaps init unless somebody has, frees. NULL is ignored. */
void sandbox_close(struct sandbox *s);

/* Closes a target that nobody took. */
void sandbox_drop_target(struct target *target);

/* What init is called, for tracers that meet it: it is not traced. */
pid_t sandbox_init_pid(const struct sandbox *s);

/* "namespaces", "namespaces without /proc", "limits only": docs/sandbox.md says what each means. */
const char *sandbox_isolation(const struct sandbox *s);

/* What is to be had on this machine; each is tried for real, in a child. */
struct sandbox_tier {
    bool has_namespaces;  /* user, pid, mount, IPC, UTS, network, with all mounts */
    bool has_nested_user; /* the second user namespace */
    bool has_proc;        /* a private /proc could be mounted */
    bool has_ipc_limits;  /* IPC sysctls could be set */
    bool has_ptrace;      /* seizing into the namespace works */
    bool has_cgroup;      /* memory and pids limits by cgroup v2 */
    struct err why;       /* the first thing that failed */
};
void sandbox_probe(struct sandbox_tier *out);

#endif
