/* The parts of a script that is being played; for play.c and play_record.c. */
#ifndef TESTS_MODEL_PLAY_RECORD_H
#define TESTS_MODEL_PLAY_RECORD_H

#include "trace/recording.h"

enum { SCRIPT_TASKS = 32, SCRIPT_WORDS = 24, SCRIPT_BLOBS = 4, SCRIPT_CALLS = 8 };

struct words {
    int count;
    char **word;
};

struct verb;

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

int script_tid(struct script *s, const char *name);
void script_run(struct script *s, const char *text);

#endif
