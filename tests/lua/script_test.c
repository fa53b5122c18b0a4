/* The Lua state: what a script may use, and what stops it. Everything hostile runs in a child, as
 * in the product. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "script/child.h"
#include "script/script.h"

static const struct script_options options = {
    .root = LUA_TEST_ROOT, .wall_ns = 100000000, .memory_max = (size_t)8 << 20};

/* Runs a text; the answer is empty. */
static int run_text(void *arg, struct buf *out, struct err *e)
{
    const char *text = arg;
    struct script *s = NULL;
    (void)out;
    int result = script_new(&s, &options, e);
    if (result == 0)
        result = script_load_text(s, text, strlen(text), "t", e);
    if (result == 0)
        result = script_call(s, 0, 0, e);
    script_free(s);
    return result;
}

static int run(const char *text, struct err *e)
{
    static const struct child_limits limits = {
        .wall_ns = 3000000000, .cpu_seconds = 2, .memory = (uint64_t)256 << 20};
    struct buf out = {0};
    int result = child_run(&out, run_text, (void *)(uintptr_t)text, &limits, e);
    buf_fini(&out);
    return result;
}

struct case_ {
    const char *text;
    int result;
    const char *says; /* part of the message */
};

static void check_cases(const struct case_ *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err e = {0};
        int result = run(cases[i].text, &e);
        if (result != cases[i].result || strstr(e.text, cases[i].says) == NULL)
            fail_msg("%s\n  gave %d (%s), not %d (%s)", cases[i].text, result, e.text,
                     cases[i].result, cases[i].says);
    }
}
#define CHECK_CASES(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

static void test_what_is_there(void **state)
{
    (void)state;
    static const struct case_ cases[] = {
        {"assert(string.format('%d', 3) == '3' and math.max(1, 2) == 2)", 0, ""},
        {"assert(utf8.len('ö') == 1 and #table.pack(1, 2) == 2)", 0, ""},
        {"local t = setmetatable({}, {__index = function(_, k) return k end}) assert(t.x == 'x')",
         0, ""},
        {"assert(select('#', pcall(error, 'x')) == 2)", 0, ""},
        {"assert(require 'answer'.answer == 42 and require 'answer' == require 'answer')", 0, ""},
    };
    CHECK_CASES(cases);
}

static void test_what_is_not(void **state)
{
    (void)state;
    static const struct case_ cases[] = {
        {"return os", -EINVAL, "t:1: undeclared global 'os'"},
        {"io.open('/etc/passwd')", -EINVAL, "undeclared global 'io'"},
        {"load('return 1')", -EINVAL, "undeclared global 'load'"},
        {"debug.sethook()", -EINVAL, "undeclared global 'debug'"},
        {"dofile('x')", -EINVAL, "undeclared global 'dofile'"},
        {"coroutine.create(print)", -EINVAL, "undeclared global 'coroutine'"},
        {"collectgarbage('stop')", -EINVAL, "undeclared global 'collectgarbage'"},
        {"getmetatable('').__index = nil", -EINVAL, "undeclared global 'getmetatable'"},
        {"string.dump(function() end)", -EINVAL, "field 'dump'"},
        {"('x').dump(function() end)", -EINVAL, "'dump'"},
        {"return math.random()", -EINVAL, "field 'random'"},
        {"x = 1", -EINVAL, "global 'x' cannot be assigned: use a local"},
        {"string = nil string.format('x')", -EINVAL, "'string'"},
        {"setmetatable({}, {__gc = function() end})", -EINVAL, "__gc is not allowed"},
        {"\x1bLua", -EINVAL, "attempt to load a binary chunk"},
        {"return return", -EINVAL, "t:1:"},
        {"error({})", -EINVAL, "not a text"},
        {"require 'nowhere'", -EINVAL, "require 'nowhere'"},
        {"require '../secret'", -EINVAL, "a-z, 0-9 and _"},
        {"require 'itself'", -EINVAL, "requires itself"},
        {"require 'binary'", -EINVAL, "binary chunk"},
        {"require 'nothing'", -EINVAL, "must return a table"},
    };
    CHECK_CASES(cases);
}

static void test_who_called_whom(void **state)
{
    (void)state;
    static const struct case_ cases[] = {
        {"local function f() error('boom') end\nf()\n", -EINVAL, "t:1: boom < t:2"},
        {"\n\nrequire('answer').fail()", -EINVAL, "scripts/lib/answer.lua:6: it failed < t:3"},
    };
    CHECK_CASES(cases);
}

/* What the hook and the allocator stop. */
static void test_limits(void **state)
{
    (void)state;
    static const struct case_ cases[] = {
        {"while true do end", -ETIMEDOUT, "more than 0.1 s"},
        {"while true do pcall(function() while true do end end) end", -ETIMEDOUT, "0.1 s"},
        {"local function f() return pcall(f) end while true do f() end", -ETIMEDOUT, "0.1 s"},
        {"local t = {} for i = 1, math.huge do t[i] = ('x'):rep(100000) .. i end", -ENOMEM,
         "8 MiB"},
        {"return ('x'):rep(1 << 30)", -ENOMEM, "8 MiB"},
        {"local s = 'x' while true do s = s .. s end", -ENOMEM, "8 MiB"},
        {"local function f(s) return s:gsub('.', f) end f('x')", -EINVAL, "overflow"},
        {"table.sort({3, 2, 1}, function() while true do end end)", -ETIMEDOUT, "0.1 s"},
    };
    CHECK_CASES(cases);
}

/* What only the end of the process stops: a loop inside C. */
static void test_killed(void **state)
{
    (void)state;
    struct err e = {0};
    int result = run("return ('a'):rep(40000):find(('.-'):rep(12) .. 'b')", &e);
    assert_true(result == -ETIMEDOUT || result == -ECHILD);
}

static void test_fails_then_goes_on(void **state)
{
    (void)state;
    struct script *s = NULL;
    struct err e = {0};
    static const char bad[] = "error('no')", good[] = "return 1";
    assert_int_equal(script_new(&s, &(struct script_options){.root = LUA_TEST_ROOT}, &e), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(script_load_text(s, bad, strlen(bad), "t", &e), 0);
        assert_int_equal(script_call(s, 0, 0, &e), -EINVAL);
        assert_int_equal(script_load_text(s, good, strlen(good), "t", &e), 0);
        assert_int_equal(script_call(s, 0, 0, &e), 0);
    }
    script_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there),   cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_who_called_whom), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_killed),          cmocka_unit_test(test_fails_then_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
