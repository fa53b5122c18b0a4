/* Merging an export, or a backup, into what is here. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

/* Where in the file we are, for the one line about what is wrong there. */
struct import {
    const char *name;
    const struct table *table;
    size_t index;
    struct err *e;
};

static int refuse(const struct import *im, const char *field, const char *what)
{
    return err_set(im->e, EBADMSG, "import %s: %s[%zu].%s %s; nothing was imported", im->name,
                   im->table->name, im->index, field, what);
}

/* ---- values ---- */

static int bind_words(const struct import *im, const struct column *column, const cJSON *list,
                      sqlite3_stmt *insert, int at)
{
    struct buf text = {0};
    const cJSON *word;
    bool is_fine = cJSON_IsArray(list);
    buf_puts(&text, "");
    cJSON_ArrayForEach(word, list)
    {
        const char *value = cJSON_GetStringValue(word);
        is_fine = is_fine && value && value[0] && !strchr(value, ' ') &&
                  schema_is_sane_text(column, value, strlen(value));
        if (is_fine)
            buf_printf(&text, "%s%s", text.len ? " " : "", value);
    }
    sqlite3_bind_text(insert, at, text.data, -1, SQLITE_TRANSIENT);
    buf_fini(&text);
    return is_fine ? 0 : refuse(im, column->name, "is no list of words without spaces");
}

static bool from_hex(struct buf *out, const char *hex)
{
    for (unsigned byte; hex[0] && hex[1]; hex += 2) {
        if (strspn(hex, "0123456789abcdef") < 2 || sscanf(hex, "%2x", &byte) != 1)
            return false;
        buf_putc(out, (char)byte);
    }
    return hex[0] == '\0';
}

static int bind_source(const struct import *im, const cJSON *record, sqlite3_stmt *insert, int at)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "text"));
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "hex"));
    const char *named = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "hash"));
    char hash[SHA256_HEX + 1];
    struct buf bytes = {0};
    if (text)
        buf_puts(&bytes, text);
    if (!text && (!hex || !from_hex(&bytes, hex))) {
        buf_fini(&bytes);
        return refuse(im, "text", "is missing, and no \"hex\" is there");
    }
    sha256_hex(hash, bytes.data ? bytes.data : "", bytes.len);
    sqlite3_bind_blob64(insert, at, bytes.data ? bytes.data : "", bytes.len, SQLITE_TRANSIENT);
    buf_fini(&bytes);
    return named && strcmp(named, hash) == 0
               ? 0
               : refuse(im, "hash", "is not the SHA-256 of the text: the file was changed");
}

static int bind_number(const struct import *im, const struct column *column, const cJSON *value,
                       sqlite3_stmt *insert, int at)
{
    double number = cJSON_GetNumberValue(value);
    if (!cJSON_IsNumber(value) || !isfinite(number) || number < 0 || number > 1e15)
        return refuse(im, column->name, "is no number from 0 to 10^15");
    if (column->kind == COLUMN_REAL)
        sqlite3_bind_double(insert, at, number);
    else if (number != floor(number))
        return refuse(im, column->name, "is no whole number");
    else
        sqlite3_bind_int64(insert, at, (int64_t)number);
    return 0;
}

static int bind_text(const struct import *im, const struct column *column, const cJSON *value,
                     sqlite3_stmt *insert, int at)
{
    const char *text = cJSON_GetStringValue(value);
    int64_t ms;
    if (!text)
        return refuse(im, column->name, "is no text");
    if (column->kind != COLUMN_TIME) {
        sqlite3_bind_text(insert, at, text, -1, SQLITE_TRANSIENT);
        return schema_is_sane_text(column, text, strlen(text))
                   ? 0
                   : refuse(im, column->name, "cannot be such a text");
    }
    if (!time_parse(text, &ms))
        return refuse(im, column->name, "is no time like 2026-11-25T02:33:22.123Z");
    sqlite3_bind_int64(insert, at, ms);
    return 0;
}

static int bind_value(const struct import *im, const struct column *column, const cJSON *record,
                      sqlite3_stmt *insert, int at)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(record, column->name);
    if (column->kind == COLUMN_SOURCE)
        return bind_source(im, record, insert, at);
    if (!value || cJSON_IsNull(value)) {
        sqlite3_bind_null(insert, at);
        return column->may_be_null ? 0 : refuse(im, column->name, "is missing");
    }
    switch (column->kind) {
    case COLUMN_WORDS: return bind_words(im, column, value, insert, at);
    case COLUMN_NUMBER:
    case COLUMN_REAL: return bind_number(im, column, value, insert, at);
    case COLUMN_BOOL:
        sqlite3_bind_int(insert, at, cJSON_IsTrue(value));
        return cJSON_IsBool(value) ? 0 : refuse(im, column->name, "is neither true nor false");
    default: return bind_text(im, column, value, insert, at);
    }
}

/* ---- records ---- */

static int take_record(const struct import *im, sqlite3 *db, const cJSON *record,
                       sqlite3_stmt *insert, struct store_merge *sum)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < schema_column_count(im->table); i++) {
        const struct column *column = &im->table->columns[i];
        rc = bind_value(im, column, record, insert, (int)i + 1);
    }
    if (rc == 0 && sqlite3_step(insert) != SQLITE_DONE)
        rc = sql_err(db, "import into", im->e);
    if (rc == 0)
        *(sqlite3_changes(db) ? &sum->added : &sum->known) += 1;
    sqlite3_reset(insert);
    return rc;
}

static int take_table(struct import *im, sqlite3 *db, const cJSON *list, struct store_merge *sum)
{
    char *sql = schema_insert(im->table);
    sqlite3_stmt *insert = sql_prepare(db, sql, "");
    int rc = insert ? 0 : sql_err(db, "import into", im->e);
    const cJSON *record;
    im->index = 0;
    cJSON_ArrayForEach(record, list)
    {
        if (rc == 0)
            rc = take_record(im, db, record, insert, sum);
        im->index++;
    }
    sqlite3_finalize(insert);
    free(sql);
    return rc;
}

static int take_json(struct import *im, sqlite3 *db, const cJSON *root, struct store_merge *sum)
{
    const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "what"));
    double format = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root, "format"));
    int rc = 0;
    if (!what || strcmp(what, "ipclab progress") != 0 || !(format >= 1))
        return err_set(im->e, EBADMSG,
                       "import %s: it is no progress; `ipclab export FILE` writes such files",
                       im->name);
    if (format > EXPORT_FORMAT)
        return err_set(im->e, EBADMSG,
                       "import %s: a newer ipclab wrote it (format %.0f); update "
                       "ipclab",
                       im->name, format);
    for (size_t i = 0; rc == 0 && i < schema_table_count; i++) {
        im->table = &schema_tables[i];
        rc = take_table(im, db, cJSON_GetObjectItemCaseSensitive(root, im->table->name), sum);
    }
    return rc;
}

/* ---- a backup: the bytes of a database ---- */

static int take_database(struct import *im, sqlite3 *db, const void *bytes, size_t size,
                         struct store_merge *sum)
{
    sqlite3 *from = NULL;
    unsigned char *copy = sqlite3_malloc64(size);
    if (!copy)
        die("out of memory (%zu bytes)", size);
    memcpy(copy, bytes, size);
    copy[18] = copy[19] = 1; /* "not WAL": memory has none (sqlite.org/fileformat.html 1.3.3) */
    int rc = sql_open(&from, ":memory:", SQLITE_OPEN_READWRITE);
    if (rc == SQLITE_OK)
        rc = sqlite3_deserialize(from, "main", copy, (sqlite3_int64)size, (sqlite3_int64)size,
                                 SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
    if (rc == SQLITE_OK && sql_number(from, "PRAGMA application_id", 0) != SCHEMA_APPLICATION)
        rc = SQLITE_NOTADB;
    if (rc == SQLITE_OK)
        rc = rescue_merge(db, from, sum);
    int result = rc == SQLITE_OK ? 0
                                 : err_set(im->e, EBADMSG,
                                           "import %s: it is damaged, or no progress database (%s)",
                                           im->name, sqlite3_errstr(rc));
    sqlite3_close(from);
    return result;
}

static bool is_database(const void *bytes, size_t size)
{
    static const char magic[] = "SQLite format 3";
    return size >= 512 && memcmp(bytes, magic, sizeof magic) == 0;
}

int store_import(struct store *s, const char *name, const void *bytes, size_t size,
                 struct store_merge *out, struct err *e)
{
    struct err mine = {0};
    struct import im = {.name = name, .e = e ? e : &mine};
    struct store_merge sum = {0};
    bool is_db = is_database(bytes, size);
    cJSON *root = is_db ? NULL : cJSON_ParseWithLength(bytes, size);
    if (!is_db && !root)
        return err_set(e, EBADMSG, "import %s: it is neither JSON nor a backup of progress", name);
    int rc = store_begin(s, im.e);
    if (rc == 0) {
        rc = is_db ? take_database(&im, s->db, bytes, size, &sum)
                   : take_json(&im, s->db, root, &sum);
        if (rc == 0)
            rc = store_end(s, SQLITE_OK, im.e);
        else
            sql_run(s->db, "ROLLBACK");
    }
    cJSON_Delete(root);
    if (rc == 0)
        *out = sum;
    return rc;
}
