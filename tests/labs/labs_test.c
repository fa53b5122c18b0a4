/* Every lab does what its lab.lua says: each variant shows the findings that it expects and no
 * others, the healthy one shows none whatever the knobs, and of the prediction's options exactly
 * one is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "diagnose/finding.h"
#include "script/lab.h"
#include "trace/recording.h"

enum { ARGS_MAX = 32 };

static char recording[] = "/tmp/ipclab-labs-XXXXXX";

/* ipclab run LAB --variant VARIANT -o FILE [--knob KNOB]... */
static void run_lab(const struct lab *lab, const char *variant, char *const *knobs, size_t count)
{
    const char *argv[ARGS_MAX] = {"ipclab", "run", lab->name, "--variant",
                                  variant,  "-o",  recording};
    size_t n = 7;
    int status;

    for (size_t i = 0; i < count; i++) {
        argv[n++] = "--knob";
        argv[n++] = knobs[i];
    }
    pid_t child = fork();
    if (child == 0) {
        execv(IPCLAB_PROGRAM, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 127);
}

/* The ids of all findings that are more than normal, each once: "zombie deadlock ". */
static char *findings_of_recording(void)
{
    struct recording *rec;
    struct buf ids = {0};
    struct err e;
    int rc = recording_open(&rec, recording, &e);

    if (rc < 0)
        fail_msg("%s", e.text);
    struct diagnosis *d = diagnosis_new(rec);
    diagnosis_extend(d, true);
    buf_puts(&ids, "");
    for (size_t i = 0; i < diagnosis_count(d); i++) {
        const struct finding *f = diagnosis_finding(d, i);
        if (f->severity != SEVERITY_NORMAL && strstr(ids.data, rule_id(f->rule)) == NULL)
            buf_printf(&ids, "%s ", rule_id(f->rule));
    }
    diagnosis_free(d);
    recording_free(rec);
    return ids.data;
}

static void assert_findings(const struct lab *lab, const struct lab_variant *variant)
{
    char *found = findings_of_recording();
    struct buf expected = {0};

    buf_puts(&expected, "");
    for (size_t i = 0; i < variant->expect_count; i++)
        buf_printf(&expected, "%s ", variant->expects[i]);
    if (strcmp(found, expected.data) != 0)
        fail_msg("%s, %s: expects '%s', shows '%s'", lab->name, variant->name, expected.data,
                 found);
    buf_fini(&expected);
    free(found);
}

static void check_variants(const struct lab *lab)
{
    for (size_t i = 0; i < lab->variant_count; i++) {
        run_lab(lab, lab->variants[i].name, NULL, 0);
        if (lab->variants[i].has_expects)
            assert_findings(lab, &lab->variants[i]);
    }
}

static void check_healthy_knobs(const struct lab *lab)
{
    for (size_t i = 0; i < lab->knob_count; i++)
        for (size_t k = 0; k < lab->knobs[i].value_count; k++) {
            char *knob = xasprintf("%s=%s", lab->knobs[i].name, lab->knobs[i].values[k]);
            run_lab(lab, "healthy", &knob, 1);
            assert_findings(lab, lab_variant(lab, "healthy"));
            free(knob);
        }
}

static void check_prediction(const struct lab *lab)
{
    const struct lab_prediction *p = &lab->prediction;
    struct err e;
    size_t truth;

    if (p->option_count == 0)
        return;
    run_lab(lab, p->variant, p->knobs, p->knob_count);
    if (lab_predict(&truth, lab, IPCLAB_TREE, recording, &e) < 0)
        fail_msg("%s: %s", lab->name, e.text);
    print_message("%s: the answer is '%s'\n", lab->name, p->options[truth].id);
}

static void test_labs(void **state)
{
    struct lab_list list;
    struct err e;

    (void)state;
    int rc = lab_list(&list, IPCLAB_TREE, &e);
    if (rc < 0)
        fail_msg("%s", e.text);
    assert_true(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        assert_null(list.labs[i]->error);
        check_variants(list.labs[i]);
        check_healthy_knobs(list.labs[i]);
        check_prediction(list.labs[i]);
    }
    lab_list_fini(&list);
}

static int setup(void **state)
{
    int fd = mkstemp(recording);

    (void)state;
    setenv("IPCLAB_ROOT", IPCLAB_TREE, true);
    return fd == -1 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(recording);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_labs)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
