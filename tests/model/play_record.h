/* The parts of a script that is being played; for play.c, play_record.c (lines to events) and
 * play_calls.c (their arguments and memory). */
#ifndef TESTS_MODEL_PLAY_RECORD_H
#define TESTS_MODEL_PLAY_RECORD_H

#include "trace/call.h"
#include "trace/recording.h"

enum { SCRIPT_TASKS = 32, SCRIPT_WORDS = 24, SCRIPT_BLOBS = 4, SCRIPT_CALLS = 8 };

struct words {
    int count;
    char **word;
};

struct script;

/* A call: how the words of a script become its arguments, and what it brings back. */
struct verb {
    const char *name;
    enum call call;
    void (*enter)(struct script *s, const struct words *w, struct event *ev);
    void (*leave)(struct script *s, const struct words *w, struct event *ev); /* may be NULL */
};

struct script_task {
    char name[16];
    int tid, own_tid;
    uint32_t calls[SCRIPT_CALLS]; /* under way, innermost last */
    const struct verb *verbs[SCRIPT_CALLS];
    int call_count;
};

struct expect {
    uint32_t seq;
    int line;
    char *text;
};

struct label {
    char name[16];
    uint32_t event;
};

struct script {
    struct recorder *recorder;
    int line;
    uint32_t seq;
    uint64_t ns;
    uint32_t event_count;
    struct script_task tasks[SCRIPT_TASKS];
    int task_count;
    struct blob_in blobs[SCRIPT_BLOBS];
    size_t blob_count;
    struct expect *expects;
    size_t expects_count, expects_cap;
    struct label *labels;
    size_t labels_count, labels_cap;
};

/* ---- play_record.c ---- */
void script_run(struct script *s, const char *text);

/* ---- play_calls.c ---- */
_Noreturn void script_bad_line(const struct script *s, const char *why);
int script_tid(struct script *s, const char *name);
int64_t script_number(struct script *s, const char *word); /* 7, @P.1, EAGAIN */
#define ARG(i) script_number(s, w->word[i])                /* where these are called so */
bool words_have(const struct words *w, const char *word);
uint64_t words_open_flags(const struct words *w);
uint64_t words_clone_flags(const struct words *w);
const struct verb *script_verb(const char *name); /* NULL */
/* A blob of the half that is being made. */
void script_keep(struct script *s, int arg, enum blob_side side, const void *bytes, size_t size);
void script_drop_blobs(struct script *s);

#endif
