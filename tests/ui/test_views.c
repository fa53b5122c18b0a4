#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "ui/exercise.h"
#include "ui/help.h"
#include "ui/home.h"
#include "ui/keymap.h"
#include "ui/lesson.h"

/* ---- what is shown ---- */

static char *screen(const struct view *view, const void *state, int width, int height,
                    bool is_ascii)
{
    struct grid g;
    struct buf out = {0};
    grid_init(&g, width, height, is_ascii);
    view->draw(state, &g);
    grid_print(&g, &out);
    grid_fini(&g);
    return buf_take(&out);
}

static bool shows(const struct view *view, const void *state, const char *text)
{
    static const int sizes[][2] = {{80, 24}, {140, 45}};
    bool all = true;
    for (size_t i = 0; i < 2; i++) {
        char *shown = screen(view, state, sizes[i][0], sizes[i][1], false);
        if (!strstr(shown, text))
            all = false;
        free(shown);
    }
    return all;
}

static void draw_any_size(const struct view *view, const void *state)
{
    static const int sizes[][2] = {{0, 0}, {1, 1}, {2, 9}, {9, 2}, {20, 5}, {63, 24}, {300, 90}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        free(screen(view, state, sizes[i][0], sizes[i][1], i % 2));
}

static void expect_ascii(const struct view *view, const void *state)
{
    char *shown = screen(view, state, 100, 30, true);
    for (const char *p = shown; *p; p++)
        assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
    free(shown);
}

/* ---- a lab made by hand ---- */

static struct lab_option options[] = {
    {.id = "eof", .text = "It reads end of file.", .why = "Not while a write end is open."},
    {.id = "hang", .text = "It waits for ever.", .why = "It holds the last write end itself."},
};
static char *covers[] = {"pipe", "fork"};
static struct lab_actor actors[] = {{"P", "writes"}, {"P.1", "reads"}};
static struct lab pipe_eof = {.name = "pipe-eof",
                              .part = "2-pipes",
                              .folder = "labs/2-pipes/pipe-eof",
                              .title = "The reader that never ends",
                              .summary = "Who still holds a write end?",
                              .minutes = 15,
                              .covers = covers,
                              .cover_count = 2,
                              .actors = actors,
                              .actor_count = 2,
                              .prediction = {.question = "What does P.1 do?",
                                             .variant = "broken",
                                             .options = options,
                                             .option_count = 2}};
static struct lab zombie = {.name = "proc-zombie", .part = "1-processes", .title = "Left alone"};
static struct lab ill = {
    .name = "ill", .part = "9-more", .title = "ill", .error = "field 'title': missing"};
static struct lab *all_labs[] = {&zombie, &pipe_eof, &ill};
static const struct lab_list list = {all_labs, 3};

/* ---- home ---- */

static void home_filters_by_what_a_lab_covers(void **state)
{
    (void)state;
    struct home h = {.labs = &list};
    assert_true(shows(&view_home, &h, "Left alone"));
    view_home.act(&h, ACTION_FILTER);
    for (const char *p = "fork"; *p; p++)
        view_home.type(&h, (uint32_t)*p);
    assert_ptr_equal(home_lab(&h), &pipe_eof);
    assert_true(shows(&view_home, &h, "The reader that never ends"));
    assert_false(shows(&view_home, &h, "proc-zombie  "));
    view_home.type(&h, PRESS_ENTER);
    assert_int_equal(view_home.act(&h, ACTION_GO), REQUEST_LESSON);
    assert_int_equal(view_home.act(&h, ACTION_BACK), REQUEST_DRAW);
    assert_int_equal(view_home.act(&h, ACTION_BACK), REQUEST_BACK);
    draw_any_size(&view_home, &h);
    expect_ascii(&view_home, &h);
}

static void a_lab_that_cannot_be_loaded_says_so(void **state)
{
    (void)state;
    struct home h = {.labs = &list};
    view_home.act(&h, ACTION_LAST);
    assert_true(shows(&view_home, &h, "field 'title': missing"));
    assert_int_equal(view_home.act(&h, ACTION_GO), REQUEST_NONE);
    const struct lab_list none = {NULL, 0};
    struct home empty = {.labs = &none};
    view_home.act(&empty, ACTION_DOWN);
    draw_any_size(&view_home, &empty);
}

/* The store in a folder of its own; what the views ask is what was done. */
static void progress_is_kept_in_the_store(void **state)
{
    (void)state;
    char folder[] = "/tmp/ipclab-progress-XXXXXX";
    struct verdict failed = {.kind = VERDICT_FAIL}, passed = {.kind = VERDICT_PASS};
    struct verdict not_judged = {.kind = VERDICT_NOT_JUDGED};
    assert_non_null(mkdtemp(folder));
    setenv("XDG_DATA_HOME", folder, 1);
    setenv("XDG_STATE_HOME", folder, 1);
    struct progress *p = progress_open();
    assert_null(progress_trouble(p));
    progress_attempted(p, "2-pipes/pipe-eof", &not_judged, NULL);
    assert_false(progress_has(p, "2-pipes/pipe-eof", DEED_TRIED));
    progress_attempted(p, "2-pipes/pipe-eof", &failed, NULL);
    assert_false(progress_has(p, "2-pipes/pipe-eof", DEED_PASSED));
    progress_attempted(p, "2-pipes/pipe-eof", &passed, NULL);
    progress_read(p, "1-processes/proc-zombie");
    progress_predicted(p, "1-processes/proc-zombie", "a", "b");
    progress_free(p);
    p = progress_open();
    assert_true(progress_has(p, "2-pipes/pipe-eof", DEED_PASSED));
    assert_true(progress_has(p, "2-pipes/pipe-eof", DEED_TRIED));
    assert_false(progress_has(p, "2-pipes/pipe-eof", DEED_READ));
    assert_true(progress_has(p, "1-processes/proc-zombie", DEED_READ));
    assert_true(progress_has(p, "1-processes/proc-zombie", DEED_MISTAKEN));
    assert_false(progress_has(p, "1-processes/proc-zombie", DEED_FORETOLD));
    struct home h = {.labs = &list, .progress = p};
    assert_true(shows(&view_home, &h, "1 of 3 passed"));
    assert_true(shows(&view_home, &h, "✓ pipe-eof"));
    progress_free(p);
    char *remove = xasprintf("rm -r %s", folder);
    assert_int_equal(system(remove), 0);
    free(remove);
}

static void progress_goes_on_where_nothing_can_be_saved(void **state)
{
    (void)state;
    setenv("XDG_DATA_HOME", "/dev/null", 1);
    struct progress *p = progress_open();
    assert_non_null(strstr(progress_trouble(p), "/dev/null"));
    progress_read(p, "x/y");
    assert_true(progress_has(p, "x/y", DEED_READ));
    progress_free(p);
}

/* ---- lesson ---- */

static const char markdown[] =
    "# Pipes\n\nA *pipe* has **two** `ends`; &lt; is no tag.\n\n```c\nint p[2]; /* both */\n```\n\n"
    "| process | holds |\n| --- | --- |\n| P | the write end, and a long story about why it does "
    "|\n\n"
    "1. first\n2. second\n   - inner\n\n<!-- prediction -->\n\nAfterwards.\n";

static void lesson_asks_at_its_place_and_tells_the_truth(void **state)
{
    (void)state;
    struct document *d = document_new(markdown, sizeof markdown - 1);
    struct lesson_sizes sizes = {0};
    struct lesson l = {
        .lab = &pipe_eof, .text = d, .answer = LESSON_NONE, .truth = LESSON_NONE, .sizes = &sizes};
    assert_true(shows(&view_lesson, &l, "two ends; < is no tag."));
    assert_true(shows(&view_lesson, &l, "│ int p[2]; /* both */"));
    assert_true(shows(&view_lesson, &l, "2. second"));
    char *whole = screen(&view_lesson, &l, 80, 60, false);
    char *question = strstr(whole, "What does P.1 do?"), *after = strstr(whole, "Afterwards.");
    assert_true(question && after && question < after);
    free(whole);
    view_lesson.act(&l, ACTION_NEXT_FINDING);
    view_lesson.act(&l, ACTION_DOWN);
    assert_int_equal(view_lesson.act(&l, ACTION_GO), REQUEST_PREDICT);
    assert_int_equal(l.answer, 1);
    l.truth = 0;
    lesson_show_question(&l);
    assert_true(shows(&view_lesson, &l, "✓ It reads end of file."));
    assert_true(shows(&view_lesson, &l, "✗ It waits for ever."));
    assert_true(shows(&view_lesson, &l, "Not while a write end is open."));
    draw_any_size(&view_lesson, &l);
    expect_ascii(&view_lesson, &l);
    document_free(d);
}

static void narrow_tables_wrap_in_their_cells(void **state)
{
    (void)state;
    struct document *d = document_new(markdown, sizeof markdown - 1);
    struct grid g;
    struct buf out = {0};
    grid_init(&g, 30, 40, false);
    int rows = document_draw(d, &g, 0, 0, 30, 0, 40, 0, NULL);
    grid_print(&g, &out);
    assert_non_null(strstr(out.data, "P        the write end, and\n"));
    assert_non_null(strstr(out.data, "         a long story about\n"));
    assert_true(rows > 15 && rows < 40);
    buf_fini(&out);
    grid_fini(&g);
    document_free(d);
}

/* ---- exercise ---- */

static char *hints[] = {"Who has fd 4?", "Close it."};
static struct verdict_check checks[] = {
    {.id = "ends",
     .title = "every consumer ends",
     .points = 40,
     .earned = 40,
     .state = CHECK_PASSED},
    {.id = "held",
     .title = "only the producer holds a write end",
     .points = 40,
     .earned = 25,
     .state = CHECK_FAILED,
     .why = "EOF counts holders.",
     .hints = hints,
     .hint_count = 2,
     .text = "consumer 2 still has fd 5",
     .file = "pipe-eof.c",
     .line = 33,
     .seq = 17},
};
static struct verdict_run run = {
    .name = "slow", .recording = "/tmp/run.ipclab", .reason = "", .seq = 3};
static struct verdict verdict = {.kind = VERDICT_FAIL,
                                 .reason = "a check failed",
                                 .points = 65,
                                 .points_max = 80,
                                 .is_compiled = true,
                                 .compiler_text = "",
                                 .checks = checks,
                                 .check_count = 2,
                                 .runs = &run,
                                 .run_count = 1};

static void a_failed_check_shows_evidence_and_hints(void **state)
{
    (void)state;
    size_t shown[2] = {0};
    struct evidence evidence;
    struct exercise x = {.lab = &pipe_eof,
                         .path = "exercises/2-pipes/pipe-eof.c",
                         .verdict = &verdict,
                         .hints = shown,
                         .check = 1};
    assert_true(shows(&view_exercise, &x, "✗ only the producer holds a write end"));
    assert_true(shows(&view_exercise, &x, "consumer 2 still has fd 5"));
    assert_true(shows(&view_exercise, &x, "[h] hint 1 of 2"));
    assert_false(shows(&view_exercise, &x, "Who has fd 4?"));
    view_exercise.act(&x, ACTION_HINT);
    assert_true(shows(&view_exercise, &x, "hint 1: Who has fd 4?"));
    view_exercise.act(&x, ACTION_HINT);
    view_exercise.act(&x, ACTION_HINT);
    assert_int_equal(shown[1], 2);
    view_exercise.act(&x, ACTION_WHY);
    assert_true(shows(&view_exercise, &x, "why: EOF counts holders."));
    assert_true(exercise_evidence(&x, &evidence));
    assert_int_equal(evidence.seq, 17);
    assert_string_equal(evidence.recording, "/tmp/run.ipclab");
    draw_any_size(&view_exercise, &x);
    expect_ascii(&view_exercise, &x);
}

static void compiler_errors_come_first(void **state)
{
    (void)state;
    struct verdict broken = {.kind = VERDICT_FAIL,
                             .reason = "it does not compile",
                             .compiler_text = "a.c:7:5: error: 'x' undeclared\n    7 |     x;\n"};
    struct exercise x = {.lab = &pipe_eof, .verdict = &broken};
    struct evidence evidence;
    assert_true(shows(&view_exercise, &x, "It does not compile"));
    assert_true(shows(&view_exercise, &x, "a.c:7:5: error: 'x' undeclared"));
    assert_false(exercise_evidence(&x, &evidence));
    struct exercise first = {.lab = &pipe_eof, .path = "pipe-eof.c", .is_grading = true};
    assert_true(shows(&view_exercise, &first, "compiling and running"));
    for (enum action a = ACTION_UP; a < ACTION_EDIT; a++)
        view_exercise.act(&first, a);
    draw_any_size(&view_exercise, &first);
}

/* ---- keys ---- */

static void every_key_is_in_the_help(void **state)
{
    (void)state;
    for (enum screen_id id = 0; id < SCREEN_COUNT; id++) {
        struct help h = {.about = id};
        char *shown = id == SCREEN_HELP ? NULL : screen(&view_help, &h, 140, 60, false);
        const struct key_row *row;
        bool has_way_out = false;
        for (size_t i = 0; (row = keymap_row(id, i)); i++) {
            assert_int_equal(keymap_action(id, row->presses[0]), row->action);
            has_way_out |= keymap_action(id, 'q') == ACTION_BACK;
            if (shown)
                assert_non_null(strstr(shown, row->text));
        }
        assert_true(has_way_out);
        free(shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home_filters_by_what_a_lab_covers),
        cmocka_unit_test(a_lab_that_cannot_be_loaded_says_so),
        cmocka_unit_test(progress_is_kept_in_the_store),
        cmocka_unit_test(progress_goes_on_where_nothing_can_be_saved),
        cmocka_unit_test(lesson_asks_at_its_place_and_tells_the_truth),
        cmocka_unit_test(narrow_tables_wrap_in_their_cells),
        cmocka_unit_test(a_failed_check_shows_evidence_and_hints),
        cmocka_unit_test(compiler_errors_come_first),
        cmocka_unit_test(every_key_is_in_the_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
