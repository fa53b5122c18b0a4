/* Everything as JSON: one list for each table, one object for each record (docs/progress.md). */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "store/store_internal.h"

static bool is_utf8_text(const char *bytes, size_t size)
{
    if (memchr(bytes, '\0', size))
        return false;
    for (size_t n, i = 0; i < size; i += n) {
        uint32_t code;
        n = text_decode(bytes + i, size - i, &code);
        /* U+FFFD is what stands for bytes that are none; where it is meant it has three bytes. */
        if (n == 0 || (code == 0xfffd && n == 1))
            return false;
    }
    return true;
}

/* A source: "text" as it is, or "hex" where it is no UTF-8. */
static void put_source(cJSON *record, const void *bytes, size_t size)
{
    struct buf out = {0};
    bool is_text = is_utf8_text(size ? bytes : "", size);
    buf_puts(&out, "");
    if (is_text)
        buf_put(&out, size ? bytes : "", size);
    for (size_t i = 0; !is_text && i < size; i++)
        buf_printf(&out, "%02x", ((const unsigned char *)bytes)[i]);
    cJSON_AddStringToObject(record, is_text ? "text" : "hex", out.data);
    buf_fini(&out);
}

static cJSON *words(const char *text)
{
    cJSON *list = cJSON_CreateArray();
    char *copy = xstrdup(text), *rest = copy;
    for (char *word; (word = strsep(&rest, " "));)
        if (word[0])
            cJSON_AddItemToArray(list, cJSON_CreateString(word));
    free(copy);
    return list;
}

static void put_value(cJSON *record, const struct column *column, sqlite3_stmt *row, int i)
{
    char stamp[32];
    const char *text = NULL;
    if (sqlite3_column_type(row, i) == SQLITE_NULL)
        return;
    switch (column->kind) {
    case COLUMN_TIME:
        time_format(sqlite3_column_int64(row, i), stamp);
        cJSON_AddStringToObject(record, column->name, stamp);
        break;
    case COLUMN_NUMBER:
    case COLUMN_REAL:
        cJSON_AddNumberToObject(record, column->name, sqlite3_column_double(row, i));
        break;
    case COLUMN_BOOL:
        cJSON_AddBoolToObject(record, column->name, sqlite3_column_int(row, i) != 0);
        break;
    case COLUMN_SOURCE:
        put_source(record, sqlite3_column_blob(row, i), (size_t)sqlite3_column_bytes(row, i));
        break;
    default:
        text = (const char *)sqlite3_column_text(row, i);
        cJSON_AddItemToObject(record, column->name,
                              column->kind == COLUMN_WORDS ? words(text ? text : "")
                                                           : cJSON_CreateString(text ? text : ""));
    }
}

static int put_table(sqlite3 *db, const struct table *table, cJSON *list)
{
    char *select = schema_select(table, "ASC");
    sqlite3_stmt *row = sql_prepare(db, select, "");
    int rc = SQLITE_ERROR;
    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        cJSON *record = cJSON_CreateObject();
        for (size_t i = 0; i < schema_column_count(table); i++)
            put_value(record, &table->columns[i], row, (int)i);
        cJSON_AddItemToArray(list, record);
    }
    sqlite3_finalize(row);
    free(select);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_export(struct store *s, struct buf *out, struct err *e)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "what", "ipclab progress");
    cJSON_AddNumberToObject(root, "format", EXPORT_FORMAT);
    int rc = sql_run(s->db, "BEGIN");
    for (size_t i = 0; rc == SQLITE_OK && i < schema_table_count; i++)
        rc = put_table(s->db, &schema_tables[i],
                       cJSON_AddArrayToObject(root, schema_tables[i].name));
    int result = rc == SQLITE_OK ? 0 : sql_err(s->db, "read", e);
    if (!sqlite3_get_autocommit(s->db))
        sql_run(s->db, "COMMIT");
    char *text = result == 0 ? cJSON_Print(root) : NULL;
    if (result == 0 && !text)
        result = err_set(e, ENOMEM, "export progress: out of memory");
    if (text) {
        buf_puts(out, text);
        buf_putc(out, '\n');
    }
    cJSON_free(text);
    cJSON_Delete(root);
    return result;
}
