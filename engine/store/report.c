/* What is known of each lab. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/store_internal.h"

static struct store_lab *lab_of(struct store_labs *labs, const char *name)
{
    for (size_t i = 0; i < labs->lab_count; i++)
        if (strcmp(labs->lab[i].lab, name) == 0)
            return &labs->lab[i];
    struct store_lab *lab = PUSH(labs->lab);
    *lab = (struct store_lab){
        .lab = xstrdup(name), .left_screen = xstrdup(""), .last_verdict = xstrdup("")};
    return lab;
}

static int64_t number(sqlite3_stmt *row, int column)
{
    return sqlite3_column_int64(row, column);
}

static char *text(sqlite3_stmt *row, int column)
{
    const char *value = (const char *)sqlite3_column_text(row, column);
    return xstrdup(value ? value : "");
}

static void take_lesson(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->first_seen_ms = number(row, 1);
    lab->last_seen_ms = number(row, 2);
}

static void take_place(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->left_ms = number(row, 1);
    free(lab->left_screen);
    lab->left_screen = text(row, 2);
    lab->left_moment = (uint32_t)number(row, 3);
}

static void take_predictions(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->predictions = (unsigned)number(row, 1);
    lab->predictions_right = (unsigned)number(row, 2);
}

static void take_attempts(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->attempts = (unsigned)number(row, 1);
    lab->passes = (unsigned)number(row, 2);
    lab->first_pass_ms = number(row, 3);
    lab->last_attempt_ms = number(row, 4);
    free(lab->last_verdict);
    lab->last_verdict = text(row, 5);
}

static void take_hints(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->hints = (unsigned)number(row, 1);
}

static void take_solution(struct store_lab *lab, sqlite3_stmt *row)
{
    lab->solution_ms = number(row, 1);
    lab->is_solution_earned = number(row, 2) != 0;
}

/* Bare columns beside min() and max() are those of the row that has it (sqlite.org/lang_select.html
 * section 2.5). Hints are counted once however often they were opened. */
static const struct {
    const char *sql;
    void (*take)(struct store_lab *lab, sqlite3_stmt *row);
} queries[] = {
    {"SELECT lab, first_at, last_at FROM lesson", take_lesson},
    {"SELECT lab, at, screen, moment FROM place", take_place},
    {"SELECT lab, count(*), sum(is_right) FROM prediction GROUP BY lab", take_predictions},
    {"SELECT exercise, count(*), sum(verdict = 'pass'),"
     " min(iif(verdict = 'pass', at, NULL)),"
     " (SELECT max(at) FROM attempt b WHERE b.exercise = a.exercise),"
     " (SELECT verdict FROM attempt b WHERE b.exercise = a.exercise ORDER BY at DESC, id DESC)"
     " FROM attempt a GROUP BY exercise",
     take_attempts},
    {"SELECT exercise, count(DISTINCT check_id || ' ' || number) FROM hint GROUP BY exercise",
     take_hints},
    {"SELECT exercise, min(at), is_earned FROM solution GROUP BY exercise", take_solution},
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct store_lab *)a)->lab, ((const struct store_lab *)b)->lab);
}

static int run_query(struct store *s, struct store_labs *out, size_t i)
{
    sqlite3_stmt *row = sql_prepare(s->db, queries[i].sql, "");
    if (!row)
        return SQLITE_ERROR;
    int rc;
    while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(row, 0);
        queries[i].take(lab_of(out, name ? name : ""), row);
    }
    sqlite3_finalize(row);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_labs(struct store *s, struct store_labs *out, struct err *e)
{
    *out = (struct store_labs){0};
    /* One view of all tables, whoever writes meanwhile. */
    int rc = sql_run(s->db, "BEGIN");
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof queries / sizeof *queries; i++)
        rc = run_query(s, out, i);
    int result = rc == SQLITE_OK ? 0 : sql_err(s->db, "read", e);
    if (!sqlite3_get_autocommit(s->db))
        sql_run(s->db, "COMMIT");
    if (out->lab_count)
        qsort(out->lab, out->lab_count, sizeof *out->lab, by_name);
    return result;
}

void store_labs_fini(struct store_labs *labs)
{
    for (size_t i = 0; i < labs->lab_count; i++) {
        free(labs->lab[i].lab);
        free(labs->lab[i].left_screen);
        free(labs->lab[i].last_verdict);
    }
    free(labs->lab);
    *labs = (struct store_labs){0};
}

int64_t store_version(struct store *s)
{
    return sql_number(s->db, "PRAGMA data_version", 0);
}

char *store_get(struct store *s, const char *key)
{
    char *value = NULL;
    sqlite3_stmt *row = sql_prepare(s->db, "SELECT value FROM setting WHERE key = ?", "s", key);
    if (row && sqlite3_step(row) == SQLITE_ROW)
        value = text(row, 0);
    sqlite3_finalize(row);
    return value;
}

int store_source(struct store *s, const char *hash, struct buf *out, struct err *e)
{
    sqlite3_stmt *row = sql_prepare(s->db, "SELECT text FROM source WHERE hash = ?", "s", hash);
    int rc = row ? sqlite3_step(row) : SQLITE_ERROR;
    if (rc == SQLITE_ROW)
        buf_put(out, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    int result = rc == SQLITE_ROW    ? 0
                 : rc == SQLITE_DONE ? err_set(e, ENOENT, "find source %s: it is not kept", hash)
                                     : sql_err(s->db, "read", e);
    sqlite3_finalize(row);
    return result;
}
