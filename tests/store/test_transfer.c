/* Export, import, settings, and the hash that names sources. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "base/xalloc.h"
#include "place.h"
#include "store/settings.h"

static struct place one, two;

static int set_up(void **state)
{
    (void)state;
    place_make(&one);
    place_make(&two);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&one);
    place_remove(&two);
    return 0;
}

static void fill(struct store *s, const char *lab)
{
    struct err e = {0};
    assert_int_equal(store_saw(s, lab, &e), 0);
    assert_int_equal(store_left(s, lab, "lesson", 3, &e), 0);
    assert_int_equal(store_predicted(s, lab, "a", "b", &e), 0);
    assert_int_equal(place_attempt(s, lab, "fail", &e), 0);
    assert_int_equal(place_attempt(s, lab, "pass", &e), 0);
    assert_int_equal(store_hinted(s, lab, "eof", 1, &e), 0);
    assert_int_equal(store_looked(s, lab, true, &e), 0);
    assert_int_equal(store_set(s, lab, "a \"value\"\\", &e), 0);
}

static int import(struct store *s, const char *text, struct store_merge *sum, struct err *e)
{
    return store_import(s, "file", text, strlen(text), sum, e);
}

static char *export(struct store *s)
{
    struct buf text = {0};
    struct err e = {0};
    assert_int_equal(store_export(s, &text, &e), 0);
    return buf_take(&text);
}

static void two_machines_become_one(void **state)
{
    (void)state;
    struct store_merge sum;
    struct err e = {0};
    struct store *a = place_open(&one, STORE_JOURNAL_AUTO, true);
    struct store *b = place_open(&two, STORE_JOURNAL_AUTO, true);
    fill(a, "p/a");
    fill(a, "p/both");
    fill(b, "p/both");
    fill(b, "p/b");
    char *from_a = export(a), *from_b = export(b);
    assert_int_equal(import(a, from_b, &sum, &e), 0);
    /* Of p/both: the place and the setting are newer there, the lesson's last time may be; its
     * source is the same. */
    assert_in_range(sum.added, 9 + 7, 9 + 8);
    assert_int_equal(sum.added + sum.known, 18);
    assert_int_equal(import(a, from_b, &sum, &e), 0);
    assert_int_equal(sum.added, 0);
    assert_int_equal(import(b, from_a, &sum, &e), 0);
    struct store_labs here, there;
    assert_int_equal(store_labs(a, &here, &e), 0);
    assert_int_equal(store_labs(b, &there, &e), 0);
    assert_int_equal(here.lab_count, 3);
    assert_int_equal(there.lab_count, 3);
    for (size_t i = 0; i < 3; i++) {
        bool is_both = strcmp(here.lab[i].lab, "p/both") == 0;
        assert_string_equal(here.lab[i].lab, there.lab[i].lab);
        assert_int_equal(here.lab[i].attempts, is_both ? 4 : 2);
        assert_int_equal(there.lab[i].attempts, here.lab[i].attempts);
        assert_int_equal(there.lab[i].first_seen_ms, here.lab[i].first_seen_ms);
        assert_int_equal(there.lab[i].left_ms, here.lab[i].left_ms);
    }
    store_labs_fini(&here);
    store_labs_fini(&there);
    free(from_a);
    free(from_b);
    store_close(a);
    store_close(b);
}

/* Empty store, import, export: the same text. */
static void an_export_survives_the_journey(void **state)
{
    (void)state;
    static const char odd[] = "int x;\0\xff\xfe \n";
    struct store_attempt attempt = {
        .exercise = "p/odd", .verdict = "crash", .source = odd, .source_size = sizeof odd - 1};
    struct store_merge sum;
    struct err e = {0};
    struct store *a = place_open(&one, STORE_JOURNAL_AUTO, true);
    struct store *b = place_open(&two, STORE_JOURNAL_AUTO, true);
    fill(a, "p/a");
    assert_int_equal(store_attempted(a, &attempt, &e), 0);
    char *first = export(a);
    assert_non_null(strstr(first, "\"hex\""));
    assert_int_equal(import(b, first, &sum, &e), 0);
    assert_int_equal(sum.known, 0);
    char *second = export(b);
    assert_string_equal(first, second);
    free(first);
    free(second);
    store_close(a);
    store_close(b);
}

#define UID "\"uid\":\"0123456789abcdef0123456789abcdef\""
#define AT "\"at\":\"2026-11-25T02:33:22.123Z\""
#define HEAD "{\"what\":\"ipclab progress\",\"format\":1,"

static void a_wrong_file_is_refused_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "neither JSON nor a backup"},
        {"hello", "neither JSON nor a backup"},
        {"[1]", "no progress"},
        {"{\"format\":1}", "no progress"},
        {"{\"what\":\"ipclab progress\",\"format\":2}", "newer ipclab"},
        {HEAD "\"hint\":[{" UID "," AT ",\"exercise\":\"x/y\",\"check_id\":\"c\"}]}",
         "hint[0].number is missing"},
        {HEAD "\"hint\":[{" UID "," AT ",\"exercise\":\"x/y\",\"check_id\":\"c\",\"number\":1.5}]}",
         "hint[0].number is no whole number"},
        {HEAD "\"hint\":[{" UID "," AT ",\"exercise\":3,\"check_id\":\"c\",\"number\":1}]}",
         "hint[0].exercise is no text"},
        {HEAD "\"hint\":[{" UID ",\"at\":\"soon\",\"exercise\":\"x\",\"check_id\":\"c\","
              "\"number\":1}]}",
         "hint[0].at is no time"},
        {HEAD "\"hint\":[{\"uid\":\"7\"," AT ",\"exercise\":\"x\",\"check_id\":\"c\","
              "\"number\":1}]}",
         "hint[0].uid cannot be"},
        {HEAD "\"solution\":[{" UID "," AT ",\"exercise\":\"x\",\"is_earned\":1}]}",
         "solution[0].is_earned is neither"},
        {HEAD "\"lesson\":[{\"lab\":\"a\\u001b[2J\",\"first_at\":\"2026-11-25T02:33:22Z\","
              "\"last_at\":\"2026-11-25T02:33:22Z\"}]}",
         "lesson[0].lab cannot be"},
        {HEAD "\"setting\":[{\"key\":\"store.resetting\",\"value\":\"\"," AT "}]}",
         "setting[0].key cannot be"},
        {HEAD "\"attempt\":[{" UID "," AT ",\"exercise\":\"x\",\"verdict\":\"pass\",\"rules\":"
              "[\"two words\"]}]}",
         "attempt[0].rules is no list"},
        {HEAD "\"source\":[{\"hash\":"
              "\"0000000000000000000000000000000000000000000000000000000000000000\","
              "\"text\":\"x\"}]}",
         "source[0].hash is not the SHA-256"},
        {HEAD "\"lesson\":[{\"lab\":\"fine\",\"first_at\":\"2026-11-25T02:33:22Z\","
              "\"last_at\":\"2026-11-25T02:33:22Z\"}],\"hint\":[{}]}",
         "hint[0].uid is missing"},
    };
    struct store *s = place_open(&one, STORE_JOURNAL_AUTO, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_merge sum;
        struct err e = {0};
        assert_int_equal(import(s, rows[i].text, &sum, &e), -EBADMSG);
        if (!strstr(e.text, rows[i].says))
            fail_msg("row %zu says: %s", i, e.text);
        struct store_labs labs;
        place_lab(s, &labs, "");
        assert_int_equal(labs.lab_count, 0);
        store_labs_fini(&labs);
    }
    store_close(s);
}

static void a_damaged_backup_is_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct store_merge sum;
    struct err e = {0};
    struct store *s = place_open(&one, STORE_JOURNAL_AUTO, true);
    fill(s, "p/a");
    store_close(s);
    place_read(&bytes, one.db);
    memset(bytes.data + 100, 0xff, 8192);
    s = place_open(&two, STORE_JOURNAL_AUTO, true);
    assert_int_equal(store_import(s, "file", bytes.data, bytes.len, &sum, &e), -EBADMSG);
    assert_non_null(strstr(e.text, "damaged"));
    store_close(s);
    buf_fini(&bytes);
}

static void settings_are_read_line_by_line(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n\n  skin =  ascii  \n editor=emacs -nw\n"
                               "colour = red\nskin = purple\nnonsense\n\x1b[2J = 1\n";
    static const char *const says[] = {
        ":5: no setting is called \"colour\"; there are: skin, editor",
        ":6: skin cannot be \"purple\"; it is one of: auto ascii",
        ":7: a line is `key = value`",
        ":8: no setting is called \"\\e[2J\"",
    };
    struct settings s;
    char *path = xasprintf("%s/settings", one.folder);
    place_write(path, text, sizeof text - 1);
    settings_read(&s, path);
    assert_string_equal(s.value[SETTING_SKIN], "ascii");
    assert_string_equal(s.value[SETTING_EDITOR], "emacs -nw");
    assert_int_equal(s.trouble_count, 4);
    for (size_t i = 0; i < 4; i++)
        if (!strstr(s.trouble[i], says[i]))
            fail_msg("%s", s.trouble[i]);
    settings_fini(&s);
    settings_read(&s, "/no/such/file");
    assert_string_equal(s.value[SETTING_SKIN], "auto");
    assert_int_equal(s.trouble_count, 0);
    settings_fini(&s);
    settings_read(&s, one.folder);
    assert_int_equal(s.trouble_count, 1);
    settings_fini(&s);
    free(path);
}

/* FIPS 180-4 examples, and lengths on both sides of a block's end. */
static void sha256_is_sha256(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        const char *unit, *hash;
    } rows[] = {
        {0, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {1, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {1000000, "a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {55, "a", "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "a", "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {64, "a", "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = {0};
        char hash[SHA256_HEX + 1];
        for (size_t j = 0; j < rows[i].count; j++)
            buf_puts(&text, rows[i].unit);
        sha256_hex(hash, text.data ? text.data : "", text.len);
        assert_string_equal(hash, rows[i].hash);
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_machines_become_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_survives_the_journey, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_file_is_refused_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_backup_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_are_read_line_by_line, set_up, tear_down),
        cmocka_unit_test(sha256_is_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
