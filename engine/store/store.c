#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

enum health { HEALTHY, NEWER, OLDER, DAMAGED };

void store_notify(struct store *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->notice, sizeof s->notice, format, ap);
    va_end(ap);
}

/* ---- making one ---- */

int store_make(const char *path, int (*fill)(sqlite3 *db, void *arg), void *arg, struct err *e)
{
    sqlite3 *db = NULL;
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, errno, "make %s", path);
    close(fd);
    int rc = sql_open(&db, path, SQLITE_OPEN_READWRITE);
    if (rc == SQLITE_OK) /* half made, it is thrown away */
        rc = sql_run(db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    if (rc == SQLITE_OK)
        rc = schema_migrate(db, 0);
    if (rc == SQLITE_OK)
        rc = fill(db, arg);
    int result = rc == SQLITE_OK ? 0 : sql_err(db, "make", e);
    sqlite3_close(db);
    if (result == 0)
        result = files_sync(path, e);
    if (result < 0)
        unlink(path);
    return result;
}

static int fill_first(sqlite3 *db, void *arg)
{
    return schema_take_old_file(db, arg);
}

/* A journal without its database would be played back into the new one. */
static int set_aside_journals(struct store *s, struct err *e)
{
    static const char *const names[] = {"-wal", "-journal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *from = xasprintf("%s%s", s->path, names[i]);
        char *to = xasprintf("%s.damaged-alone%s", s->path, names[i]);
        int rc = rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
        free(from);
        free(to);
        if (rc < 0)
            return err_sys(e, -rc, "keep %s%s aside", s->path, names[i]);
    }
    return 0;
}

static int begin_anew(struct store *s, struct err *e)
{
    char *made = xasprintf("%s.new.tmp", s->path), *backup = backup_newest(s);
    int rc = set_aside_journals(s, e);
    if (rc == 0)
        rc = store_make(made, fill_first, s->old_file, e);
    if (rc == 0 && rename(made, s->path) < 0)
        rc = err_sys(e, errno, "make %s", s->path);
    if (rc == 0)
        rc = files_sync(s->folder, e);
    if (rc == 0 && backup)
        store_notify(s,
                     "%s was gone; a new one was begun. `ipclab import %s` brings the newest "
                     "backup back",
                     s->path, backup);
    free(backup);
    free(made);
    return rc;
}

/* ---- looking at one ---- */

/* SQLITE_OK and *health with its reason; or why nothing can be said. */
static int examine(sqlite3 *db, enum health *health, char *reason, size_t size)
{
    sqlite3_stmt *check = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &check, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(check);
    const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : NULL;
    snprintf(reason, size, "%.80s", said ? said : sqlite3_errmsg(db));
    reason[strcspn(reason, "\n")] = '\0';
    sqlite3_finalize(check);
    *health = DAMAGED;
    if (sql_is_damage(rc))
        return SQLITE_OK;
    if (rc != SQLITE_ROW)
        return rc;
    if (strcmp(reason, "ok") != 0)
        return SQLITE_OK;
    snprintf(reason, size, "it is not a progress database");
    if (sql_number(db, "PRAGMA application_id", 0) != SCHEMA_APPLICATION)
        return SQLITE_OK;
    int64_t version = sql_number(db, "PRAGMA user_version", 0);
    *health = version > schema_now.version ? NEWER : version < schema_now.version ? OLDER : HEALTHY;
    return SQLITE_OK;
}

static void disconnect(struct store *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
}

/* On another machine's disk there is no shared memory: a file that was left in WAL mode is opened
 * by one program alone, which ends that. */
static int set_journal(struct store *s)
{
    if (s->is_local)
        return sql_run(s->db, "PRAGMA journal_mode = WAL");
    int rc = sql_run(s->db, "PRAGMA journal_mode = DELETE");
    if (rc == SQLITE_OK)
        rc = sql_run(s->db, "PRAGMA locking_mode = NORMAL; SELECT count(*) FROM setting");
    return rc;
}

static int connect(struct store *s, enum health *health, char *reason, size_t size, struct err *e)
{
    struct stat status;
    if (stat(s->path, &status) < 0)
        return err_sys(e, errno, "open %s", s->path);
    s->inode = status.st_ino;
    /* No database of ours is ever empty: it gets its name when it is whole. */
    if (status.st_size == 0) {
        *health = DAMAGED;
        snprintf(reason, size, "it is empty");
        return 0;
    }
    int rc = sql_open(&s->db, s->path, SQLITE_OPEN_READWRITE);
    if (rc == SQLITE_OK && !s->is_local)
        rc = sql_run(s->db, "PRAGMA locking_mode = EXCLUSIVE");
    if (rc == SQLITE_OK)
        rc = sql_run(s->db, "PRAGMA synchronous = EXTRA");
    if (rc == SQLITE_OK || sql_is_damage(rc))
        rc = examine(s->db, health, reason, size);
    return rc == SQLITE_OK ? 0 : sql_err(s->db, "open", e);
}

/* ---- what each state of health asks for ---- */

static void become_reader(struct store *s)
{
    int64_t version = sql_number(s->db, "PRAGMA user_version", 0);
    s->is_read_only = true;
    sql_run(s->db, "PRAGMA query_only = ON; PRAGMA locking_mode = NORMAL");
    store_notify(s,
                 "%s is of a newer ipclab (its form is %lld, this program writes %d): it is shown, "
                 "nothing is saved; update ipclab",
                 s->path, (long long)version, schema_now.version);
}

static int migrate(struct store *s, struct err *e)
{
    char reason[32];
    if (!s->is_alone)
        return err_set(e, EBUSY,
                       "open %s: it is of an older ipclab, which has it open: end that one first",
                       s->path);
    int64_t version = sql_number(s->db, "PRAGMA user_version", 0);
    snprintf(reason, sizeof reason, "before-form-%d", schema_now.version);
    int rc = backup_make(s, reason, NULL, e);
    if (rc == 0 && schema_migrate(s->db, version) != SQLITE_OK)
        rc = sql_err(s->db, "bring up to date", e);
    return rc;
}

static int mend(struct store *s, const char *reason, struct err *e)
{
    disconnect(s);
    if (!s->is_alone)
        return err_set(e, EBADMSG,
                       "open %s: it is damaged (%s), and another ipclab has it open: end that one, "
                       "and it will be repaired",
                       s->path, reason);
    return rescue(s, reason, e);
}

static int make_ready(struct store *s, struct err *e)
{
    enum health health = DAMAGED;
    char reason[100];
    int rc = 0;
    if (s->is_alone) {
        files_clean(s);
        rc = rescue_finish(s, e);
        if (rc == 0 && !files_exist(s->path, ""))
            rc = begin_anew(s, e);
    }
    if (rc == 0)
        rc = connect(s, &health, reason, sizeof reason, e);
    if (rc == 0 && health == DAMAGED) {
        rc = mend(s, reason, e);
        if (rc == 0)
            rc = connect(s, &health, reason, sizeof reason, e);
        if (rc == 0 && health == DAMAGED)
            rc = err_set(e, EIO, "repair %s: %s; is the disk failing?", s->path, reason);
    }
    if (rc == 0 && health == NEWER) {
        become_reader(s);
        return 0;
    }
    if (rc == 0 && health == OLDER)
        rc = migrate(s, e);
    if (rc == 0 && set_journal(s) != SQLITE_OK)
        rc = sql_err(s->db, "open", e);
    return rc;
}

/* ---- a folder that cannot be written ---- */

static int open_to_read(struct store *s, struct err *e)
{
    enum health health;
    char reason[100];
    int rc = sql_open(&s->db, s->path, SQLITE_OPEN_READONLY);
    if (rc == SQLITE_OK)
        rc = examine(s->db, &health, reason, sizeof reason);
    if (rc == SQLITE_CANTOPEN && !files_exist(s->path, "-wal")) {
        /* In WAL mode reading writes, too, unless it is said that nobody will. */
        char *uri = xasprintf("file:%s?immutable=1", s->path);
        disconnect(s);
        rc = sql_open(&s->db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        if (rc == SQLITE_OK)
            rc = examine(s->db, &health, reason, sizeof reason);
        free(uri);
    }
    if (rc != SQLITE_OK)
        return sql_err(s->db, "read", e);
    if (health == DAMAGED)
        return err_set(e, EBADMSG, "read %s: %s; make %s writable, and it will be repaired",
                       s->path, reason, s->folder);
    s->is_read_only = true;
    store_notify(s, "%s cannot be written: progress is shown, nothing is saved", s->folder);
    return 0;
}

/* ---- opening and closing ---- */

static int open_all(struct store *s, struct err *e)
{
    struct err trouble = {0};
    int rc = paths_make_dirs(s->folder, e);
    if (rc < 0)
        return rc;
    if (access(s->folder, W_OK | X_OK) < 0 && files_exist(s->path, ""))
        return open_to_read(s, e);
    s->is_local = s->journal == STORE_JOURNAL_AUTO ? files_are_local(s->folder)
                                                   : s->journal == STORE_JOURNAL_WAL;
    rc = files_lock(s, e);
    if (rc == 0)
        rc = make_ready(s, e);
    if (rc == 0 && s->is_alone && !s->is_read_only && backup_daily(s, false, &trouble) < 0 &&
        !s->notice[0])
        store_notify(s, "the day's backup of progress was not made: %s", trouble.text);
    if (rc == 0 && s->is_alone)
        rc = files_share(s, e);
    return rc;
}

int store_open(struct store **out, const struct store_options *options, struct err *e)
{
    struct store *s = xcalloc(1, sizeof *s);
    s->folder = xstrdup(options->folder);
    s->path = xasprintf("%s/progress.db", options->folder);
    s->old_file = options->old_file ? xstrdup(options->old_file) : NULL;
    s->journal = options->journal;
    s->lock_fd = -1;
    int rc = open_all(s, e);
    if (rc < 0)
        store_close(s);
    else
        *out = s;
    return rc;
}

/* What was done today is in the day's backup from now on: a rescue loses as little as can be. While
 * somebody else has the store open, that one does it, or the first of tomorrow. */
static void back_up_at_end(struct store *s)
{
    if (s->db && s->has_written && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
        backup_daily(s, true, NULL);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    back_up_at_end(s);
    disconnect(s);
    fd_close(&s->lock_fd);
    free(s->folder);
    free(s->path);
    free(s->old_file);
    free(s);
}

int store_default_options(struct store_options *out, struct err *e)
{
    static char *folder, *old_file;
    char *state = NULL;
    free(folder);
    free(old_file);
    folder = old_file = NULL;
    int rc = paths_data_name(&folder, e);
    if (rc < 0)
        return rc;
    if (paths_state_name(&state, NULL) == 0)
        old_file = xasprintf("%s/progress", state);
    free(state);
    *out = (struct store_options){.folder = folder, .old_file = old_file};
    return 0;
}

const char *store_notice(const struct store *s)
{
    return s->notice[0] ? s->notice : NULL;
}

bool store_is_read_only(const struct store *s)
{
    return s->is_read_only;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

/* ---- transactions ---- */

static bool is_still_ours(const struct store *s)
{
    struct stat status;
    return stat(s->path, &status) == 0 && status.st_ino == s->inode;
}

int store_begin(struct store *s, struct err *e)
{
    if (s->is_read_only)
        return err_set(e, EROFS, "save progress: %s", s->notice);
    if (!is_still_ours(s))
        return err_set(e, ESTALE,
                       "save progress: %s was removed or replaced meanwhile; start ipclab again",
                       s->path);
    if (sql_run(s->db, "BEGIN IMMEDIATE") != SQLITE_OK)
        return sql_err(s->db, "save", e);
    int64_t version = sql_number(s->db, "PRAGMA user_version", -1);
    if (version == schema_now.version)
        return 0;
    int rc = version < 0 ? sql_err(s->db, "save", e) : 0;
    sql_run(s->db, "ROLLBACK");
    if (rc < 0)
        return rc;
    become_reader(s);
    return err_set(e, EROFS, "save progress: %s", s->notice);
}

int store_end(struct store *s, int rc, struct err *e)
{
    if (rc == SQLITE_OK)
        rc = sql_run(s->db, "COMMIT");
    int result = rc == SQLITE_OK ? 0 : sql_err(s->db, "save", e);
    s->has_written = true;
    if (!sqlite3_get_autocommit(s->db))
        sql_run(s->db, "ROLLBACK");
    return result;
}
