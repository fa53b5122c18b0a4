#include "control/touch.h"

#include <assert.h>
#include <limits.h>

/* When the two touches stand to each other. The facts of a touch are those of its own moment: of
 * two that were executed, the later one's facts include what the earlier one did. */
enum when {
    A_FIRST, /* a was executed, then b */
    B_FIRST,
    BOTH_NOW, /* neither: both sets of facts are of the present state */
};

enum { POLL_SLACK = 4096 }; /* poll(2) wants a free page before it says that a pipe is writable */

typedef enum relation rule_fn(const struct touch *a, const struct touch *b, enum when when);

static enum relation depends_if(bool claim)
{
    return claim ? RELATION_DEPENDS : RELATION_COMMUTES;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static enum relation always_commutes(const struct touch *a, const struct touch *b, enum when when)
{
    (void)a, (void)b, (void)when;
    return RELATION_COMMUTES;
}

static enum relation always_depends(const struct touch *a, const struct touch *b, enum when when)
{
    (void)a, (void)b, (void)when;
    return RELATION_DEPENDS;
}

/* ---- streams ---- */

/* Two that only found the end of the stream did nothing. */
static enum relation reads(const struct touch *a, const struct touch *b, enum when when)
{
    (void)when;
    return depends_if(!a->is_end || !b->is_end);
}

static enum relation writes(const struct touch *a, const struct touch *b, enum when when)
{
    (void)when;
    return depends_if(!a->is_end || !b->is_end);
}

/* The write happened, then the read: what would the read have got without it? Bytes come out in the
 * order in which they went in. */
static enum relation write_then_read(const struct touch *read, const struct touch *write)
{
    if (write->is_end || read->size == 0 || write->size == 0)
        return RELATION_COMMUTES;
    if (write->done == 0)
        return RELATION_DEPENDS; /* EAGAIN: after the read there would have been room */
    if (write->at <= read->at)
        return RELATION_ENABLES;
    return depends_if(write->at - read->at < read->size || write->done < write->size);
}

static enum relation read_then_write(const struct touch *read, const struct touch *write)
{
    if (write->is_end || read->size == 0)
        return RELATION_COMMUTES;
    if (read->done && read->at + read->done > write->at)
        return RELATION_ENABLES; /* it got the first part of a write that was still under way */
    /* Bytes leave in order: for the write there had to be room by the time that all up to here were
     * read, and not by a later read. */
    uint64_t had_to_leave = minus(write->at + write->size, write->level + write->room);
    if (write->room == UINT64_MAX || read->at >= had_to_leave)
        return depends_if(read->done < read->size);
    bool would_wait = write->room <= read->done || write->size <= PIPE_BUF;
    return would_wait ? RELATION_ENABLES : RELATION_DEPENDS;
}

static enum relation read_write(const struct touch *read, const struct touch *write, enum when when)
{
    if (when == A_FIRST)
        return read_then_write(read, write);
    if (when == B_FIRST)
        return write_then_read(read, write);
    if (write->is_end || read->size == 0)
        return RELATION_COMMUTES;
    return depends_if(read->level < read->size || write->room < write->size);
}

/* Each of the write ends had to go before the end of file could be read, so it matters not which
 * was the last. Who read nothing before it did not wait: it saw EAGAIN. */
static enum relation read_close(const struct touch *read, const struct touch *close, enum when when)
{
    (void)close;
    if (read->size == 0)
        return RELATION_COMMUTES;
    if (when == BOTH_NOW)
        return depends_if(read->level == 0);
    if (when == B_FIRST && read->is_end)
        return RELATION_ENABLES;
    return depends_if(read->never_waits && read->done == 0);
}

/* As read_close, but a write does not wait for readers to go: EPIPE instead of success. */
static enum relation write_close(const struct touch *write, const struct touch *close,
                                 enum when when)
{
    if (when == B_FIRST)
        return depends_if(write->is_end);
    return depends_if(close->is_last);
}

/* Which of the readers' closes is the last one decides which writes succeed. */
static enum relation closes_of_readers(const struct touch *a, const struct touch *b, enum when when)
{
    if (when == A_FIRST)
        return depends_if(b->is_last);
    if (when == B_FIRST)
        return depends_if(a->is_last);
    bool would_be_last = a->size ? a->done + b->done >= a->size : true;
    return depends_if(a->is_last || b->is_last || would_be_last);
}

static enum relation last_close(const struct touch *close, const struct touch *other,
                                enum when when)
{
    (void)other, (void)when;
    return depends_if(close->is_last);
}

/* The other end is opened: end of file, or EPIPE, is over. */
static enum relation end_open(const struct touch *bytes, const struct touch *open, enum when when)
{
    (void)open, (void)when;
    return depends_if(bytes->is_end);
}

static enum relation rendezvous(const struct touch *a, const struct touch *b, enum when when)
{
    (void)a, (void)b;
    return when == BOTH_NOW ? RELATION_DEPENDS : RELATION_ENABLES;
}

/* Does one of the two bits that poll(2) shows flip? FIONREAD shows the level itself. */
static enum relation read_poll(const struct touch *read, const struct touch *poll, enum when when)
{
    bool does_nothing = when == BOTH_NOW ? read->level == 0 : read->done == 0;
    if (read->is_end || does_nothing)
        return RELATION_COMMUTES;
    if (poll->size)
        return RELATION_DEPENDS;
    if (when == A_FIRST)
        return depends_if(poll->level == 0 || minus(poll->room, read->done) < POLL_SLACK);
    if (when == B_FIRST)
        return depends_if(read->level <= read->done || poll->room < POLL_SLACK);
    return depends_if(poll->level <= read->size || poll->room < POLL_SLACK);
}

static enum relation write_poll(const struct touch *write, const struct touch *poll, enum when when)
{
    bool does_nothing = when == BOTH_NOW ? write->room == 0 || (write->room < write->size &&
                                                                write->size <= PIPE_BUF)
                                         : write->done == 0;
    if (write->is_end || does_nothing)
        return RELATION_COMMUTES;
    if (poll->size)
        return RELATION_DEPENDS;
    if (when == A_FIRST)
        return depends_if(write->at <= poll->at || poll->room < POLL_SLACK);
    if (when == B_FIRST)
        return depends_if(poll->level == 0 || poll->room < write->done + POLL_SLACK);
    return depends_if(poll->level == 0 || minus(poll->room, write->size) < POLL_SLACK);
}

/* ---- counters ---- */

static enum relation add_take(const struct touch *add, const struct touch *take, enum when when)
{
    if (when == A_FIRST) {
        if (add->at <= take->at)
            return RELATION_ENABLES;
        return add->at - take->at >= take->done ? RELATION_COMMUTES : RELATION_ENABLES;
    }
    return when == B_FIRST ? RELATION_COMMUTES : depends_if(take->level < take->done);
}

static enum relation takes(const struct touch *a, const struct touch *b, enum when when)
{
    const struct touch *first = when == B_FIRST ? b : a;
    return depends_if(first->level < a->done + b->done);
}

/* ---- locks ---- */

static enum relation take_release(const struct touch *take, const struct touch *release,
                                  enum when when)
{
    (void)take, (void)release;
    return when == B_FIRST ? RELATION_ENABLES : RELATION_DEPENDS;
}

/* ---- values ---- */

static uint64_t end_of(const struct touch *t)
{
    return t->size == 0 || t->at + t->size < t->at ? UINT64_MAX : t->at + t->size;
}

static enum relation overlap(const struct touch *a, const struct touch *b, enum when when)
{
    (void)when;
    return depends_if(a->at < end_of(b) && b->at < end_of(a));
}

/* ---- children ---- */

/* A wait takes the eldest of those that have ended (wait(2) walks the list of children from its
 * beginning, and they were put at its end). */
static enum relation end_wait(const struct touch *end, const struct touch *wait, enum when when)
{
    (void)end;
    bool takes_elder = wait->size < wait->at;
    if (when == A_FIRST) {
        if (wait->level && takes_elder)
            return RELATION_COMMUTES;
        return wait->level && wait->room > 1 ? RELATION_DEPENDS : RELATION_ENABLES;
    }
    return depends_if(!takes_elder);
}

/* One that reaped (done) is no mere look. */
static enum relation looks(const struct touch *a, const struct touch *b, enum when when)
{
    return depends_if(when != BOTH_NOW ? a->done || b->done : a->level || b->level);
}

/* ---- the table ---- */

static rule_fn *const rules[TOUCH_KIND_COUNT][TOUCH_KIND_COUNT] = {
#define PAIR(A, B, rule) [TOUCH_##A][TOUCH_##B] = rule,
#include "control/touch.def"
};

static enum relation look_up(const struct touch *a, const struct touch *b, enum when when)
{
    if (a->kind == TOUCH_ANY || b->kind == TOUCH_ANY)
        return RELATION_DEPENDS;
    if (rules[a->kind][b->kind])
        return rules[a->kind][b->kind](a, b, when);
    rule_fn *rule = rules[b->kind][a->kind];
    assert(rule); /* touches of two families on one object */
    return rule(b, a, when == BOTH_NOW ? BOTH_NOW : B_FIRST);
}

/* Who never waits could have come first: it would have failed. */
static enum relation apply(const struct touch *a, const struct touch *b, enum when when)
{
    enum relation r = look_up(a, b, when);
    return r == RELATION_ENABLES && b->never_waits ? RELATION_DEPENDS : r;
}

enum relation touch_order(const struct touch *first, const struct touch *second)
{
    return apply(first, second, A_FIRST);
}

enum relation touch_now(const struct touch *a, const struct touch *b)
{
    return apply(a, b, BOTH_NOW);
}

/* RELATION_COMMUTES < RELATION_ENABLES < RELATION_DEPENDS: the strongest of all pairs. */
static enum relation strongest(const struct footprint *a, const struct footprint *b, enum when when)
{
    if (a->touches_all || b->touches_all)
        return RELATION_DEPENDS;
    enum relation found = RELATION_COMMUTES;
    for (uint16_t i = 0; i < a->count; i++) {
        for (uint16_t j = 0; j < b->count && found != RELATION_DEPENDS; j++) {
            if (a->touches[i].object != b->touches[j].object)
                continue;
            enum relation r = apply(&a->touches[i], &b->touches[j], when);
            found = r > found ? r : found;
        }
    }
    return found;
}

enum relation footprint_order(const struct footprint *first, const struct footprint *second)
{
    return strongest(first, second, A_FIRST);
}

enum relation footprint_now(const struct footprint *a, const struct footprint *b)
{
    return strongest(a, b, BOTH_NOW);
}

bool footprint_enables(const struct footprint *first, const struct footprint *second)
{
    for (uint16_t i = 0; i < first->count; i++)
        for (uint16_t j = 0; j < second->count; j++)
            if (first->touches[i].object == second->touches[j].object &&
                apply(&first->touches[i], &second->touches[j], A_FIRST) == RELATION_ENABLES)
                return true;
    return false;
}

const char *touch_kind_name(enum touch_kind kind)
{
    static const char *const names[] = {
#define X(NAME, name) #name,
        TOUCH_KINDS(X)
#undef X
    };
    return kind < TOUCH_KIND_COUNT ? names[kind] : "?";
}
