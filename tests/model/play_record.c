/* Script lines to events. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "play_record.h"

static struct script_task *task_of(struct script *s, const char *name)
{
    int tid = script_tid(s, name);
    for (int i = 0; i < s->task_count; i++)
        if (s->tasks[i].tid == tid)
            return &s->tasks[i];
    return NULL;
}

/* ---- lines ---- */

static uint32_t emit(struct script *s, struct event *ev)
{
    ev->entry_ns = ev->exit_ns = s->ns += 1000;
    uint32_t id = recorder_enter(s->recorder, ev, s->blobs, s->blob_count);
    script_drop_blobs(s);
    s->seq++;
    s->event_count++;
    return id;
}

static void emit_entry(struct script *s, struct script_task *t, const struct words *w)
{
    const struct verb *v = script_verb(w->word[0]);
    if (!v)
        script_bad_line(s, "unknown call");
    struct words rest = {.count = w->count - 1, .word = w->word + 1};
    struct event ev = {.kind = EVENT_CALL, .call = (uint16_t)v->call, .tid = t->tid};
    v->enter(s, &rest, &ev);
    t->calls[t->call_count++] = emit(s, &ev);
    t->verbs[t->call_count - 1] = v;
}

static void emit_exit(struct script *s, struct script_task *t, const struct words *w)
{
    assert(t->call_count > 0);
    const struct verb *v = t->verbs[--t->call_count];
    struct words rest = {.count = w->count - 1, .word = w->word + 1};
    struct event ev = {
        .id = t->calls[t->call_count], .tid = t->tid, .ret = script_number(s, w->word[0])};
    if (v->leave)
        v->leave(s, &rest, &ev);
    ev.exit_ns = s->ns += 1000;
    recorder_exit(s->recorder, &ev, s->blobs, s->blob_count);
    script_drop_blobs(s);
    s->seq++;
}

static void emit_start(struct script *s, struct script_task *t, const struct words *w)
{
    struct event ev = {.kind = EVENT_START, .tid = t->tid};
    ev.args[3] = (uint64_t)t->tid;
    if (w->count > 1 && !words_have(w, "own")) {
        const struct script_task *creator = task_of(s, w->word[1]);
        ev.args[0] = (uint64_t)creator->tid;
        ev.args[1] = words_clone_flags(w);
        ev.args[2] = creator->call_count ? creator->calls[creator->call_count - 1] : 0;
        if (creator->own_tid)
            ev.args[3] = (uint64_t)(creator->own_tid + s->task_count);
    }
    if (words_have(w, "own"))
        ev.args[3] = (uint64_t)ARG(w->count - 1);
    t->own_tid = ev.args[3] != (uint64_t)t->tid ? (int)ev.args[3] : 0;
    emit(s, &ev);
}

/* P has FD read|write|rdwr pipe|file|dir INO [same as fd] */
static void emit_fd(struct script *s, struct script_task *t, const struct words *w)
{
    struct event ev = {.kind = EVENT_FD, .tid = t->tid};
    uint32_t mode = words_have(w, "pipe") ? S_IFIFO : words_have(w, "file") ? S_IFREG : S_IFCHR;
    ev.args[0] = (uint64_t)ARG(1);
    ev.args[1] = words_open_flags(w);
    ev.args[3] = mode | 0600;
    ev.args[4] = (uint64_t)ARG(4);
    ev.args[5] = 9;
    ev.ret = w->count > 5 ? ARG(5) : ARG(1);
    emit(s, &ev);
}

/* P signal 17 stopped|continued CHILD */
static void keep_child_info(struct script *s, const struct words *w)
{
    bool is_stop = words_have(w, "stopped");
    int info[7] = {SIGCHLD, 0, is_stop ? CLD_STOPPED : CLD_CONTINUED, 0, (int)ARG(3)};
    if (is_stop || words_have(w, "continued"))
        script_keep(s, 0, BLOB_IN, info, sizeof info);
}

static bool emit_point(struct script *s, struct script_task *t, const struct words *w)
{
    static const struct {
        const char *name;
        enum event_kind kind;
        uint64_t arg1;
    } points[] = {{"dying", EVENT_DYING, 0}, {"ended", EVENT_EXIT, 1},
                  {"gone", EVENT_EXIT, 0},   {"signal", EVENT_SIGNAL, 0},
                  {"stop", EVENT_STOP, 0},   {"resume", EVENT_RESUME, 0},
                  {"exec", EVENT_EXEC, 0},   {"asleep", EVENT_BLOCKED, 0}};
    if (strcmp(w->word[0], "start") == 0) {
        emit_start(s, t, w);
        return true;
    }
    if (strcmp(w->word[0], "has") == 0) {
        emit_fd(s, t, w);
        return true;
    }
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        if (strcmp(w->word[0], points[i].name) != 0)
            continue;
        struct event ev = {.kind = (uint8_t)points[i].kind, .tid = t->tid};
        ev.args[0] = w->count > 1 ? (uint64_t)ARG(1) : 0;
        ev.args[1] = points[i].arg1;
        if (ev.kind == EVENT_SIGNAL && w->count > 3)
            keep_child_info(s, w);
        if (ev.kind == EVENT_BLOCKED)
            ev.args[0] = t->calls[t->call_count - 1];
        if (ev.kind == EVENT_EXEC && w->count == 1)
            ev.args[0] = (uint64_t)t->tid;
        emit(s, &ev);
        return true;
    }
    return false;
}

static void play_line(struct script *s, struct words *w)
{
    struct script_task *t = task_of(s, w->word[0]);
    struct words rest = {.count = w->count - 1, .word = w->word + 1};
    if (strcmp(rest.word[0], ">") == 0) {
        rest.count--, rest.word++;
        emit_entry(s, t, &rest);
    } else if (strcmp(rest.word[0], "<") == 0) {
        rest.count--, rest.word++;
        emit_exit(s, t, &rest);
    } else if (!emit_point(s, t, &rest)) {
        struct words head = rest, tail = {0, NULL};
        for (int i = 0; i < rest.count; i++)
            if (strcmp(rest.word[i], "=") == 0) {
                head.count = i;
                tail = (struct words){.count = rest.count - i - 1, .word = rest.word + i + 1};
            }
        emit_entry(s, t, &head);
        if (tail.count)
            emit_exit(s, t, &tail);
    }
}

static int split(char *line, char *words[], int most)
{
    int count = 0;
    for (char *at = strtok(line, " "); at && count < most; at = strtok(NULL, " "))
        words[count++] = at;
    return count;
}

void script_run(struct script *s, const char *text)
{
    char *copy = xstrdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        char *word[SCRIPT_WORDS];
        s->line++;
        while (*line == ' ')
            line++;
        if (*line == '\0' || *line == '#')
            continue;
        if (*line == '?') {
            *PUSH(s->expects) =
                (struct expect){.seq = s->seq, .line = s->line, .text = xstrdup(line + 1)};
            continue;
        }
        struct words w = {.count = split(line, word, SCRIPT_WORDS), .word = word};
        size_t length = strlen(word[0]);
        if (word[0][length - 1] == ':') {
            word[0][length - 1] = '\0';
            struct label *label = PUSH(s->labels);
            snprintf(label->name, sizeof label->name, "%s", word[0]);
            label->event = s->event_count;
            w.count--, w.word++;
        }
        play_line(s, &w);
    }
    free(copy);
}
