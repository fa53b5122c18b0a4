/* A verdict as JSON and back, and as text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grade/grade.h"

static const char sample[] =
    "{\"format\":1,\"exercise\":\"1-x/y\",\"title\":\"Y\",\"file\":\"y.c\",\"verdict\":\"crash\","
    "\"reason\":\"P.1 wrote to address "
    "8\",\"seed\":\"9223372036854775807\",\"points\":3,\"points_max\":10,"
    "\"seconds\":0.25,\"compile\":{\"ok\":true,\"seconds\":0.125,\"text\":\"y.c:1:1: warning: w\"},"
    "\"checks\":[{\"id\":\"a\",\"title\":\"A\",\"verdict\":\"pass\",\"points\":3,\"earned\":3,"
    "\"why\":\"w\",\"hints\":[]},"
    "{\"id\":\"b\",\"title\":\"B\",\"verdict\":\"fail\",\"points\":7,\"earned\":0,\"why\":\"it "
    "matters\","
    "\"hints\":[\"one\",\"two\"],\"text\":\"P.1 still holds fd "
    "5\",\"run\":\"second\",\"rule\":\"own-write-end\","
    "\"next\":\"look there\",\"proc\":\"P.1\",\"object\":\"pipe "
    "1\",\"file\":\"y.c\",\"line\":41,\"seq\":17,"
    "\"events\":[3,8]},"
    "{\"id\":\"c\",\"title\":\"C\",\"verdict\":\"not "
    "judged\",\"points\":0,\"earned\":0,\"why\":\"w\",\"hints\":[],"
    "\"text\":\"it raised\",\"run\":\"first\"}],"
    "\"runs\":[{\"name\":\"first\",\"args\":[\"n=1\"],\"verdict\":\"pass\",\"how\":\"ended\","
    "\"reason\":\"\",\"exit\":0,"
    "\"signal\":\"\",\"recording\":\"/r/"
    "1\",\"file\":\"\",\"line\":0,\"seq\":0,\"seconds\":0.5,\"stdout\":\"\",\"stderr\":\"\","
    "\"findings\":[]},"
    "{\"name\":\"second\",\"args\":[],\"verdict\":\"crash\",\"how\":\"ended\",\"reason\":\"P.1 "
    "wrote to address 8\","
    "\"exit\":-1,\"signal\":\"SIGSEGV\",\"recording\":\"/r/"
    "2\",\"file\":\"y.c\",\"line\":9,\"seq\":30,\"seconds\":0.5,"
    "\"stdout\":\"\\\"x\\\"\",\"stderr\":\"\",\"findings\":[{\"rule\":\"crash\",\"severity\":"
    "\"problem\",\"text\":\"t\","
    "\"next\":\"n\",\"proc\":\"P.1\",\"object\":\"\",\"seq\":30,\"events\":[12]}]}]}";

static struct verdict *parse(const char *text)
{
    struct verdict *v = NULL;
    struct err e = {0};
    if (verdict_parse(&v, text, &e) < 0)
        fail_msg("%s", e.text);
    return v;
}

static void test_parse(void **state)
{
    (void)state;
    struct verdict *v = parse(sample);
    assert_int_equal(v->kind, VERDICT_CRASH);
    assert_true(v->seed == 9223372036854775807u);
    assert_true(v->is_compiled);
    assert_int_equal(v->compile_ns, 125000000);
    assert_int_equal(v->checks[1].state, CHECK_FAILED);
    assert_int_equal(v->checks[1].run, 1);
    assert_int_equal(v->checks[1].line, 41);
    assert_int_equal(v->checks[1].event_count, 2);
    assert_int_equal(v->checks[1].events[1], 8);
    assert_string_equal(v->checks[1].hints[1], "two");
    assert_int_equal(v->checks[2].state, CHECK_OPEN);
    assert_int_equal(v->runs[1].exit_code, -1);
    assert_string_equal(v->runs[1].findings[0].rule, "crash");
    verdict_free(v);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct buf once = {0}, twice = {0};
    struct verdict *v = parse(sample), *again;
    verdict_json(v, &once);
    again = parse(once.data);
    verdict_json(again, &twice);
    assert_string_equal(once.data, twice.data);
    verdict_free(v);
    verdict_free(again);
    buf_fini(&once);
    buf_fini(&twice);
}

/* What cannot be understood is never a pass. */
static void test_doubtful(void **state)
{
    (void)state;
    static const char *const no_verdicts[] = {
        "", "{", "[]", "{}", "{\"format\":2}", "null", "{\"format\":\"1\",\"verdict\":\"pass\"}"};
    struct verdict *v = NULL;
    for (size_t i = 0; i < sizeof no_verdicts / sizeof *no_verdicts; i++)
        assert_int_equal(verdict_parse(&v, no_verdicts[i], NULL), -EBADMSG);
    v = parse("{\"format\":1,\"verdict\":\"PASS\",\"runs\":7,\"checks\":[5,{}],\"seed\":{}}");
    assert_int_equal(v->kind, VERDICT_NOT_JUDGED);
    assert_int_equal(v->run_count, 0);
    assert_int_equal(v->check_count, 2);
    assert_int_equal(v->checks[0].state, CHECK_OPEN);
    struct buf text = {0};
    verdict_text(v, 9, &text);
    verdict_free(v);
    buf_fini(&text);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const says[] = {
        "1-x/y   y.c   crash   3 of 10 points",
        "the compiler warns:\n    y.c:1:1: warning: w\n",
        "run \"second\": crash: P.1 wrote to address 8\n    at: y.c:9\n",
        "✓ A",
        "✗ B",
        "    P.1 still holds fd 5\n    next: look there\n    why: it matters\n    hint 1 of 2: "
        "one\n"
        "    rule: own-write-end   at: y.c:41\n    see it: moment 17 of run \"second\": ipclab "
        "view /r/2\n",
        "? C",
        "    not judged: it raised\n",
    };
    struct verdict *v = parse(sample);
    struct buf text = {0};
    verdict_text(v, 1, &text);
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (strstr(text.data, says[i]) == NULL)
            fail_msg("does not say '%s':\n%s", says[i], text.data);
    assert_null(strstr(text.data, "hint 2"));
    verdict_free(v);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_doubtful),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
