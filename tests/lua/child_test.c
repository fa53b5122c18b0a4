/* A function in a process of its own: its answer, its error, its death, its time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "script/child.h"

static const struct child_limits none = {0};

static int echo(void *arg, struct buf *out, struct err *e)
{
    (void)e;
    buf_puts(out, arg);
    return 0;
}

static int refuse(void *arg, struct buf *out, struct err *e)
{
    buf_puts(out, "not to be seen");
    return err_set(e, ENOTTY, "%s", (const char *)arg);
}

static int much(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)e;
    for (int i = 0; i < 1 << 20; i++)
        buf_putc(out, (char)i);
    return 0;
}

static int die_by(void *arg, struct buf *out, struct err *e)
{
    (void)out;
    (void)e;
    raise(*(int *)arg);
    return 0;
}

static int leave_early(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)out;
    (void)e;
    _exit(0);
}

static int hang(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)out;
    (void)e;
    for (;;)
        pause();
    return 0;
}

static int burn(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)out;
    (void)e;
    for (volatile unsigned i = 0;; i++)
        continue;
    return 0;
}

static int look_at_descriptors(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)e;
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            buf_printf(out, "%d ", fd);
    return 0;
}

static int look_at_signals(void *arg, struct buf *out, struct err *e)
{
    (void)arg;
    (void)e;
    struct sigaction action;
    sigset_t mask;
    sigaction(SIGTERM, NULL, &action);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    buf_printf(out, "%d %d", action.sa_handler == SIG_DFL, sigismember(&mask, SIGUSR1));
    return 0;
}

static void test_answer(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err e = {0};
    assert_int_equal(child_run(&out, echo, (void *)(uintptr_t) "hello", &none, &e), 0);
    assert_string_equal(out.data, "hello");
    buf_reset(&out);
    assert_int_equal(child_run(&out, much, NULL, &none, &e), 0);
    assert_int_equal(out.len, 1 << 20);
    assert_int_equal((unsigned char)out.data[1000], 1000 % 256);
    buf_fini(&out);
}

static void test_error(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err e = {0};
    assert_int_equal(child_run(&out, refuse, (void *)(uintptr_t) "say no: really", &none, &e),
                     -ENOTTY);
    assert_string_equal(e.text, "say no: really");
    assert_int_equal(out.len, 0);
}

static void test_death(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err e = {0};
    int sig = SIGKILL;
    assert_int_equal(child_run(&out, die_by, &sig, &none, &e), -ECHILD);
    assert_non_null(strstr(e.text, "SIGKILL"));
    assert_int_equal(child_run(&out, leave_early, NULL, &none, &e), -ECHILD);
}

static void test_time(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err e = {0};
    struct child_limits wall = {.wall_ns = 20000000}, cpu = {.cpu_seconds = 1};
    assert_int_equal(child_run(&out, hang, NULL, &wall, &e), -ETIMEDOUT);
    assert_int_equal(child_run(&out, burn, NULL, &cpu, &e), -ECHILD);
    assert_non_null(strstr(e.text, "SIGXCPU"));
}

static void test_inherits_nothing(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err e = {0};
    struct child_limits detached = {.is_detached = true};
    int extra_fd = open("/dev/null", O_RDONLY);
    assert_int_equal(child_run(&out, look_at_descriptors, NULL, &detached, &e), 0);
    close(extra_fd);
    int others = 0; /* 0 to 2, and its own pipe */
    for (const char *at = out.data; *at != '\0'; at++)
        others += *at == ' ';
    assert_int_equal(others, 4);
    buf_fini(&out);

    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    signal(SIGTERM, SIG_IGN);
    assert_int_equal(child_run(&out, look_at_signals, NULL, &none, &e), 0);
    assert_string_equal(out.data, "1 0");
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    buf_fini(&out);
}

static void test_step_and_kill(void **state)
{
    (void)state;
    struct child *c = NULL;
    struct err e = {0};
    assert_int_equal(child_start(&c, hang, NULL, &none, &e), 0);
    assert_int_equal(child_step(c), 0);
    child_kill(c);
    child_kill(NULL);

    struct buf out = {0};
    assert_int_equal(child_start(&c, echo, (void *)(uintptr_t) "x", &none, &e), 0);
    while (child_step(c) == 0) {
        struct pollfd p = {.fd = child_fd(c), .events = POLLIN};
        poll(&p, 1, -1);
    }
    assert_int_equal(child_finish(c, &out, &e), 0);
    assert_string_equal(out.data, "x");
    buf_fini(&out);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_inherits_nothing),
        cmocka_unit_test(test_step_and_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
