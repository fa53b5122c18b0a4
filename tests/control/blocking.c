/* blocking PROGRAM TRIALS: for each way of blocking that PROGRAM (programs/blocker.c) knows, TRIALS
 * times in two orders, under control:
 *
 *   block first: the child is let into its call: it must be found asleep. Then the parent wakes it:
 *                it must be found awake before anybody else is asked to move.
 *   wake first:  what the child waits for is there: it must not be found asleep.
 *
 * Prints a line for each; exits 1 when a wake-up was missed or somebody was called blocked who was
 * not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "run/series.h"

enum phase { PREPARE_CHILD, PREPARE_PARENT, FIRST, SECOND, REST };

struct trial {
    const char *how;
    bool blocks_first;
    enum phase phase;
    bool parked, woken; /* the child, in its call */
    unsigned missed, wrong;
};

enum { PARENT = 0, CHILD = 1, GRANDCHILD = 2 }; /* by the order in which their names come up */

/* A signal that nobody waits for yet is lost; a rendezvous has no first. */
static bool can_wake_first(const char *how)
{
    static const char *const no[] = {"pause", "fifo-read", "fifo-write", "inotify", "futex"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcmp(how, no[i]) == 0)
            return false;
    return true;
}

static bool is_wait(const char *how)
{
    return strncmp(how, "wait", 4) == 0;
}

static int find(const struct standing *s, uint16_t task, uint16_t call)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->choices[i].move.task == task && s->choices[i].move.kind != MOVE_TIMEOUT &&
            (!call || s->choices[i].call == call))
            return (int)i;
    return CHOOSE_NOBODY;
}

static int anybody(const struct standing *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->choices[i].move.kind != MOVE_TIMEOUT)
            return (int)i;
    return CHOOSE_NOBODY;
}

/* Up to the mark; then the mark itself is passed. */
static int prepare(struct trial *t, const struct standing *s, uint16_t task, enum phase next)
{
    int at_mark = find(s, task, CALL_sched_yield);
    if (at_mark >= 0) {
        t->phase = next;
        return at_mark;
    }
    int move = find(s, task, 0);
    return move >= 0 ? move : anybody(s);
}

/* The move that wakes; for a wait the grandchild's death, of which its parent is told last. */
static int wake(struct trial *t, const struct standing *s, enum phase next)
{
    int move = CHOOSE_NOBODY;
    if (is_wait(t->how))
        move = find(s, GRANDCHILD, 0);
    if (move < 0)
        move = find(s, PARENT, 0);
    bool is_last = !is_wait(t->how) || s->choices[move].move.kind == MOVE_REPORT;
    if (is_last)
        t->phase = next;
    return move;
}

static int choose(void *self, const struct standing *s)
{
    struct trial *t = self;
    switch (t->phase) {
    case PREPARE_CHILD:
        if (find(s, CHILD, 0) < 0)
            return find(s, PARENT, 0);
        return prepare(t, s, CHILD, PREPARE_PARENT);
    case PREPARE_PARENT: return prepare(t, s, PARENT, FIRST);
    case FIRST:
        if (!t->blocks_first)
            return wake(t, s, SECOND);
        t->phase = SECOND;
        return find(s, CHILD, 0);
    case SECOND:
        if (t->blocks_first) {
            if (!t->parked)
                t->wrong++; /* it should have been found asleep */
            return wake(t, s, REST);
        }
        t->phase = REST;
        return find(s, CHILD, 0);
    case REST: break;
    }
    if (t->blocks_first && !t->woken)
        t->missed++;
    if (!t->blocks_first && t->parked)
        t->wrong++;
    t->woken = true;
    t->parked = false;
    return anybody(s);
}

static void moved(void *self, const struct act *act)
{
    struct trial *t = self;
    if (act->move.task != CHILD || t->phase < SECOND)
        return;
    if (act->is_parking)
        t->parked = true;
    if (act->is_forced)
        t->woken = true;
}

static unsigned try_many(struct run_options *options, struct trial *t, int trials)
{
    struct series *series;
    struct err e;
    unsigned bad = 0;
    if (series_open(&series, options, &e) < 0) {
        fprintf(stderr, "blocking: %s\n", e.text);
        exit(2);
    }
    for (int i = 0; i < trials; i++) {
        struct run_result result;
        t->phase = PREPARE_CHILD;
        t->parked = t->woken = false;
        if (series_run(series, &result, options, &e) < 0) {
            fprintf(stderr, "blocking: %s\n", e.text);
            exit(2);
        }
        bad += result.trace.end != TRACE_ENDED || result.trace.wait_status != 0;
        run_result_fini(&result);
    }
    series_close(series);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    char recording[] = "/tmp/blocking-XXXXXX";
    char list[4096] = "", command[4200];
    int fd = mkstemp(recording);
    fd_close(&fd);
    snprintf(command, sizeof command, "'%s'", argv[1]);
    FILE *names = popen(command, "r");
    size_t size = names ? fread(list, 1, sizeof list - 1, names) : 0;
    if (names)
        pclose(names);
    list[size] = '\0';
    int trials = atoi(argv[2]), total = 0;
    unsigned bad = 0;
    char *rest = list;
    for (char *how; (how = strtok_r(rest, "\n", &rest));) {
        for (int order = 0; order < 2; order++) {
            struct trial t = {.how = how, .blocks_first = order == 0};
            if (!t.blocks_first && !can_wake_first(how))
                continue;
            struct cast *cast = cast_new();
            cast_index(cast, "P.1");
            cast_index(cast, "P.1.1");
            struct chooser chooser = {.choose = choose, .moved = moved, .self = &t};
            struct conduct_options conduct = {.chooser = &chooser, .cast = cast};
            char *const args[] = {argv[1], how, NULL};
            struct run_options options = {.argv = args,
                                          .recording_path = recording,
                                          .limit_ns = UINT64_C(20000000000),
                                          .is_brief = true,
                                          .conduct = &conduct};
            unsigned failed = try_many(&options, &t, trials);
            printf("%-12s %-11s %d trials, %u missed, %u wrongly called, %u ended badly\n", how,
                   order ? "wake first" : "block first", trials, t.missed, t.wrong, failed);
            bad += t.missed + t.wrong + failed;
            total += trials;
            cast_free(cast);
        }
    }
    printf("%d trials, %u bad\n", total, bad);
    unlink(recording);
    return bad || !total;
}
