/* A schedule: who moves when, and which calls fail. Written by people and by the engine.
 *
 *   ipclab-schedule 1
 *   for: pipe-deadlock broken          what it is a schedule of
 *   found by: urw, seed 17             free text
 *   time: any                          a sleep or a time limit may be over at any moment; or: fair
 *   pipes: 4096                        all pipes are made so small
 *   fault P.2 4 error=EMFILE           the fourth call of P.2 fails
 *   P 1                                P makes its first move ...      # clone(...)
 *   P.1 1                              ... then P.1 its first          # read(3)
 *   P.1 2 signal                       its pending signal, before its second call
 *   hold P until P.1 passes 3          rules, in force once the list is used up
 *   hold P.2 until P ends
 *   order: P.1 P.2 P                   whoever stands first and can go, goes
 *   then: parent first                 else this; a strategy's word, "urw 17" with a seed
 *
 * '#' begins a comment. Tasks have logical names (cast.h): process numbers differ from run to run.
 * A number counts the calls of its task that are followed in controlled runs. */
#ifndef IPCLAB_CONTROL_SCHEDULE_H
#define IPCLAB_CONTROL_SCHEDULE_H

#include "base/buf.h"
#include "base/err.h"
#include "control/cast.h"
#include "control/chooser.h"
#include "control/fault.h"
#include "control/strategy.h"

struct schedule_step {
    struct move move;
    uint32_t op;
    char *note; /* what it is, for people; NULL */
};

struct schedule_hold {
    uint16_t task;
    uint16_t other;
    uint32_t op; /* until the other has made this move; 0: until it has ended */
};

struct schedule {
    char *what;     /* "for:"; "" */
    char *found_by; /* "" */
    char *why;      /* comment at the top; "" */
    bool is_fair;
    struct schedule_step *steps;
    size_t steps_count, steps_cap;
    struct schedule_hold *holds;
    size_t holds_count, holds_cap;
    uint16_t *order;
    size_t order_count, order_cap;
    enum strategy_kind then;
    uint64_t seed;
    struct fault *faults;
    size_t faults_count, faults_cap;
};

struct schedule *schedule_new(void);
struct schedule *schedule_copy(const struct schedule *s);
void schedule_free(struct schedule *s);

/* `name`: the file, for messages. -EINVAL with one line that says where, what, and what to write.
 */
int schedule_parse(struct schedule **out, const char *text, const char *name, struct cast *cast,
                   struct err *e);
int schedule_read(struct schedule **out, const char *path, struct cast *cast, struct err *e);
void schedule_print(const struct schedule *s, const struct cast *cast, struct buf *out);
int schedule_write(const struct schedule *s, const struct cast *cast, const char *path,
                   struct err *e);

void schedule_add(struct schedule *s, struct move move, uint32_t op, const char *note);

#endif
