/* The inside of ipclab-init, the first process of a sandbox: small, linked with nothing of ours,
 * started with an empty environment. It builds the root file system, starts the program, reaps
 * orphans, and tells the supervisor how the program ended. It ends when nobody is left. */
#ifndef IPCLAB_SANDBOX_INIT_H
#define IPCLAB_SANDBOX_INIT_H

#include <linux/filter.h>
#include <sys/types.h>

#include "sandbox/plan.h"

/* The plan as received; everything points into one block. */
struct job {
    struct plan plan;
    int fds[PLAN_FIXED_FDS];
    int mount_fds[PLAN_MOUNTS_MAX]; /* detached mounts; -1: init opens it by path */
    struct sock_filter *refuse, *trace;
    const char *cwd;
    const char *mask; /* a path inside that is covered by an empty folder; "": none */
    const char *from[PLAN_MOUNTS_MAX], *to[PLAN_MOUNTS_MAX];
    char **argv, **env;
    int host_proc_fd; /* /proc as it was before the root changed: writable, with ids of both sides
                       */
    int facts;        /* enum report_facts */
};

/* Sends FAILED with errno and a text, and ends the process. */
_Noreturn void fail(const char *verb, const char *object);
void report(enum report_kind kind, int code, const char *text);

/* init_root.c: everything in new namespaces; ends at "/" of the new root. */
void root_build(struct job *job);
/* Writes a file below a folder's descriptor. 0 or -1 with errno. */
int write_at(int dir_fd, const char *path, const char *text);

/* init_program.c: becomes the program. */
_Noreturn void program_run(struct job *job);

/* init_bare.c: without namespaces, init is the subreaper of what it starts. bare_begin is called
 * before the program's process is made. bare_reap ends when nobody is left, or, when the supervisor
 * says so (SIGTERM) or is gone, after killing everybody. */
void bare_begin(void);
void bare_reap(pid_t program);
/* In the program's process, after no_new_privs: its signals reach only itself and its descendants.
 * Without that it could kill whatever the user runs; nothing is run then. */
void bare_confine(void);

#endif
