/* Addresses to lines, of this very program; texts, embedded and not. */
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "recording_sample.h"
#include "source/source.h"

static char program[4096];
static char build_id[128];
static uint64_t load_base;

static __attribute__((noinline)) void *caller(void)
{
    return __builtin_return_address(0);
}

static void read_notes(const char *at, size_t size)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        size_t name = (note.n_namesz + 3u) & ~3u,
               whole = sizeof note + name + ((note.n_descsz + 3u) & ~3u);
        if (whole > size)
            return;
        const unsigned char *id = (const unsigned char *)at + sizeof note + name;
        for (size_t i = 0; note.n_type == NT_GNU_BUILD_ID && i < note.n_descsz; i++)
            sprintf(build_id + 2 * i, "%02x", id[i]);
        at += whole;
        size -= whole;
    }
}

static int look_at_self(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    load_base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_NOTE)
            read_notes((const char *)(load_base + info->dlpi_phdr[i].p_vaddr),
                       info->dlpi_phdr[i].p_memsz);
    return 1; /* the program comes first */
}

static uint64_t offset_of(void *pc)
{
    return (uint64_t)(uintptr_t)pc - load_base;
}

/* A recording in a file with one event whose stack is a system frame, then pc. */
static struct recording *recorded(void *pc, const char *path, const char *id, const char *key,
                                  const char *value)
{
    int fd = memory_file("", 0);
    struct recorder *w;
    assert_int_equal(recorder_open_fd(&w, fd, NULL), 0);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, dup(fd), "FILE", NULL), 0);
    struct module own = {path, id, true}, libc = {"/nowhere/libc.so", "", false};
    struct frame frames[2] = {{recorder_module(w, &libc), 0x1000},
                              {recorder_module(w, &own), offset_of(pc)}};
    struct event ev = {.call = CALL_pause, .tid = 1, .stack = recorder_stack(w, frames, 2)};
    recorder_enter(w, &ev, NULL, 0);
    if (key)
        recorder_meta(w, key, value);
    recorder_flush(w);
    assert_int_equal(recording_refresh(r, NULL), 1);
    assert_int_equal(recorder_close(w, NULL), 0);
    assert_int_equal(recording_refresh(r, NULL), 0);
    return r;
}

static void line_of_a_call(void **state)
{
    (void)state;
    /* clang-format off */
    void *pc = caller(); const int line = __LINE__;
    /* clang-format on */
    struct recording *r = recorded(pc, program, build_id, NULL, NULL);
    struct source *s = source_new(r);
    struct source_line found;
    for (int again = 0; again < 2; again++) {
        assert_true(source_of_event(s, recording_event(r, 0), &found));
        assert_int_equal(found.line, line);
        assert_string_equal(found.base, "test_source.c");
        assert_string_equal(found.function, "line_of_a_call");
    }
    source_free(s);
    recording_free(r);
}

static void never_a_wrong_line(void **state)
{
    (void)state;
    struct source_line found;
    const struct {
        const char *path, *id;
    } cases[] = {{program, "00112233445566778899aabbccddeeff00112233"},
                 {"/nowhere/program", build_id},
                 {"/etc/passwd", build_id},
                 {"/", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recording *r = recorded(caller(), cases[i].path, cases[i].id, NULL, NULL);
        struct source *s = source_new(r);
        assert_false(source_of_event(s, recording_event(r, 0), &found));
        source_free(s);
        recording_free(r);
    }
}

static void embedded_text_wins(void **state)
{
    (void)state;
    struct recording *r =
        recorded(caller(), program, build_id, "source:lab/test_source.c", "one\n\nthree");
    struct source *s = source_new(r);
    const char *file = "/elsewhere/lab/test_source.c";
    assert_int_equal(source_text_count(s, file), 3);
    assert_string_equal(source_text(s, file, 1), "one");
    assert_string_equal(source_text(s, file, 2), "");
    assert_string_equal(source_text(s, file, 3), "three");
    assert_null(source_text(s, file, 4));
    assert_null(source_text(s, file, 0));
    assert_null(source_text(s, "/elsewhere/other.c", 1));
    source_free(s);
    recording_free(r);
}

/* A file on disk shows only when it is not newer than the run. */
static void newer_text_is_not_shown(void **state)
{
    (void)state;
    char path[] = "/tmp/ipclab-test-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(fd_write_full(fd, "old text\n", 9), 0);
    struct timespec past[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct timespec future[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    struct recording *r = recorded(caller(), program, build_id, NULL, NULL);
    assert_int_equal(futimens(fd, past), 0);
    struct source *s = source_new(r);
    assert_string_equal(source_text(s, path, 1), "old text");
    source_free(s);
    assert_int_equal(futimens(fd, future), 0);
    s = source_new(r);
    assert_null(source_text(s, path, 1));
    source_free(s);
    recording_free(r);
    fd_close(&fd);
    unlink(path);
}

/* What a recording carries is enough on a machine that has neither program nor source. */
static void readable_elsewhere(void **state)
{
    (void)state;
    /* clang-format off */
    void *pc = caller(); const int line = __LINE__;
    /* clang-format on */
    struct recording *here = recorded(pc, program, build_id, NULL, NULL);
    int fd = memory_file("", 0);
    struct recorder *w;
    assert_int_equal(recorder_open_fd(&w, dup(fd), NULL), 0);
    struct module module = {"/not/here", build_id, true};
    struct frame frame = {recorder_module(w, &module), 0};
    recorder_stack(w, &frame, 1); /* so that the modules' numbers match */
    frame =
        (struct frame){recorder_module(w, &(struct module){"/nor/here", "", true}), offset_of(pc)};
    struct event ev = {.call = CALL_pause, .tid = 1, .stack = recorder_stack(w, &frame, 1)};
    recorder_enter(w, &ev, NULL, 0);
    source_embed(here, w);
    assert_int_equal(recorder_close(w, NULL), 0);
    struct recording *there;
    assert_int_equal(recording_open_fd(&there, fd, "FILE", NULL), 0);
    struct source *s = source_new(there);
    struct source_line found;
    assert_true(source_of_event(s, recording_event(there, 0), &found));
    assert_int_equal(found.line, line);
    assert_string_equal(found.function, "readable_elsewhere");
    char *key = xasprintf("source:%s", found.file);
    assert_non_null(recording_meta(there, key));
    assert_non_null(strstr(source_text(s, found.file, line), "void *pc = caller()"));
    free(key);
    source_free(s);
    recording_free(there);
    recording_free(here);
}

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        return 1;
    dl_iterate_phdr(look_at_self, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_of_a_call),     cmocka_unit_test(never_a_wrong_line),
        cmocka_unit_test(embedded_text_wins), cmocka_unit_test(newer_text_is_not_shown),
        cmocka_unit_test(readable_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
