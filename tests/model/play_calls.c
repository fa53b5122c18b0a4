/* The calls of a script: arguments of an entry, memory of an exit. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "play_record.h"

_Noreturn void script_bad_line(const struct script *s, const char *why)
{
    fprintf(stderr, "line %d: %s\n", s->line, why);
    abort();
}

/* ---- words ---- */

int script_tid(struct script *s, const char *name)
{
    for (int i = 0; i < s->task_count; i++)
        if (strcmp(s->tasks[i].name, name) == 0)
            return s->tasks[i].tid;
    if (s->task_count == SCRIPT_TASKS)
        script_bad_line(s, "too many tasks");
    struct script_task *t = &s->tasks[s->task_count];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->tid = 100 + s->task_count++;
    return t->tid;
}

int64_t script_number(struct script *s, const char *word)
{
    if (word[0] == '@')
        return script_tid(s, word + 1);
    if (word[0] == '-' && word[1] == '@')
        return -script_tid(s, word + 2);
    if (word[0] == 'E') {
        static const struct {
            const char *name;
            int code;
        } errors[] = {{"EAGAIN", EAGAIN}, {"EPIPE", EPIPE},   {"EINTR", EINTR},
                      {"EBADF", EBADF},   {"ECHILD", ECHILD}, {"ENOENT", ENOENT}};
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            if (strcmp(word, errors[i].name) == 0)
                return -errors[i].code;
    }
    char *end;
    int64_t value = strtoll(word, &end, 0);
    if (*end)
        script_bad_line(s, "not a script_number");
    return value;
}

/* "text" or c*N. Returns bytes to be freed. */
static uint8_t *data(struct script *s, const char *word, size_t *size)
{
    const char *star = strchr(word, '*');
    if (word[0] == '"') {
        *size = strlen(word) - 2;
        return xmemdup(word + 1, *size);
    }
    if (!star)
        script_bad_line(s, "no data");
    *size = (size_t)strtoul(star + 1, NULL, 10);
    uint8_t *bytes = xmalloc(*size + 1);
    memset(bytes, word[0], *size);
    return bytes;
}

bool words_have(const struct words *w, const char *word)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->word[i], word) == 0)
            return true;
    return false;
}

uint64_t words_open_flags(const struct words *w)
{
    uint64_t flags = words_have(w, "write") ? O_WRONLY : words_have(w, "rdwr") ? O_RDWR : O_RDONLY;
    flags |= words_have(w, "nonblock") ? O_NONBLOCK : 0;
    flags |= words_have(w, "cloexec") ? O_CLOEXEC : 0;
    flags |= words_have(w, "direct") ? O_DIRECT : 0;
    flags |= words_have(w, "append") ? O_APPEND : 0;
    flags |= words_have(w, "path") ? O_PATH : 0;
    return flags;
}

uint64_t words_clone_flags(const struct words *w)
{
    static const struct {
        const char *name;
        uint64_t flags;
    } all[] = {{"vfork", CLONE_VFORK | CLONE_VM},
               {"files", CLONE_FILES},
               {"sighand", CLONE_SIGHAND | CLONE_VM},
               {"vm", CLONE_VM},
               {"parent", CLONE_PARENT},
               {"thread", CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_FILES}};
    uint64_t flags = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        flags |= words_have(w, all[i].name) ? all[i].flags : 0;
    return flags;
}

/* ---- blobs of the half that is being made ---- */

void script_keep(struct script *s, int arg, enum blob_side side, const void *bytes, size_t size)
{
    assert(s->blob_count < SCRIPT_BLOBS);
    s->blobs[s->blob_count++] = (struct blob_in){.arg = (uint8_t)arg,
                                                 .side = (uint8_t)side,
                                                 .kept = (uint32_t)size,
                                                 .length = size,
                                                 .bytes = xmemdup(bytes, size + !size)};
}

static void keep_text(struct script *s, int arg, const char *text)
{
    script_keep(s, arg, BLOB_IN, text, strlen(text));
}

static void keep_number(struct script *s, int arg, uint64_t value)
{
    script_keep(s, arg, BLOB_IN, &value, sizeof value);
}

void script_drop_blobs(struct script *s)
{
    for (size_t i = 0; i < s->blob_count; i++)
        free((void *)s->blobs[i].bytes);
    s->blob_count = 0;
}

/* ---- entries: one function for each call's arguments ---- */

enum { SOMEWHERE = 0x1000 }; /* an address that is not NULL */

static void enter_numbers(struct script *s, const struct words *w, struct event *ev)
{
    for (int i = 0; i < w->count && i < 6; i++)
        ev->args[i] = (uint64_t)ARG(i);
}

static void enter_read(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = SOMEWHERE;
    ev->args[2] = (uint64_t)ARG(1);
}

static void enter_write(struct script *s, const struct words *w, struct event *ev)
{
    size_t size;
    uint8_t *bytes = data(s, w->word[1], &size);
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = SOMEWHERE;
    ev->args[2] = size;
    script_keep(s, 1, BLOB_IN, bytes, size);
    free(bytes);
}

static void enter_pipe(struct script *s, const struct words *w, struct event *ev)
{
    (void)s;
    ev->args[0] = SOMEWHERE;
    ev->args[1] = words_open_flags(w);
}

static void enter_open(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = SOMEWHERE;
    ev->args[1] = words_open_flags(w);
    keep_text(s, 0, w->word[0]);
}

static void enter_mkfifo(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = SOMEWHERE;
    ev->args[1] = S_IFIFO | 0600;
    keep_text(s, 0, w->word[0]);
}

static void enter_fcntl(struct script *s, const struct words *w, struct event *ev)
{
    static const struct {
        const char *name;
        int request;
    } all[] = {{"dupfd", F_DUPFD}, {"setfd", F_SETFD}, {"setfl", F_SETFL}, {"pipesize", 1031}};
    ev->args[0] = (uint64_t)ARG(1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(w->word[0], all[i].name) == 0)
            ev->args[1] = (uint64_t)all[i].request;
    bool is_flags = strcmp(w->word[0], "setfl") == 0;
    ev->args[2] = is_flags ? words_open_flags(w) : (uint64_t)ARG(2);
}

static void enter_clone(struct script *s, const struct words *w, struct event *ev)
{
    (void)s;
    ev->args[0] = words_clone_flags(w) | (words_have(w, "thread") ? 0 : SIGCHLD);
}

static void enter_exec(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = SOMEWHERE;
    keep_text(s, 0, w->word[0]);
}

static void enter_wait(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = SOMEWHERE;
    ev->args[2] =
        (words_have(w, "nohang") ? WNOHANG : 0) | (words_have(w, "untraced") ? WUNTRACED : 0);
}

static void enter_sigaction(struct script *s, const struct words *w, struct event *ev)
{
    uint64_t action[4] = {0x5000, 0, 0, 0};
    if (words_have(w, "ignore"))
        action[0] = 1;
    if (words_have(w, "default"))
        action[0] = 0;
    action[1] = (words_have(w, "nocldwait") ? SA_NOCLDWAIT : 0) |
                (words_have(w, "resethand") ? SA_RESETHAND : 0) |
                (words_have(w, "nodefer") ? SA_NODEFER : 0);
    if (w->count > 2 && w->word[w->count - 1][0] == '0')
        action[3] = (uint64_t)ARG(w->count - 1);
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = SOMEWHERE;
    script_keep(s, 1, BLOB_IN, action, sizeof action);
}

static void enter_sigmask(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = words_have(w, "block")     ? SIG_BLOCK
                  : words_have(w, "unblock") ? SIG_UNBLOCK
                                             : SIG_SETMASK;
    ev->args[1] = SOMEWHERE;
    keep_number(s, 1, (uint64_t)ARG(1));
}

static void enter_one_mask(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = SOMEWHERE;
    keep_number(s, 0, (uint64_t)ARG(0));
}

static void enter_sleep(struct script *s, const struct words *w, struct event *ev)
{
    int64_t time[2] = {ARG(0), 0};
    ev->args[0] = SOMEWHERE;
    script_keep(s, 0, BLOB_IN, time, sizeof time);
}

/* poll 3:in 4:out TIMEOUT */
static void enter_poll(struct script *s, const struct words *w, struct event *ev)
{
    struct pollfd fds[8];
    int count = w->count - 1;
    for (int i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = atoi(w->word[i]),
                                 .events = strstr(w->word[i], "in") ? POLLIN : POLLOUT};
    ev->args[0] = SOMEWHERE;
    ev->args[1] = (uint64_t)count;
    ev->args[2] = (uint64_t)ARG(count);
    script_keep(s, 0, BLOB_IN, fds, (size_t)count * sizeof *fds);
}

static void enter_epoll_ctl(struct script *s, const struct words *w, struct event *ev)
{
    struct epoll_event event = {.events = words_have(w, "in") ? EPOLLIN : EPOLLOUT};
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = words_have(w, "del") ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;
    ev->args[2] = (uint64_t)ARG(2);
    ev->args[3] = SOMEWHERE;
    script_keep(s, 3, BLOB_IN, &event, sizeof event);
}

static void enter_epoll_wait(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[1] = SOMEWHERE;
    ev->args[2] = 8;
    ev->args[3] = (uint64_t)ARG(1);
}

static void enter_splice(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = (uint64_t)ARG(0);
    ev->args[2] = (uint64_t)ARG(1);
    ev->args[4] = (uint64_t)ARG(2);
}

static void enter_subreaper(struct script *s, const struct words *w, struct event *ev)
{
    ev->args[0] = PR_SET_CHILD_SUBREAPER;
    ev->args[1] = (uint64_t)ARG(0);
}

/* ---- exits: what comes back ---- */

static void leave_read(struct script *s, const struct words *w, struct event *ev)
{
    size_t size;
    if (w->count == 0 || ev->ret <= 0)
        return;
    uint8_t *bytes = data(s, w->word[0], &size);
    script_keep(s, 1, BLOB_OUT, bytes, size);
    free(bytes);
}

static void leave_pipe(struct script *s, const struct words *w, struct event *ev)
{
    (void)ev;
    if (w->count < 2)
        return;
    int fds[2] = {(int)ARG(0), (int)ARG(1)};
    script_keep(s, 0, BLOB_OUT, fds, sizeof fds);
}

/* open ... = 3 fifo 77: what the inode is */
static void leave_open(struct script *s, const struct words *w, struct event *ev)
{
    if (w->count < 2 || ev->ret < 0)
        return;
    uint32_t mode = words_have(w, "fifo") ? S_IFIFO : words_have(w, "dir") ? S_IFDIR : S_IFREG;
    struct object_fact fact = {.mode = mode | 0600, .ino = (uint64_t)ARG(1), .dev = 9};
    script_keep(s, CALL_RESULT, BLOB_OUT, &fact, sizeof fact);
}

static void leave_wait(struct script *s, const struct words *w, struct event *ev)
{
    int status = w->count ? (int)ARG(0) : 0;
    if (ev->ret > 0)
        script_keep(s, 1, BLOB_OUT, &status, sizeof status);
}

static const struct verb verbs[] = {
    {"read", CALL_read, enter_read, leave_read},
    {"write", CALL_write, enter_write, NULL},
    {"pipe", CALL_pipe2, enter_pipe, leave_pipe},
    {"close", CALL_close, enter_numbers, NULL},
    {"close_range", CALL_close_range, enter_numbers, NULL},
    {"dup", CALL_dup, enter_numbers, NULL},
    {"dup2", CALL_dup2, enter_numbers, NULL},
    {"fcntl", CALL_fcntl, enter_fcntl, NULL},
    {"open", CALL_open, enter_open, leave_open},
    {"memfd", CALL_memfd_create, enter_numbers, NULL},
    {"mkfifo", CALL_mknod, enter_mkfifo, NULL},
    {"lseek", CALL_lseek, enter_numbers, NULL},
    {"fork", CALL_clone, enter_clone, NULL},
    {"execve", CALL_execve, enter_exec, NULL},
    {"exit_group", CALL_exit_group, enter_numbers, NULL},
    {"exit", CALL_exit, enter_numbers, NULL},
    {"wait", CALL_wait4, enter_wait, leave_wait},
    {"kill", CALL_kill, enter_numbers, NULL},
    {"tgkill", CALL_tgkill, enter_numbers, NULL},
    {"sigaction", CALL_rt_sigaction, enter_sigaction, NULL},
    {"sigmask", CALL_rt_sigprocmask, enter_sigmask, NULL},
    {"sigsuspend", CALL_rt_sigsuspend, enter_one_mask, NULL},
    {"sigwait", CALL_rt_sigtimedwait, enter_one_mask, NULL},
    {"sigreturn", CALL_rt_sigreturn, enter_numbers, NULL},
    {"pause", CALL_pause, enter_numbers, NULL},
    {"alarm", CALL_alarm, enter_numbers, NULL},
    {"nanosleep", CALL_nanosleep, enter_sleep, NULL},
    {"poll", CALL_poll, enter_poll, NULL},
    {"epoll_create", CALL_epoll_create1, enter_numbers, NULL},
    {"epoll_ctl", CALL_epoll_ctl, enter_epoll_ctl, NULL},
    {"epoll_wait", CALL_epoll_wait, enter_epoll_wait, NULL},
    {"splice", CALL_splice, enter_splice, NULL},
    {"tee", CALL_tee, enter_numbers, NULL},
    {"setpgid", CALL_setpgid, enter_numbers, NULL},
    {"setsid", CALL_setsid, enter_numbers, NULL},
    {"subreaper", CALL_prctl, enter_subreaper, NULL},
};

const struct verb *script_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}
