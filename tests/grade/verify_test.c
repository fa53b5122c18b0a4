/* The author gate, against an exercise whose programs are right, wrong, or neither what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "grade/grade.h"
#include "grade/verify.h"

enum { RUNS = 24 };

static void keep_line(void *arg, const char *line)
{
    buf_printf(arg, "%s\n", line);
}

/* The line about a program, up to its end; NULL when there is none. */
static char *line_about(const struct buf *lines, const char *program)
{
    const char *at = strstr(lines->data, program);
    if (at == NULL)
        return NULL;
    const char *begin = at, *end = strchr(at, '\n');
    while (begin > lines->data && begin[-1] != '\n')
        begin--;
    return xasprintf("%.*s", (int)(end - begin), begin);
}

static void expect_line(const struct buf *lines, const char *program, const char *start,
                        const char *says)
{
    char *line = line_about(lines, program);
    if (line == NULL || strncmp(line, start, strlen(start)) != 0 || strstr(line, says) == NULL)
        fail_msg("%s: '%s...%s' expected, not: %s", program, start, says, line != NULL ? line : "");
    free(line);
}

static void test_every_kind(void **state)
{
    (void)state;
    struct buf lines = {0};
    struct verify_result sum = {0};
    struct err e = {0};
    struct verify_options options = {.root = GRADE_TEST_ROOT,
                                     .exercise = "doubler",
                                     .runs = RUNS,
                                     .on_line = keep_line,
                                     .arg = &lines};
    if (grade_verify(&sum, &options, &e) < 0)
        fail_msg("%s", e.text);
    expect_line(&lines, "exercises/1-test/doubler.c", "ok   starter", "fails 24 of 24 by no-child");
    expect_line(&lines, "solutions/1-test/doubler.c", "ok   solution", "passes 24 of 24");
    expect_line(&lines, "waits-by-number.c", "ok   right", "passes 24 of 24");
    expect_line(&lines, "is-wrong.c", "FAIL right", "passes 0 of 24; fail: P never made a child");
    expect_line(&lines, "leaves-the-child.c", "ok   wrong", "is rejected 24 of 24 by not-reaped");
    expect_line(&lines, "other-rule.c", "FAIL wrong", "by no-child, bytes-lost, not by bad-end");
    expect_line(&lines, "is-right.c", "FAIL wrong", "is rejected 0 of 24 by no-child; it passes");
    /* once rejected, it is only asked what rejected it; when it is not, the rest is asked, too */
    expect_line(&lines, "by-either.c", "ok   wrong", "is rejected 24 of 24 by no-child");
    expect_line(&lines, "by-luck.c", "FAIL wrong", "of 24 by no-child; it passes");
    assert_int_equal(sum.exercises, 1);
    assert_int_equal(sum.programs, 9);
    assert_int_equal(sum.failures, 4);
    buf_fini(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
