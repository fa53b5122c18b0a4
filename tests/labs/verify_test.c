/* Every variant of every lab under `ipclab run --verify`: the model agrees with the kernel. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "script/lab.h"

static char recording[] = "/tmp/ipclab-verify-XXXXXX";

static _Noreturn void run_child(const char *lab, const char *variant, int errors_fd)
{
    const char *argv[] = {"ipclab",   "run", lab,       "--variant", variant,
                          "--verify", "-o",  recording, NULL};
    if (dup2(errors_fd, STDERR_FILENO) >= 0)
        execv(IPCLAB_PROGRAM, (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* What the run says on stderr. The caller frees. */
static char *verify(const char *lab, const char *variant)
{
    int fds[2], status;
    char block[4096];
    ssize_t size;
    struct buf text = {0};

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0)
        run_child(lab, variant, fds[1]);
    close(fds[1]);
    while ((size = read(fds[0], block, sizeof block)) > 0)
        buf_put(&text, block, (size_t)size);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    buf_puts(&text, "");
    if (status != 0)
        fail_msg("%s, %s: status %x: %s", lab, variant, (unsigned)status, text.data);
    return buf_take(&text);
}

static void check_variant(const char *lab, const char *variant)
{
    unsigned points = 0, disagreements = 0;
    char *text = verify(lab, variant);

    if (sscanf(text, "verify: %u quiet points, %u disagreements", &points, &disagreements) != 2)
        fail_msg("%s, %s: no verification: %s", lab, variant, text);
    if (points == 0 || disagreements != 0)
        fail_msg("%s, %s: %s", lab, variant, text);
    printf("%s, %s: %u quiet points\n", lab, variant, points);
    free(text);
}

static void test_variants(void **state)
{
    struct lab_list list;
    struct err e;

    (void)state;
    if (lab_list(&list, IPCLAB_TREE, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        const struct lab *lab = list.labs[i];
        assert_null(lab->error);
        for (size_t k = 0; k < lab->variant_count; k++)
            check_variant(lab->name, lab->variants[k].name);
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
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_variants)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
