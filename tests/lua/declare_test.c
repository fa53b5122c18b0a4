/* Labs and graders that are not as they must be: each error names the file and the field. */
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

#include "base/fdutil.h"
#include "script/grader.h"
#include "script/lab.h"

static char root[] = "/tmp/ipclab-declare-XXXXXX";
static const char *const folders[] = {"labs",           "labs/1-x",         "labs/1-x/good",
                                      "labs/1-x/other", "scripts",          "scripts/lib",
                                      "scripts/grade",  "scripts/grade/1-x"};
static const char *const files[] = {"labs/order", "labs/1-x/good/lab.lua", "labs/1-x/other/lab.lua",
                                    "scripts/grade/1-x/good.lua"};

static void in_root(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", root, name);
}

static void write_text(const char *name, const char *text)
{
    char path[256];
    in_root(path, name);
    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
}

static int make_root(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL)
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[256];
        in_root(path, folders[i]);
        if (mkdir(path, 0755) != 0)
            return -1;
    }
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    char path[256];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        in_root(path, files[i]);
        unlink(path);
    }
    for (size_t i = sizeof folders / sizeof *folders; i-- > 0;) {
        in_root(path, folders[i]);
        rmdir(path);
    }
    return rmdir(root);
}

/* A good file, in which one piece of text is replaced. */
struct mistake {
    const char *of, *by;
    const char *says;
};

static char *with_mistake(const char *good, const struct mistake *m)
{
    const char *at = strstr(good, m->of);
    if (at == NULL)
        fail_msg("the good file has no '%s'", m->of);
    struct buf text = {0};
    buf_printf(&text, "%.*s%s%s", (int)(at - good), good, m->by, at + strlen(m->of));
    return buf_take(&text);
}

/* ---- labs ---- */

static const char good_lab[] =
    "return lab {\n"
    "  title = 'A title', part = '1-x', summary = 'Two. Sentences.', minutes = 15,\n"
    "  covers = { 'pipe' }, actors = { { name = 'P', role = 'writes' } },\n"
    "  variants = { healthy = { program = 'h.c', text = 'h' }, broken = { program = 'b.c', text = "
    "'b' } },\n"
    "  knobs = { { name = 'size', text = 'bytes', values = { 1, 2.5, 'all', true }, default = 2.5 "
    "} },\n"
    "  prediction = { question = 'What?', variant = 'broken', knobs = { size = 1 }, options = {\n"
    "    { id = 'a', text = 'A', why = 'x', holds = function() return true end },\n"
    "    { id = 'b', text = 'B', why = 'y', holds = function() return false end } } },\n"
    "  goals = { { title = 'Both', reached = 'deadlock', variants = { 'broken' } },\n"
    "    { title = 'Now', reached = function(run) return true end } },\n"
    "  watch = { 'the pipe' }, expects = { broken = { 'never-eof' }, healthy = {} }, limit = 2.5,\n"
    "}\n";

static void test_good_lab(void **state)
{
    (void)state;
    struct lab *lab = NULL;
    struct err e = {0};
    write_text("labs/order", "# the order\n1-x/good\n\n");
    write_text("labs/1-x/good/lab.lua", good_lab);
    if (lab_load(&lab, root, "good", &e) < 0)
        fail_msg("%s", e.text);
    assert_string_equal(lab->name, "good");
    assert_string_equal(lab->part, "1-x");
    assert_string_equal(lab->title, "A title");
    assert_int_equal(lab->minutes, 15);
    assert_true(lab->limit == 2.5);
    assert_int_equal(lab->variant_count, 2);
    assert_string_equal(lab->variants[0].name, "broken");
    assert_string_equal(lab->variants[0].expects[0], "never-eof");
    assert_int_equal(lab_variant(lab, "healthy")->expect_count, 0);
    assert_null(lab_variant(lab, "purple"));
    assert_int_equal(lab->knobs[0].value_count, 4);
    assert_string_equal(lab->knobs[0].values[lab->knobs[0].initial], "2.5");
    assert_string_equal(lab->knobs[0].values[3], "true");
    assert_string_equal(lab->prediction.knobs[0], "size=1");
    assert_string_equal(lab->prediction.options[1].why, "y");
    assert_int_equal(lab->goal_count, 2);
    assert_string_equal(lab->goals[0].title, "Both");
    assert_string_equal(lab->goals[0].reached, "deadlock");
    assert_true(lab_goal_is_for(&lab->goals[0], "broken"));
    assert_false(lab_goal_is_for(&lab->goals[0], "healthy"));
    assert_string_equal(lab->goals[1].reached, "");
    assert_true(lab_goal_is_for(&lab->goals[1], "healthy"));
    assert_true(lab->variants[0].has_expects);
    assert_null(lab->error);
    lab_free(lab);
    assert_int_equal(lab_load(&lab, root, "bad", &e), -ENOENT);
}

static void test_bad_labs(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"title = 'A title',", "", "labs/1-x/good/lab.lua: field 'title': missing"},
        {"'A title'", "5", "field 'title': string expected, got number"},
        {"'A title'", "'A\\0title'", "field 'title': a NUL byte"},
        {"part = '1-x'", "part = '2-y'", "field 'part': the folder says '1-x'"},
        {"minutes = 15", "minutes = 1.5", "field 'minutes': integer expected, got fraction"},
        {"limit = 2.5", "limit = 0/0", "field 'limit': a finite number"},
        {"limit = 2.5", "limits = 2.5", "field 'limits': unknown field"},
        {"{ 'pipe' }", "'pipe'", "field 'covers': list expected, got string"},
        {"{ 'pipe' }", "{ 'pipe', 7 }", "field 'covers[2]': string expected, got number"},
        {"{ 'pipe' }", "{ x = 'pipe' }", "field 'covers': a list has no field 'x'"},
        {"role = 'writes'", "job = 'writes'", "field 'actors[1].job': unknown field"},
        {", role = 'writes'", "", "field 'actors[1].role': missing"},
        {"healthy = { program", "fine = { program", "field 'variants': healthy and broken"},
        {"program = 'b.c'", "program = { 'b.c' }",
         "field 'variants.broken.program': string expected, got table"},
        {"default = 2.5", "default = 3", "field 'knobs[1].default': not one of its values"},
        {"values = { 1,", "values = { {},",
         "field 'knobs[1].values[1]': string, number or boolean"},
        {"variant = 'broken'", "variant = 'purple'", "field 'prediction.variant': no such variant"},
        {"size = 1 }", "sise = 1 }", "field 'prediction.knobs.sise': no such knob"},
        {"size = 1 }", "size = 9 }", "field 'prediction.knobs.size': not one of its values"},
        {"why = 'y', holds = function() return false end", "why = 'y', holds = true",
         "field 'prediction.options[2].holds': function expected, got boolean"},
        {"reached = 'deadlock'", "reached = 'dead'",
         "field 'goals[1].reached': ended-well, deadlock, never-eof, or a function"},
        {"reached = 'deadlock'", "reached = 7",
         "field 'goals[1].reached': string or function expected, got number"},
        {"reached = 'deadlock',", "", "field 'goals[1].reached': missing"},
        {"variants = { 'broken' } }", "variants = { 'brocken' } }",
         "field 'goals[1].variants': no such variant 'brocken'"},
        {"'never-eof'", "'never'", "field 'expects.broken': no rule 'never'"},
        {"expects = { broken", "expects = { brocken", "field 'expects.brocken': no such variant"},
        {"return lab", "local _ = lab", "must return one table, got nil"},
        {"return lab {", "return lab(", "labs/1-x/good/lab.lua:"},
        {"return", "os.exit() return", "undeclared global 'os'"},
        {"return", "while true do end return", "ran for more than"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *text = with_mistake(good_lab, &mistakes[i]);
        struct lab *lab = NULL;
        struct err e = {0};
        write_text("labs/1-x/good/lab.lua", text);
        free(text);
        assert_int_equal(lab_load(&lab, root, "good", &e), -EINVAL);
        if (strstr(e.text, mistakes[i].says) == NULL)
            fail_msg("'%s' instead of '%s'\n  says: %s\n  not: %s", mistakes[i].by, mistakes[i].of,
                     e.text, mistakes[i].says);
    }
}

/* One bad lab hides no other, not even when it kills the process that loads it. */
static void test_list_with_bad_labs(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "return 1",
        "return ('a'):rep(40000):find(('.-'):rep(12) .. 'b')",
    };
    write_text("labs/order", "1-x/other\n1-x/good\n");
    write_text("labs/1-x/good/lab.lua", good_lab);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lab_list list;
        struct err e = {0};
        write_text("labs/1-x/other/lab.lua", bad[i]);
        assert_int_equal(lab_list(&list, root, &e), 0);
        assert_int_equal(list.count, 2);
        assert_non_null(list.labs[0]->error);
        assert_string_equal(list.labs[0]->title, "other");
        assert_null(list.labs[1]->error);
        assert_string_equal(list.labs[1]->title, "A title");
        lab_list_fini(&list);
    }
    write_text("labs/order", "good\n");
    struct lab_list list;
    struct err e = {0};
    assert_int_equal(lab_list(&list, root, &e), -EINVAL);
    assert_non_null(strstr(e.text, "'good' is not PART/LAB"));
}

/* ---- graders ---- */

static const char good_grader[] =
    "return grader {\n"
    "  title = 'A title', exercise = '1-x/good', starter_fails = 'r', partners = { 'peer' },\n"
    "  runs = function(random)\n"
    "    return { { name = 'one', args = { 'n=' .. random(1, 1000000), 2 }, stdin = "
    "random.bytes(3) .. '\\0',\n"
    "               ignore = { 'SIGCHLD' }, partner = 'peer', limit = 1.5, processes = 9, files = "
    "8,\n"
    "               feed = 'when-quiet' },\n"
    "             { name = 'two' } }\n"
    "  end,\n"
    "  checks = { { id = 'c', title = 'C', points = 7, rule = 'r', why = 'w', hints = { 'h' }, on "
    "= { 'two' },\n"
    "               check = function() end } },\n"
    "}\n";

static struct grader *load_grader(uint64_t seed)
{
    struct grader *g = NULL;
    struct err e = {0};
    if (grader_load(&g, root, "1-x/good", seed, &e) < 0)
        fail_msg("%s", e.text);
    return g;
}

static void test_good_grader(void **state)
{
    (void)state;
    write_text("scripts/grade/1-x/good.lua", good_grader);
    struct grader *g = load_grader(5), *same = load_grader(5), *other = load_grader(6);
    assert_string_equal(g->starter_fails, "r");
    assert_int_equal(g->run_count, 2);
    const struct run_spec *one = &g->runs[0];
    assert_int_equal(one->arg_count, 2);
    assert_string_equal(one->args[1], "2");
    assert_int_equal(one->stdin_size, 4);
    assert_int_equal(one->stdin_bytes[3], 0);
    assert_string_equal(one->ignored[0], "SIGCHLD");
    assert_string_equal(one->partner, "peer");
    assert_true(one->limit == 1.5 && one->processes == 9 && one->files == 8);
    assert_true(one->is_fed_when_quiet && !g->runs[1].is_fed_when_quiet);
    assert_null(g->runs[1].partner);
    assert_true(g->runs[1].limit == 5);
    assert_int_equal(g->checks[0].points, 7);
    assert_true(!grader_asks(g, 0, 0) && grader_asks(g, 0, 1));

    assert_string_equal(one->args[0], same->runs[0].args[0]);
    assert_memory_equal(one->stdin_bytes, same->runs[0].stdin_bytes, 4);
    assert_string_not_equal(one->args[0], other->runs[0].args[0]);
    grader_free(g);
    grader_free(same);
    grader_free(other);
}

static void test_bad_graders(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"points = 7", "points = 'x'",
         "scripts/grade/1-x/good.lua: field 'checks[1].points': integer expected, got string"},
        {"points = 7", "points = -1", "field 'checks[1].points': negative"},
        {"1-x/good", "1-x/bad", "field 'exercise': '1-x/good' expected"},
        {"on = { 'two' }", "on = { 'three' }", "field 'checks[1].on[1]': no run 'three'"},
        {"partner = 'peer'", "partner = 'pear'", "field 'runs()[1].partner': not one of partners"},
        {"name = 'two'", "name = 'one'", "field 'runs()[2].name': 'one' is there twice"},
        {"name = 'two'", "nme = 'two'", "field 'runs()[2].nme': unknown field"},
        {"'when-quiet'", "'slowly'", "field 'runs()[1].feed': \"when-quiet\" expected"},
        {"return { { name", "if true then return {} end return { { name", "at least one run"},
        {"checks = {", "checks = {}, x = {", "field 'x': unknown field"},
        {"hints = { 'h' }, ", "", "field 'checks[1].hints': missing"},
        {"check = function() end", "check = 3", "field 'checks[1].check': function expected"},
        {"random(1, 1000000)", "random(2, 1)", "the range is empty"},
        {"random.bytes(3)", "random.bytes(1 << 30)", "0 to 8 MiB"},
        {"random(1, 1000000)", "math.random()", "field 'random'"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *text = with_mistake(good_grader, &mistakes[i]);
        struct grader *g = NULL;
        struct err e = {0};
        write_text("scripts/grade/1-x/good.lua", text);
        free(text);
        assert_true(grader_load(&g, root, "1-x/good", 1, &e) < 0);
        if (strstr(e.text, mistakes[i].says) == NULL)
            fail_msg("'%s' instead of '%s'\n  says: %s\n  not: %s", mistakes[i].by, mistakes[i].of,
                     e.text, mistakes[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lab),           cmocka_unit_test(test_bad_labs),
        cmocka_unit_test(test_list_with_bad_labs), cmocka_unit_test(test_good_grader),
        cmocka_unit_test(test_bad_graders),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
