/* bench_history [EVENTS [PROCESSES]]: makes a recording of ping-pong over two pipes, with a fork,
 * an exit and a wait now and then, opens it, jumps about in it, and prints what it cost. Not a
 * test. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "model/history.h"

enum { PARENT = 100, CHILD = 101, FIRST_SHORT = 200, JUMPS = 1000 };

struct writer {
    struct recorder *w;
    uint64_t ns;
    uint32_t events;
};

static uint32_t enter(struct writer *b, int tid, enum call call, uint64_t a0, uint64_t a1,
                      uint64_t a2, const struct blob_in *blob)
{
    struct event ev = {.kind = EVENT_CALL, .call = (uint16_t)call, .tid = tid};
    ev.entry_ns = b->ns += 500;
    ev.args[0] = a0;
    ev.args[1] = a1;
    ev.args[2] = a2;
    b->events++;
    return recorder_enter(b->w, &ev, blob, blob ? 1 : 0);
}

static void leave(struct writer *b, uint32_t id, int tid, int64_t ret, const struct blob_in *blob)
{
    struct event ev = {.id = id, .tid = tid, .ret = ret, .exit_ns = b->ns += 500};
    recorder_exit(b->w, &ev, blob, blob ? 1 : 0);
}

static void point(struct writer *b, enum event_kind kind, int tid, uint64_t a0, uint64_t a1,
                  uint64_t a2)
{
    struct event ev = {.kind = (uint8_t)kind, .tid = tid};
    ev.entry_ns = b->ns += 500;
    ev.args[0] = a0;
    ev.args[1] = a1;
    ev.args[2] = a2;
    ev.args[3] = (uint64_t)tid;
    b->events++;
    recorder_enter(b->w, &ev, NULL, 0);
}

static void make_pipe(struct writer *b, int first)
{
    int fds[2] = {first, first + 1};
    struct blob_in blob = {0, BLOB_OUT, sizeof fds, sizeof fds, fds};
    leave(b, enter(b, PARENT, CALL_pipe2, 1, 0, 0, NULL), PARENT, 0, &blob);
}

static void fork_child(struct writer *b, int tid)
{
    uint32_t id = enter(b, PARENT, CALL_clone, SIGCHLD, 0, 0, NULL);
    point(b, EVENT_START, tid, PARENT, 0, id);
    leave(b, id, PARENT, tid, NULL);
}

static void end_child(struct writer *b, int tid)
{
    int status = 0;
    struct blob_in blob = {1, BLOB_OUT, sizeof status, sizeof status, &status};
    enter(b, tid, CALL_exit_group, 0, 0, 0, NULL);
    point(b, EVENT_DYING, tid, 0, 0, 0);
    point(b, EVENT_EXIT, tid, 0, 1, 0);
    leave(b, enter(b, PARENT, CALL_wait4, (uint64_t)tid, 1, 0, NULL), PARENT, tid, &blob);
}

static void round_trip(struct writer *b)
{
    struct blob_in in = {1, BLOB_IN, 8, 8, "12345678"}, out = {1, BLOB_OUT, 8, 8, "12345678"};
    uint32_t read = enter(b, CHILD, CALL_read, 3, 1, 8, NULL);
    leave(b, enter(b, PARENT, CALL_write, 4, 1, 8, &in), PARENT, 8, NULL);
    leave(b, read, CHILD, 8, &out);
    read = enter(b, PARENT, CALL_read, 5, 1, 8, NULL);
    leave(b, enter(b, CHILD, CALL_write, 6, 1, 8, &in), CHILD, 8, NULL);
    leave(b, read, PARENT, 8, &out);
}

static void make(struct recorder *w, uint32_t events, uint32_t processes)
{
    struct writer b = {.w = w};
    uint32_t every = processes ? events / processes : events + 1;
    int next = FIRST_SHORT;
    point(&b, EVENT_START, PARENT, 0, 0, 0);
    make_pipe(&b, 3);
    make_pipe(&b, 5);
    fork_child(&b, CHILD);
    for (uint32_t due = every; b.events < events;) {
        round_trip(&b);
        if (b.events < due)
            continue;
        due += every;
        fork_child(&b, next);
        end_child(&b, next++);
    }
}

/* Processor time: what else runs on the machine does not count. */
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
    uint32_t events = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    uint32_t processes = argc > 2 ? (uint32_t)atoi(argv[2]) : 100;
    struct recorder *w;
    struct recording *rec;
    struct err e;
    int fd = memfd_create("bench", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (recorder_open_fd(&w, dup(fd), &e) < 0)
        die("%s", e.text);
    make(w, events, processes);
    recorder_close(w, &e);

    uint64_t t0 = cpu_ns();
    if (recording_open(&rec, path, &e) < 0)
        die("%s", e.text);
    uint64_t t1 = cpu_ns();
    struct history *h = history_new(rec);
    uint64_t t2 = cpu_ns();
    uint32_t steps = recording_step_count(rec);
    uint64_t times[JUMPS];
    srand(1);
    for (int i = 0; i < JUMPS; i++) {
        uint64_t from = cpu_ns();
        history_at(h, (uint32_t)((uint64_t)rand() * steps / RAND_MAX));
        times[i] = cpu_ns() - from;
    }
    qsort(times, JUMPS, sizeof *times, by_value);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%u events, %u steps: read %.0f ms, fold %.0f ms (%.0f ns a step); jump: median %.2f ms, "
        "p99 %.2f ms, worst %.2f ms; peak memory %.0f MB\n",
        recording_event_count(rec), steps, (double)(t1 - t0) / 1e6, (double)(t2 - t1) / 1e6,
        (double)(t2 - t1) / steps, (double)times[JUMPS / 2] / 1e6,
        (double)times[JUMPS * 99 / 100] / 1e6, (double)times[JUMPS - 1] / 1e6,
        (double)usage.ru_maxrss / 1024);
    history_free(h);
    recording_free(rec);
    return 0;
}
