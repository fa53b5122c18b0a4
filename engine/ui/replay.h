/* A recording opened for looking at: its events, the model at any moment, the findings, the source.
 *
 * Not every step of a recording is worth stopping at: a call that returned at once is one moment,
 * not two, and loading a library is none. A replay keeps the list of the moments that matter, made
 * in small pieces (replay_work) so that a screen can be drawn while a large recording is read. It
 * follows a recording that is still being written. */
#ifndef IPCLAB_UI_REPLAY_H
#define IPCLAB_UI_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "diagnose/finding.h"
#include "model/history.h"
#include "source/source.h"

struct replay;

/* Opens a file. is_live: it is still being written, call replay_refresh and, once, replay_finish.
 */
int replay_open(struct replay **out, const char *path, bool is_live, struct err *e);
void replay_free(struct replay *r);

/* Takes in what was appended; true when there was something. */
bool replay_refresh(struct replay *r);
/* The run is over: judges what only the end can tell. */
void replay_finish(struct replay *r);
bool replay_is_live(const struct replay *r);

/* Lists more moments, for about budget_ns; false when there is nothing left to do. Until the first
 * call there are no moments and no findings, and replay_at() and replay_run_end() may not be
 * called. */
bool replay_work(struct replay *r, uint64_t budget_ns);

const struct recording *replay_recording(const struct replay *r);
struct source *replay_source(const struct replay *r);
/* The state after step seq. Borrowed until the next call. */
const struct model *replay_at(struct replay *r, uint32_t seq);
/* The state at the end of what was listed: for names, which never change. */
const struct model *replay_end(const struct replay *r);

size_t replay_finding_count(const struct replay *r);
const struct finding *replay_finding(const struct replay *r, size_t index);
enum run_end replay_run_end(const struct replay *r);

/* A moment: the state after step seq, brought about by process proc (MODEL_NONE: by nobody). */
struct moment {
    uint32_t seq;
    uint32_t proc;
    bool is_quiet; /* loading libraries, plain files, bookkeeping */
};

/* Every step is a moment when `all`; else only those that are not quiet. Indexes from 0. */
size_t replay_count(const struct replay *r, bool all);
struct moment replay_moment(const struct replay *r, size_t index, bool all);
/* The last moment at or before seq; 0 when there is none. */
size_t replay_index(const struct replay *r, uint32_t seq, bool all);

/* The event of a step as it was known at that step: a call that was under way has no result yet. */
struct event replay_event(const struct replay *r, uint32_t seq);

#endif
