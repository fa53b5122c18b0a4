/* Names and ids of rules; knots: components of those who wait for each other, and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "diagnose/stuck.h"

/* A waiter: process `proc` waits for the processes named by the digits in `wakers`. */
static struct member waiter(uint32_t proc, const char *wakers)
{
    struct member m = {.proc = proc};
    for (; *wakers; wakers++)
        m.wait.wakers[m.wait.waker_count++] = (uint32_t)(*wakers - '0');
    return m;
}

static void test_components(void **state)
{
    (void)state;
    /* 0 waits for 1; 1 and 2 for each other; 3 for itself or 4, 4 for 3; 5 for nobody. */
    struct member all[] = {waiter(0, "1"),  waiter(1, "2"), waiter(2, "1"),
                           waiter(3, "34"), waiter(4, "3"), waiter(5, "")};
    assert_int_equal(knot_find(all, 6), 4);
    assert_int_equal(all[1].component, all[2].component);
    assert_int_equal(all[3].component, all[4].component);
    assert_int_not_equal(all[1].component, all[3].component);
    assert_int_not_equal(all[0].component, all[1].component);
    assert_false(knot_is_sink(all, 6, all[0].component)); /* a victim, not a cause */
    assert_true(knot_is_sink(all, 6, all[1].component));
    assert_true(knot_is_sink(all, 6, all[3].component));
    assert_true(knot_is_sink(all, 6, all[5].component));
}

/* The members in order, as digits of their processes. */
static size_t order(struct member *all, size_t count, size_t first, char *text)
{
    size_t members[10];
    struct knot k = {.all = all, .all_count = count, .members = members, .count = count};
    for (size_t i = 0; i < count; i++)
        members[i] = (first + i) % count;
    size_t cycle = knot_order(&k);
    for (size_t i = 0; i < count; i++)
        text[i] = (char)('0' + all[members[i]].proc);
    text[count] = '\0';
    return cycle;
}

static void test_order(void **state)
{
    char text[11];
    (void)state;
    struct member ring[] = {waiter(0, "2"), waiter(1, "0"), waiter(2, "1")};
    assert_int_equal(order(ring, 3, 0, text), 3);
    assert_string_equal(text, "021");
    assert_int_equal(order(ring, 3, 1, text), 3);
    assert_string_equal(text, "102");

    struct member chord[] = {waiter(0, "1"), waiter(1, "20"), waiter(2, "0")};
    assert_int_equal(order(chord, 3, 0, text), 2); /* the shortest cycle, then the rest */
    assert_string_equal(text, "012");

    struct member self[] = {waiter(0, "0")};
    assert_int_equal(order(self, 1, 0, text), 1);

    struct member both[] = {waiter(0, "01"), waiter(1, "0")};
    assert_int_equal(order(both, 2, 0, text), 2); /* with another rather than with itself */

    struct member nobody[] = {waiter(0, "")};
    assert_int_equal(order(nobody, 1, 0, text), 0);
}

static void test_ids(void **state)
{
    (void)state;
    for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
        assert_int_equal(rule_by_id(rule_id(rule)), rule);
        assert_true(strlen(rule_title(rule)) > 0);
    }
    assert_int_equal(rule_by_id("no-such-rule"), RULE_COUNT);
    assert_string_equal(run_end_name(RUN_NEVER_EOF), "never-eof");
    assert_string_equal(run_end_name(RUN_INTERRUPTED), "interrupted");
    assert_string_equal(severity_name(SEVERITY_PROBLEM), "problem");
}

static void test_evidence(void **state)
{
    (void)state;
    struct finding *f = finding_new(RULE_DEADLOCK, SEVERITY_PROBLEM, 7);
    for (uint32_t i = 0; i < 2 * FINDING_EVIDENCE_MAX; i++) {
        finding_add_event(f, i);
        finding_add_event(f, 0);
        finding_add_proc(f, MODEL_NONE);
    }
    assert_int_equal(f->event_count, FINDING_EVIDENCE_MAX);
    assert_int_equal(f->events[1], 1);
    assert_int_equal(f->proc_count, 0);
    finding_say(f, "%s", "one");
    finding_say(f, "%s", "two");
    assert_string_equal(f->text, "two");
    finding_discard(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
