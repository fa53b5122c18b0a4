/* Schedule files: read, written, refused; followed and not followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/schedule.h"
#include "control/scripted.h"
#include "programs.h"

static const char *const whole = "ipclab-schedule 1\n"
                                 "# a comment\n"
                                 "for: pipe-deadlock broken\n"
                                 "found by: urw, seed 17\n"
                                 "time: fair\n"
                                 "pipes: 4096\n"
                                 "fault P.2 4 error=EMFILE\n"
                                 "fault P.1 3 short=1\n"
                                 "fault P.1 5 signal=SIGCHLD\n"
                                 "fault P 7 kill-after\n"
                                 "P 1  # clone(...)\n"
                                 "P.1 1\n"
                                 "P.1 2 signal\n"
                                 "P 2 timeout\n"
                                 "P.1.2 1 report\n"
                                 "hold P until P.1 passes 3\n"
                                 "hold P.2 until P ends\n"
                                 "order: P.1 P.2 P\n"
                                 "then: urw 17\n";

static struct schedule *parse(const char *text, struct cast *cast)
{
    struct schedule *s = NULL;
    struct err e = {0};
    if (schedule_parse(&s, text, "FILE", cast, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct cast *cast = cast_new();
    struct buf first = {0}, second = {0};
    struct schedule *s = parse(whole, cast);
    schedule_print(s, cast, &first);
    struct schedule *again = parse(first.data, cast);
    schedule_print(again, cast, &second);
    assert_string_equal(first.data, second.data);
    assert_int_equal(again->steps_count, 5);
    assert_int_equal(again->steps[2].move.kind, MOVE_SIGNAL);
    assert_string_equal(cast_name(cast, again->steps[4].move.task), "P.1.2");
    assert_int_equal(again->faults_count, 5);
    assert_int_equal(again->holds_count, 2);
    assert_int_equal(again->holds[1].op, 0);
    assert_int_equal(again->order_count, 3);
    assert_int_equal(again->then, STRATEGY_URW);
    assert_int_equal(again->seed, 17);
    assert_true(again->is_fair);
    buf_fini(&first);
    buf_fini(&second);
    schedule_free(s);
    schedule_free(again);
    cast_free(cast);
}

static const struct {
    const char *text, *where, *what;
} refused[] = {
    {"Q 1\n", "FILE:1:", "\"Q\""},
    {"P 1\nP zero\n", "FILE:2:", "\"zero\""},
    {"P 0\n", "FILE:1:", "\"0\""},
    {"P\n", "FILE:1:", "number"},
    {"P 1 jump\n", "FILE:1:", "\"jump\""},
    {"P 1 go now\n", "FILE:1:", "\"now\""},
    {"\n\nfault P 1\n", "FILE:3:", "fault"},
    {"fault P 1 error\n", "FILE:1:", "error"},
    {"fault P 1 error=EWHAT\n", "FILE:1:", "error"},
    {"fault P 1 error=9999\n", "FILE:1:", "error"},
    {"fault P 1 short=0\n", "FILE:1:", "short"},
    {"fault P 1 kill=3\n", "FILE:1:", "kill"},
    {"hold P until P.1\n", "FILE:1:", "hold"},
    {"order: P X\n", "FILE:1:", "\"X\""},
    {"then: luck\n", "FILE:1:", "\"luck\""},
    {"then: urw many\n", "FILE:1:", "urw many"},
    {"time: slow\n", "FILE:1:", "\"slow\""},
    {"ipclab-schedule 9\n", "FILE:1:", "\"9\""},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct cast *cast = cast_new();
        struct schedule *s = NULL;
        struct err e = {0};
        if (schedule_parse(&s, refused[i].text, "FILE", cast, &e) == 0)
            fail_msg("accepted: %s", refused[i].text);
        assert_null(s);
        if (!strstr(e.text, refused[i].where) || !strstr(e.text, refused[i].what) ||
            !strstr(e.text, "write") || strchr(e.text, '\n'))
            fail_msg("%s gives: %s", refused[i].text, e.text);
        cast_free(cast);
    }
}

/* ---- followed ---- */

static struct sim_program two_tasks(void)
{
    struct sim_program p = {.task_count = 2};
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < 3; i++)
            program_add(&p, t, SIM_STORE, 0, 0);
    return p;
}

static void expect_run(const char *text, bool is_strict, const char *events, bool diverges)
{
    struct cast *cast = cast_new();
    cast_index(cast, "P.1");
    struct schedule *s = parse(text, cast);
    struct scripted *chooser = scripted_new(s, cast, is_strict);
    struct sim_program p = two_tasks();
    struct sim_run r = sim_run(&p, scripted_chooser(chooser), 0);
    assert_string_equal(r.events, events);
    const char *divergence = scripted_divergence(chooser);
    if (is_strict)
        assert_int_equal(divergence != NULL, diverges);
    if (divergence)
        assert_non_null(strstr(divergence, "P.1"));
    scripted_free(chooser);
    schedule_free(s);
    cast_free(cast);
}

static void test_followed(void **state)
{
    (void)state;
    expect_run("P.1 1\nP 1\nP.1 2\nP 2\nP.1 3\nP 3\n", true, "808080", false);
    expect_run("P.1 1\n", true, "888000", false);
    expect_run("order: P.1 P\n", true, "888000", false);
    expect_run("hold P until P.1 passes 2\norder: P P.1\n", true, "880008", false);
    expect_run("then: round robin\n", true, "080808", false);
    expect_run("P.1 1\nP.1 2\nP.1 3\nP.1 4\nP 1\n", true, "888", true);
    expect_run("P.1 1\nP.1 2\nP.1 3\nP.1 4\nP 1\n", false, "888000", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
