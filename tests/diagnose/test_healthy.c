/* Healthy programs give no finding but those marked normal.
 *
 * test_healthy FOLDER: shell commands over real tools, run in an empty directory; PATH begins with
 * FOLDER, where the tests' own programs are. A command whose tool is not installed is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "harness.h"

static const struct healthy {
    const char *shell, *needs, *command;
} healthy[] = {
    {"bash", "cat", "cat /etc/passwd | wc -l"},
    {"dash", "cat", "cat /etc/passwd | wc -l"},
    {"dash", "yes", "yes | head -n 1000 | wc -l"},
    {"bash", "yes", "yes | head -n 1000 | tail -n 1"},
    {"dash", "sort", "sort /etc/passwd | uniq -c | sort -rn | head -n 3"},
    {"dash", "tar", "tar cf - /etc/default | gzip -c > t.gz; gzip -dc t.gz | tar tf - > list"},
    {"dash", "dd",
     "dd if=/dev/zero bs=100000 count=20 2>/dev/null | dd bs=100000 of=/dev/null 2>/dev/null"},
    {"dash", "xargs", "seq 24 | xargs -P4 -n1 sh -c 'echo $0'"},
    {"dash", "make",
     "printf 'all: a b c d e f\\n%%:\\n\\t@echo $@ | cat > $@\\n' > Makefile; make -s -j4"},
    {"dash", "gcc", "echo 'int main(void){return 0;}' > m.c; gcc -pipe -o m m.c && ./m"},
    {"dash", "git",
     "git init -q . && echo a > a && git add a && git -c user.name=a -c user.email=a@b commit -qm "
     "a "
     "&& git log | head -n 1"},
    {"dash", "perl",
     "perl -e '$_ = `echo hello`; open my $f, \"-|\", \"ls /\" or die; my @l = <$f>; close $f; "
     "system(\"true\"); print scalar @l'"},
    {"dash", "python3",
     "python3 -c 'import subprocess as s; s.run([\"ls\", \"/\"], capture_output=True, "
     "check=True); p = s.Popen([\"cat\"], stdin=s.PIPE, stdout=s.PIPE); "
     "print(p.communicate(b\"x\" * 300000)[0][:3])'"},
    {"bash", "diff", "diff <(sort /etc/passwd) <(sort /etc/passwd)"},
    {"bash", "tee", "echo hi | tee >(cat > one) >(wc -l > two) > three; wait"},
    {"bash", "cat",
     "coproc cat; echo a >&${COPROC[1]}; read -r line <&${COPROC[0]}; kill $COPROC_PID; wait; "
     "true"},
    {"dash", "timeout", "timeout 20 sleep 0.05"},
    {"dash", "timeout", "timeout 0.1 sleep 20; test $? = 124"},
    {"dash", "mkfifo", "mkfifo f; echo hello > f & cat f; wait"},
    {"bash", "cat",
     "while read -r line; do echo \"$line\"; done < /etc/passwd | (read -r first; cat >/dev/null)"},
    {"dash", "sleep", "sleep 0.05 & sleep 0.05 & wait; true"},
    {"bash", "find", "find /etc/default -type f -print0 | xargs -0 grep -c . | sort | head -n 2"},
    {"dash", "sed", "x=$(sed -n 1p /etc/passwd | cut -d: -f1); test \"$x\" = root"},
    {"dash", "cat", "diagnose_prefork"},
    {"dash", "cat", "diagnose_prefork | cat"},
};

static bool is_installed(const char *program)
{
    char *command = xasprintf("command -v %s >/dev/null", program);
    int status = system(command); /* a test may ask the shell */
    free(command);
    return status == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Returns 1 when the run was not as it should be. */
static int try_one(const struct healthy *h)
{
    char scratch[] = "/tmp/healthy-XXXXXX";
    char *argv[] = {(char *)h->shell, "-c", (char *)h->command, NULL};
    struct trial_limits limits = {.ns = UINT64_C(60000000000)};
    struct trial t;
    struct err e = {0};
    struct buf said = {0};
    int wrong = 0;
    assert_non_null(mkdtemp(scratch));
    if (trial_run(&t, argv, scratch, &limits, &e) < 0)
        fail_msg("%s: %s", h->command, e.text);
    for (size_t i = 0; i < diagnosis_count(t.diagnosis); i++)
        wrong += diagnosis_finding(t.diagnosis, i)->severity != SEVERITY_NORMAL;
    if (wrong || diagnosis_end(t.diagnosis) != RUN_ENDED || t.result.wait_status != 0) {
        trial_print(t.diagnosis, &said);
        print_error("%s: status %d, %s\n%s", h->command, t.result.wait_status,
                    run_end_name(diagnosis_end(t.diagnosis)), said.data ? said.data : "");
        wrong = 1;
    }
    nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    buf_fini(&said);
    trial_fini(&t);
    return wrong;
}

static void test_healthy(void **state)
{
    size_t tried = 0;
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof healthy / sizeof healthy[0]; i++) {
        if (is_installed(healthy[i].shell) && is_installed(healthy[i].needs)) {
            wrong += try_one(&healthy[i]);
            tried++;
        }
    }
    assert_true(tried >= 15);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    struct err e;
    if (argc != 2) {
        fprintf(stderr, "usage: test_healthy FOLDER\n");
        return 2;
    }
    if (tracer_probe(&e) < 0) {
        fprintf(stderr, "skipped: %s\n", e.text);
        return 77;
    }
    char *path = xasprintf("%s:%s", argv[1], getenv("PATH"));
    setenv("PATH", path, 1);
    free(path);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_healthy)};
    return cmocka_run_group_tests_name("healthy", tests, NULL, NULL);
}
