#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "scene.h"
#include "ui/scheduler.h"

/* What `ipclab steer pipe-deadlock --variant looking` says, shortened (docs/steer-json.md). */
static const char hello[] = "{\"type\":\"hello\",\"format\":1,\"goals\":[\"Make both block\",\"Let "
                            "them swap\"]}";
static const char run_1[] = "{\"type\":\"run\",\"run\":1,\"recording\":\"r\",\"replays\":0}";
static const char run_2[] = "{\"type\":\"run\",\"run\":2,\"recording\":\"r\",\"replays\":1}";
static const char moved_1[] = "{\"type\":\"moved\",\"step\":1,\"task\":\"P.1\",\"kind\":\"go\","
                              "\"call\":\"poll()\",\"result\":\"0\"}";
static const char moved_2[] = "{\"type\":\"moved\",\"step\":2,\"task\":\"P\",\"kind\":\"go\","
                              "\"call\":\"write(4, 65537 B)\",\"result\":\"\",\"parks\":true}";
static const char other_2[] = "{\"type\":\"moved\",\"step\":2,\"task\":\"P.1\",\"kind\":\"go\","
                              "\"call\":\"close(3)\",\"result\":\"EBADF\"}";
static const char woken[] =
    "{\"type\":\"moved\",\"step\":2,\"task\":\"P\",\"kind\":\"go\",\"forced\""
    ":true,\"call\":\"write(4, 65537 B)\",\"result\":\"65537\"}";
static const char state_1[] =
    "{\"type\":\"state\",\"step\":1,\"seq\":5,\"choices\":["
    "{\"n\":1,\"task\":\"P\",\"kind\":\"go\",\"call\":\"write(4, 65537 B)\",\"enabled\":\"may "
    "wait\",\"effect\":\"writes 65536 of 65537 bytes into pipe 1, then waits for room\"},"
    "{\"n\":2,\"task\":\"P.1\",\"kind\":\"go\",\"call\":\"read(3)\",\"enabled\":\"no\",\"effect\":"
    "\"would wait: pipe 2 is empty\"}],\"parked\":["
    "{\"task\":\"P.2\",\"call\":\"read(5)\",\"reason\":\"pipe 7 is empty, too\"}],"
    "\"goals\":[false,false]}";
static const char deadlock[] =
    "{\"type\":\"ended\",\"step\":2,\"seq\":9,\"how\":\"deadlock\",\"well\":false,\"text\":\"2 "
    "processes wait for each other\",\"cycle\":\"P -[write pipe 1]-> P.1 -[write pipe 2]-> P\","
    "\"exits\":[],\"parked\":[{\"task\":\"P\",\"call\":\"write(4, 65537 B)\",\"reason\":\"pipe 1 "
    "is full\"}],\"goals\":[true,false]}";
static const char well[] =
    "{\"type\":\"ended\",\"step\":2,\"seq\":9,\"how\":\"ended\",\"well\":true,\"text\":\"\","
    "\"cycle\":\"\",\"exits\":[{\"task\":\"P\",\"text\":\"exited 0\"}],\"goals\":[false,true]}";
static const char error[] = "{\"type\":\"error\",\"text\":\"go 9: a number is expected\"}";

static void take(struct steering *t, const char *line)
{
    assert_true(steering_take(t, line));
}

static char *screen(const struct scheduler *s, int width, int height, bool is_ascii)
{
    struct grid g;
    struct buf out = {0};
    grid_init(&g, width, height, is_ascii);
    view_scheduler.draw(s, &g);
    grid_print(&g, &out);
    grid_fini(&g);
    return buf_take(&out);
}

static bool shows(const struct scheduler *s, const char *text)
{
    static const int sizes[][2] = {{80, 24}, {140, 45}};
    bool all = true;
    for (size_t i = 0; i < 2; i++) {
        char *shown = screen(s, sizes[i][0], sizes[i][1], false);
        all = all && strstr(shown, text);
        free(shown);
    }
    return all;
}

static void expect(const struct scheduler *s, const char *text)
{
    char *shown = screen(s, 80, 24, false);
    if (!shows(s, text))
        fail_msg("not on the screen: %s\n%s", text, shown);
    free(shown);
}

/* A scheduler on the first lines; the caller ends both. */
static struct scheduler begin(struct steering *t, struct replay *r)
{
    *t = (struct steering){0};
    take(t, hello);
    take(t, run_1);
    take(t, moved_1);
    take(t, state_1);
    struct scheduler s = {
        .steering = t, .stage = {.replay = r, .seq = 5, .is_steered = true, .finding = SIZE_MAX}};
    scheduler_stands(&s);
    return s;
}

static void what_each_would_do_stands_beside_it(void **state)
{
    (void)state;
    struct steering t;
    struct replay *r = scene_pipe_eof(true);
    struct scheduler s = begin(&t, r);
    expect(&s, "Who moves?");
    expect(&s, "writes 65536 of 65537 bytes into pipe 1");
    expect(&s, "would wait: pipe 2 is empty");
    expect(&s, "■   P.2     read(5)");
    expect(&s, "pipe 7 is empty, too");
    expect(&s, "○ Make both block");
    expect(&s, "after 1 move");
    expect(&s, "poll() = 0");
    assert_int_equal(s.selected, 1); /* P.1 moved last: it goes on */
    assert_int_equal(view_scheduler.act(&s, ACTION_UP), REQUEST_DRAW);
    expect(&s, "▶ 1 P ");
    steering_fini(&t);
    replay_free(r);
}

static void blocked_ones_are_in_reverse(void **state)
{
    (void)state;
    struct steering t;
    struct replay *r = scene_pipe_eof(true);
    struct scheduler s = begin(&t, r);
    struct grid g;
    bool is_found = false;
    grid_init(&g, 80, 24, false);
    view_scheduler.draw(&s, &g);
    for (int i = 0; i < 80 * 24; i++)
        is_found |= g.cells[i].code == 0x25a0 && g.cells[i].is_reverse && i % 80 == 1;
    assert_true(is_found);
    grid_fini(&g);
    steering_fini(&t);
    replay_free(r);
}

static void keys_become_orders(void **state)
{
    (void)state;
    struct steering t;
    struct replay *r = scene_pipe_eof(true);
    struct scheduler s = begin(&t, r);
    static const struct {
        enum action action;
        const char *order;
    } rows[] = {{ACTION_GO, "go 2\n"},
                {ACTION_TAKE_BACK, "back\n"},
                {ACTION_RESTART, "rewind 0\n"},
                {ACTION_FINISH, "finish\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(view_scheduler.act(&s, rows[i].action), REQUEST_ORDER);
        assert_string_equal(s.order, rows[i].order);
    }
    assert_int_equal(view_scheduler.pick(&s, '1'), REQUEST_ORDER);
    assert_string_equal(s.order, "go 1\n");
    assert_int_equal(view_scheduler.pick(&s, '3'), REQUEST_NONE);
    assert_int_equal(view_scheduler.pick(&s, 'x'), REQUEST_NONE);
    steering_ordered(&t); /* one at a time; but who hangs can be started anew */
    expect(&s, "moving");
    assert_int_equal(view_scheduler.pick(&s, '1'), REQUEST_NONE);
    assert_int_equal(view_scheduler.act(&s, ACTION_GO), REQUEST_NONE);
    assert_int_equal(view_scheduler.act(&s, ACTION_RESTART), REQUEST_STEER);
    take(&t, error);
    expect(&s, "✗ go 9: a number is expected");
    assert_int_equal(view_scheduler.act(&s, ACTION_GO), REQUEST_ORDER);
    steering_fini(&t);
    replay_free(r);
}

static void the_deadlock_shows_its_cycle(void **state)
{
    (void)state;
    struct steering t;
    struct replay *r = scene_pipe_eof(true);
    struct scheduler s = begin(&t, r);
    take(&t, moved_2);
    take(&t, deadlock);
    scheduler_stands(&s);
    expect(&s, "● deadlock: P -[write pipe 1]-> P.1 -[write pipe 2]-> P");
    expect(&s, "2 processes wait for each other");
    expect(&s, "✓ Make both block: reached");
    expect(&s, "pipe 1 is full");
    expect(&s, "■ falls asleep");
    assert_false(shows(&s, "Who moves?"));
    assert_int_equal(view_scheduler.act(&s, ACTION_GO), REQUEST_NONE);
    assert_int_equal(view_scheduler.act(&s, ACTION_FINISH), REQUEST_NONE);
    assert_int_equal(view_scheduler.act(&s, ACTION_TAKE_BACK), REQUEST_ORDER);
    steering_fini(&t);
    replay_free(r);
}

/* What was taken back stays in sight until something else is done. */
static void a_move_taken_back_can_be_made_again(void **state)
{
    (void)state;
    struct steering t;
    struct replay *r = scene_pipe_eof(true);
    struct scheduler s = begin(&t, r);
    take(&t, moved_2);
    take(&t, deadlock);
    assert_int_equal(steering_again(&t), SIZE_MAX);
    take(&t, run_2);
    take(&t, moved_1);
    take(&t, state_1);
    scheduler_stands(&s);
    assert_int_equal(t.made, 1);
    assert_int_equal(t.moves_count, 2);
    expect(&s, "you had reached it");
    expect(&s, "▶  1  P.1     poll() = 0");
    assert_int_equal(view_scheduler.act(&s, ACTION_AGAIN), REQUEST_ORDER);
    assert_string_equal(s.order, "go 1\n");
    take(&t, other_2);
    assert_int_equal(t.moves_count, 2);
    assert_string_equal(t.moves[1].result, "EBADF");
    take(&t, woken);
    take(&t, well);
    expect(&s, "✓ It ended well: P exited 0");
    expect(&s, "write(4, 65537 B) = 65537  woken");
    steering_fini(&t);
    replay_free(r);
}

static void any_size_is_drawn(void **state)
{
    static const int sizes[][2] = {{0, 0},   {1, 1},   {2, 9},   {9, 2},    {20, 5},
                                   {63, 24}, {80, 10}, {119, 7}, {300, 90}, {500, 2}};
    (void)state;
    struct steering t;
    struct replay *replays[] = {scene_pipe_eof(true), scene_children(9)};
    for (size_t k = 0; k < 2; k++) {
        struct scheduler s = begin(&t, replays[k]);
        for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
            if (i == sizeof sizes / sizeof *sizes)
                take(&t, deadlock);
            free(screen(&s, sizes[i / 2][0], sizes[i / 2][1], i % 2));
        }
        char *shown = screen(&s, 80, 24, true);
        for (const char *p = shown; *p; p++)
            assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
        free(shown);
        steering_fini(&t);
        replay_free(replays[k]);
    }
}

static void lines_that_make_no_sense_change_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"",   "[]", "{", "{\"type\":7}", "{\"type\":\"song\"}",
                                        "{}", "5"};
    struct steering t = {0};
    take(&t, state_1);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(steering_take(&t, lines[i]));
    take(&t, "{\"type\":\"state\",\"choices\":[7,{}],\"parked\":{},\"goals\":[true]}");
    assert_int_equal(t.options_count, 2);
    assert_string_equal(t.options[1].task, "");
    steering_fini(&t);
}

static void nothing_to_steer_says_why(void **state)
{
    (void)state;
    struct steering t = {0};
    struct scheduler s = {.steering = &t, .trouble = "run x: it does not compile"};
    expect(&s, "it does not compile");
    assert_int_equal(view_scheduler.act(&s, ACTION_GO), REQUEST_NONE);
    assert_int_equal(view_scheduler.act(&s, ACTION_RESTART), REQUEST_STEER);
    s.trouble = NULL;
    expect(&s, "starting");
    assert_int_equal(view_scheduler.act(&s, ACTION_BACK), REQUEST_BACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_would_do_stands_beside_it),
        cmocka_unit_test(blocked_ones_are_in_reverse),
        cmocka_unit_test(keys_become_orders),
        cmocka_unit_test(the_deadlock_shows_its_cycle),
        cmocka_unit_test(a_move_taken_back_can_be_made_again),
        cmocka_unit_test(any_size_is_drawn),
        cmocka_unit_test(lines_that_make_no_sense_change_nothing),
        cmocka_unit_test(nothing_to_steer_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
