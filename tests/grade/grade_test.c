/* Judging, with graders and programs of every kind: what compiles, what does not, and graders that
 * fail themselves, which must never count for or against a learner. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "grade/compile.h"
#include "grade/grade.h"

#define SOLUTION GRADE_TEST_ROOT "/solutions/1-test/doubler.c"

static struct verdict *grade(const char *exercise, const char *file)
{
    struct grade_options options = {
        .root = GRADE_TEST_ROOT, .exercise = exercise, .file = file, .seed = 7};
    struct verdict *v = NULL;
    struct err e = {0};
    if (grade_exercise(&v, &options, &e) < 0)
        fail_msg("%s", e.text);
    return v;
}

static void expect(const struct verdict *v, enum verdict_kind kind, const char *reason)
{
    struct buf text = {0};
    verdict_text(v, 0, &text);
    if (v->kind != kind || strstr(v->reason, reason) == NULL)
        fail_msg("not '%s' with '%s' but '%s':\n%s", verdict_kind_name(kind), reason, v->reason,
                 text.data);
    buf_fini(&text);
}

static char *write_source(const char *text)
{
    char *path = xstrdup("/tmp/ipclab-grade-XXXXXX.c");
    int fd = mkstemps(path, 2);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
    close(fd);
    return path;
}

static void test_starter_and_solution(void **state)
{
    (void)state;
    struct verdict *v = grade("doubler", NULL);
    expect(v, VERDICT_FAIL, "P never made a child");
    assert_string_equal(v->checks[0].rule, "no-child");
    assert_int_equal(v->points, 0);
    verdict_free(v);
    v = grade("doubler", SOLUTION);
    expect(v, VERDICT_PASS, "");
    assert_int_equal(v->points, v->points_max);
    assert_string_equal(v->compiler_text, "");
    assert_int_equal(v->seed, 7);
    assert_int_equal(access(v->runs[0].recording, R_OK), 0);
    verdict_free(v);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"doubler", "1-test/doubler", "exercises/1-test/doubler.c",
                                        "/x/solutions/1-test/doubler-poll.c",
                                        "tests/wrong/1-test/doubler/leak.c"};
    static const char *const strangers[] = {
        "doubl", "1-test", "2-test/doubler", "", "exercises/1-test/doublers.c", "doubler.c"};
    char *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(grade_find(&found, GRADE_TEST_ROOT, names[i], NULL), 0);
        assert_string_equal(found, "1-test/doubler");
        free(found);
    }
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_int_equal(grade_find(&found, GRADE_TEST_ROOT, strangers[i], NULL), -ENOENT);
    struct grade_options options = {
        .root = GRADE_TEST_ROOT, .exercise = "doubler", .file = "/no/such/file.c"};
    struct verdict *v = NULL;
    assert_int_equal(grade_exercise(&v, &options, NULL), -ENOENT);
}

static void test_does_not_compile(void **state)
{
    (void)state;
    static const struct {
        const char *source, *says;
    } cases[] = {
        {"int main(void) { return nothing; }\n", "undeclared"},
        {"#include \"/etc/shadow\"\nint main(void) { return 0; }\n", "No such file"},
        {"#include \"" SOLUTION "\"\n", "No such file"},
        {"__asm__(\".incbin \\\"" SOLUTION "\\\"\");\nint main(void) { return 0; }\n",
         "file not found"},
        {"#include \"/dev/zero\"\n", ""},
        {"#include __FILE__\n#include __FILE__\n", "nested"},
        {"main[-1u] = {1};\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_source(cases[i].source);
        struct verdict *v = grade("doubler", path);
        expect(v, VERDICT_FAIL, "does not compile");
        assert_int_equal(v->run_count, 0);
        assert_int_equal(v->points, 0);
        if (strstr(v->compiler_text, cases[i].says) == NULL)
            fail_msg("does not say '%s': %s", cases[i].says, v->compiler_text);
        assert_true(strlen(v->compiler_text) < 70000);
        assert_null(strstr(v->compiler_text, "waitpid"));
        verdict_free(v);
        unlink(path);
        free(path);
    }
}

static void test_warnings_are_shown(void **state)
{
    (void)state;
    char *path = write_source("int main(void) { int x; return 0; }\n");
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        struct verdict *v = grade("doubler", path);
        assert_true(v->is_compiled);
        assert_non_null(strstr(v->compiler_text, "unused variable"));
        assert_null(strstr(v->compiler_text, "/src/"));
        verdict_free(v);
    }
    unlink(path);
    free(path);
}

/* Whoever breaks the grader, or is broken by it, is not judged. */
static void test_broken_graders(void **state)
{
    (void)state;
    static const struct {
        const char *exercise, *reason;
    } cases[] = {
        {"ill-formed", "scripts/grade/1-test/ill-formed.lua: field 'points': unknown field"},
        {"raises", "scripts/grade/1-test/raises.lua:14: boom"},
        {"returns", "the check returned a boolean"},
        {"hangs", "killed"},
        {"no-partner", "no-such-partner.c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict *v = grade(cases[i].exercise, SOLUTION);
        expect(v, VERDICT_NOT_JUDGED, cases[i].reason);
        assert_int_equal(v->points, 0);
        verdict_free(v);
    }
}

/* A check that broke does not hide one that failed. */
static void test_failure_beats_doubt(void **state)
{
    (void)state;
    char *path = write_source("int main(void) { return 3; }\n");
    struct verdict *v = grade("raises", path);
    expect(v, VERDICT_FAIL, "it exited 3");
    verdict_free(v);
    unlink(path);
    free(path);
}

static void test_same_seed_same_runs(void **state)
{
    (void)state;
    struct verdict *one = grade("doubler", SOLUTION), *two = grade("doubler", SOLUTION);
    assert_string_equal(one->runs[0].args[0], two->runs[0].args[0]);
    verdict_free(one);
    verdict_free(two);
}

static struct verdict *grade_only(const char *check, const char *file)
{
    struct grade_options options = {
        .root = GRADE_TEST_ROOT, .exercise = "doubler", .file = file, .seed = 7, .only = check};
    struct verdict *v = NULL;
    struct err e = {0};
    if (grade_exercise(&v, &options, &e) < 0)
        fail_msg("%s", e.text);
    return v;
}

/* One check alone says what it says among the others; after its first failure no run is made. */
static void test_one_check(void **state)
{
    (void)state;
    struct verdict *all = grade("doubler", NULL), *one = grade_only("child", NULL);
    assert_int_equal(one->checks[0].state, CHECK_FAILED);
    assert_string_equal(one->checks[0].rule, all->checks[0].rule);
    assert_string_equal(one->checks[0].text, all->checks[0].text);
    assert_int_equal(one->checks[0].run, all->checks[0].run);
    assert_int_equal(one->checks[1].state, CHECK_OPEN);
    assert_string_equal(one->runs[0].how, "ended");
    assert_string_equal(one->runs[1].reason, "the run was not made");
    verdict_free(one);
    verdict_free(all);
    one = grade_only("bytes", SOLUTION);
    expect(one, VERDICT_NOT_JUDGED, "");
    assert_int_equal(one->checks[1].state, CHECK_PASSED);
    assert_string_equal(one->runs[1].how, "ended");
    verdict_free(one);
    one = grade_only("nonsense", SOLUTION);
    expect(one, VERDICT_NOT_JUDGED, "there is no check 'nonsense'");
    verdict_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starter_and_solution), cmocka_unit_test(test_names),
        cmocka_unit_test(test_does_not_compile),     cmocka_unit_test(test_warnings_are_shown),
        cmocka_unit_test(test_broken_graders),       cmocka_unit_test(test_failure_beats_doubt),
        cmocka_unit_test(test_same_seed_same_runs),  cmocka_unit_test(test_one_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
