/* The store, one promise at a time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "base/xalloc.h"
#include "place.h"
#include "store/store_internal.h"

static struct place place;

static int set_up(void **state)
{
    (void)state;
    place_make(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static struct store *reopen(struct store *s)
{
    store_close(s);
    return place_open(&place, STORE_JOURNAL_AUTO, false);
}

/* ---- what is recorded is there ---- */

static void everything_is_kept(void **state)
{
    (void)state;
    struct err e = {0};
    struct store_labs labs;
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(store_saw(s, "2-pipes/pipe-eof", &e), 0);
    assert_int_equal(store_left(s, "2-pipes/pipe-eof", "stage", 17, &e), 0);
    assert_int_equal(store_predicted(s, "2-pipes/pipe-eof", "a", "b", &e), 0);
    assert_int_equal(store_predicted(s, "2-pipes/pipe-eof", "b", "b", &e), 0);
    assert_int_equal(place_attempt(s, "2-pipes/pipe-eof", "fail", &e), 0);
    assert_int_equal(place_attempt(s, "2-pipes/pipe-eof", "pass", &e), 0);
    assert_int_equal(place_attempt(s, "2-pipes/pipe-eof", "crash", &e), 0);
    for (int i = 0; i < 2; i++) /* opened twice, counted once */
        assert_int_equal(store_hinted(s, "2-pipes/pipe-eof", "eof", 1, &e), 0);
    assert_int_equal(store_looked(s, "2-pipes/pipe-eof", true, &e), 0);
    assert_int_equal(store_looked(s, "1-processes/proc-zombie", false, &e), 0);
    assert_int_equal(store_set(s, "tour", "seen", &e), 0);
    s = reopen(s);
    const struct store_lab *lab = place_lab(s, &labs, "2-pipes/pipe-eof");
    assert_int_equal(labs.lab_count, 2);
    assert_true(lab->first_seen_ms > 0 && lab->last_seen_ms >= lab->first_seen_ms);
    assert_string_equal(lab->left_screen, "stage");
    assert_int_equal(lab->left_moment, 17);
    assert_int_equal(lab->predictions, 2);
    assert_int_equal(lab->predictions_right, 1);
    assert_int_equal(lab->attempts, 3);
    assert_int_equal(lab->passes, 1);
    assert_true(lab->first_pass_ms > 0 && lab->last_attempt_ms >= lab->first_pass_ms);
    assert_string_equal(lab->last_verdict, "crash");
    assert_int_equal(lab->hints, 1);
    assert_true(lab->solution_ms > 0 && lab->is_solution_earned);
    assert_false(labs.lab[0].is_solution_earned);
    store_labs_fini(&labs);
    char *tour = store_get(s, "tour");
    assert_string_equal(tour, "seen");
    assert_null(store_get(s, "no such key"));
    free(tour);
    store_close(s);
    place_check_clean(&place, false);
}

static void a_source_is_kept_once_by_its_hash(void **state)
{
    (void)state;
    static const char source[] = "int main(void) { return 0; } /* x/y */\n";
    char hash[SHA256_HEX + 1];
    struct err e = {0};
    struct buf text = {0};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    sha256_hex(hash, source, strlen(source));
    assert_int_equal(place_attempt(s, "x/y", "fail", &e), 0);
    assert_int_equal(place_attempt(s, "x/y", "fail", &e), 0);
    assert_int_equal(store_source(s, hash, &text, &e), 0);
    assert_string_equal(text.data, source);
    assert_int_equal(store_source(s, "0123", &text, &e), -ENOENT);
    store_close(s);
    assert_int_equal(place_number(place.db, "SELECT count(*) FROM source"), 1);
    char *sql = xasprintf("SELECT count(*) FROM attempt WHERE source = '%s' AND points = 3 AND "
                          "points_max = 10 AND seconds = 0.25 AND seed = '18446744073709551615' "
                          "AND rules = 'never-eof own-write-end'",
                          hash);
    assert_int_equal(place_number(place.db, sql), 2);
    free(sql);
    buf_fini(&text);
}

static void a_huge_source_leaves_its_hash(void **state)
{
    (void)state;
    struct err e = {0};
    char *source = xcalloc(1, STORE_SOURCE_MOST + 1);
    struct store_attempt attempt = {.exercise = "x/y",
                                    .verdict = "fail",
                                    .source = source,
                                    .source_size = STORE_SOURCE_MOST + 1};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(store_attempted(s, &attempt, &e), 0);
    store_close(s);
    assert_int_equal(place_number(place.db, "SELECT count(*) FROM source"), 0);
    assert_int_equal(place_number(place.db, "SELECT length(source) FROM attempt"), SHA256_HEX);
    free(source);
}

/* ---- the log ---- */

static void the_log_is_only_added_to(void **state)
{
    (void)state;
    static const char *const tries[] = {"UPDATE attempt SET verdict = 'pass'",
                                        "DELETE FROM attempt", "DELETE FROM prediction",
                                        "UPDATE hint SET number = 9", "DELETE FROM solution"};
    struct err e = {0};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(place_attempt(s, "x/y", "fail", &e), 0);
    assert_int_equal(store_predicted(s, "x/y", "a", "a", &e), 0);
    assert_int_equal(store_hinted(s, "x/y", "eof", 1, &e), 0);
    assert_int_equal(store_looked(s, "x/y", true, &e), 0);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        assert_int_not_equal(sql_run(s->db, tries[i]), SQLITE_OK);
        assert_non_null(strstr(sqlite3_errmsg(s->db), "is only added to"));
    }
    store_close(s);
}

static void reset_forgets_one_lab_and_keeps_a_backup(void **state)
{
    (void)state;
    struct err e = {0};
    struct store_labs labs;
    struct store_merge sum;
    struct buf bytes = {0};
    char *backup = NULL, *second = NULL;
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
    assert_int_equal(store_saw(s, "x/y", &e), 0);
    assert_int_equal(place_attempt(s, "x/z", "pass", &e), 0);
    assert_int_equal(store_set(s, "tour", "seen", &e), 0);
    backup_daily(s, true, &e);
    assert_int_equal(store_reset(s, "x/y", &backup, &e), 0);
    char *daily = backup_newest(s); /* a rescue would take it: it knows of the reset */
    assert_int_equal(place_number(daily, "SELECT count(*) FROM attempt"), 1);
    free(daily);
    assert_null(place_lab(s, &labs, "x/y"));
    assert_int_equal(labs.lab_count, 1);
    store_labs_fini(&labs);
    assert_int_equal(place_number(place.db, "SELECT count(*) FROM source"), 1);
    assert_int_equal(place_number(place.db, "SELECT count(*) FROM setting"), 1);
    /* The log is closed again, and the backup brings everything back. */
    assert_int_not_equal(sql_run(s->db, "DELETE FROM attempt"), SQLITE_OK);
    place_read(&bytes, backup);
    assert_int_equal(store_import(s, backup, bytes.data, bytes.len, &sum, &e), 0);
    assert_int_equal(sum.added, 3); /* an attempt, its source, the lesson */
    assert_int_equal(sum.known, 3);
    assert_int_equal(place_lab(s, &labs, "x/y")->passes, 1);
    store_labs_fini(&labs);
    assert_int_equal(store_reset(s, NULL, &second, &e), 0);
    assert_string_not_equal(backup, second);
    place_lab(s, &labs, "");
    assert_int_equal(labs.lab_count, 0);
    store_labs_fini(&labs);
    assert_null(store_get(s, "tour"));
    store_close(s);
    free(backup);
    free(second);
    buf_fini(&bytes);
}

/* ---- old, new, other ---- */

static void the_old_file_is_taken_in_once(void **state)
{
    (void)state;
    static const char old[] = "2026-11-22T23:10:00Z read 2-pipes/pipe-eof\n"
                              "2026-11-22T23:10:02Z mistaken 2-pipes/pipe-eof\n"
                              "2026-11-22T23:11:02Z passed 2-pipes/pipe-eof\n"
                              "no line of ours\n2030-01-01T00:00:00Z flew 2-pipes/pipe-eof\n\xff\n";
    char *path = xasprintf("%s/progress", place.folder);
    struct store_options options = {.folder = place.store, .old_file = path};
    struct store_labs labs;
    struct store *s = NULL;
    struct err e = {0};
    place_write(path, old, sizeof old - 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(&s, &options, &e), 0);
        const struct store_lab *lab = place_lab(s, &labs, "2-pipes/pipe-eof");
        assert_true(lab && lab->first_seen_ms == INT64_C(1795389000000));
        assert_int_equal(lab->attempts, 1);
        assert_int_equal(lab->passes, 1);
        assert_int_equal(lab->predictions, 1);
        assert_int_equal(lab->predictions_right, 0);
        store_labs_fini(&labs);
        store_close(s);
    }
    free(path);
}

static struct schema next_schema(void)
{
    static const char *steps[2];
    steps[0] = schema_now.steps[0];
    steps[1] = "ALTER TABLE lesson ADD COLUMN note TEXT";
    return (struct schema){2, steps};
}

static void an_old_form_is_brought_up_after_a_backup(void **state)
{
    (void)state;
    struct schema now = schema_now;
    struct store_labs labs;
    struct err e = {0};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
    store_close(s);
    schema_now = next_schema();
    s = place_open(&place, STORE_JOURNAL_AUTO, true);
    schema_now = now;
    assert_int_equal(place_lab(s, &labs, "x/y")->passes, 1);
    store_labs_fini(&labs);
    store_close(s);
    assert_int_equal(place_number(place.db, "PRAGMA user_version"), 2);
    char *name = place_find(place.backups, "before-form-2");
    assert_non_null(name);
    char *path = xasprintf("%s/%s", place.backups, name);
    assert_int_equal(place_number(path, "PRAGMA user_version"), 1);
    assert_int_equal(place_number(path, "SELECT count(*) FROM attempt"), 1);
    free(path);
    free(name);
}

static void a_newer_form_is_read_and_not_touched(void **state)
{
    (void)state;
    struct buf before = {0}, after = {0};
    struct err e = {0};
    struct store_labs labs;
    char *backup = NULL;
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
    store_close(s);
    place_sql(place.db, "PRAGMA user_version = 7");
    place_read(&before, place.db);
    char *files = place_list(place.store), *backups = place_list(place.backups);
    s = place_open(&place, STORE_JOURNAL_AUTO, false);
    assert_true(store_is_read_only(s));
    assert_non_null(strstr(store_notice(s), "newer ipclab"));
    assert_null(strchr(store_notice(s), '\n'));
    assert_int_equal(place_lab(s, &labs, "x/y")->passes, 1);
    store_labs_fini(&labs);
    assert_int_equal(place_attempt(s, "x/z", "pass", &e), -EROFS);
    assert_int_equal(store_reset(s, NULL, &backup, &e), -EROFS);
    assert_int_not_equal(sql_run(s->db, "DELETE FROM lesson"), SQLITE_OK);
    store_close(s);
    place_read(&after, place.db);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    char *files_after = place_list(place.store), *backups_after = place_list(place.backups);
    assert_string_equal(files, files_after);
    assert_string_equal(backups, backups_after);
    free(files);
    free(backups);
    free(files_after);
    free(backups_after);
    buf_fini(&before);
    buf_fini(&after);
}

/* A newer ipclab brings the file up while this one has it open: it cannot, until this one ends. */
static void a_form_is_not_changed_under_somebody(void **state)
{
    (void)state;
    struct schema now = schema_now;
    struct store_options options = {.folder = place.store};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true), *other = NULL;
    struct err e = {0};
    schema_now = next_schema();
    assert_int_equal(store_open(&other, &options, &e), -EBUSY);
    assert_non_null(strstr(e.text, "older ipclab"));
    schema_now = now;
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
    /* Should it happen all the same, nothing is written. */
    place_sql(place.db, "PRAGMA user_version = 2");
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), -EROFS);
    store_close(s);
    assert_int_equal(place_number(place.db, "SELECT count(*) FROM attempt"), 1);
}

static void a_file_taken_away_is_not_written(void **state)
{
    (void)state;
    struct err e = {0};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
    char *away = xasprintf("%s.away", place.db);
    assert_int_equal(rename(place.db, away), 0);
    assert_int_equal(place_attempt(s, "x/y", "pass", &e), -ESTALE);
    store_close(s);
    s = place_open(&place, STORE_JOURNAL_AUTO, false);
    assert_non_null(strstr(store_notice(s), "ipclab import"));
    store_close(s);
    free(away);
}

static void the_journal_fits_the_file_system(void **state)
{
    (void)state;
    static const struct {
        enum store_journal journal;
        const char *mode;
    } rows[] = {
        {STORE_JOURNAL_WAL, "wal"}, {STORE_JOURNAL_ROLLBACK, "delete"}, {STORE_JOURNAL_WAL, "wal"}};
    struct err e = {0};
    assert_false(files_are_local("/proc"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store *s = place_open(&place, rows[i].journal, true);
        sqlite3_stmt *row = sql_prepare(s->db, "PRAGMA journal_mode", "");
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(row, 0), rows[i].mode);
        sqlite3_finalize(row);
        assert_int_equal(place_attempt(s, "x/y", "pass", &e), 0);
        assert_int_equal(files_exist(place.db, "-wal"), rows[i].journal == STORE_JOURNAL_WAL);
        assert_int_equal(files_exist(place.db, "-shm"), rows[i].journal == STORE_JOURNAL_WAL);
        store_close(s);
        place_check_clean(&place, false);
    }
}

/* ---- damage ---- */

static void write_zeros(struct buf *b)
{
    memset(b->data, 0, b->len);
}

static void write_garbage(struct buf *b)
{
    unsigned x = 1;
    for (size_t i = 0; i < b->len; i++)
        b->data[i] = (char)((x = x * 1664525u + 1013904223u) >> 24);
}

static void truncate_half(struct buf *b)
{
    b->len /= 2;
}

static void truncate_oddly(struct buf *b)
{
    b->len = b->len - 1000;
}

static void truncate_all(struct buf *b)
{
    b->len = 0;
}

static void spoil_schema(struct buf *b)
{
    memset(b->data + 100, 0xff, 200);
}

static void spoil_last(struct buf *b)
{
    memset(b->data + b->len - 4096, 0x5a, 4096);
}

/* In the middle of the attempts: what lies before it and behind it can be read. */
static void spoil_middle(struct buf *b)
{
    size_t pages[64], n = 0;
    for (size_t at = 0; at < b->len; at += 4096)
        if (memmem(b->data + at, 4096, "own-write-end", 13) && n < 64)
            pages[n++] = at;
    assert_true(n >= 3);
    memset(b->data + pages[n / 2], 0x5a, 4096);
}

/* A row that can be read, and cannot have been written. */
static void spoil_text(struct buf *b)
{
    char *row = memmem(b->data, b->len, "x/25fail", 8);
    assert_non_null(row);
    memcpy(row, "\x1b[2J", 4);
}

static void other_database(struct buf *b)
{
    memset(b->data + 68, 0, 4); /* application_id */
}

static const struct damage {
    const char *name;
    void (*spoil)(struct buf *b);
    int least, most; /* attempts, of 50, that are recovered without any backup */
} damages[] = {
    {"zeroed", write_zeros, 0, 0},        {"garbage", write_garbage, 0, 0},
    {"half", truncate_half, 0, 49},       {"1000 bytes short", truncate_oddly, 20, 49},
    {"empty", truncate_all, 0, 0},        {"schema", spoil_schema, 0, 0},
    {"last page", spoil_last, 20, 49},    {"middle page", spoil_middle, 20, 49},
    {"a row's text", spoil_text, 49, 49}, {"another program's", other_database, 50, 50},
};

static void fill_store(void)
{
    struct err e = {0};
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, true);
    assert_int_equal(store_saw(s, "x/y", &e), 0);
    for (int i = 0; i < 50; i++) {
        char *lab = xasprintf("x/%d", i);
        assert_int_equal(place_attempt(s, lab, "fail", &e), 0);
        free(lab);
    }
    store_close(s);
}

static void check_damage(const struct damage *damage, bool has_backup)
{
    struct buf bytes = {0}, kept = {0};
    struct err e = {0};
    fill_store();
    char *today = place_find(place.backups, "progress-");
    char *backup = xasprintf("%s/%s", place.backups, today);
    if (!has_backup)
        assert_int_equal(unlink(backup), 0);
    place_read(&bytes, place.db);
    damage->spoil(&bytes);
    place_write(place.db, bytes.data, bytes.len);
    struct store *s = place_open(&place, STORE_JOURNAL_AUTO, false);
    assert_non_null(store_notice(s));
    char *name = place_find(place.store, ".damaged-");
    assert_non_null(name);
    assert_non_null(strstr(store_notice(s), name));
    assert_true(bytes.len > 0 || strstr(store_notice(s), "it is empty"));
    assert_int_equal(place_attempt(s, "x/after", "pass", &e), 0);
    store_close(s);
    long long n = place_number(place.db, "SELECT count(*) FROM attempt");
    if (has_backup)
        assert_int_equal(n, 51);
    else
        assert_in_range(n, damage->least + 1, damage->most + 1);
    if (damage->spoil == spoil_middle)
        assert_int_equal(place_number(place.db, "SELECT count(*) FROM attempt"
                                                " WHERE exercise IN ('x/0', 'x/49')"),
                         2);
    char *path = xasprintf("%s/%s", place.store, name);
    place_read(&kept, path);
    assert_int_equal(kept.len, bytes.len);
    assert_true(bytes.len == 0 || memcmp(kept.data, bytes.data, bytes.len) == 0);
    place_check_whole(place.db);
    place_check_clean(&place, true);
    s = place_open(&place, STORE_JOURNAL_AUTO, true); /* and that was that */
    store_close(s);
    print_message("%s, %s backup: %lld of 51\n", damage->name, has_backup ? "a" : "no", n);
    place_empty(&place);
    free(name);
    free(path);
    free(backup);
    free(today);
    buf_fini(&bytes);
    buf_fini(&kept);
}

static void a_damaged_file_is_kept_and_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        check_damage(&damages[i], true);
        check_damage(&damages[i], false);
    }
}

static void damage_is_not_mended_under_somebody(void **state)
{
    (void)state;
    struct store_options options = {.folder = place.store};
    struct store *s = place_open(&place, STORE_JOURNAL_ROLLBACK, true), *other = NULL;
    struct err e = {0};
    place_write(place.db, "x", 1);
    assert_int_equal(store_open(&other, &options, &e), -EBADMSG);
    assert_non_null(strstr(e.text, "another ipclab has it open"));
    store_close(s);
    char *name = place_find(place.store, ".damaged-");
    assert_null(name);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    struct store_options options = {.folder = "/dev/null/ipclab"};
    struct store *s = NULL;
    struct err e = {0};
    assert_true(store_open(&s, &options, &e) < 0);
    assert_non_null(strstr(e.text, "/dev/null"));
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_is_kept_once_by_its_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_huge_source_leaves_its_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_is_only_added_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reset_forgets_one_lab_and_keeps_a_backup, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_old_file_is_taken_in_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_form_is_brought_up_after_a_backup, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_newer_form_is_read_and_not_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_form_is_not_changed_under_somebody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_taken_away_is_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_journal_fits_the_file_system, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_kept_and_mended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_not_mended_under_somebody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
