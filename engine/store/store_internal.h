/* What the files of engine/store share. */
#ifndef IPCLAB_STORE_STORE_INTERNAL_H
#define IPCLAB_STORE_STORE_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

enum {
    SCHEMA_APPLICATION = 0x6970636c, /* "ipcl", PRAGMA application_id */
    EXPORT_FORMAT = 1,
    UID_DIGITS = 32
};

struct store {
    char *folder;
    char *path;
    char *old_file;
    sqlite3 *db;
    int lock_fd;
    bool is_alone; /* nobody else has the store open: it may be mended, migrated, backed up */
    bool is_local;
    bool is_read_only;
    bool has_written;
    ino_t inode; /* of the file that db has open */
    enum store_journal journal;
    char notice[512];
};

/* ---- sql.c ---- */

/* How long a transaction waits for those of others. A variable: a test has machines that are slower
 * than any learner's. */
extern int sql_busy_ms;

/* The errno value that fits what db last said, with "verb NAME: reason" in *e. Negative. */
int sql_err(sqlite3 *db, const char *verb, struct err *e);
/* Is the file itself to blame? */
bool sql_is_damage(int sqlite_code);
/* Runs statements that give no rows. A SQLite code. */
int sql_run(sqlite3 *db, const char *sql);
/* The first column of the first row; `otherwise` when there is none. */
int64_t sql_number(sqlite3 *db, const char *sql, int64_t otherwise);
/* Prepares and binds; types: s text (NULL is null), i int64_t, r double. NULL on failure. */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, const char *types, ...);
/* Runs to the end and finalizes. A SQLite code. */
int sql_finish(sqlite3_stmt *take_statement);
/* Opens with the settings that all connections have. A SQLite code; *out is to be closed anyway. */
int sql_open(sqlite3 **out, const char *path, int flags);

/* ---- schema.c ---- */

enum column_kind {
    COLUMN_TEXT,
    COLUMN_KEY,
    COLUMN_UID,
    COLUMN_TIME,
    COLUMN_NUMBER,
    COLUMN_REAL,
    COLUMN_BOOL,
    COLUMN_WORDS,
    COLUMN_HASH,
    COLUMN_SOURCE
};

struct column {
    const char *name; /* in the database and in the export */
    enum column_kind kind;
    bool may_be_null;
};

enum { COLUMNS_MOST = 12 };

/* A table, as export, import and rescue see it. */
struct table {
    const char *name;
    const char *lab_column;              /* which lab a record is about; NULL: none */
    const char *on_conflict;             /* how a record that is there already is merged */
    struct column columns[COLUMNS_MOST]; /* the last has no name */
};
extern const struct table schema_tables[];
extern const size_t schema_table_count;

size_t schema_column_count(const struct table *table);
/* "SELECT columns FROM table" and "INSERT ... ON CONFLICT ...". The caller frees. */
char *schema_select(const struct table *table, const char *order);
char *schema_insert(const struct table *table);

/* The form that this program writes: PRAGMA user_version, and the steps to it; steps[v] leads from
 * version v to v + 1. A variable, so that a test can be the ipclab of next year. */
struct schema {
    int version;
    const char *const *steps;
};
extern struct schema schema_now;

/* Is the value what this column may hold? */
bool schema_is_sane(const struct column *column, sqlite3_stmt *row, int index);
bool schema_is_sane_text(const struct column *column, const char *text, size_t size);

/* Brings a database from `version` (0: an empty one) to schema_now, in one transaction. A SQLite
 * code. */
int schema_migrate(sqlite3 *db, int64_t version);
/* Takes in the text file that early versions kept; one that is not there is empty. */
int schema_take_old_file(sqlite3 *db, const char *path);

/* ---- files.c ---- */

/* Takes the lock: alone when nobody has it, else shared. */
int files_lock(struct store *s, struct err *e);
/* From alone to shared. */
int files_share(struct store *s, struct err *e);
/* Removes what a program that was killed left half made. Alone only. */
void files_clean(const struct store *s);
/* Does the folder lie on a file system of this machine? */
bool files_are_local(const char *folder);
int files_sync(const char *path, struct err *e);
/* Makes `to` the same file as `from`, or a copy where the file system has no links; `to` may be
 * there already when it is the same file. */
int files_keep(const char *from, const char *to, struct err *e);
int files_copy(const char *from, const char *to, struct err *e);
bool files_exist(const char *path, const char *suffix);

/* ---- backup.c ---- */

/* Copies the database into backups/progress-DATE[-REASON].db; *out, when not NULL, is its path. */
int backup_make(struct store *s, const char *reason, char **out, struct err *e);
/* The day's backup, unless it is there and not wanted again; the oldest beyond three go. */
int backup_daily(struct store *s, bool is_again, struct err *e);
/* The newest daily backup; NULL: none. The caller frees. */
char *backup_newest(const struct store *s);

/* ---- rescue.c ---- */

/* Keeps the damaged database aside and puts one in its place that has what could be read of it and
 * of the newest backup. Sets the notice. Alone, and with the database closed. */
int rescue(struct store *s, const char *reason, struct err *e);
/* Finishes a rescue that was interrupted after its result was complete. */
int rescue_finish(struct store *s, struct err *e);
/* Merges what can be read of another database. SQLITE_OK, or why not all of it could be merged. */
int rescue_merge(sqlite3 *into, sqlite3 *from, struct store_merge *sum);

/* ---- store.c ---- */

/* Makes a whole database, on the disk, with what fill() adds: a SQLite code. */
int store_make(const char *path, int (*fill)(sqlite3 *db, void *arg), void *arg, struct err *e);
void store_notify(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* BEGIN IMMEDIATE, and a look whether the file is still one that this program may write. */
int store_begin(struct store *s, struct err *e);
/* COMMIT when rc is SQLITE_OK, else ROLLBACK. 0 or -errno. */
int store_end(struct store *s, int rc, struct err *e);

/* ---- time.c ---- */

int64_t time_now_ms(void);
/* "2026-11-25T02:33:22.123Z" and back; false when it is none. */
void time_format(int64_t ms, char out[32]);
bool time_parse(const char *text, int64_t *out_ms);

/* 32 hexadecimal digits that no other record has. */
void uid_make(char out[UID_DIGITS + 1]);

#endif
