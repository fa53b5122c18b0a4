#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/store_internal.h"

#define ASIDE "progress.db.damaged-"

/* Files that belong to a database while it is open, or after its program was killed. */
static const char *const companions[] = {"-wal", "-journal"};
enum { COMPANIONS = sizeof companions / sizeof *companions };

/* ---- merging ---- */

/* The row that `row` stands on. Rows that cannot be what they claim are left out. */
static int merge_row(sqlite3 *into, const struct table *table, sqlite3_stmt *row,
                     sqlite3_stmt *insert, struct store_merge *sum)
{
    size_t n = schema_column_count(table);
    for (size_t i = 0; i < n; i++) {
        if (!schema_is_sane(&table->columns[i], row, (int)i))
            return SQLITE_MISMATCH;
        sqlite3_bind_value(insert, (int)i + 1, sqlite3_column_value(row, (int)i));
    }
    int rc = sqlite3_step(insert);
    if (rc == SQLITE_DONE)
        *(sqlite3_changes(into) ? &sum->added : &sum->known) += 1;
    sqlite3_reset(insert);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Reads from one end until the end or the damage. The first trouble is returned. */
static int merge_from_end(sqlite3 *into, sqlite3 *from, const struct table *table,
                          const char *order, struct store_merge *sum)
{
    char *select = schema_select(table, order), *add = schema_insert(table);
    sqlite3_stmt *row = sql_prepare(from, select, ""), *insert = sql_prepare(into, add, "");
    int rc = row && insert ? SQLITE_OK : SQLITE_ERROR, step = SQLITE_DONE;
    while (row && insert && (step = sqlite3_step(row)) == SQLITE_ROW) {
        int merged = merge_row(into, table, row, insert, sum);
        if (rc == SQLITE_OK)
            rc = merged;
    }
    if (step != SQLITE_DONE)
        rc = step;
    sqlite3_finalize(row);
    sqlite3_finalize(insert);
    free(select);
    free(add);
    return rc;
}

int rescue_merge(sqlite3 *into, sqlite3 *from, struct store_merge *sum)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < schema_table_count; i++) {
        int one = merge_from_end(into, from, &schema_tables[i], "ASC", sum);
        if (one != SQLITE_OK) /* what lies behind the damage, from the other end */
            merge_from_end(into, from, &schema_tables[i], "DESC", sum);
        if (rc == SQLITE_OK)
            rc = one;
    }
    return rc;
}

/* ---- a damaged file ---- */

struct sources {
    const char *damaged, *backup; /* backup: NULL when there is none */
};

static void merge_file(sqlite3 *into, const char *path)
{
    sqlite3 *from = NULL;
    struct store_merge sum = {0};
    if (sql_open(&from, path, SQLITE_OPEN_READWRITE) == SQLITE_OK) {
        sqlite3_db_config(from, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        sql_run(from, "PRAGMA writable_schema = ON"); /* reads on where the schema has scars */
        rescue_merge(into, from, &sum);
    }
    sqlite3_close(from);
}

static int fill(sqlite3 *db, void *arg)
{
    const struct sources *sources = arg;
    int rc = sql_run(db, "BEGIN");
    if (rc != SQLITE_OK)
        return rc;
    merge_file(db, sources->damaged);
    if (sources->backup)
        merge_file(db, sources->backup);
    return sql_run(db, "COMMIT");
}

static bool has_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}

/* Applies files_copy or files_keep to a database and what belongs to it. */
static int with_companions(int (*apply)(const char *from, const char *to, struct err *e),
                           const char *from, const char *to, struct err *e)
{
    int rc = apply(from, to, e);
    for (size_t i = 0; rc == 0 && i < COMPANIONS; i++) {
        char *a = xasprintf("%s%s", from, companions[i]), *b = xasprintf("%s%s", to, companions[i]);
        if (has_bytes(a))
            rc = apply(a, b, e);
        free(a);
        free(b);
    }
    return rc;
}

/* The name under which this same file was kept by a rescue that did not come to its end; NULL. */
static char *kept_name(const struct store *s, ino_t inode)
{
    DIR *dir = opendir(s->folder);
    char *found = NULL;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        struct stat status;
        if (strncmp(entry->d_name, ASIDE, sizeof ASIDE - 1) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_ino == inode)
            found = xasprintf("%s/%s", s->folder, entry->d_name);
    }
    if (dir)
        closedir(dir);
    return found;
}

/* progress.db.damaged-20261125T023322123Z, after the time of the last write. */
static char *aside_name(const struct store *s)
{
    struct stat status = {0};
    char stamp[32], plain[32];
    size_t n = 0;
    stat(s->path, &status);
    char *kept = kept_name(s, status.st_ino);
    if (kept)
        return kept;
    time_format((int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000, stamp);
    for (const char *p = stamp; *p; p++)
        if (isalnum((unsigned char)*p))
            plain[n++] = *p;
    plain[n] = '\0';
    return xasprintf("%s/%s%s", s->folder, ASIDE, plain);
}

static int rename_synced(const struct store *s, const char *from, const char *to, struct err *e)
{
    if (rename(from, to) < 0)
        return err_sys(e, errno, "rename %s to %s", from, to);
    return files_sync(s->folder, e);
}

int rescue_finish(struct store *s, struct err *e)
{
    static const char *const old[] = {"-wal", "-shm", "-journal"};
    char *repaired = xasprintf("%s.repaired", s->path);
    int rc = 0;
    if (files_exist(repaired, "")) {
        for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
            char *path = xasprintf("%s%s", s->path, old[i]);
            if (unlink(path) < 0 && errno != ENOENT && rc == 0)
                rc = err_sys(e, errno, "remove %s", path);
            free(path);
        }
        if (rc == 0)
            rc = rename_synced(s, repaired, s->path, e);
        store_notify(s,
                     "progress was damaged and has been repaired: the damaged file is kept in %s",
                     s->folder);
    }
    free(repaired);
    return rc;
}

/* From here on a program that is killed loses nothing: the result is complete, and rescue_finish
 * puts it in its place. */
static int replace(struct store *s, const char *made, const char *aside, struct err *e)
{
    char *repaired = xasprintf("%s.repaired", s->path);
    int rc = with_companions(files_keep, s->path, aside, e);
    if (rc == 0)
        rc = rename_synced(s, made, repaired, e);
    if (rc == 0)
        rc = rescue_finish(s, e);
    free(repaired);
    return rc;
}

static void tell(struct store *s, const char *reason, const char *aside, const char *made)
{
    sqlite3 *db = NULL;
    int64_t attempts = 0, labs = 0;
    if (sql_open(&db, made, SQLITE_OPEN_READONLY) == SQLITE_OK) {
        attempts = sql_number(db, "SELECT count(*) FROM attempt", 0);
        labs = sql_number(db, "SELECT count(*) FROM lesson", 0);
    }
    sqlite3_close(db);
    store_notify(s,
                 "progress was damaged (%s): kept as %s; recovered: %lld attempts, lessons of %lld "
                 "labs",
                 reason, aside, (long long)attempts, (long long)labs);
}

int rescue(struct store *s, const char *reason, struct err *e)
{
    char *made = xasprintf("%s.new.tmp", s->path), *copy = xasprintf("%s.rescue.tmp", s->path);
    char *aside = aside_name(s), *backup = backup_newest(s);
    struct sources sources = {copy, backup};
    /* The salvage works on copies: what is kept aside is the file as it was found. */
    int rc = with_companions(files_copy, s->path, copy, e);
    if (rc == 0)
        rc = store_make(made, fill, &sources, e);
    if (rc == 0)
        rc = replace(s, made, aside, e);
    if (rc == 0)
        tell(s, reason, aside, s->path);
    files_clean(s);
    free(backup);
    free(aside);
    free(copy);
    free(made);
    return rc;
}
