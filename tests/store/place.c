#include "place.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "check.h"

char check_case[200] = "";

void place_make(struct place *p)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(p->folder, sizeof p->folder, "%.40s/ipclab-store-XXXXXX", tmp ? tmp : "/tmp");
    CHECK(mkdtemp(p->folder) != NULL);
    snprintf(p->store, sizeof p->store, "%s/ipclab", p->folder);
    snprintf(p->db, sizeof p->db, "%s/progress.db", p->store);
    snprintf(p->backups, sizeof p->backups, "%s/backups", p->store);
}

static void empty_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(path) < 0) {
            empty_folder(path);
            rmdir(path);
        }
        free(path);
    }
    if (dir)
        closedir(dir);
}

void place_empty(const struct place *p)
{
    empty_folder(p->store);
    rmdir(p->store);
}

void place_remove(struct place *p)
{
    empty_folder(p->folder);
    CHECK(rmdir(p->folder) == 0);
}

static void copy_folder(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    if (!dir)
        return;
    CHECK(mkdir(to, 0700) == 0);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *a = xasprintf("%s/%s", from, entry->d_name);
        char *b = xasprintf("%s/%s", to, entry->d_name);
        struct buf bytes = {0};
        if (entry->d_type == DT_REG) {
            place_read(&bytes, a);
            place_write(b, bytes.data, bytes.len);
        } else if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            copy_folder(a, b);
        }
        buf_fini(&bytes);
        free(a);
        free(b);
    }
    closedir(dir);
}

void place_copy(const struct place *from, const struct place *to)
{
    copy_folder(from->store, to->store);
}

struct store *place_open(const struct place *p, enum store_journal journal, bool is_quiet)
{
    struct store_options options = {.folder = p->store, .journal = journal};
    struct store *s = NULL;
    struct err e = {0};
    if (store_open(&s, &options, &e) < 0)
        check_fail(__FILE__, __LINE__, e.text);
    if (is_quiet && store_notice(s))
        check_fail(__FILE__, __LINE__, store_notice(s));
    return s;
}

static int is_name(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

char *place_list(const char *folder)
{
    struct dirent **entries;
    struct buf out = {0};
    int n = scandir(folder, &entries, is_name, alphasort);
    buf_puts(&out, "");
    for (int i = 0; i < n; i++) {
        buf_printf(&out, "%s%s", i ? " " : "", entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return buf_take(&out);
}

char *place_find(const char *folder, const char *part)
{
    char *list = place_list(folder), *rest = list, *found = NULL;
    for (char *name; !found && (name = strsep(&rest, " "));)
        if (strstr(name, part))
            found = xstrdup(name);
    free(list);
    return found;
}

static sqlite3 *open_db(const char *path)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    return db;
}

void place_check_whole(const char *path)
{
    sqlite3 *db = open_db(path);
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &row, NULL) != SQLITE_OK)
        check_fail(__FILE__, __LINE__, path);
    if (sqlite3_step(row) != SQLITE_ROW)
        check_fail(__FILE__, __LINE__, path);
    const char *said = (const char *)sqlite3_column_text(row, 0);
    if (strcmp(said, "ok") != 0)
        check_fail(__FILE__, __LINE__, said);
    sqlite3_finalize(row);
    CHECK(sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &row, NULL) == SQLITE_OK);
    if (sqlite3_step(row) != SQLITE_ROW || sqlite3_column_int(row, 0) == 0)
        check_fail(__FILE__, __LINE__, path); /* an empty file is whole, too */
    sqlite3_finalize(row);
    sqlite3_close(db);
}

void place_check_clean(const struct place *p, bool may_have_damaged)
{
    char *list = place_list(p->store), *rest = list;
    for (char *name; (name = strsep(&rest, " "));) {
        bool is_ours = strcmp(name, "progress.db") == 0 || strcmp(name, "progress.lock") == 0 ||
                       strcmp(name, "backups") == 0;
        bool is_damaged = strncmp(name, "progress.db.damaged-2", 21) == 0;
        if (name[0] && !is_ours && !(may_have_damaged && is_damaged))
            check_fail(__FILE__, __LINE__, name);
    }
    free(list);
    list = rest = place_list(p->backups);
    for (char *name; (name = strsep(&rest, " "));) {
        char *path = xasprintf("%s/%s", p->backups, name);
        if (name[0] && strcmp(name + strlen(name) - 3, ".db") != 0)
            check_fail(__FILE__, __LINE__, name);
        if (name[0])
            place_check_whole(path);
        free(path);
    }
    free(list);
}

long long place_number(const char *path, const char *sql)
{
    sqlite3 *db = open_db(path);
    sqlite3_stmt *row = NULL;
    CHECK(sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(row) == SQLITE_ROW);
    long long number = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}

void place_sql(const char *path, const char *sql)
{
    sqlite3 *db = open_db(path);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        check_fail(__FILE__, __LINE__, sqlite3_errmsg(db));
    sqlite3_close(db);
}

void place_read(struct buf *out, const char *path)
{
    struct err e = {0};
    if (file_read(out, path, SIZE_MAX, &e) < 0)
        check_fail(__FILE__, __LINE__, e.text);
}

void place_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(size == 0 || fwrite(bytes, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

int place_attempt(struct store *s, const char *exercise, const char *verdict, struct err *e)
{
    static const char *const rules[] = {"never-eof", "own-write-end"};
    char *source = xasprintf("int main(void) { return 0; } /* %s */\n", exercise);
    struct store_attempt attempt = {.exercise = exercise,
                                    .verdict = verdict,
                                    .points = 3,
                                    .points_max = 10,
                                    .seconds = 0.25,
                                    .seed = UINT64_MAX,
                                    .rules = rules,
                                    .rule_count = strcmp(verdict, "pass") == 0 ? 0 : 2,
                                    .source = source,
                                    .source_size = strlen(source)};
    int rc = store_attempted(s, &attempt, e);
    free(source);
    return rc;
}

const struct store_lab *place_lab(struct store *s, struct store_labs *labs, const char *lab)
{
    struct err e = {0};
    if (store_labs(s, labs, &e) < 0)
        check_fail(__FILE__, __LINE__, e.text);
    for (size_t i = 0; i < labs->lab_count; i++)
        if (strcmp(labs->lab[i].lab, lab) == 0)
            return &labs->lab[i];
    return NULL;
}
