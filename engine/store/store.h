/* What the learner has done: progress and gradebook, one SQLite database in the learner's own
 * folder.
 *
 * What was acknowledged stays: a function that records returns 0 only when the disk has it, however
 * the program or the machine ends afterwards. Attempts, predictions, hints and looks at solutions
 * are a log that is only added to; `store_reset` alone removes, and keeps a copy first. Any number
 * of programs may have the store open at once. A file that is damaged is never overwritten: it is
 * kept under a new name, and what can be read of it is taken over. A file that a newer ipclab wrote
 * is read, never written.
 *
 * In the folder lie progress.db (with progress.db-wal and -shm while it is open), progress.lock,
 * and backups/. docs/progress.md describes them. */
#ifndef IPCLAB_STORE_STORE_H
#define IPCLAB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { STORE_SOURCE_MOST = 1 << 20 }; /* bytes of a source that are kept */

/* A write-ahead log needs memory that all writers share: it works on file systems of this machine
 * alone (sqlite.org/wal.html). AUTO asks statfs(2). */
enum store_journal { STORE_JOURNAL_AUTO, STORE_JOURNAL_WAL, STORE_JOURNAL_ROLLBACK };

struct store_options {
    const char *folder; /* made when it is missing */
    /* The text file in which early versions kept progress; taken in once, when the database is
     * made. NULL: none. */
    const char *old_file;
    enum store_journal journal;
};

struct store;

/* Opens, and first does what is due: makes the database, mends it, brings it to this program's
 * form, makes the day's backup. The caller closes. -errno with one line when neither reading nor
 * writing is possible; nothing was changed then. */
int store_open(struct store **out, const struct store_options *options, struct err *e);
void store_close(struct store *s);

/* $XDG_DATA_HOME/ipclab and $XDG_STATE_HOME/ipclab/progress; the caller uses the strings until the
 * next call. -errno when there is no home. */
int store_default_options(struct store_options *out, struct err *e);

/* One line that the user should know (kept aside, read only, begun anew), or NULL. Borrowed. */
const char *store_notice(const struct store *s);
/* The file is of a newer ipclab, or cannot be written: everything that records returns -EROFS. */
bool store_is_read_only(const struct store *s);
/* progress.db. Borrowed. */
const char *store_path(const struct store *s);

/* ---- recording; all of these: 0 once it is on the disk, else -errno with one line ---- */

/* The lesson of a lab ("2-pipes/pipe-eof") was opened. */
int store_saw(struct store *s, const char *lab, struct err *e);
/* Where in a lab the learner was: the screen's name, and the moment that the stage showed. */
int store_left(struct store *s, const char *lab, const char *screen, uint32_t moment,
               struct err *e);
/* A prediction was answered by a run; answer and truth are ids of the question's options. */
int store_predicted(struct store *s, const char *lab, const char *answer, const char *truth,
                    struct err *e);

struct store_attempt {
    const char *exercise; /* "2-pipes/pipe-eof" */
    const char *verdict;  /* "pass", "fail", "crash", "timeout" */
    int points, points_max;
    double seconds;
    uint64_t seed;
    const char *const *rules; /* ids of what went wrong; no spaces in them */
    size_t rule_count;
    const char *source; /* what was judged; NULL: not known. More than STORE_SOURCE_MOST: its hash
                           alone is kept */
    size_t source_size;
};
int store_attempted(struct store *s, const struct store_attempt *attempt, struct err *e);

/* Hint `number` (from 1) of a check was shown. */
int store_hinted(struct store *s, const char *exercise, const char *check, unsigned number,
                 struct err *e);
/* The solution was looked at; earned: after passing, or after honest tries. */
int store_looked(struct store *s, const char *exercise, bool is_earned, struct err *e);

/* Settings that belong to progress. The caller frees what get returns; NULL: not set. */
int store_set(struct store *s, const char *key, const char *value, struct err *e);
char *store_get(struct store *s, const char *key);

/* ---- reading ---- */

/* All that is known of one lab and its exercise. Times are milliseconds since 1970, 0: never. */
struct store_lab {
    char *lab;
    int64_t first_seen_ms, last_seen_ms;
    int64_t left_ms;
    char *left_screen; /* "" when never left */
    uint32_t left_moment;
    unsigned predictions, predictions_right;
    unsigned attempts, passes;
    int64_t last_attempt_ms, first_pass_ms;
    char *last_verdict; /* "" before the first attempt */
    unsigned hints;
    int64_t solution_ms;
    bool is_solution_earned; /* at the first look */
};
struct store_labs {
    struct store_lab *lab;
    size_t lab_count, lab_cap;
};
/* By name. The caller ends with store_labs_fini, also after an error. */
int store_labs(struct store *s, struct store_labs *out, struct err *e);
void store_labs_fini(struct store_labs *labs);

/* A number that changes when another program has written. */
int64_t store_version(struct store *s);

/* Appends the source with this SHA-256. -ENOENT when it is not kept. */
int store_source(struct store *s, const char *hash, struct buf *out, struct err *e);

/* ---- as a whole ---- */

/* Removes what is known of one lab, or of all (NULL), after a backup whose path the caller frees.
 */
int store_reset(struct store *s, const char *lab, char **backup, struct err *e);

/* Everything as JSON (docs/progress.md), appended. */
int store_export(struct store *s, struct buf *out, struct err *e);

struct store_merge {
    size_t added, known; /* records */
};
/* Merges what store_export wrote, or the bytes of a backup: nothing is lost, nothing counted twice,
 * all of it or nothing. `name` is what messages call it. -EBADMSG when it is neither. */
int store_import(struct store *s, const char *name, const void *bytes, size_t size,
                 struct store_merge *out, struct err *e);

#endif
