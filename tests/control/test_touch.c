/* The commutation table: every pair of a family is in it once; the rules, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "control/touch.h"

/* A family: the kinds that may meet on one object, [first, last]. */
static const struct {
    enum touch_kind first, last;
} families[] = {
    {TOUCH_STREAM_READ, TOUCH_STREAM_RESIZE}, {TOUCH_COUNT_ADD, TOUCH_COUNT_LOOK},
    {TOUCH_LOCK_TAKE, TOUCH_LOCK_LOOK},       {TOUCH_VALUE_READ, TOUCH_VALUE_WRITE},
    {TOUCH_CHILD_END, TOUCH_CHILD_LOOK},      {TOUCH_SIGNAL_SEND, TOUCH_SIGNAL_LIVE},
};
enum { FAMILIES = sizeof families / sizeof *families };

static int rows[TOUCH_KIND_COUNT][TOUCH_KIND_COUNT];

static void count_rows(void)
{
    memset(rows, 0, sizeof rows);
#define PAIR(A, B, rule) rows[TOUCH_##A][TOUCH_##B]++;
#include "control/touch.def"
}

static int family_of(int kind)
{
    for (int f = 0; f < FAMILIES; f++)
        if (kind >= (int)families[f].first && kind <= (int)families[f].last)
            return f;
    return -1;
}

static void test_every_kind_has_a_family(void **state)
{
    (void)state;
    for (int kind = 0; kind < TOUCH_KIND_COUNT; kind++)
        assert_int_equal(family_of(kind) < 0, kind == TOUCH_ANY);
}

static void test_each_pair_once(void **state)
{
    (void)state;
    count_rows();
    for (int a = TOUCH_ANY + 1; a < TOUCH_KIND_COUNT; a++)
        for (int b = a; b < TOUCH_KIND_COUNT; b++) {
            int expected = family_of(a) == family_of(b);
            int found = rows[a][b] + (a == b ? 0 : rows[b][a]);
            if (found != expected)
                fail_msg("%s, %s: %d rows, want %d", touch_kind_name((enum touch_kind)a),
                         touch_kind_name((enum touch_kind)b), found, expected);
        }
}

static struct touch random_touch(uint64_t *seed, int kind)
{
    struct touch t = {.object = 1, .kind = (uint8_t)kind};
    t.is_last = random_below(seed, 2);
    t.is_end = random_below(seed, 2);
    t.at = random_below(seed, 6);
    t.size = random_below(seed, 6);
    t.done = random_below(seed, 4);
    t.level = random_below(seed, 6);
    t.room = random_below(seed, 6);
    return t;
}

/* Of two touches of one state, the facts of the state are the same. */
static void test_now_is_symmetric(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        int a = 1 + (int)random_below(&seed, TOUCH_KIND_COUNT - 1);
        int b = (int)families[family_of(a)].first +
                (int)random_below(&seed,
                                  families[family_of(a)].last - families[family_of(a)].first + 1);
        struct touch x = random_touch(&seed, a), y = random_touch(&seed, b);
        y.level = x.level;
        y.room = x.room;
        if (a == b)
            y.size = x.size; /* descriptors that are left */
        enum relation one = touch_now(&x, &y), two = touch_now(&y, &x);
        if (one != two || one == RELATION_ENABLES)
            fail_msg("%s, %s: %d and %d", touch_kind_name((enum touch_kind)a),
                     touch_kind_name((enum touch_kind)b), one, two);
    }
}

static void test_any_depends_on_all(void **state)
{
    (void)state;
    struct touch any = {.object = 1, .kind = TOUCH_ANY};
    for (int kind = 0; kind < TOUCH_KIND_COUNT; kind++) {
        struct touch t = {.object = 1, .kind = (uint8_t)kind};
        assert_int_equal(touch_now(&any, &t), RELATION_DEPENDS);
        assert_int_equal(touch_order(&any, &t), RELATION_DEPENDS);
        assert_int_equal(touch_order(&t, &any), RELATION_DEPENDS);
    }
}

#define C RELATION_COMMUTES
#define E RELATION_ENABLES
#define D RELATION_DEPENDS
#define KIND(k) .kind = TOUCH_##k

static const struct {
    const char *what;
    struct touch first, second;
    enum relation order;
} orders[] = {
    {"the first bytes of an empty pipe, then their reader",
     {KIND(STREAM_WRITE), .at = 0, .size = 4, .done = 4},
     {KIND(STREAM_READ), .at = 0, .size = 4, .done = 4},
     E},
    {"a second record, then a reader of the first",
     {KIND(STREAM_WRITE), .at = 4, .size = 4, .done = 4},
     {KIND(STREAM_READ), .at = 0, .size = 4, .done = 4},
     C},
    {"a second record, then a reader who takes both",
     {KIND(STREAM_WRITE), .at = 4, .size = 4, .done = 4},
     {KIND(STREAM_READ), .at = 0, .size = 8, .done = 8},
     D},
    {"a full read, then a write that had room anyway",
     {KIND(STREAM_READ), .at = 0, .size = 4, .done = 4},
     {KIND(STREAM_WRITE), .at = 4, .size = 4, .done = 4, .room = 100},
     C},
    {"a full read, then a write that had no room before",
     {KIND(STREAM_READ), .at = 0, .size = 4, .done = 4},
     {KIND(STREAM_WRITE), .at = 4, .size = 4, .done = 4, .room = 4},
     E},
    {"a short read, then a write",
     {KIND(STREAM_READ), .at = 0, .size = 8, .done = 4},
     {KIND(STREAM_WRITE), .at = 4, .size = 4, .done = 4, .room = 100},
     D},
    {"a read that got the first part of a long write",
     {KIND(STREAM_READ), .at = 0, .size = 8, .done = 8},
     {KIND(STREAM_WRITE), .at = 0, .size = 100, .done = 100, .room = 8},
     E},
    {"EAGAIN, then room is made",
     {KIND(STREAM_WRITE), .at = 8, .size = 4, .done = 0},
     {KIND(STREAM_READ), .at = 0, .size = 4, .done = 4},
     D},
    {"a close of a writer, not the last, then end of file",
     {KIND(STREAM_CLOSE_WRITE), .size = 2, .done = 1},
     {KIND(STREAM_READ), .size = 4, .is_end = true},
     E},
    {"the last writer closes, then a read of what is left",
     {KIND(STREAM_CLOSE_WRITE), .is_last = true, .size = 1, .done = 1},
     {KIND(STREAM_READ), .size = 4, .done = 4},
     C},
    {"EAGAIN, then the last writer closes",
     {KIND(STREAM_READ), .size = 4, .never_waits = true},
     {KIND(STREAM_CLOSE_WRITE), .is_last = true, .size = 1, .done = 1},
     D},
    {"the last reader closes, then EPIPE",
     {KIND(STREAM_CLOSE_READ), .is_last = true, .size = 1, .done = 1},
     {KIND(STREAM_WRITE), .size = 4, .is_end = true},
     D},
    {"a write, then the last reader closes",
     {KIND(STREAM_WRITE), .size = 4, .done = 4},
     {KIND(STREAM_CLOSE_READ), .is_last = true, .size = 1, .done = 1},
     D},
    {"a write, then a reader closes that is not the last",
     {KIND(STREAM_WRITE), .size = 4, .done = 4},
     {KIND(STREAM_CLOSE_READ), .size = 2, .done = 1},
     C},
    {"poll sees an empty pipe, then bytes come",
     {KIND(STREAM_POLL), .level = 0, .room = 65536},
     {KIND(STREAM_WRITE), .size = 4, .done = 4},
     D},
    {"poll sees bytes, then more come",
     {KIND(STREAM_POLL), .level = 8, .room = 60000},
     {KIND(STREAM_WRITE), .at = 8, .size = 4, .done = 4},
     C},
    {"FIONREAD, then more come",
     {KIND(STREAM_POLL), .level = 8, .room = 60000, .size = 1},
     {KIND(STREAM_WRITE), .at = 8, .size = 4, .done = 4},
     D},
    {"a token, then its taker",
     {KIND(COUNT_ADD), .at = 0, .done = 1},
     {KIND(COUNT_TAKE), .at = 0, .done = 1, .level = 1},
     E},
    {"two takers of the last token",
     {KIND(COUNT_TAKE), .done = 1, .level = 1},
     {KIND(COUNT_TAKE), .done = 1, .level = 0},
     D},
    {"two takers of two tokens",
     {KIND(COUNT_TAKE), .done = 1, .level = 2},
     {KIND(COUNT_TAKE), .done = 1, .level = 1},
     C},
    {"unlock, then lock", {KIND(LOCK_RELEASE)}, {KIND(LOCK_TAKE)}, E},
    {"two shared locks", {KIND(LOCK_SHARE)}, {KIND(LOCK_SHARE)}, C},
    {"two parts of a file",
     {KIND(VALUE_WRITE), .at = 0, .size = 4},
     {KIND(VALUE_WRITE), .at = 4, .size = 4},
     C},
    {"a part of a file and all of it",
     {KIND(VALUE_WRITE), .at = 0, .size = 4},
     {KIND(VALUE_READ), .at = 0, .size = 0},
     D},
    {"the only child's end, then its wait",
     {KIND(CHILD_END)},
     {KIND(CHILD_WAIT), .at = 3, .level = 1, .room = 1, .size = 3},
     E},
    {"the elder child's end, then a wait that might have got the younger",
     {KIND(CHILD_END)},
     {KIND(CHILD_WAIT), .at = 3, .level = 1, .room = 2, .size = 3},
     D},
    {"the younger child's end, then a wait that gets the elder",
     {KIND(CHILD_END)},
     {KIND(CHILD_WAIT), .at = 4, .level = 1, .room = 2, .size = 3},
     C},
    {"a wait that got the younger, then the elder's end",
     {KIND(CHILD_WAIT), .at = 3, .level = 0, .room = 1, .size = 4},
     {KIND(CHILD_END)},
     D},
    {"two children look", {KIND(CHILD_LOOK)}, {KIND(CHILD_LOOK)}, C},
    {"a look that reaps, then a look", {KIND(CHILD_LOOK), .done = 1}, {KIND(CHILD_LOOK)}, D},
    {"a signal, then a move of who gets it", {KIND(SIGNAL_SEND)}, {KIND(SIGNAL_LIVE)}, D},
    {"two moves of who may get signals", {KIND(SIGNAL_LIVE)}, {KIND(SIGNAL_LIVE)}, C},
};

static void test_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        enum relation r = touch_order(&orders[i].first, &orders[i].second);
        if (r != orders[i].order)
            fail_msg("%s: %d, want %d", orders[i].what, r, orders[i].order);
    }
}

static void add(struct footprint *f, uint64_t object, enum touch_kind kind)
{
    f->touches[f->count++] = (struct touch){.object = object, .kind = (uint8_t)kind};
}

static void test_footprints(void **state)
{
    (void)state;
    struct footprint a = {0}, b = {0}, all = {.touches_all = true}, none = {0};
    add(&a, 1, TOUCH_LOCK_RELEASE);
    add(&b, 1, TOUCH_LOCK_TAKE);
    assert_int_equal(footprint_order(&a, &b), RELATION_ENABLES);
    assert_true(footprint_enables(&a, &b));
    add(&a, 2, TOUCH_VALUE_WRITE);
    add(&b, 3, TOUCH_VALUE_WRITE);
    assert_int_equal(footprint_order(&a, &b), RELATION_ENABLES);
    add(&b, 2, TOUCH_VALUE_READ);
    assert_int_equal(footprint_order(&a, &b), RELATION_DEPENDS);
    assert_true(footprint_enables(&a, &b));
    assert_false(footprint_enables(&b, &a));
    assert_int_equal(footprint_now(&all, &none), RELATION_DEPENDS);
    assert_int_equal(footprint_now(&a, &none), RELATION_COMMUTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_family),
        cmocka_unit_test(test_each_pair_once),
        cmocka_unit_test(test_now_is_symmetric),
        cmocka_unit_test(test_any_depends_on_all),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_footprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
