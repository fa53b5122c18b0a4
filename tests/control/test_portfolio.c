/* Which faults are legal; the plan of an exploration, and what it may claim. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/portfolio.h"
#include "programs.h"

static bool can_suffer(const struct fault_facts *facts, enum fault_kind kind, int64_t value)
{
    struct fault list[FAULTS_PER_CALL];
    size_t count = fault_list(facts, list);
    for (size_t i = 0; i < count; i++)
        if (list[i].kind == kind && (value == 0 || list[i].value == value))
            return true;
    return false;
}

static const uint64_t CHILD_BIT = UINT64_C(1) << (SIGCHLD - 1);

static const struct {
    const char *what;
    struct fault_facts facts;
    enum fault_kind kind;
    int64_t value;
    bool is_legal;
} laws[] = {
    {"short read of a pipe", {CALL_read, true, false, 8, 0, 0, false}, FAULT_SHORT, 0, true},
    {"short read of one byte", {CALL_read, true, false, 1, 0, 0, false}, FAULT_SHORT, 0, false},
    {"short read of a file", {CALL_read, false, true, 8, 0, 0, false}, FAULT_SHORT, 0, false},
    {"EINTR without a handler", {CALL_read, true, false, 8, 0, 0, false}, FAULT_SIGNAL, 0, false},
    {"EINTR with SA_RESTART",
     {CALL_read, true, false, 8, CHILD_BIT, 0, false},
     FAULT_SIGNAL,
     0,
     false},
    {"EINTR with a handler",
     {CALL_read, true, false, 8, CHILD_BIT, CHILD_BIT, false},
     FAULT_SIGNAL,
     SIGCHLD,
     true},
    {"poll is never restarted",
     {CALL_poll, false, false, 0, CHILD_BIT, 0, false},
     FAULT_SIGNAL,
     SIGCHLD,
     true},
    {"no descriptors left", {CALL_pipe2, false, false, 0, 0, 0, false}, FAULT_ERROR, EMFILE, true},
    {"close cannot run out of descriptors",
     {CALL_close, false, false, 0, 0, 0, false},
     FAULT_ERROR,
     0,
     false},
    {"a full disk", {CALL_write, false, true, 8, 0, 0, false}, FAULT_ERROR, ENOSPC, true},
    {"a pipe is no disk", {CALL_write, true, false, 8, 0, 0, false}, FAULT_ERROR, ENOSPC, false},
    {"a child is killed", {CALL_close, false, false, 0, 0, 0, true}, FAULT_KILL, 0, true},
    {"the command is not", {CALL_close, false, false, 0, 0, 0, false}, FAULT_KILL, 0, false},
};

static void test_laws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++)
        if (can_suffer(&laws[i].facts, laws[i].kind, laws[i].value) != laws[i].is_legal)
            fail_msg("%s", laws[i].what);
}

/* ---- the plan ---- */

struct outcome {
    size_t runs[PORTFOLIO_DONE + 1], faults, deadlocks;
    bool is_exhaustive;
    struct buf claim;
};

static struct outcome follow(const struct sim_program *p, const struct portfolio_options *options)
{
    struct outcome o = {0};
    struct portfolio *plan = portfolio_new(options);
    struct portfolio_run run;
    while (portfolio_next(plan, &run)) {
        struct sim_run r = sim_run(p, run.chooser, 0);
        if (run.phase == PORTFOLIO_CANONICAL && o.runs[PORTFOLIO_CANONICAL] == 0)
            portfolio_add_fault(plan, &(struct fault){0, 1, FAULT_SHORT, 1});
        o.runs[run.phase]++;
        o.faults += run.fault != NULL;
        o.deadlocks += r.is_deadlock;
        portfolio_made(plan, r.is_deadlock, false);
    }
    o.is_exhaustive = portfolio_is_exhaustive(plan);
    portfolio_claim(plan, &o.claim);
    assert_true(portfolio_runs(plan) <= options->runs);
    portfolio_free(plan);
    return o;
}

static void test_all_classes(void **state)
{
    (void)state;
    struct sim_program p = program_writers(2, 4, 0);
    struct outcome o = follow(&p, &(struct portfolio_options){.runs = 400, .no_faults = true});
    assert_true(o.is_exhaustive);
    assert_int_equal(o.runs[PORTFOLIO_CLASSES], 70);
    assert_int_equal(o.runs[PORTFOLIO_SAMPLES], 0);
    assert_non_null(strstr(o.claim.data, "all 70 classes explored"));
    buf_fini(&o.claim);
}

static void test_samples(void **state)
{
    (void)state;
    struct sim_program p = program_writers(3, 4, 0); /* 34650 classes: too many */
    struct outcome o = follow(&p, &(struct portfolio_options){.runs = 200});
    assert_false(o.is_exhaustive);
    assert_int_equal(o.runs[PORTFOLIO_CANONICAL], 3);
    assert_true(o.runs[PORTFOLIO_CLASSES] > 0 && o.runs[PORTFOLIO_CLASSES] <= 100);
    assert_true(o.runs[PORTFOLIO_SAMPLES] > 0 && o.faults > 0);
    assert_null(strstr(o.claim.data, "all "));
    assert_non_null(strstr(o.claim.data, "no failure; a depth-2 bug is missed with probability"));
    buf_fini(&o.claim);
}

/* A deadlock is a failure: nothing good may be claimed. */
static void test_failure(void **state)
{
    (void)state;
    struct sim_program p = program_dining(5);
    struct outcome o = follow(&p, &(struct portfolio_options){.runs = 30, .no_faults = true});
    assert_false(o.is_exhaustive);
    assert_true(o.deadlocks > 0);
    assert_null(strstr(o.claim.data, "no failure"));
    buf_fini(&o.claim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_all_classes),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
