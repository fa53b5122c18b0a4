/* What is recorded, one transaction each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

/* Runs one statement as a transaction. */
#define RECORD(s, e, ...)               \
    (store_begin(s, e) < 0 ? -(e)->code \
                           : store_end(s, sql_finish(sql_prepare((s)->db, __VA_ARGS__)), e))

int store_saw(struct store *s, const char *lab, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    return RECORD(s, e,
                  "INSERT INTO lesson(lab, first_at, last_at) VALUES (?, ?2, ?2)"
                  " ON CONFLICT(lab) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
                  "si", lab, time_now_ms());
}

int store_left(struct store *s, const char *lab, const char *screen, uint32_t moment, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    return RECORD(s, e, "REPLACE INTO place(lab, at, screen, moment) VALUES (?, ?, ?, ?)", "sisi",
                  lab, time_now_ms(), screen, (int64_t)moment);
}

int store_predicted(struct store *s, const char *lab, const char *answer, const char *truth,
                    struct err *e)
{
    struct err mine = {0};
    char uid[UID_DIGITS + 1];
    e = e ? e : &mine;
    uid_make(uid);
    return RECORD(s, e,
                  "INSERT INTO prediction(uid, at, lab, answer, truth, is_right)"
                  " VALUES (?, ?, ?, ?, ?, ?)",
                  "sisssi", uid, time_now_ms(), lab, answer, truth,
                  (int64_t)(strcmp(answer, truth) == 0));
}

static char *join(const char *const *words, size_t count)
{
    struct buf text = {0};
    buf_puts(&text, "");
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i ? " " : "", words[i]);
    return buf_take(&text);
}

static int keep_source(struct store *s, const struct store_attempt *a, const char *hash)
{
    sqlite3_stmt *insert;
    if (a->source_size > STORE_SOURCE_MOST)
        return SQLITE_OK;
    insert =
        sql_prepare(s->db, "INSERT OR IGNORE INTO source(hash, text) VALUES (?, ?)", "s", hash);
    if (insert)
        sqlite3_bind_blob64(insert, 2, a->source, a->source_size, SQLITE_STATIC);
    return sql_finish(insert);
}

int store_attempted(struct store *s, const struct store_attempt *a, struct err *e)
{
    char uid[UID_DIGITS + 1], hash[SHA256_HEX + 1], seed[24];
    int rc = store_begin(s, e);
    if (rc < 0)
        return rc;
    uid_make(uid);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)a->seed);
    char *rules = join(a->rules, a->rule_count);
    rc = SQLITE_OK;
    if (a->source) {
        sha256_hex(hash, a->source, a->source_size);
        rc = keep_source(s, a, hash);
    }
    if (rc == SQLITE_OK)
        rc = sql_finish(sql_prepare(
            s->db,
            "INSERT INTO attempt(uid, at, exercise, verdict, points, points_max, seconds, seed,"
            " rules, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "sissiirsss", uid, time_now_ms(), a->exercise, a->verdict, (int64_t)a->points,
            (int64_t)a->points_max, a->seconds, seed, rules, a->source ? hash : NULL));
    free(rules);
    return store_end(s, rc, e);
}

int store_hinted(struct store *s, const char *exercise, const char *check, unsigned number,
                 struct err *e)
{
    struct err mine = {0};
    char uid[UID_DIGITS + 1];
    e = e ? e : &mine;
    uid_make(uid);
    return RECORD(s, e,
                  "INSERT INTO hint(uid, at, exercise, check_id, number) VALUES (?, ?, ?, ?, ?)",
                  "sissi", uid, time_now_ms(), exercise, check, (int64_t)number);
}

int store_looked(struct store *s, const char *exercise, bool is_earned, struct err *e)
{
    struct err mine = {0};
    char uid[UID_DIGITS + 1];
    e = e ? e : &mine;
    uid_make(uid);
    return RECORD(s, e, "INSERT INTO solution(uid, at, exercise, is_earned) VALUES (?, ?, ?, ?)",
                  "sisi", uid, time_now_ms(), exercise, (int64_t)is_earned);
}

int store_set(struct store *s, const char *key, const char *value, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    return RECORD(s, e, "REPLACE INTO setting(key, value, at) VALUES (?, ?, ?)", "ssi", key, value,
                  time_now_ms());
}

/* ---- removing ---- */

static int remove_from(sqlite3 *db, const struct table *table, const char *lab)
{
    char *sql = lab ? xasprintf("DELETE FROM %s WHERE %s = ?", table->name, table->lab_column)
                    : xasprintf("DELETE FROM %s", table->name);
    int rc = sql_finish(sql_prepare(db, sql, lab ? "s" : "", lab));
    free(sql);
    return rc;
}

/* The log's triggers look for this mark, which no transaction leaves behind. */
static int remove_all(sqlite3 *db, const char *lab)
{
    int rc = sql_run(db, "INSERT INTO setting(key, value, at) VALUES ('store.resetting', '', 0)");
    for (size_t i = 0; rc == SQLITE_OK && i < schema_table_count; i++)
        if (schema_tables[i].lab_column)
            rc = remove_from(db, &schema_tables[i], lab);
    if (rc == SQLITE_OK)
        rc = sql_run(db, "DELETE FROM source WHERE hash NOT IN"
                         " (SELECT source FROM attempt WHERE source IS NOT NULL)");
    if (rc == SQLITE_OK)
        rc = sql_run(db, lab ? "DELETE FROM setting WHERE key = 'store.resetting'"
                             : "DELETE FROM setting");
    return rc;
}

int store_reset(struct store *s, const char *lab, char **backup, struct err *e)
{
    char *kept = NULL;
    if (s->is_read_only)
        return err_set(e, EROFS, "reset progress: %s", s->notice);
    int rc = backup_make(s, "before-reset", &kept, e);
    if (rc == 0)
        rc = store_begin(s, e);
    if (rc == 0)
        rc = store_end(s, remove_all(s->db, lab), e);
    if (rc < 0) {
        free(kept);
        return rc;
    }
    /* A later rescue takes the newest backup: it must not bring back what was reset. */
    backup_daily(s, true, NULL);
    *backup = kept;
    return 0;
}
