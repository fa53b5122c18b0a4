/* A recording is a file of events, payloads, and what is needed to read them elsewhere.
 *
 * The file is append-only: a header, then chunks, each with its kind, its length and a CRC-32C.
 * Event halves are packed (varints, differences), payload bytes lie in chunks of their own, and
 * call stacks, modules and names are written once, before the first use. A chunk that is cut off or
 * damaged ends the recording there: everything before it is good, and recording_damage() says in
 * one line what was lost. docs/recording-format.md has the bytes.
 *
 * Events may come from several sources; each source's halves are ordered by the sequence numbers
 * taken at entry and exit, and those of all sources are merged by them: a half whose predecessors
 * are not in the file yet waits for them. The recorder below writes one source, the tracer's. */
#ifndef IPCLAB_TRACE_RECORDING_H
#define IPCLAB_TRACE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trace/call.h"
#include "trace/event.h"

/* ---- reading ---- */

/* One half of an event. */
struct step {
    uint32_t event; /* id */
    bool is_exit;   /* a point is only an entry */
};

/* Memory of the process that was kept with an event. */
struct blob {
    uint8_t arg;          /* argument it belongs to; 0 for events that are not calls */
    uint8_t side;         /* enum blob_side */
    uint32_t kept;        /* bytes there are */
    uint64_t length;      /* bytes there were */
    const uint8_t *bytes; /* borrowed until the recording is freed; NUL follows the last byte */
};

/* A return address in a loaded object. */
struct frame {
    uint32_t module;
    uint64_t offset; /* from the module's load base: what its DWARF calls an address */
};

struct module {
    const char *path;
    const char *build_id; /* lower-case hexadecimal, "" when it has none */
    bool is_own;          /* the user's own program or library, not the system's */
};

/* What the recording could have missed; all false and 0: nothing. */
struct completeness {
    bool has_foreign_abi; /* calls of another ABI were made */
    bool has_own_filter;  /* a tracee installed a seccomp filter: it may hide calls */
    bool has_untraced;    /* a child escaped (CLONE_UNTRACED) */
    bool has_io_uring;    /* io_uring_setup was refused with ENOSYS */
    bool lost_privileges; /* a set-uid program ran without its privileges */
    bool is_damaged;      /* the file lacks its end */
    bool is_closed;       /* the recorder ended in order */
    uint64_t payload_cut; /* payload bytes that were not kept */
};

struct recording;

/* Opens a file, up to its last good chunk. A file that is no recording, or of a newer format, is an
 * error with one clear line. The caller frees with recording_free. */
int recording_open(struct recording **out, const char *path, struct err *e);
/* The same for an open descriptor, which the recording then owns. */
int recording_open_fd(struct recording **out, int take_fd, const char *name, struct err *e);
void recording_free(struct recording *r);

/* Takes in what was appended since; returns the number of new steps or -errno. Pointers to events
 * and blobs stay valid. */
int recording_refresh(struct recording *r, struct err *e);

/* NULL, or one line about damage. */
const char *recording_damage(const struct recording *r);
const struct completeness *recording_completeness(const struct recording *r);

uint32_t recording_step_count(const struct recording *r);            /* also the last seq */
struct step recording_step(const struct recording *r, uint32_t seq); /* 1 .. step_count */
uint32_t recording_event_count(const struct recording *r);
/* Asserts that id is less than the count. */
const struct event *recording_event(const struct recording *r, uint32_t id);

/* The kept bytes of an argument; false when there are none. */
bool recording_blob(const struct recording *r, const struct event *ev, int arg, enum blob_side side,
                    struct blob *out);

/* Frames of a stack, innermost own frame first; 0 for stack 0. Borrowed. */
size_t recording_stack(const struct recording *r, uint32_t stack, const struct frame **out);
uint32_t recording_stack_count(const struct recording *r); /* ids 1 .. count */
const struct module *recording_module(const struct recording *r, uint32_t module);

/* Where it was made: what its numbers mean depends on it. */
enum recording_arch { ARCH_X86_64 = 1, ARCH_AARCH64 = 2 };
enum recording_arch recording_arch(const struct recording *r);
uint32_t recording_page_size(const struct recording *r);
/* The clocks at the moment that entry_ns and exit_ns count from. */
uint64_t recording_monotonic_ns(const struct recording *r);
uint64_t recording_realtime_ns(const struct recording *r);

/* What the recorder was told: "command", "cwd", "arch", "kernel", "lab", "variant", "program",
 * "isolation" ... NULL when absent. A source file that was embedded has the key "source:PATH". */
const char *recording_meta(const struct recording *r, const char *key);
/* All pairs, in the order of writing; false past the end. */
bool recording_meta_at(const struct recording *r, size_t index, const char **key,
                       const char **value);

/* Keyframes: opaque to this layer; the model writes and reads them. Ordered by seq. */
struct keyframe {
    uint32_t seq;
    uint32_t layout; /* of the model that wrote it: others ignore it */
    const uint8_t *bytes;
    size_t size;
};
size_t recording_keyframe_count(const struct recording *r);
struct keyframe recording_keyframe(const struct recording *r, size_t index);

/* ---- writing ---- */

struct recorder;

/* Creates a file (in the place of an old one, which whoever has it open may go on reading). The
 * recording begins now: see recorder_now. */
int recorder_open(struct recorder **out, const char *path, struct err *e);
/* Writes to an open, seekable descriptor, which the recorder then owns (memfd_create in tests). */
int recorder_open_fd(struct recorder **out, int take_fd, struct err *e);
/* Nanoseconds since the recording began: what entry_ns and exit_ns are. */
uint64_t recorder_now(const struct recorder *w);
void recorder_meta(struct recorder *w, const char *key, const char *value);

/* Memory to keep with a half. bytes are copied up to the cap; length is the true length. */
struct blob_in {
    uint8_t arg;
    uint8_t side;
    uint32_t kept;
    uint64_t length;
    const void *bytes;
};

/* An entry, or a point when kind is not EVENT_CALL. ev: kind, flags, call, tid, entry_ns, args,
 * stack, and for points ret. Fills ev->id and ev->entry_seq (and exit_seq of a point), returns the
 * id. Arguments that the shape of the call does not have are not kept. At most 16 blobs. */
uint32_t recorder_enter(struct recorder *w, struct event *ev, const struct blob_in *blobs,
                        size_t count);
/* The exit of event id: ev needs id, tid, flags, exit_ns, ret (and stack, when only known now: 0
 * leaves that of the entry). Returns the sequence number. */
uint32_t recorder_exit(struct recorder *w, const struct event *ev, const struct blob_in *blobs,
                       size_t count);

/* Ids of a module and of a stack (innermost first); the same contents give the same id. */
uint32_t recorder_module(struct recorder *w, const struct module *module);
uint32_t recorder_stack(struct recorder *w, const struct frame *frames, size_t count);

void recorder_keyframe(struct recorder *w, const struct keyframe *keyframe);
void recorder_completeness(struct recorder *w, const struct completeness *c);

/* Hands buffered chunks to the kernel, so that a reader of the file sees them. 0 or -errno
 * (ENOSPC): after an error the recorder drops what comes, and recorder_close reports it again. */
int recorder_flush(struct recorder *w);
uint64_t recorder_size(const struct recorder *w); /* bytes so far, payload included */
uint64_t recorder_payload_size(const struct recorder *w);
/* Writes the closing section, frees. 0 or the first -errno there was. */
int recorder_close(struct recorder *w, struct err *e);
/* Opens a closed, undamaged recording file to append keyframes to, and nothing else. */
int recorder_reopen(struct recorder **out, const char *path, struct err *e);

#endif
