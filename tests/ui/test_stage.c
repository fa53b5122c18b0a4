#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"
#include "ui/stage.h"

/* The screen as text; the caller frees. */
static char *screen(const struct stage *s, int width, int height, bool is_ascii)
{
    struct grid g;
    struct buf out = {0};
    grid_init(&g, width, height, is_ascii);
    view_stage.draw(s, &g);
    grid_print(&g, &out);
    grid_fini(&g);
    return buf_take(&out);
}

static void expect_text(const struct stage *s, int width, int height, bool is_ascii,
                        const char *text)
{
    char *shown = screen(s, width, height, is_ascii);
    if (!strstr(shown, text))
        print_error("not on the screen: %s\n%s", text, shown);
    assert_non_null(strstr(shown, text));
    free(shown);
}

static struct stage stage_on(struct replay *r)
{
    struct stage s = {.replay = r, .title = "pipe-eof", .finding = SIZE_MAX};
    stage_go(&s, 0);
    return s;
}

static void the_reason_stands_in_words(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(true);
    struct stage s = stage_on(r);
    expect_text(&s, 80, 24, false, "■ blocked in read(3)");
    expect_text(&s, 140, 45, false, "pipe 1 is empty, and one writer is");
    expect_text(&s, 80, 24, false, "4w─");
    expect_text(&s, 80, 24, false, "3r▶");
    expect_text(&s, 80, 24, false, "end of file that cannot come");
    expect_text(&s, 80, 24, true, "# blocked in read(3)");
    expect_text(&s, 80, 24, true, "3r>");
    replay_free(r);
}

static void whole_screen_in_ascii(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(true);
    struct stage s = stage_on(r);
    char *shown = screen(&s, 80, 24, true);
    for (const char *p = shown; *p; p++)
        assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
    free(shown);
    replay_free(r);
}

static void bytes_inside_are_shown(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(false);
    struct stage s = stage_on(r);
    expect_text(&s, 80, 24, false, "\"hello\"");
    expect_text(&s, 80, 24, false, " 5 B");
    expect_text(&s, 80, 24, false, "live");
    replay_free(r);
}

/* Going back in time moves nothing but what has changed: what is drawn at the last moment, seen
 * again after any walk, is the same. */
static void every_moment_can_be_visited_twice(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(true);
    struct stage s = stage_on(r);
    char *end = screen(&s, 80, 24, false);
    for (int i = 0; i < 40; i++)
        view_stage.act(&s, ACTION_LEFT);
    expect_text(&s, 80, 24, false, "the command begins");
    for (int i = 0; i < 40; i++)
        view_stage.act(&s, ACTION_RIGHT);
    char *again = screen(&s, 80, 24, false);
    assert_string_equal(end, again);
    free(end);
    free(again);
    replay_free(r);
}

static void enter_goes_to_the_cause_and_back(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(true);
    struct stage s = stage_on(r);
    view_stage.act(&s, ACTION_NEXT_FINDING);
    uint32_t found = s.seq;
    const struct finding *f = stage_finding(&s, NULL);
    assert_non_null(f);
    assert_int_equal(f->rule, RULE_NEVER_EOF);
    view_stage.act(&s, ACTION_GO);
    assert_true(s.seq < found);
    expect_text(&s, 80, 24, false, "This is the cause");
    view_stage.act(&s, ACTION_GO);
    assert_int_equal(s.seq, found);
    replay_free(r);
}

static void playing_ends_at_the_last_moment(void **state)
{
    (void)state;
    struct replay *r = scene_pipe_eof(true);
    struct stage s = stage_on(r);
    uint32_t last = s.seq;
    view_stage.act(&s, ACTION_PLAY);
    assert_true(s.is_playing && s.seq < last);
    for (int i = 0; i < 200 && s.is_playing; i++)
        stage_play(&s);
    assert_false(s.is_playing);
    assert_int_equal(s.seq, last);
    replay_free(r);
}

static void any_size_is_drawn(void **state)
{
    static const int sizes[][2] = {{0, 0},  {1, 1},   {2, 1},   {3, 2},     {10, 3},  {20, 5},
                                   {40, 8}, {79, 23}, {80, 10}, {300, 100}, {500, 2}, {1, 60}};
    (void)state;
    struct replay *replays[] = {scene_pipe_eof(true), scene_children(1), scene_children(7),
                                scene_children(30)};
    for (size_t i = 0; i < sizeof replays / sizeof *replays; i++) {
        struct stage s = stage_on(replays[i]);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            for (s.picture = 0; s.picture < PICTURE_COUNT; s.picture++)
                free(screen(&s, sizes[k][0], sizes[k][1], k % 2 == 0));
        replay_free(replays[i]);
    }
}

static void more_processes_than_fit_make_a_table(void **state)
{
    (void)state;
    struct replay *few = scene_children(7), *many = scene_children(9);
    struct stage s = stage_on(few);
    expect_text(&s, 140, 45, false, "┌ P.7 ");
    s = stage_on(many);
    expect_text(&s, 140, 45, false, "  P.9 ");
    replay_free(few);
    replay_free(many);
}

static void an_empty_stage_says_why(void **state)
{
    (void)state;
    struct stage s = {.finding = SIZE_MAX, .trouble = "run pipe-eof: it does not compile"};
    expect_text(&s, 80, 24, false, "it does not compile");
    s.trouble = NULL;
    expect_text(&s, 80, 24, false, "starting");
    for (enum action a = ACTION_UP; a < ACTION_HELP; a++)
        view_stage.act(&s, a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reason_stands_in_words),
        cmocka_unit_test(whole_screen_in_ascii),
        cmocka_unit_test(bytes_inside_are_shown),
        cmocka_unit_test(every_moment_can_be_visited_twice),
        cmocka_unit_test(enter_goes_to_the_cause_and_back),
        cmocka_unit_test(playing_ends_at_the_last_moment),
        cmocka_unit_test(any_size_is_drawn),
        cmocka_unit_test(more_processes_than_fit_make_a_table),
        cmocka_unit_test(an_empty_stage_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
