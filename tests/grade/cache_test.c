/* The cache of programs stays small, and loses what was not used for longest. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "grade/cache.h"

static char folder[] = "/tmp/ipclab-cache-XXXXXX";

static void entry_path(char path[128], int i)
{
    snprintf(path, 128, "%s/%016x", folder, (unsigned)i);
}

static void make_entries(int count)
{
    char path[128], file[160];
    for (int i = 0; i < count; i++) {
        entry_path(path, i);
        assert_int_equal(mkdir(path, 0755), 0);
        snprintf(file, sizeof file, "%s/program", path);
        close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        utimensat(AT_FDCWD, path, times, 0);
    }
}

static int count_entries(void)
{
    DIR *dir = opendir(folder);
    int count = 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

static void test_prune(void **state)
{
    (void)state;
    char first[128], second[128];
    assert_non_null(mkdtemp(folder));
    make_entries(256);
    cache_prune(folder);
    assert_int_equal(count_entries(), 256);

    entry_path(first, 0);
    entry_path(second, 1);
    cache_touch(first);
    char odd[160];
    snprintf(odd, sizeof odd, "%s/new-abcdef", folder); /* being made */
    assert_int_equal(mkdir(odd, 0755), 0);
    entry_path(odd, 256);
    assert_int_equal(mkdir(odd, 0755), 0);
    cache_prune(folder);
    assert_int_equal(count_entries(), 257 - 128 + 1);
    assert_int_equal(access(first, F_OK), 0);
    assert_int_equal(access(second, F_OK), -1);

    for (int i = 0; i <= 256; i++) {
        entry_path(first, i);
        cache_remove(first);
    }
    snprintf(odd, sizeof odd, "%s/new-abcdef", folder);
    cache_remove(odd);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prune)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
