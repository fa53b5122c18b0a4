/* Runs root/exercises/1-test/bindings.c and asks root/scripts/grade/1-test/bindings.lua about it:
 * an answer that is not as it must be raises there, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grade/grade.h"

static void test_bindings(void **state)
{
    (void)state;
    struct grade_options options = {.root = LUA_TEST_ROOT, .exercise = "1-test/bindings"};
    struct verdict *v = NULL;
    struct buf text = {0};
    struct err e = {0};
    if (grade_exercise(&v, &options, &e) < 0)
        fail_msg("%s", e.text);
    verdict_text(v, 0, &text);
    if (v->kind != VERDICT_PASS)
        fail_msg("%s", text.data);
    assert_true(v->check_count >= 6);
    buf_fini(&text);
    verdict_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bindings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
