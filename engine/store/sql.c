#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "store/store_internal.h"

int sql_busy_ms = 5000;

static int errno_of(sqlite3 *db)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return EBUSY;
    case SQLITE_FULL: return ENOSPC;
    case SQLITE_READONLY: return EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH: return EACCES;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return EBADMSG;
    default: return EIO;
    }
}

int sql_err(sqlite3 *db, const char *verb, struct err *e)
{
    const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
    return err_set(e, db ? errno_of(db) : ENOMEM, "%s %s: %s", verb, path ? path : "progress.db",
                   db ? sqlite3_errmsg(db) : "out of memory");
}

bool sql_is_damage(int sqlite_code)
{
    int code = sqlite_code & 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

int sql_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int64_t sql_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = otherwise;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    va_list ap;
    va_start(ap, types);
    for (int i = 0; types[i]; i++)
        switch (types[i]) {
        case 's':
            sqlite3_bind_text(statement, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'i': sqlite3_bind_int64(statement, i + 1, va_arg(ap, int64_t)); break;
        case 'r': sqlite3_bind_double(statement, i + 1, va_arg(ap, double)); break;
        default: break;
        }
    va_end(ap);
    return statement;
}

int sql_finish(sqlite3_stmt *take_statement)
{
    int rc;
    if (!take_statement)
        return SQLITE_ERROR;
    while ((rc = sqlite3_step(take_statement)) == SQLITE_ROW)
        ;
    sqlite3_finalize(take_statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sql_open(sqlite3 **out, const char *path, int flags)
{
    int rc = sqlite3_open_v2(path, out, flags, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_extended_result_codes(*out, 1);
    sqlite3_busy_timeout(*out, sql_busy_ms);
    /* The file may come from anywhere: what its schema says is not to call functions. */
    sqlite3_db_config(*out, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*out, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return SQLITE_OK;
}
