#include "scene.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/recording.h"

struct writer {
    struct recorder *w;
    uint64_t ns;
};

static uint32_t enter(struct writer *to, enum event_kind kind, int tid, enum call call,
                      const uint64_t *args, const struct blob_in *blob)
{
    struct event ev = {.kind = (uint8_t)kind, .tid = tid, .call = (uint16_t)call};
    ev.entry_ns = to->ns += 1000;
    if (args)
        memcpy(ev.args, args, sizeof ev.args);
    recorder_enter(to->w, &ev, blob, blob ? 1 : 0);
    return ev.id;
}

static void leave(struct writer *to, uint32_t id, int tid, int64_t ret, const struct blob_in *blob)
{
    struct event ev = {.id = id, .tid = tid, .ret = ret};
    ev.exit_ns = to->ns += 1000;
    recorder_exit(to->w, &ev, blob, blob ? 1 : 0);
}

static uint32_t call(struct writer *to, int tid, enum call name, uint64_t a, uint64_t b, uint64_t c,
                     int64_t ret)
{
    uint64_t args[6] = {a, b, c};
    uint32_t id = enter(to, EVENT_CALL, tid, name, args, NULL);
    leave(to, id, tid, ret, NULL);
    return id;
}

static void start(struct writer *to, int tid, int creator, uint32_t by)
{
    uint64_t args[6] = {(uint64_t)creator, 17, by, (uint64_t)tid};
    enter(to, EVENT_START, tid, CALL_UNKNOWN, args, NULL);
}

static void make_pipe(struct writer *to, int tid)
{
    int fds[2] = {3, 4};
    struct blob_in out = {.side = BLOB_OUT, .kept = sizeof fds, .length = sizeof fds, .bytes = fds};
    uint64_t args[6] = {0x7000};
    uint32_t id = enter(to, EVENT_CALL, tid, CALL_pipe2, args, NULL);
    leave(to, id, tid, 0, &out);
}

static void fork_child(struct writer *to, int tid, int child)
{
    uint64_t args[6] = {17};
    uint32_t id = enter(to, EVENT_CALL, tid, CALL_clone, args, NULL);
    start(to, child, tid, id);
    leave(to, id, tid, child, NULL);
}

static void write_hello(struct writer *to, int tid)
{
    struct blob_in bytes = {.arg = 1, .side = BLOB_IN, .kept = 5, .length = 5, .bytes = "hello"};
    uint64_t args[6] = {4, 0x7000, 5};
    uint32_t id = enter(to, EVENT_CALL, tid, CALL_write, args, &bytes);
    leave(to, id, tid, 5, NULL);
}

static void read_hello(struct writer *to, int tid)
{
    struct blob_in bytes = {.arg = 1, .side = BLOB_OUT, .kept = 5, .length = 5, .bytes = "hello"};
    uint64_t args[6] = {3, 0x7000, 64};
    uint32_t id = enter(to, EVENT_CALL, tid, CALL_read, args, NULL);
    leave(to, id, tid, 5, &bytes);
}

static void wait_for_ever(struct writer *to)
{
    uint64_t read_args[6] = {3, 0x7000, 64}, wait_args[6] = {UINT64_MAX};
    uint64_t asleep[6] = {enter(to, EVENT_CALL, SCENE_P1, CALL_read, read_args, NULL)};
    enter(to, EVENT_BLOCKED, SCENE_P1, CALL_UNKNOWN, asleep, NULL);
    asleep[0] = enter(to, EVENT_CALL, SCENE_P, CALL_wait4, wait_args, NULL);
    enter(to, EVENT_BLOCKED, SCENE_P, CALL_UNKNOWN, asleep, NULL);
    uint64_t stuck[6] = {NOTE_STUCK};
    enter(to, EVENT_NOTE, SCENE_P, CALL_UNKNOWN, stuck, NULL);
}

static struct replay *play(struct writer *from, int fd, bool is_live)
{
    char path[64];
    struct replay *r;
    struct err e;
    int kept = dup(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", kept);
    int closed = recorder_close(from->w, NULL);
    int opened = replay_open(&r, path, is_live, &e);
    assert(closed == 0 && opened == 0);
    close(kept);
    while (replay_work(r, UINT64_MAX / 2))
        continue;
    return r;
}

static int begin(struct writer *to)
{
    int fd = memfd_create("scene", MFD_CLOEXEC);
    int opened = recorder_open_fd(&to->w, fd, NULL);
    assert(opened == 0);
    recorder_meta(to->w, "command", "./pipe-eof");
    start(to, SCENE_P, 0, 0);
    return fd;
}

struct replay *scene_pipe_eof(bool is_whole)
{
    struct writer to = {0};
    int fd = begin(&to);
    make_pipe(&to, SCENE_P);
    fork_child(&to, SCENE_P, SCENE_P1);
    call(&to, SCENE_P, CALL_close, 3, 0, 0, 0);
    write_hello(&to, SCENE_P);
    if (is_whole) {
        call(&to, SCENE_P, CALL_close, 4, 0, 0, 0);
        read_hello(&to, SCENE_P1);
        wait_for_ever(&to);
    }
    return play(&to, fd, !is_whole);
}

struct replay *scene_children(unsigned count)
{
    struct writer to = {0};
    int fd = begin(&to);
    for (unsigned i = 0; i < count; i++)
        fork_child(&to, SCENE_P, SCENE_P1 + (int)i);
    for (unsigned i = 0; i < count; i++)
        enter(&to, EVENT_CALL, SCENE_P1 + (int)i, CALL_pause, NULL, NULL);
    return play(&to, fd, false);
}
