/* Exploration against brute force: as many complete runs as there are classes, one of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "control/dpor.h"
#include "programs.h"

enum { RUNS_MAX = 20000, RANDOM_PROGRAMS = 800, INTERLEAVINGS_MAX = 20000 };

static void print_program(const struct sim_program *p)
{
    for (int t = 0; t < p->task_count; t++) {
        printf("  task %d (r%x w%x):", t, p->read_ends[t], p->write_ends[t]);
        for (int i = 0; p->ops[t][i].kind != SIM_END; i++)
            printf(" %d:%d,%d", p->ops[t][i].kind, p->ops[t][i].object, p->ops[t][i].n);
        printf("\n");
    }
    printf("  capacity %d %d\n", p->capacity[0], p->capacity[1]);
}

struct exploration {
    struct dpor_stats stats;
    bool is_complete;
    size_t deadlocks, unknown, repeated;
    size_t classes_met;
};

/* b may be NULL: then only counted. */
static struct exploration explore(const struct sim_program *p, const struct brute *b)
{
    struct exploration x = {0};
    struct dpor *d = dpor_new();
    bool *met = b ? xcalloc(b->count + 1, sizeof *met) : NULL;
    for (int i = 0; i < RUNS_MAX && dpor_next(d); i++) {
        struct sim_run r = sim_run(p, dpor_chooser(d), 0);
        if (r.gave_up)
            continue;
        x.deadlocks += r.is_deadlock;
        size_t class = b ? brute_class(b, r.events) : 0;
        if (b && class == SIZE_MAX)
            x.unknown++;
        else if (b) {
            x.repeated += met[class];
            x.classes_met += !met[class];
            met[class] = true;
        }
    }
    x.stats = dpor_stats(d);
    x.is_complete = dpor_is_complete(d);
    free(met);
    dpor_free(d);
    return x;
}

/* Tokens have no names: who took first is no difference once more have come, but only then, and a
 * run does not know what comes. And of a call that was woken by itself only the facts of the moment
 * at which it fell asleep are known. So a class may be met more than once. */
static bool may_repeat(const struct sim_program *p)
{
    if (p->tries)
        return true;
    for (int t = 0; t < p->task_count; t++)
        for (int i = 0; p->ops[t][i].kind != SIM_END; i++)
            if (p->ops[t][i].kind == SIM_TAKE)
                return true;
    return false;
}

static bool is_as_brute(const struct sim_program *p, const struct exploration *x,
                        const struct brute *b)
{
    bool is_once = x->stats.classes == b->classes || may_repeat(p);
    return x->is_complete && x->classes_met == b->classes && is_once && !x->unknown &&
           b->is_consistent;
}

static struct exploration check(const struct sim_program *p, const char *what)
{
    struct brute b;
    if (!brute_run(&b, p, INTERLEAVINGS_MAX))
        fail_msg("%s: too big for brute force", what);
    struct exploration x = explore(p, &b);
    bool is_good = is_as_brute(p, &x, &b);
    if (!is_good)
        print_program(p);
    printf("%s%-28s %6zu interleavings %4zu classes; dpor %4llu + %llu redundant\n",
           is_good ? "" : "WRONG ", what, b.count, b.classes, (unsigned long long)x.stats.classes,
           (unsigned long long)x.stats.redundant);
    if (!is_good)
        fail_msg("met %zu, repeated %zu, unknown %zu, diverged %llu, unmet %llu, consistent %d",
                 x.classes_met, x.repeated, x.unknown, (unsigned long long)x.stats.diverged,
                 (unsigned long long)x.stats.unmet, b.is_consistent);
    brute_fini(&b);
    return x;
}

static void expect_classes(struct sim_program p, const char *what, uint64_t classes)
{
    struct exploration x = explore(&p, NULL);
    printf("%-28s %llu classes, %llu redundant, %zu deadlocks\n", what,
           (unsigned long long)x.stats.classes, (unsigned long long)x.stats.redundant, x.deadlocks);
    assert_int_equal(x.stats.classes, classes);
    assert_true(x.is_complete);
}

static void test_known_counts(void **state)
{
    (void)state;
    expect_classes(program_writers(2, 4, 0), "2 writers x 4, reader", 70);
    expect_classes(program_writers(3, 2, 0), "3 writers x 2, reader", 90);
    expect_classes(program_writers(1, 8, 0), "1 writer x 8, reader", 1);
    expect_classes(program_lock(3), "lock, 3 tasks", 6);
    expect_classes(program_dining(3), "dining 3", 7);
    expect_classes(program_dining(5), "dining 5", 31);
}

/* The same with calls of which only trying tells whether they block. */
static void test_known_counts_by_trying(void **state)
{
    (void)state;
    struct sim_program p = program_writers(2, 4, 0);
    p.tries = true;
    expect_classes(p, "2 writers x 4, trying", 70);
    p = program_lock(3);
    p.tries = true;
    expect_classes(p, "lock, 3 tasks, trying", 6);
    p = program_dining(3);
    p.tries = true;
    expect_classes(p, "dining 3, trying", 7);
}

static void test_small_programs(void **state)
{
    (void)state;
    struct sim_program p = program_writers(2, 2, 0);
    check(&p, "2 writers x 2");
    p = program_writers(1, 3, 2);
    check(&p, "a pipe for two bytes");
    p = program_writers(2, 2, 1);
    check(&p, "a pipe for one byte");
    p = program_dining(3);
    check(&p, "dining 3");

    p = (struct sim_program){.task_count = 2};
    for (int t = 0; t < 2; t++) {
        program_add(&p, t, SIM_LOAD, 0, 0);
        program_add(&p, t, SIM_STORE, 0, 0);
    }
    check(&p, "lost update");

    p = (struct sim_program){.task_count = 3, .write_ends = {1, 1, 0}, .read_ends = {0, 0, 1}};
    program_add(&p, 0, SIM_WRITE, 0, 1);
    program_add(&p, 0, SIM_CLOSE_W, 0, 0);
    program_add(&p, 1, SIM_CLOSE_W, 0, 0);
    program_add(&p, 2, SIM_READ, 0, 4);
    program_add(&p, 2, SIM_READ, 0, 4);
    check(&p, "end of file after two closes");

    p = (struct sim_program){.task_count = 3, .write_ends = {1, 0, 0}, .read_ends = {0, 1, 1}};
    program_add(&p, 0, SIM_WRITE, 0, 1);
    program_add(&p, 0, SIM_WRITE, 0, 1);
    program_add(&p, 1, SIM_CLOSE_R, 0, 0);
    program_add(&p, 2, SIM_CLOSE_R, 0, 0);
    check(&p, "EPIPE after two closes");

    p = (struct sim_program){.task_count = 2, .write_ends = {1, 2}, .read_ends = {2, 1}};
    p.capacity[0] = p.capacity[1] = 2;
    program_add(&p, 0, SIM_WRITE, 0, 2);
    program_add(&p, 0, SIM_WRITE, 0, 2);
    program_add(&p, 0, SIM_READ, 1, 1);
    program_add(&p, 1, SIM_WRITE, 1, 2);
    program_add(&p, 1, SIM_WRITE, 1, 2);
    program_add(&p, 1, SIM_READ, 0, 1);
    check(&p, "both write, nobody reads");

    p = (struct sim_program){.task_count = 3};
    program_add(&p, 0, SIM_FORK, 1, 0);
    program_add(&p, 0, SIM_FORK, 2, 0);
    program_add(&p, 0, SIM_WAIT, 0, 0);
    program_add(&p, 0, SIM_WAIT, 0, 0);
    program_add(&p, 0, SIM_WAIT, 0, 0);
    check(&p, "two children, three waits");

    p = (struct sim_program){.task_count = 2};
    program_add(&p, 0, SIM_SKIP_IF_SIGNALLED, 0, 0);
    program_add(&p, 0, SIM_PAUSE, 0, 0);
    program_add(&p, 1, SIM_LOCAL, 0, 0);
    program_add(&p, 1, SIM_SEND, 0, 0);
    struct exploration x = check(&p, "lost signal");
    assert_true(x.deadlocks > 0);

    p = (struct sim_program){.task_count = 3, .level = {1}};
    for (int t = 0; t < 2; t++)
        program_add(&p, t, SIM_TAKE, 0, 1);
    program_add(&p, 2, SIM_ADD, 0, 1);
    check(&p, "two takers, a late token");

    p = (struct sim_program){.task_count = 2, .write_ends = {1, 0}, .read_ends = {0, 1}};
    program_add(&p, 0, SIM_WRITE, 0, 1);
    program_add(&p, 1, SIM_READ_NB, 0, 2);
    program_add(&p, 1, SIM_POLL, 0, 0);
    program_add(&p, 1, SIM_READ_NB, 0, 2);
    check(&p, "reads that do not wait");
}

static void check_random(bool tries)
{
    size_t programs = 0, skipped = 0, deadlocks = 0, wrong = 0;
    uint64_t classes = 0, redundant = 0, biggest = 0;
    for (uint64_t seed = 0; programs < RANDOM_PROGRAMS; seed++) {
        struct sim_program p = program_random(seed);
        struct brute b;
        if (!brute_run(&b, &p, INTERLEAVINGS_MAX)) {
            skipped++;
            brute_fini(&b);
            continue;
        }
        p.tries = tries;
        struct exploration x = explore(&p, &b);
        bool is_good = is_as_brute(&p, &x, &b);
        if (!is_good && wrong++ < 6) {
            print_program(&p);
            printf("WRONG seed %llu: %zu classes, met %zu, repeated %zu, unknown %zu, diverged "
                   "%llu, unmet %llu, consistent %d complete %d\n",
                   (unsigned long long)seed, b.classes, x.classes_met, x.repeated, x.unknown,
                   (unsigned long long)x.stats.diverged, (unsigned long long)x.stats.unmet,
                   b.is_consistent, x.is_complete);
        }
        classes += x.stats.classes;
        redundant += x.stats.redundant;
        biggest = b.classes > biggest ? b.classes : biggest;
        deadlocks += x.deadlocks > 0;
        programs++;
        brute_fini(&b);
    }
    printf("%zu random programs%s (%zu too big): %llu classes (at most %llu), %llu redundant runs, "
           "%zu can deadlock, %zu wrong\n",
           programs, tries ? ", trying" : "", skipped, (unsigned long long)classes,
           (unsigned long long)biggest, (unsigned long long)redundant, deadlocks, wrong);
    assert_int_equal(wrong, 0);
}

static void test_random_programs(void **state)
{
    (void)state;
    check_random(false);
}

static void test_random_programs_by_trying(void **state)
{
    (void)state;
    check_random(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_counts),
        cmocka_unit_test(test_known_counts_by_trying),
        cmocka_unit_test(test_small_programs),
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_random_programs_by_trying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
