/* Calls that wait for time or readiness. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#include "trace/call_decode.h"

enum { CLOCK_NOT_KNOWN = -1, PSELECT_MASK = 5 };

/* From an absolute time to what is left of it when the call was entered. A timer's clock was named
 * when it was made: if not known here, it is the one whose present is nearer. */
static int64_t time_left(const struct raw *raw, int64_t until, int clock)
{
    int64_t monotonic = (int64_t)(recording_monotonic_ns(raw->rec) + raw->ev->entry_ns);
    int64_t realtime = (int64_t)(recording_realtime_ns(raw->rec) + raw->ev->entry_ns);
    if (clock == CLOCK_NOT_KNOWN)
        clock =
            llabs(until - realtime) < llabs(until - monotonic) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    int64_t now = clock == CLOCK_REALTIME ? realtime : monotonic;
    return until > now ? until - now : 0;
}

/* ---- sleeping ---- */

int decode_nanosleep(const struct raw *raw, struct op *op)
{
    op->kind = OP_SLEEP;
    return raw_time(raw, 0, 0, false, &op->timeout_ns);
}

int decode_clock_nanosleep(const struct raw *raw, struct op *op)
{
    op->kind = OP_SLEEP;
    int rc = raw_time(raw, 2, 0, false, &op->timeout_ns);
    if (rc == 0 && (raw_arg(raw, 1) & TIMER_ABSTIME))
        op->timeout_ns = time_left(raw, op->timeout_ns, raw_int(raw, 0));
    return rc;
}

/* ---- timers ---- */

int decode_alarm(const struct raw *raw, struct op *op)
{
    op->kind = OP_TIMER;
    op->sig = SIGALRM;
    op->timeout_ns = (int64_t)(uint32_t)raw_arg(raw, 0) * 1000000000;
    return 0;
}

int decode_setitimer(const struct raw *raw, struct op *op)
{
    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
    uint64_t which = raw_arg(raw, 0);
    op->kind = OP_TIMER;
    op->sig = which < 3 ? signals[which] : 0;
    int rc = raw_time(raw, 1, 16, true, &op->timeout_ns); /* it_interval comes first */
    if (!raw_arg(raw, 1))
        op->timeout_ns = 0; /* setitimer(2): NULL disarms, on Linux */
    return rc;
}

/* struct sigevent: value (8 bytes), signo, notify. NULL means SIGALRM (timer_create(2)). */
int decode_timer_create(const struct raw *raw, struct op *op)
{
    int event[4] = {0, 0, SIGALRM, SIGEV_SIGNAL}, id = 0;
    op->kind = OP_TIMER_CREATE;
    if (raw_arg(raw, 1) && !raw_memory(raw, 1, BLOB_IN, 0, event, sizeof event))
        return -EBADMSG;
    op->sig = event[3] == SIGEV_NONE ? 0 : event[2];
    if (raw_has_succeeded(raw) && !raw_memory(raw, 2, BLOB_OUT, 0, &id, sizeof id))
        return -EBADMSG;
    op->size = (uint64_t)id;
    return 0;
}

static int timer_set(const struct raw *raw, struct op *op)
{
    op->kind = OP_TIMER;
    int rc = raw_time(raw, 2, 16, false, &op->timeout_ns); /* it_interval comes first */
    bool is_absolute = raw_arg(raw, 1) & TIMER_ABSTIME;
    if (rc == 0 && op->timeout_ns > 0 && is_absolute) {
        int64_t left = time_left(raw, op->timeout_ns, CLOCK_NOT_KNOWN);
        op->timeout_ns = left ? left : 1; /* past is at once; 0 would disarm */
    }
    return rc;
}

int decode_timer_settime(const struct raw *raw, struct op *op)
{
    op->flags = 1;
    op->size = raw_arg(raw, 0);
    return timer_set(raw, op);
}

int decode_timerfd_settime(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return timer_set(raw, op);
}

int decode_timer_delete(const struct raw *raw, struct op *op)
{
    op->kind = OP_TIMER;
    op->flags = 1;
    op->size = raw_arg(raw, 0);
    op->timeout_ns = 0;
    return 0;
}

/* ---- readiness ---- */

static int polled(struct op *op, int milliseconds)
{
    op->kind = OP_POLL;
    op->timeout_ns = milliseconds < 0 ? -1 : (int64_t)milliseconds * 1000000;
    return 0;
}

static int polled_masked(const struct raw *raw, struct op *op, int time_arg, int mask_arg)
{
    op->kind = OP_POLL;
    op->has_mask = raw_memory(raw, mask_arg, BLOB_IN, 0, &op->mask, sizeof op->mask);
    return raw_time(raw, time_arg, 0, false, &op->timeout_ns);
}

int decode_poll(const struct raw *raw, struct op *op)
{
    return polled(op, raw_int(raw, 2));
}

int decode_ppoll(const struct raw *raw, struct op *op)
{
    return polled_masked(raw, op, 2, 3);
}

int decode_select(const struct raw *raw, struct op *op)
{
    op->kind = OP_POLL;
    return raw_time(raw, 4, 0, true, &op->timeout_ns);
}

int decode_pselect6(const struct raw *raw, struct op *op)
{
    return polled_masked(raw, op, 4, PSELECT_MASK);
}

int decode_epoll_wait(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return polled(op, raw_int(raw, 3));
}

int decode_epoll_pwait(const struct raw *raw, struct op *op)
{
    op->has_mask = raw_memory(raw, 4, BLOB_IN, 0, &op->mask, sizeof op->mask);
    return decode_epoll_wait(raw, op);
}

int decode_epoll_pwait2(const struct raw *raw, struct op *op)
{
    op->fd = raw_int(raw, 0);
    return polled_masked(raw, op, 3, 4);
}

int decode_epoll_ctl(const struct raw *raw, struct op *op)
{
    uint32_t events = 0; /* first in struct epoll_event, packed or not */
    op->kind = OP_EPOLL_CTL;
    op->fd = raw_int(raw, 0);
    op->fd2 = raw_int(raw, 2);
    op->flags = raw_arg(raw, 1);
    bool is_kept = raw_memory(raw, 3, BLOB_IN, 0, &events, sizeof events);
    op->size = events;
    return is_kept || op->flags == EPOLL_CTL_DEL ? 0 : -EBADMSG;
}

/* ---- what is watched ---- */

static size_t pollfds(const struct raw *raw, struct op_poll *out, size_t most)
{
    struct pollfd p;
    size_t count = 0;
    for (; raw_memory(raw, 0, BLOB_IN, count * sizeof p, &p, sizeof p); count++) {
        if (count >= most)
            continue;
        out[count] = (struct op_poll){.fd = p.fd, .events = p.events};
        if (raw_memory(raw, 0, BLOB_OUT, count * sizeof p, &p, sizeof p))
            out[count].revents = p.revents;
    }
    return count;
}

/* One bit of an fd_set: bit fd % 64 of 64-bit word fd / 64. */
static bool is_in_set(const struct raw *raw, int arg, enum blob_side side, int fd)
{
    uint64_t word;
    size_t at = (size_t)fd / 64 * sizeof word;
    return raw_memory(raw, arg, side, at, &word, sizeof word) && (word >> (fd % 64) & 1);
}

static size_t fd_sets(const struct raw *raw, struct op_poll *out, size_t most)
{
    static const short events[] = {POLLIN, POLLOUT, POLLPRI};
    size_t count = 0;
    int limit = raw_int(raw, 0) < 65536 ? raw_int(raw, 0) : 65536;
    for (int fd = 0; fd < limit; fd++) {
        struct op_poll p = {.fd = fd};
        for (int set = 0; set < 3; set++) {
            if (is_in_set(raw, set + 1, BLOB_IN, fd))
                p.events |= events[set];
            if (is_in_set(raw, set + 1, BLOB_OUT, fd))
                p.revents |= events[set];
        }
        if (!p.events)
            continue;
        if (count < most)
            out[count] = p;
        count++;
    }
    return count;
}

size_t call_polls(const struct recording *rec, const struct event *ev, struct op_poll *out,
                  size_t most)
{
    const struct raw raw = {rec, ev};
    switch (ev->kind == EVENT_CALL ? (enum call)ev->call : CALL_UNKNOWN) {
    case CALL_poll:
    case CALL_ppoll: return pollfds(&raw, out, most);
    case CALL_select:
    case CALL_pselect6: return fd_sets(&raw, out, most);
    default: return 0;
    }
}
