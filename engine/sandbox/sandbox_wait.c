#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "sandbox/sandbox_internal.h"

enum { TICK_MS = 5 };

/* What exec(2) answered: an int errno and a text, or end of file when it went well. */
static int read_answer(int *error_fd, struct err *e)
{
    struct {
        int code;
        char text[sizeof e->text];
    } answer = {0};
    ssize_t n = fd_read_full(*error_fd, &answer, sizeof answer - 1);
    fd_close(error_fd);
    if (n < (ssize_t)sizeof answer.code)
        return 0;
    return err_set(e, answer.code, "%s", answer.text);
}

enum progress { GOES_ON, HAS_ENDED };

static int look(struct sandbox *s, struct target *target, int *status, struct pollfd *fds,
                struct err *e)
{
    struct report r;
    if (fds[0].revents) {
        int rc = read_answer(&target->error_fd, e);
        if (rc < 0)
            return rc;
    }
    if (fds[1].revents || fds[2].revents) {
        if (report_read(s->control_fd, &r, NULL) != 1 || r.kind != REPORT_ENDED)
            return err_set(e, EIO, "run in sandbox: init was killed");
        *status = r.code;
        return HAS_ENDED;
    }
    return GOES_ON;
}

/* Exec's answer, when it is bad, is to be known before the end that follows from it. */
static int step(struct sandbox *s, struct target *target, int wait_ms, int *status, struct err *e)
{
    struct pollfd fds[3] = {{.fd = target->error_fd, .events = POLLIN},
                            {.fd = s->control_fd, .events = POLLIN},
                            {.fd = s->init_fd, .events = POLLIN}};
    int n = poll(fds, 3, wait_ms);
    if (n < 0 && errno != EINTR)
        return err_sys(e, errno, "poll");
    return n > 0 ? look(s, target, status, fds, e) : GOES_ON;
}

static int run(struct sandbox *s, struct target *target, uint64_t limit_ns, int *status,
               bool (*on_tick)(void *arg), void *arg, struct err *e)
{
    uint64_t begin = clock_ns();
    for (;;) {
        int rc = step(s, target, TICK_MS, status, e);
        if (rc != GOES_ON)
            return rc < 0 ? rc : 0;
        rc = sandbox_watch(s, e);
        if (rc < 0)
            return rc;
        if (on_tick && !on_tick(arg))
            return err_set(e, ECANCELED, "run in sandbox: given up");
        if (limit_ns && clock_ns() - begin > limit_ns)
            return err_set(e, ETIMEDOUT, "run in sandbox: not done after %.1f seconds",
                           (double)limit_ns / 1e9);
    }
}

int sandbox_wait(struct sandbox *s, struct target *take_target, uint64_t limit_ns, int *status,
                 bool (*on_tick)(void *arg), void *arg, struct err *e)
{
    int rc = fd_write_full(take_target->release_fd, "r", 1);
    fd_close(&take_target->release_fd);
    if (rc < 0)
        err_sys(e, -rc, "release the program");
    else
        rc = run(s, take_target, limit_ns, status, on_tick, arg, e);
    fd_close(&take_target->error_fd);
    sandbox_kill(s);
    /* Init is gone only after all others are: pid_namespaces(7). */
    struct pollfd gone = {.fd = s->init_fd, .events = POLLIN};
    while (poll(&gone, 1, -1) < 0 && errno == EINTR)
        continue;
    return rc;
}
