/* The loaded objects of an address space, as far as they were needed to name a program counter.
 *
 * Read from /proc/PID/maps when an address falls in no known range, and forgotten at exec. Objects
 * are shared by all spaces of a run, so that what was learnt about libc is learnt once. */
#ifndef IPCLAB_TRACE_SPACE_H
#define IPCLAB_TRACE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/recording.h"

/* What has to be known about a frame to leave it: rules of its call frame information, for one
 * address. */
struct rule {
    uint64_t offset; /* of the address in its object; the key */
    int32_t cfa_offset;
    int32_t return_offset; /* from the CFA */
    int32_t fp_offset;     /* from the CFA, if the frame saved the frame pointer */
    bool is_usable;        /* false: unwinding ends here */
    bool cfa_from_fp;
    bool return_in_register; /* not on the stack: link register, or vfork's own trick */
    bool saves_fp;
    bool is_guess;     /* no information: taken for a leaf that has not touched the stack (clone) */
    bool is_outermost; /* main or _start: nothing of the user's is further out */
    int16_t return_register;
    uint16_t want; /* bytes of stack that frames from here took so far, for the innermost */
};

struct object;

/* Executable memory, [start, end). object is NULL where it is of no file. */
struct range {
    uint64_t start, end;
    uint64_t bias; /* address in memory less address in the file's ELF headers */
    struct object *object;
};

struct objects; /* all of a run */
struct objects *objects_new(struct recorder *w);
void objects_free(struct objects *all);

struct space;
struct space *space_new(struct objects *all);
struct space *space_share(struct space *s);      /* CLONE_VM: counts references */
struct space *space_copy(const struct space *s); /* fork */
void space_release(struct space *s);

/* The range that an address lies in, NULL when none. tid: a task of the space. Valid until the next
 * call. */
const struct range *space_find(struct space *s, pid_t tid, uint64_t address);
/* May any of the user's own code be loaded? (System programs have no lines to show.) */
bool space_may_be_own(const struct space *s);

bool object_is_own(const struct object *o);
/* The dynamic linker (ld.so(8)): it runs before the program does. */
bool object_is_loader(const struct object *o);
uint32_t object_module(const struct object *o); /* id in the recording */
/* The rule for an address (as in the ELF file); made on first use, kept. */
struct rule *object_rule(struct object *o, uint64_t offset);

#endif
