/* Runs root/exercises/1-test/standing.c in each of its ways, and asks every check of
 * scripts/lib/standing.lua about it: which fail, and by which rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grade/grade.h"

/* "CHECK RUN", and the rule; all others pass. */
static const struct {
    const char *id, *rule;
} failing[] = {
    {"ends hangs", "never-eof"}, {"reaps orphan", "orphan"}, {"reaps zombie", "zombie"},
    {"keeps leaks", "fd-leak"},  {"keeps closes", "closed"}, {"clock sleeps", "sleep"},
};

enum { FAILING = sizeof failing / sizeof *failing };

static const char *expected_rule(const char *id)
{
    for (size_t i = 0; i < FAILING; i++)
        if (strcmp(failing[i].id, id) == 0)
            return failing[i].rule;
    return "";
}

static void test_standing(void **state)
{
    (void)state;
    struct grade_options options = {.root = LUA_TEST_ROOT, .exercise = "1-test/standing"};
    struct verdict *v = NULL;
    struct err e = {0};
    size_t failed = 0;
    if (grade_exercise(&v, &options, &e) < 0)
        fail_msg("%s", e.text);
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        const char *rule = c->state == CHECK_FAILED ? c->rule : "";
        if (c->state != CHECK_FAILED && c->state != CHECK_PASSED)
            fail_msg("%s is not judged: %s", c->id, c->text);
        if (strcmp(rule, expected_rule(c->id)) != 0)
            fail_msg("%s: expected '%s', says '%s': %s", c->id, expected_rule(c->id), rule,
                     c->text);
        if (c->state == CHECK_FAILED) {
            assert_true(c->event_count > 0 && c->text[0] != '\0' && c->next[0] != '\0');
            print_message("%s: %s\n", c->id, c->text);
            failed++;
        }
    }
    assert_int_equal(failed, FAILING);
    assert_true(v->check_count > 2 * FAILING);
    verdict_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_standing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
