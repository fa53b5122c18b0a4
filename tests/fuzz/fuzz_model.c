/* Any story as a recording: tasks begin, call, return, are signalled and end in ways that no kernel
 * would allow. The model may count anomalies; its invariants hold after every step, and what it
 * says can be asked. The input only seeds the story, so that each differs wholly from the next. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "fuzz.h"
#include "model/model_internal.h"

enum { TASKS = 8, DEPTH = 3, HALVES = 300, FIRST_TID = 100 };

struct story {
    uint64_t state;
    struct recorder *w;
    uint64_t ns;
    struct {
        uint32_t calls[DEPTH]; /* under way, innermost last */
        int depth;
    } tasks[TASKS];
};

static uint64_t below(struct story *s, uint64_t limit)
{
    s->state ^= s->state >> 12; /* xorshift64* (Vigna, 2016) */
    s->state ^= s->state << 25;
    s->state ^= s->state >> 27;
    return (s->state * 0x2545f4914f6cdd1d >> 16) % limit;
}

#define PICK(s, ...)    \
    ((const int64_t[]){ \
        __VA_ARGS__}[below(s, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))])

/* ---- numbers that mean something ---- */

static int64_t some_tid(struct story *s)
{
    return below(s, 9) ? FIRST_TID + (int64_t)below(s, TASKS) : PICK(s, 0, 1, 2, -1, 99);
}

static int64_t some_fd(struct story *s)
{
    return below(s, 12) ? (int64_t)below(s, 8) : PICK(s, -1, -100, 1 << 20, INT32_MAX, 64);
}

static int64_t some_number(struct story *s)
{
    switch (below(s, 6)) {
    case 0: return some_tid(s);
    case 1: return some_fd(s);
    case 2: return PICK(s, 0, 1, 5, 17, 4096, 65536, 70000, INT32_MAX, -1, INT64_MAX, INT64_MIN);
    case 3: return PICK(s, O_CLOEXEC, O_NONBLOCK, O_WRONLY, O_RDWR, O_PATH, O_DIRECT, O_APPEND);
    case 4: return PICK(s, SIGKILL, SIGSTOP, SIGCONT, SIGCHLD, SIGPIPE, SIGUSR1, 34, 64, 65);
    default: return (int64_t)below(s, 64);
    }
}

static int64_t some_result(struct story *s)
{
    switch (below(s, 4)) {
    case 0: return 0;
    case 1: return PICK(s, -EINTR, -EAGAIN, -EPIPE, -EBADF, -ECHILD, -512, -516);
    case 2: return some_fd(s);
    default: return some_number(s);
    }
}

/* ---- memory: a few numbers, a path, an inode ---- */

struct memory {
    struct blob_in blobs[7];
    size_t count;
    uint8_t bytes[7][160];
};

static void remember(struct story *s, struct memory *m, int arg, enum blob_side side)
{
    uint8_t *bytes = m->bytes[m->count];
    size_t size = 160;
    memset(bytes, 0, size);
    switch (below(s, 5)) {
    case 0: snprintf((char *)bytes, size, "/tmp/%c", (char)('a' + below(s, 3))); break;
    case 1: snprintf((char *)bytes, size, "/dev/fd/%d", (int)below(s, 8)); break;
    case 2:
        for (size_t i = 0; i < size / sizeof(int64_t); i++) {
            int64_t value = some_number(s);
            memcpy(bytes + i * sizeof value, &value, sizeof value);
        }
        break;
    default:
        for (size_t i = 0; i < size / sizeof(int); i++) {
            int value = (int)(below(s, 2) ? some_fd(s) : some_number(s));
            memcpy(bytes + i * sizeof value, &value, sizeof value);
        }
    }
    uint32_t kept = below(s, 6) ? (uint32_t)size : (uint32_t)below(s, size);
    m->blobs[m->count++] =
        (struct blob_in){(uint8_t)arg, (uint8_t)side, kept, below(s, 4) ? kept : 1 << 20, bytes};
}

static void remember_inode(struct story *s, struct memory *m)
{
    static const uint32_t modes[] = {S_IFIFO | 0600, S_IFREG | 0600, S_IFDIR | 0700,
                                     S_IFSOCK | 0600, S_IFCHR | 0600};
    struct object_fact fact = {
        .mode = modes[below(s, 5)], .ino = 1 + below(s, 4), .dev = below(s, 2)};
    memcpy(m->bytes[m->count], &fact, sizeof fact);
    m->blobs[m->count] =
        (struct blob_in){CALL_RESULT, BLOB_OUT, sizeof fact, sizeof fact, m->bytes[m->count]};
    m->count++;
}

/* ---- halves ---- */

static enum call some_call(struct story *s)
{
    static const enum call often[] = {
        CALL_pipe2, CALL_read,   CALL_write,       CALL_close,          CALL_dup2,
        CALL_dup3,  CALL_openat, CALL_clone,       CALL_wait4,          CALL_kill,
        CALL_fcntl, CALL_splice, CALL_tee,         CALL_rt_sigprocmask, CALL_rt_sigaction,
        CALL_mknod, CALL_tgkill, CALL_epoll_ctl,   CALL_close_range,    CALL_execve,
        CALL_poll,  CALL_alarm,  CALL_rt_sigreturn};
    if (below(s, 4))
        return often[below(s, sizeof often / sizeof *often)];
    return (enum call)below(s, CALL_COUNT);
}

static void enter(struct story *s, size_t task)
{
    struct memory m = {.count = 0};
    struct event ev = {.kind = EVENT_CALL,
                       .call = (uint16_t)some_call(s),
                       .tid = FIRST_TID + (int)task,
                       .entry_ns = s->ns += 10};
    for (int i = 0; i < 6; i++)
        ev.args[i] = (uint64_t)(i && below(s, 2) ? 0x1000 + (int64_t)below(s, 9) : some_number(s));
    if (below(s, 3))
        ev.args[0] = (uint64_t)some_fd(s);
    for (int arg = 0; arg < 4; arg++)
        if (below(s, 2))
            remember(s, &m, arg, BLOB_IN);
    uint32_t id = recorder_enter(s->w, &ev, m.blobs, m.count);
    if (s->tasks[task].depth < DEPTH)
        s->tasks[task].calls[s->tasks[task].depth++] = id;
}

static void leave(struct story *s, size_t task)
{
    struct memory m = {.count = 0};
    int depth = s->tasks[task].depth;
    if (depth == 0)
        return;
    size_t which = below(s, 8) ? (size_t)depth - 1 : below(s, (uint64_t)depth);
    struct event ev = {.id = s->tasks[task].calls[which],
                       .tid = FIRST_TID + (int)task,
                       .exit_ns = s->ns += 10,
                       .ret = some_result(s),
                       .flags = (uint8_t)(below(s, 9) ? 0 : below(s, 4))};
    for (int arg = 0; arg < 4; arg++)
        if (below(s, 2))
            remember(s, &m, arg, BLOB_OUT);
    if (below(s, 2))
        remember_inode(s, &m);
    recorder_exit(s->w, &ev, m.blobs, m.count);
    memmove(&s->tasks[task].calls[which], &s->tasks[task].calls[which + 1],
            ((size_t)depth - which - 1) * sizeof *s->tasks[task].calls);
    s->tasks[task].depth--;
}

static void begin(struct story *s, size_t task)
{
    struct event ev = {.kind = EVENT_START, .tid = FIRST_TID + (int)task, .entry_ns = s->ns += 10};
    size_t creator = below(s, TASKS);
    const int64_t flags[] = {0,
                             0,
                             CLONE_VM | CLONE_VFORK,
                             CLONE_FILES,
                             CLONE_PARENT,
                             CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES};
    int depth = s->tasks[creator].depth;
    ev.args[0] = below(s, 9) ? FIRST_TID + creator : 0;
    ev.args[1] = (uint64_t)flags[below(s, 6)];
    ev.args[2] = depth ? s->tasks[creator].calls[depth - 1] : 0;
    ev.args[3] = below(s, 3) ? (uint64_t)ev.tid : 1 + below(s, TASKS);
    recorder_enter(s->w, &ev, NULL, 0);
    if (below(s, 9))
        s->tasks[task].depth = 0;
}

static void point(struct story *s, size_t task)
{
    struct memory m = {.count = 0};
    struct event ev = {.kind = (uint8_t)(1 + below(s, EVENT_KIND_COUNT - 1)),
                       .tid = FIRST_TID + (int)task,
                       .entry_ns = s->ns += 10,
                       .ret = some_fd(s)};
    if (ev.kind == EVENT_START) {
        begin(s, task);
        return;
    }
    int depth = s->tasks[task].depth;
    for (int i = 0; i < 6; i++)
        ev.args[i] = (uint64_t)some_number(s);
    if (ev.kind == EVENT_BLOCKED && depth)
        ev.args[0] = s->tasks[task].calls[depth - 1];
    if (ev.kind == EVENT_EXIT)
        ev.args[1] = below(s, 2);
    if (ev.kind == EVENT_EXEC)
        ev.args[0] = (uint64_t)some_tid(s);
    if (ev.kind == EVENT_FD)
        ev.args[3] = below(s, 2) ? S_IFIFO | 0600 : S_IFREG | 0600;
    if (below(s, 2))
        remember(s, &m, 0, BLOB_IN);
    recorder_enter(s->w, &ev, m.blobs, m.count);
}

static void tell(struct story *s)
{
    begin(s, 0);
    for (int i = 0; i < HALVES; i++) {
        size_t task = below(s, TASKS);
        switch (below(s, 8)) {
        case 0: point(s, task); break;
        case 1:
            if (below(s, 3) == 0)
                begin(s, task);
            break;
        case 2:
        case 3:
        case 4: enter(s, task); break;
        default: leave(s, task);
        }
    }
}

/* ---- folding ---- */

static size_t asked; /* so that no question is optimised away */

static void ask(struct model *m)
{
    struct wait waits[TASKS];
    struct hold holds[8];
    struct range ranges[8];
    struct buf text = {0};
    size_t count = model_waits(m, waits, TASKS);
    for (size_t i = 0; i < count && i < TASKS; i++)
        model_wait_text(m, &waits[i], &text);
    for (uint32_t i = 0; i < model_object_count(m); i++) {
        if (!model_object(m, i)->is_live)
            continue;
        asked += model_holders(m, i, holds, 8);
        model_object_name(m, i, &text);
        if (is_pipe_kind(model_object(m, i)->kind))
            asked += model_pipe_ranges(m, i, ranges, 8) + model_fill_is_known(m, i);
    }
    for (uint32_t i = 0; i < model_proc_count(m); i++)
        model_proc_name(m, i, &text);
    asked += text.len + model_is_stuck(m);
    buf_fini(&text);
}

static _Noreturn void complain(const struct model *m, const char *what)
{
    struct step step = recording_step(model_recording(m), model_seq(m));
    const struct event *ev = recording_event(model_recording(m), step.event);
    struct buf text = {0};
    call_format(model_recording(m), ev, false, &text);
    fprintf(stderr, "seq %u: %s; after the %s of event %u of task %d: %s %s\n", model_seq(m), what,
            step.is_exit ? "exit" : "entry", ev->id, ev->tid, event_kind_name(ev->kind),
            text.data ? text.data : "");
    buf_fini(&text);
    abort();
}

/* A state that was written and read again goes on in the same way. */
static void save_and_load(struct model **m)
{
    struct buf bytes = {0};
    struct model *again = model_new(model_recording(*m));
    model_save(*m, &bytes);
    if (model_load(again, (const uint8_t *)bytes.data, bytes.len, NULL) < 0)
        complain(*m, "its keyframe cannot be read");
    buf_fini(&bytes);
    model_free(*m);
    *m = again;
}

static void fold(const struct recording *rec)
{
    struct model *m = model_new(rec);
    while (model_seq(m) < recording_step_count(rec)) {
        model_apply(m);
        const char *broken = model_check(m);
        if (broken)
            complain(m, broken);
        if (model_seq(m) % 16 == 0)
            ask(m);
        if (model_seq(m) % 100 == 0)
            save_and_load(&m);
    }
    ask(m);
    model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct story s = {.state = 0xcbf29ce484222325};
    for (size_t i = 0; i < size; i++) /* FNV-1a */
        s.state = (s.state ^ data[i]) * 0x100000001b3;
    s.state |= 1;
    struct recording *rec;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || recorder_open_fd(&s.w, dup(fd), NULL) < 0)
        abort();
    tell(&s);
    if (recorder_close(s.w, NULL) < 0 || recording_open_fd(&rec, fd, "FILE", NULL) < 0 ||
        recording_damage(rec))
        abort();
    fold(rec);
    recording_free(rec);
    return 0;
}

uint8_t *fuzz_seed_input(size_t *size)
{
    *size = 64;
    return xcalloc(*size, 1);
}
