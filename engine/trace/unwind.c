#include "trace/unwind.h"

#include <string.h>

#include "trace/arch.h"
#include "trace/remote.h"

enum {
    DEPTH_MAX = 40, /* frames looked at: formatted output is some ten deep */
    WINDOW = 512,   /* bytes read when the slice was too short */
};

/* Where the walk stands. */
struct walk {
    pid_t tid;
    uint64_t ip, sp;
    uint64_t fp;
    bool has_fp;     /* read from the task, or found in a frame */
    bool has_caller; /* past the innermost frame: the task's other registers say nothing any more */
    const uint8_t *slice;
    uint64_t slice_at;
    size_t slice_size;
    uint8_t window[WINDOW];
    uint64_t window_at;
    size_t window_size;
    uint64_t furthest; /* stack byte needed so far */
};

static bool in_bytes(uint64_t address, uint64_t start, size_t size)
{
    return address >= start && address - start + 8 <= size;
}

static bool read_word(struct walk *w, uint64_t address, uint64_t *out)
{
    if (address + 8 > w->furthest)
        w->furthest = address + 8;
    if (in_bytes(address, w->slice_at, w->slice_size)) {
        memcpy(out, w->slice + (address - w->slice_at), 8);
        return true;
    }
    if (!in_bytes(address, w->window_at, w->window_size)) {
        w->window_at = address;
        w->window_size = remote_read(w->tid, address, w->window, sizeof w->window);
    }
    if (!in_bytes(address, w->window_at, w->window_size))
        return false;
    memcpy(out, w->window + (address - w->window_at), 8);
    return true;
}

/* The task's own frame pointer is good until a frame has saved it. */
static bool need_fp(struct walk *w)
{
    if (!w->has_fp)
        w->has_fp = arch_get_register(w->tid, arch_dwarf_fp, &w->fp) == 0;
    return w->has_fp;
}

static bool find_return(struct walk *w, const struct rule *rule, uint64_t cfa, uint64_t *back)
{
    if (!rule->return_in_register)
        return read_word(w, cfa + (uint64_t)(int64_t)rule->return_offset, back);
    return !w->has_caller && arch_get_register(w->tid, rule->return_register, back) == 0;
}

/* Leaves the frame; false where the way ends. */
static bool step(struct walk *w, const struct rule *rule)
{
    if (!rule->is_usable || (rule->is_guess && w->has_caller) || (rule->cfa_from_fp && !need_fp(w)))
        return false;
    uint64_t cfa = (rule->cfa_from_fp ? w->fp : w->sp) + (uint64_t)(int64_t)rule->cfa_offset;
    uint64_t back;
    if (!find_return(w, rule, cfa, &back))
        return false;
    if (rule->saves_fp) {
        if (!read_word(w, cfa + (uint64_t)(int64_t)rule->fp_offset, &w->fp))
            return false;
        w->has_fp = true;
    }
    bool goes_up = cfa > w->sp || rule->return_in_register;
    w->ip = back;
    w->sp = cfa;
    w->has_caller = true;
    return goes_up && back != 0;
}

size_t unwind_slice_size(struct space *s, pid_t tid, uint64_t ip)
{
    const struct range *range = space_find(s, tid, ip);
    if (!range || !range->object || !space_may_be_own(s))
        return 0;
    return object_rule(range->object, ip - range->bias)->want;
}

static void remember_want(struct rule *innermost, const struct walk *w, uint64_t sp)
{
    if (!innermost || w->furthest <= sp)
        return;
    uint64_t want = w->furthest - sp;
    if (want > innermost->want)
        innermost->want = (uint16_t)(want < UNWIND_SLICE_MAX ? want : UNWIND_SLICE_MAX);
}

size_t unwind(struct space *s, pid_t tid, struct place at, bool is_exact, const void *slice,
              size_t slice_size, struct frame out[UNWIND_FRAMES_MAX])
{
    struct walk w = {.tid = tid,
                     .ip = at.ip,
                     .sp = at.sp,
                     .slice = slice,
                     .slice_at = at.sp,
                     .slice_size = slice_size};
    struct rule *innermost = NULL;
    size_t count = 0;
    for (int depth = 0; depth < DEPTH_MAX && count < UNWIND_FRAMES_MAX; depth++) {
        /* a return address may lie just behind its function: look at the call itself */
        uint64_t look = depth ? w.ip - 1 : w.ip;
        const struct range *range = space_find(s, tid, look);
        if (!range || !range->object)
            break;
        struct object *object = range->object;
        bool is_own = object_is_own(object);
        if (count && !is_own)
            break;
        if (is_own)
            out[count++] = (struct frame){.module = object_module(object),
                                          .offset = w.ip - range->bias + (is_exact && !depth)};
        struct rule *rule = object_rule(object, look - range->bias);
        if (!depth)
            innermost = rule;
        if (rule->is_outermost || !step(&w, rule))
            break;
    }
    remember_want(innermost, &w, at.sp);
    return count;
}
