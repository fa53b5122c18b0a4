/* Each rule against real runs: guilty programs, and innocent ones that look like them.
 *
 * test_programs FOLDER FAMILY: runs the modes of FOLDER/diagnose_FAMILY. What is expected is every
 * finding, "severity rule process", in order of rule id, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "harness.h"

static const struct trial_case {
    const char *family, *mode;
    enum run_end end;
    const char *findings; /* each followed by a newline */
} cases[] = {
    {"eof", "own-copy", RUN_NEVER_EOF, "problem never-eof P.1\n"},
    {"eof", "parent-waits", RUN_NEVER_EOF, "problem never-eof P.1\n"},
    {"eof", "sibling", RUN_NEVER_EOF, "problem never-eof P.1\n"},
    {"eof", "polled", RUN_NEVER_EOF, "problem never-eof P\n"},
    {"eof", "filter", RUN_NEVER_EOF, "problem never-eof P.1\n"},
    {"eof", "fifo", RUN_NEVER_EOF, "problem never-eof P\n"},
    {"eof", "healthy", RUN_ENDED, ""},
    {"eof", "late-writer", RUN_ENDED, ""},
    {"eof", "self-pipe", RUN_ENDED, ""},

    {"deadlock", "both-write", RUN_DEADLOCK, "problem deadlock P\n"},
    {"deadlock", "both-write-less", RUN_ENDED, ""},
    {"deadlock", "both-read", RUN_DEADLOCK, "problem deadlock P\n"},
    {"deadlock", "turns", RUN_ENDED, ""},
    {"deadlock", "wait-first", RUN_DEADLOCK, "problem deadlock P\n"},
    {"deadlock", "drain-first", RUN_ENDED, ""},
    {"deadlock", "fifo-order", RUN_DEADLOCK, "problem deadlock P\n"},
    {"deadlock", "watched", RUN_ENDED, "problem never-eof P.1\n"},

    {"sigpipe", "in-charge", RUN_ENDED, "problem sigpipe-death P\nwarning zombie P\n"},
    {"sigpipe", "reader-crashes", RUN_ENDED, "problem crash P.1\nproblem sigpipe-death P.2\n"},
    {"sigpipe", "handles-epipe", RUN_ENDED, ""},
    {"sigpipe", "retries-once", RUN_ENDED, ""},
    {"sigpipe", "ignores-epipe", RUN_ENDED, "warning epipe-ignored P\n"},
    {"sigpipe", "ignores-epipe-always", RUN_ENDED, "problem epipe-ignored P\n"},
    {"sigpipe", "enough", RUN_ENDED, "normal sigpipe-death P.1\n"},

    {"partial", "drops-tail", RUN_ENDED, "problem short-write P\n"},
    {"partial", "closes-early", RUN_ENDED, "problem short-write P\n"},
    {"partial", "resumes", RUN_ENDED, ""},
    {"partial", "resumes-moved", RUN_ENDED, ""},
    {"partial", "one-read", RUN_ENDED, "problem short-read P\n"},
    {"partial", "one-read-small", RUN_ENDED, "problem short-read P\n"},
    {"partial", "whole-record", RUN_ENDED, ""},
    {"partial", "copies", RUN_ENDED, ""},

    {"eintr", "gives-up", RUN_ENDED, "problem eintr-unhandled P\n"},
    {"eintr", "takes-for-eof", RUN_ENDED, "problem eintr-unhandled P\n"},
    {"eintr", "retries", RUN_ENDED, ""},
    {"eintr", "restarts", RUN_ENDED, ""},
    {"eintr", "stops", RUN_ENDED, ""},
    {"eintr", "limit", RUN_ENDED, ""},

    {"error", "reads-nothing", RUN_ENDED, "warning error-ignored P\n"},
    {"error", "pipe-unchecked", RUN_ENDED, "warning error-ignored P\n"},
    {"error", "kills-everybody", RUN_ENDED, "problem error-ignored P\n"},
    {"error", "waits-for-nobody", RUN_ENDED, "warning error-ignored P\n"},
    {"error", "searches", RUN_ENDED, ""},
    {"error", "closes-anyway", RUN_ENDED, ""},
    {"error", "reports", RUN_ENDED, ""},

    {"children", "never-waits", RUN_ENDED, "warning zombie P\n"},
    {"children", "never-waits-for-many", RUN_ENDED, "problem zombie P\n"},
    {"children", "waits-at-the-end", RUN_ENDED, "problem zombie P\n"},
    {"children", "waits-for-all", RUN_ENDED, ""},
    {"children", "reads-then-waits", RUN_ENDED, ""},
    {"children", "handler", RUN_ENDED, ""},
    {"children", "ignores", RUN_ENDED, ""},
    {"children", "outlives", RUN_ENDED, "warning orphan P.1\n"},
    {"children", "outlives-busily", RUN_ENDED, "warning orphan P.1\n"},
    {"children", "daemonised", RUN_ENDED, ""},
    {"children", "follows", RUN_ENDED, ""},

    {"leak", "unused", RUN_ENDED, "warning fd-leak P.1\n"},
    {"leak", "own-write-end", RUN_ENDED, "warning fd-leak P.1\n"},
    {"leak", "closed", RUN_ENDED, ""},
    {"leak", "used", RUN_ENDED, ""},
    {"leak", "liveness", RUN_ENDED, ""},
    {"leak", "pipe-across", RUN_ENDED, "warning fd-leak-exec P.1\n"},
    {"leak", "pipe-across-dup", RUN_ENDED, "warning fd-leak-exec P.1\n"},
    {"leak", "cloexec", RUN_ENDED, ""},
    {"leak", "file-across", RUN_ENDED, "normal fd-leak-exec P.1\n"},
    {"leak", "given", RUN_ENDED, ""},

    {"stdio", "before-fork", RUN_ENDED, "problem stdio-duplicated P\n"},
    {"stdio", "before-forks", RUN_ENDED, "problem stdio-duplicated P.2\n"},
    {"stdio", "after-fork", RUN_ENDED, ""},
    {"stdio", "flushed", RUN_ENDED, ""},
    {"stdio", "left-alone", RUN_ENDED, ""},

    {"busy", "spins", RUN_ENDED, "warning busy-wait P\n"},
    {"busy", "naps", RUN_ENDED, "warning busy-wait P\n"},
    {"busy", "asks-for-child", RUN_ENDED, "warning busy-wait P\n"},
    {"busy", "polls", RUN_ENDED, ""},
    {"busy", "drains", RUN_ENDED, ""},

    {"ending", "null-pointer", RUN_ENDED, "problem crash P\n"},
    {"ending", "aborts", RUN_ENDED, "problem crash P.1\n"},
    {"ending", "is-killed", RUN_ENDED, ""},
    {"ending", "kills-itself", RUN_ENDED, ""},
    {"ending", "raises", RUN_ENDED, "problem crash P.1\n"},
    {"ending", "looks-killed", RUN_ENDED, ""},
    {"ending", "computes", RUN_SPIN, "problem spin P\n"},
    {"ending", "polls", RUN_SPIN, "warning busy-wait P\nproblem spin P\n"},
    {"ending", "sleeps", RUN_SLOW, "warning slow P\n"},
    {"ending", "dawdles", RUN_SLOW, "warning slow P\n"},
    {"ending", "floods", RUN_FLOOD, "problem flood -\n"},
    {"ending", "leaves", RUN_ENDED, "warning left-behind P.1\n"},
};

/* What the first finding says, where its words and its graph are the point. */
static const struct saying {
    const char *family, *mode;
    const char *graph;
    const char *part; /* of its text */
} sayings[] = {
    {"eof", "own-copy", "P.1 -[read pipe 1]-> P.1\n",
     "the write end is still open in P.1 itself (fd 4, copied by fork)"},
    {"eof", "parent-waits", "P.1 -[read pipe 1]-> P -[wait]-> P.1\n",
     "P (fd 4, from pipe2), which waits for a child to end"},
    {"eof", "sibling", "P.1 -[read pipe 1]-> P.2 -[read pipe 2]-> P -[wait]-> P.1\n",
     "P.2 (fd 4, copied by fork), which itself waits to read pipe 2"},
    {"eof", "polled", "P -[poll pipe 1]-> P\n", "(fd 3), which cannot come"},
    {"eof", "filter", "P.1 -[read pipe 1]-> P -[read pipe 2]-> P.1\n",
     "P (fd 4, from pipe2), which itself waits to read pipe 2"},
    {"eof", "fifo", "P -[read FIFO fifo]-> P\n", "P itself (fd 3, from openat)"},
    {"deadlock", "both-write", "P -[write pipe 1]-> P.1 -[write pipe 2]-> P\n",
     "P waits in write(fd 4) for room in pipe 1 (65536 bytes inside)"},
    {"deadlock", "both-read", "P -[read pipe 2]-> P.1 -[read pipe 1]-> P\n",
     "P waits in read(fd 5) for bytes in pipe 2, held for writing by P.1 (fd 6)"},
    {"deadlock", "wait-first", "P -[wait]-> P.1 -[write pipe 1]-> P\n",
     "P waits in wait4 for the end of P.1; P.1 waits in write(fd 4)"},
    {"deadlock", "fifo-order", "P -[openat FIFO one]-> P.1 -[openat FIFO two]-> P\n",
     "P waits in openat for somebody to open FIFO one for reading"},
    {"ending", "raises", "", "it raised the signal itself"},
    {"partial", "drops-tail", "", "wrote 65536 of 100000 bytes"},
    {"stdio", "before-fork", "", "\"before\\n\" was printed once"},
};

static const char *folder, *family;

/* ---- limits: only programs that never end meet them ---- */

static struct trial_limits limits_of(const struct trial_case *c)
{
    struct trial_limits limits = {.ns = UINT64_C(30000000000)};
    if (c->end == RUN_SPIN || c->end == RUN_SLOW)
        limits.ns = UINT64_C(700000000);
    if (c->end == RUN_FLOOD)
        limits.events = 5000;
    limits.ends_with_command = strcmp(c->mode, "leaves") == 0;
    return limits;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static int run(struct trial *t, const struct trial_case *c, struct err *e)
{
    char scratch[] = "/tmp/diagnose-XXXXXX";
    char *program = xasprintf("%s/diagnose_%s", folder, c->family);
    char *argv[] = {program, (char *)c->mode, NULL};
    struct trial_limits limits = limits_of(c);
    assert_non_null(mkdtemp(scratch));
    int rc = trial_run(t, argv, scratch, &limits, e);
    nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(program);
    return rc;
}

/* ---- comparing ---- */

static int compare_lines(const void *a, const void *b)
{
    /* by rule id: the word after the severity */
    const char *one = *(char *const *)a, *two = *(char *const *)b;
    return strcmp(strchr(one, ' '), strchr(two, ' '));
}

static void summarise(const struct diagnosis *d, struct buf *out)
{
    size_t count = diagnosis_count(d);
    char **lines = xcalloc(count, sizeof *lines);
    for (size_t i = 0; i < count; i++) {
        const struct finding *f = diagnosis_finding(d, i);
        struct buf b = {0};
        buf_printf(&b, "%s %s ", severity_name(f->severity), rule_id(f->rule));
        if (f->proc == MODEL_NONE)
            buf_putc(&b, '-');
        else
            model_proc_name(diagnosis_model(d), f->proc, &b);
        lines[i] = buf_take(&b);
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

/* What must hold of any finding. */
static void check_finding(const struct trial *t, const struct finding *f)
{
    uint32_t events = recording_event_count(t->rec);
    assert_non_null(f->text);
    assert_non_null(f->next);
    assert_true(f->text[0] != '\0' && strchr(f->text, '\n') == NULL);
    assert_in_range(f->seq, 1, recording_step_count(t->rec));
    assert_true(f->cause == MODEL_NONE || f->cause < events);
    for (size_t i = 0; i < f->event_count; i++)
        assert_true(f->events[i] < events);
    for (size_t i = 0; i < f->proc_count; i++)
        assert_true(f->procs[i] < model_proc_count(diagnosis_model(t->diagnosis)));
}

static void check_order(const struct diagnosis *d)
{
    for (size_t i = 1; i < diagnosis_count(d); i++)
        assert_true(diagnosis_finding(d, i - 1)->seq <= diagnosis_finding(d, i)->seq);
}

static void check_words(const struct trial *t, const struct saying *say)
{
    struct buf graph = {0};
    const struct finding *f = diagnosis_finding(t->diagnosis, 0);
    finding_graph(t->diagnosis, f, &graph);
    assert_string_equal(graph.data ? graph.data : "", say->graph);
    if (!strstr(f->text, say->part))
        fail_msg("%s %s: \"%s\" does not say \"%s\"", say->family, say->mode, f->text, say->part);
    buf_fini(&graph);
}

static void check_first(const struct trial *t, const struct trial_case *c)
{
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        const struct saying *say = &sayings[i];
        bool is_it = strcmp(say->family, c->family) == 0 && strcmp(say->mode, c->mode) == 0;
        if (is_it && diagnosis_count(t->diagnosis) > 0)
            check_words(t, say);
    }
}

static int check_case(const struct trial_case *c)
{
    struct trial t;
    struct err e = {0};
    struct buf found = {0}, said = {0}, said_live = {0};
    if (run(&t, c, &e) < 0)
        fail_msg("%s %s: %s", c->family, c->mode, e.text);
    summarise(t.diagnosis, &found);
    trial_print(t.diagnosis, &said);
    trial_print(t.live, &said_live);
    for (size_t i = 0; i < diagnosis_count(t.diagnosis); i++)
        check_finding(&t, diagnosis_finding(t.diagnosis, i));
    check_order(t.diagnosis);
    check_first(&t, c);
    bool is_right = strcmp(found.data ? found.data : "", c->findings) == 0 &&
                    diagnosis_end(t.diagnosis) == c->end;
    bool is_same_live =
        strcmp(said.data ? said.data : "", said_live.data ? said_live.data : "") == 0;
    if (!is_right)
        print_error("%s %s: expected %s\n%sgot %s\n%s", c->family, c->mode, run_end_name(c->end),
                    c->findings, run_end_name(diagnosis_end(t.diagnosis)),
                    said.data ? said.data : "");
    if (!is_same_live)
        print_error("%s %s: while it ran:\n%safterwards:\n%s", c->family, c->mode,
                    said_live.data ? said_live.data : "", said.data ? said.data : "");
    buf_fini(&found);
    buf_fini(&said);
    buf_fini(&said_live);
    trial_fini(&t);
    return !is_right + !is_same_live;
}

static void test_family(void **state)
{
    int wrong = 0, tried = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].family, family) == 0) {
            wrong += check_case(&cases[i]);
            tried++;
        }
    }
    assert_true(tried > 0);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    struct err e;
    if (argc != 3) {
        fprintf(stderr, "usage: test_programs FOLDER FAMILY\n");
        return 2;
    }
    if (tracer_probe(&e) < 0) {
        fprintf(stderr, "skipped: %s\n", e.text);
        return 77;
    }
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* the programs count on the numbers they get */
    folder = argv[1];
    family = argv[2];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_family)};
    return cmocka_run_group_tests_name(family, tests, NULL, NULL);
}
