/* What the supervisor and its init say to each other over their one socket (a stream).
 *
 *   supervisor  one byte: "your ids are mapped"; then struct plan with the descriptors of enum
 * plan_fd and one for each mount that was opened for us; then plan.size bytes of payload: the two
 *               filters, then NUL-terminated strings: cwd, mask, FROM and TO of each mount, argv,
 * env init        struct report, twice at most: READY (sent by the program's own process, so that
 * the kernel's credentials name its pid) or FAILED; then ENDED
 *
 * Included by ipclab-init, which links nothing of ours: plain values only. */
#ifndef IPCLAB_SANDBOX_PLAN_H
#define IPCLAB_SANDBOX_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_CONTROL_FD = 3, PLAN_MOUNTS_MAX = 32, PLAN_PAYLOAD_MAX = 4 << 20 };

enum plan_fd { PLAN_STDIN, PLAN_STDOUT, PLAN_STDERR, PLAN_RELEASE, PLAN_ERROR, PLAN_FIXED_FDS };

struct plan_mount {
    bool is_writable;
    bool is_open; /* the supervisor opened it (open_tree) and sent it; else init does, by path */
};

struct plan {
    uint32_t size; /* of the payload */
    uint32_t argc, envc;
    uint32_t refuse_count, trace_count; /* instructions of the two filters */
    uint32_t mount_count;
    struct plan_mount mounts[PLAN_MOUNTS_MAX];
    uint32_t processes_max, files_max, cpu_seconds;
    uint64_t memory_max, file_max, tmp_max; /* bytes */
    uint64_t ignored_signals;               /* bit n-1 for signal n */
    bool is_bare;                           /* no namespaces: limits and filter only */
    bool may_lack_proc;                     /* go on where no /proc can be mounted */
};

enum report_kind { REPORT_READY, REPORT_FAILED, REPORT_ENDED };
enum report_facts { REPORT_HAS_PROC = 1, REPORT_HAS_IPC_LIMITS = 2, REPORT_HAS_NESTED_USER = 4 };

struct report {
    int32_t kind;
    int32_t code;   /* READY: report_facts; FAILED: errno; ENDED: wait status of the program */
    char text[200]; /* FAILED: "verb object" */
};

#endif
