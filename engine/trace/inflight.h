/* The calls that one task is inside of, innermost last.
 *
 * More than one, because a signal handler may run on top of an interrupted call and make calls of
 * its own. The kernel restarts an interrupted call in several ways (signal(7)): by the same entry
 * again, by restart_syscall, by neither when a handler without SA_RESTART ran: then only the
 * registers that rt_sigreturn restores show that the program saw EINTR. Here all of these are one
 * call, from its first entry to its last exit. Pure: it is told what the stops said. */
#ifndef IPCLAB_TRACE_INFLIGHT_H
#define IPCLAB_TRACE_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INFLIGHT_MAX = 16 };

struct open_call {
    /* set at entry */
    uint64_t nr;
    uint64_t args[6];
    uint64_t ip, sp;
    uint64_t clone_flags; /* of clone and clone3 */
    uint64_t entry_ns;
    uint32_t event; /* id in the recording */
    int32_t tid;    /* that made it: an execve in a thread ends under another */
    uint16_t call;  /* enum call */
    bool is_recorded;
    /* changes */
    uint8_t flags;         /* EVENT_WAS_... */
    bool is_interrupted;   /* left the kernel with a restart code; what the program sees is open */
    bool is_rewound;       /* so by our own hand (step.h), before it began */
    bool has_handler;      /* a signal handler runs on top of it */
    bool is_known_blocked; /* a BLOCKED event was written, at so many */
    uint64_t blocked_switches; /* context switches */
};

struct inflight {
    struct open_call calls[INFLIGHT_MAX];
    size_t depth;
};

/* NULL when the task is outside. */
struct open_call *inflight_top(struct inflight *f);
/* Inside the kernel, as far as the tracer has been told. */
bool inflight_is_running(struct inflight *f);

/* -ERESTARTSYS and its kin: never seen by a program. */
bool inflight_is_restart_code(int64_t ret);

/* What a stop says about where the task is. */
struct place {
    uint64_t ip, sp;
};

/* An entry: true when the kernel goes on with the innermost call, which then runs again. */
bool inflight_resumes(struct inflight *f, uint64_t nr, const uint64_t args[6], struct place at,
                      bool is_restart_call);
/* An entry that is a new call: the innermost call if its handler never came back to it (longjmp),
 * removed into *out. Ask again until false. */
bool inflight_take_abandoned(struct inflight *f, struct place at, struct open_call *out);
/* Makes room for a new call, and returns it, zeroed but for its place. When the stack is full its
 * oldest call is moved into *dropped and true is stored in *has_dropped. */
struct open_call *inflight_push(struct inflight *f, struct place at, struct open_call *dropped,
                                bool *has_dropped);

/* A signal is delivered to a handler. */
void inflight_handler(struct inflight *f);
/* Did rt_sigreturn go back into an interrupted call? True: that call (with those above it, which
 * are abandoned, removed one by one) has failed with EINTR; it is removed into *out. */
enum inflight_return {
    INFLIGHT_ELSEWHERE, /* to no call: an ordinary place of the program */
    INFLIGHT_ABANDONED, /* *out lay above the call that was returned to: ask again */
    INFLIGHT_RESTARTS,  /* the call will be entered again */
    INFLIGHT_EINTR,     /* *out ended with EINTR */
};
enum inflight_return inflight_sigreturn(struct inflight *f, struct place at, struct open_call *out);

#endif
