#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

enum { OLD_FILE_MOST = 16 << 20 };

/* Log tables carry a uid that no other record of any machine has: merging twice is merging once. */
#define LOG_TABLE(name, columns)                                                               \
    "CREATE TABLE " name "(id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,"                  \
    " at INTEGER NOT NULL, " columns ") STRICT;"                                               \
    "CREATE TRIGGER " name "_stays BEFORE UPDATE ON " name " BEGIN SELECT raise(ABORT, '" name \
    " is only added to'); END;"                                                                \
    "CREATE TRIGGER " name "_kept BEFORE DELETE ON " name                                      \
    " WHEN NOT EXISTS (SELECT 1 FROM setting WHERE key = 'store.resetting')"                   \
    " BEGIN SELECT raise(ABORT, '" name " is only added to'); END;"

/* A step that was released is never changed. */
static const char *const steps[] = {
    "CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE lesson(lab TEXT PRIMARY KEY, first_at INTEGER NOT NULL,"
    " last_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE place(lab TEXT PRIMARY KEY, at INTEGER NOT NULL, screen TEXT NOT NULL,"
    " moment INTEGER NOT NULL) STRICT;"
    "CREATE TABLE source(hash TEXT PRIMARY KEY, text BLOB NOT NULL) STRICT;" LOG_TABLE(
        "prediction", "lab TEXT NOT NULL, answer TEXT, truth TEXT, is_right INTEGER NOT NULL")
        LOG_TABLE("attempt",
                  "exercise TEXT NOT NULL, verdict TEXT NOT NULL, points INTEGER,"
                  " points_max INTEGER, seconds REAL, seed TEXT, rules TEXT NOT NULL, source TEXT")
            LOG_TABLE("hint", "exercise TEXT NOT NULL, check_id TEXT NOT NULL, number INTEGER NOT "
                              "NULL")
                LOG_TABLE("solution", "exercise TEXT NOT NULL, is_earned INTEGER NOT "
                                      "NULL") "CREATE INDEX attempt_exercise ON "
                                              "attempt(exercise, at);"
                                              "PRAGMA application_id = 0x6970636c;",
};

struct schema schema_now = {sizeof steps / sizeof *steps, steps};

#define LATER_WINS(key, columns) \
    "ON CONFLICT(" key ") DO UPDATE SET " columns " WHERE excluded.at > at"
#define ONCE "ON CONFLICT(uid) DO NOTHING"

const struct table schema_tables[] = {
    {"setting",
     NULL,
     LATER_WINS("key", "value = excluded.value, at = excluded.at"),
     {{"key", COLUMN_KEY, false}, {"value", COLUMN_TEXT, false}, {"at", COLUMN_TIME, false}}},
    {"lesson",
     "lab",
     "ON CONFLICT(lab) DO UPDATE SET first_at = min(first_at, excluded.first_at),"
     " last_at = max(last_at, excluded.last_at)"
     " WHERE excluded.first_at < first_at OR excluded.last_at > last_at",
     {{"lab", COLUMN_TEXT, false},
      {"first_at", COLUMN_TIME, false},
      {"last_at", COLUMN_TIME, false}}},
    {"place",
     "lab",
     LATER_WINS("lab", "at = excluded.at, screen = excluded.screen, moment = excluded.moment"),
     {{"lab", COLUMN_TEXT, false},
      {"at", COLUMN_TIME, false},
      {"screen", COLUMN_TEXT, false},
      {"moment", COLUMN_NUMBER, false}}},
    {"source",
     NULL,
     "ON CONFLICT(hash) DO NOTHING",
     {{"hash", COLUMN_HASH, false}, {"text", COLUMN_SOURCE, false}}},
    {"prediction",
     "lab",
     ONCE,
     {{"uid", COLUMN_UID, false},
      {"at", COLUMN_TIME, false},
      {"lab", COLUMN_TEXT, false},
      {"answer", COLUMN_TEXT, true},
      {"truth", COLUMN_TEXT, true},
      {"is_right", COLUMN_BOOL, false}}},
    {"attempt",
     "exercise",
     ONCE,
     {{"uid", COLUMN_UID, false},
      {"at", COLUMN_TIME, false},
      {"exercise", COLUMN_TEXT, false},
      {"verdict", COLUMN_TEXT, false},
      {"points", COLUMN_NUMBER, true},
      {"points_max", COLUMN_NUMBER, true},
      {"seconds", COLUMN_REAL, true},
      {"seed", COLUMN_TEXT, true},
      {"rules", COLUMN_WORDS, false},
      {"source", COLUMN_HASH, true}}},
    {"hint",
     "exercise",
     ONCE,
     {{"uid", COLUMN_UID, false},
      {"at", COLUMN_TIME, false},
      {"exercise", COLUMN_TEXT, false},
      {"check_id", COLUMN_TEXT, false},
      {"number", COLUMN_NUMBER, false}}},
    {"solution",
     "exercise",
     ONCE,
     {{"uid", COLUMN_UID, false},
      {"at", COLUMN_TIME, false},
      {"exercise", COLUMN_TEXT, false},
      {"is_earned", COLUMN_BOOL, false}}},
};
const size_t schema_table_count = sizeof schema_tables / sizeof *schema_tables;

size_t schema_column_count(const struct table *table)
{
    size_t n = 0;
    while (n < COLUMNS_MOST && table->columns[n].name)
        n++;
    return n;
}

static void put_columns(struct buf *b, const struct table *table, const char *instead)
{
    for (size_t i = 0; i < schema_column_count(table); i++)
        buf_printf(b, "%s%s", i ? ", " : "", instead ? instead : table->columns[i].name);
}

char *schema_select(const struct table *table, const char *order)
{
    struct buf b = {0};
    buf_puts(&b, "SELECT ");
    put_columns(&b, table, NULL);
    buf_printf(&b, " FROM %s ORDER BY rowid %s", table->name, order);
    return buf_take(&b);
}

char *schema_insert(const struct table *table)
{
    struct buf b = {0};
    buf_printf(&b, "INSERT INTO %s(", table->name);
    put_columns(&b, table, NULL);
    buf_puts(&b, ") VALUES (");
    put_columns(&b, table, "?");
    buf_printf(&b, ") %s", table->on_conflict);
    return buf_take(&b);
}

static bool is_hexadecimal(const char *text, size_t digits)
{
    return text && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static bool is_text(const char *text, size_t size)
{
    for (size_t n; size > 0; text += n, size -= n)
        if ((n = text_printable(text, size)) == 0)
            return false;
    return true;
}

bool schema_is_sane_text(const struct column *column, const char *text, size_t size)
{
    switch (column->kind) {
    case COLUMN_UID: return is_hexadecimal(text, UID_DIGITS);
    case COLUMN_HASH: return is_hexadecimal(text, SHA256_HEX);
    /* The store's own marks are not for others to set. */
    case COLUMN_KEY: return is_text(text, size) && strncmp(text, "store.", 6) != 0;
    default: return is_text(text, size);
    }
}

bool schema_is_sane(const struct column *column, sqlite3_stmt *row, int index)
{
    int type = sqlite3_column_type(row, index);
    if (type == SQLITE_NULL)
        return column->may_be_null;
    switch (column->kind) {
    case COLUMN_TIME: return type == SQLITE_INTEGER && sqlite3_column_int64(row, index) >= 0;
    case COLUMN_NUMBER:
    case COLUMN_BOOL: return type == SQLITE_INTEGER;
    case COLUMN_REAL: return type == SQLITE_FLOAT;
    case COLUMN_SOURCE: return type == SQLITE_BLOB;
    default: break;
    }
    const char *text = (const char *)sqlite3_column_text(row, index);
    return type == SQLITE_TEXT && text &&
           schema_is_sane_text(column, text, (size_t)sqlite3_column_bytes(row, index));
}

int schema_migrate(sqlite3 *db, int64_t version)
{
    int rc = sql_run(db, "BEGIN IMMEDIATE");
    for (int64_t v = version; rc == SQLITE_OK && v < schema_now.version; v++)
        rc = sql_run(db, schema_now.steps[v]);
    char set[64];
    snprintf(set, sizeof set, "PRAGMA user_version = %d; COMMIT", schema_now.version);
    if (rc == SQLITE_OK)
        rc = sql_run(db, set);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        sql_run(db, "ROLLBACK");
    return rc;
}

/* ---- the text file of early versions: "2026-11-22T23:11:02Z passed 2-pipes/pipe-eof" ---- */

static int take_line(sqlite3 *db, const char *line)
{
    char stamp[32], word[32], lab[256], hash[SHA256_HEX + 1], uid[UID_DIGITS + 1];
    int64_t at;
    if (sscanf(line, "%31s %31s %255s", stamp, word, lab) != 3 || !time_parse(stamp, &at))
        return SQLITE_OK;
    /* The same line is the same record, on every machine and each time it is taken in. */
    sha256_hex(hash, line, strlen(line));
    snprintf(uid, sizeof uid, "%.32s", hash);
    bool is_foretold = strcmp(word, "foretold") == 0;
    if (strcmp(word, "read") == 0)
        return sql_finish(sql_prepare(db,
                                      "INSERT INTO lesson(lab, first_at, last_at) VALUES (?, ?2, "
                                      "?2) ON CONFLICT(lab) DO NOTHING",
                                      "si", lab, at));
    if (is_foretold || strcmp(word, "mistaken") == 0)
        return sql_finish(sql_prepare(
            db, "INSERT OR IGNORE INTO prediction(uid, at, lab, is_right) VALUES (?, ?, ?, ?)",
            "sisi", uid, at, lab, (int64_t)is_foretold));
    if (strcmp(word, "passed") == 0 || strcmp(word, "tried") == 0)
        return sql_finish(sql_prepare(db,
                                      "INSERT OR IGNORE INTO attempt(uid, at, exercise, verdict, "
                                      "rules) VALUES (?, ?, ?, ?, '')",
                                      "siss", uid, at, lab, word[0] == 'p' ? "pass" : "fail"));
    return SQLITE_OK;
}

int schema_take_old_file(sqlite3 *db, const char *path)
{
    struct buf text = {0};
    int rc = SQLITE_OK;
    if (path && file_read(&text, path, OLD_FILE_MOST, NULL) == 0 && text.data) {
        char *rest = text.data;
        rc = sql_run(db, "BEGIN");
        for (char *line; rc == SQLITE_OK && (line = strsep(&rest, "\n"));)
            rc = take_line(db, line);
        if (rc == SQLITE_OK)
            rc = sql_run(db, "COMMIT");
    }
    buf_fini(&text);
    return rc;
}
