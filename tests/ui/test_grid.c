#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/grid.h"

static void expect(struct grid *g, const char *text)
{
    struct buf out = {0};
    grid_print(g, &out);
    assert_string_equal(out.data ? out.data : "", text);
    buf_fini(&out);
    grid_fini(g);
}

static void text_is_cut_at_the_edge(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 6, 2, false);
    assert_int_equal(grid_text(&g, 2, 0, STYLE_TEXT, -1, "abcdef"), 4);
    assert_int_equal(grid_text(&g, 0, 1, STYLE_TEXT, 3, "abcdef"), 3);
    assert_int_equal(grid_text(&g, 0, 9, STYLE_TEXT, -1, "below"), 5);
    expect(&g, "  abcd\nabc\n");
}

static void wide_characters_stay_whole(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 5, 3, false);
    assert_int_equal(grid_text(&g, 0, 0, STYLE_TEXT, -1, "語語語"), 4);
    grid_text(&g, 0, 1, STYLE_TEXT, -1, "語語");
    grid_put(&g, 1, 1, STYLE_TEXT, 'x');
    grid_text(&g, 0, 2, STYLE_TEXT, -1, "e\xcc\x81o");
    expect(&g, "語語\n x語\ne\xcc\x81o\n");
}

static void unprintable_bytes_are_shown_as_such(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 20, 2, false);
    grid_text(&g, 0, 0, STYLE_TEXT, -1,
              "a\x1b[31m\xff"
              "b");
    grid_text(&g, 0, 1, STYLE_TEXT, 5, "ab\x01\x02");
    expect(&g, "a\\x1b[31m\\xffb\nab\n");
}

static void ascii_skin_has_no_other_glyph(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 12, 3, true);
    grid_box(&g, 0, 0, 12, 3, STYLE_FRAME, "é");
    grid_text(&g, 2, 1, STYLE_TEXT, -1, "▶■●▓語");
    expect(&g, "+ ? -------+\n| >#*=?    |\n+----------+\n");
}

static void words_wrap(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 10, 4, false);
    assert_int_equal(grid_wrap(&g, 1, 0, 8, 4, 0, STYLE_TEXT, "the pipe is emptyandmore\nx"), 5);
    expect(&g, " the pipe\n is\n emptyand\n more\n");
}

static void wrapped_text_scrolls(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 6, 2, false);
    assert_int_equal(grid_wrap(&g, 0, 0, 3, 2, 1, STYLE_TEXT, "one two six ten"), 4);
    expect(&g, "two\nsix\n");
}

static void gauge_is_empty_or_full_only_when_it_is(void **state)
{
    static const struct {
        uint64_t value, most;
        const char *text;
    } cases[] = {{0, 100, "...."},   {1, 100, "=..."}, {50, 100, "==.."}, {99, 100, "===."},
                 {100, 100, "===="}, {7, 0, "...."},   {500, 100, "===="}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct grid g;
        char line[8];
        grid_init(&g, 4, 1, true);
        grid_gauge(&g, 0, 0, 4, cases[i].value, cases[i].most, STYLE_DATA);
        strcpy(line, cases[i].text);
        expect(&g, strcat(line, "\n"));
    }
}

static void nothing_to_draw_on_is_no_harm(void **state)
{
    (void)state;
    struct grid g;
    grid_init(&g, 0, 0, false);
    grid_text(&g, 0, 0, STYLE_TEXT, -1, "x");
    grid_box(&g, -3, -3, 9, 9, STYLE_FRAME, "t");
    grid_hline(&g, -2, 0, 100, STYLE_FRAME);
    grid_gauge(&g, 0, 0, -4, 1, 2, STYLE_DATA);
    assert_int_equal(grid_wrap(&g, 0, 0, 0, 1, 0, STYLE_TEXT, "word"), 0);
    expect(&g, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_at_the_edge),
        cmocka_unit_test(wide_characters_stay_whole),
        cmocka_unit_test(unprintable_bytes_are_shown_as_such),
        cmocka_unit_test(ascii_skin_has_no_other_glyph),
        cmocka_unit_test(words_wrap),
        cmocka_unit_test(wrapped_text_scrolls),
        cmocka_unit_test(gauge_is_empty_or_full_only_when_it_is),
        cmocka_unit_test(nothing_to_draw_on_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
