#include "script/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/call.h"

struct child {
    pid_t pid; /* -1 once reaped */
    int fd;
    uint64_t deadline_ns; /* 0: none */
    bool is_over;         /* end of file seen */
    bool is_late;
    struct buf in;
};

/* The first byte of an answer. */
enum { ANSWER_RESULT = 'R', ANSWER_ERROR = 'E' };

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &action, NULL); /* SIGKILL, SIGSTOP and libc's own refuse: as they should */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static uint64_t address_space_now(void)
{
    struct buf text = {0};
    unsigned long long pages = 0;
    if (file_read(&text, "/proc/self/statm", 256, NULL) == 0)
        pages = strtoull(text.data, NULL, 10);
    buf_fini(&text);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void set_limit(int resource, uint64_t soft, uint64_t hard)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max != RLIM_INFINITY && hard > now.rlim_max)
        hard = now.rlim_max;
    struct rlimit limit = {.rlim_cur = soft < hard ? soft : hard, .rlim_max = hard};
    setrlimit(resource, &limit);
}

static void set_limits(const struct child_limits *limits)
{
    if (limits->cpu_seconds != 0)
        set_limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory alone takes 16 TiB of address space */
    if (limits->memory != 0) {
        uint64_t most = address_space_now() + limits->memory;
        set_limit(RLIMIT_AS, most, most);
    }
#else
    (void)address_space_now;
#endif
    set_limit(RLIMIT_CORE, 0, 0);
}

/* Leaves 0 and 1 on /dev/null, 2 for an assertion's last words, and the answer's pipe. */
static int detach(int fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd == -1)
        return fd;
    for (int i = 0; i < 2; i++)
        dup2(null_fd, i);
    int answer_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (answer_fd == -1)
        return fd;
    if (answer_fd > 3)
        close_range(3, (unsigned)answer_fd - 1, 0);
    close_range((unsigned)answer_fd + 1, ~0U, 0);
    return answer_fd;
}

static _Noreturn void child_main(int fd, pid_t parent, child_job *job, void *arg,
                                 const struct child_limits *limits)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it was gone before the line above */
        _exit(1);
    reset_signals();
    if (limits->is_detached)
        fd = detach(fd);
    set_limits(limits);

    struct buf answer = {0};
    struct err e = {0};
    buf_putc(&answer, ANSWER_RESULT);
    int result = job(arg, &answer, &e);
    if (result < 0) {
        buf_reset(&answer);
        buf_putc(&answer, ANSWER_ERROR);
        buf_varint(&answer, (uint64_t)-result);
        buf_puts(&answer, e.text[0] != '\0' ? e.text : strerror(-result));
    }
    _exit(fd_write_full(fd, answer.data, answer.len) == 0 ? 0 : 1);
}

int child_start(struct child **out, child_job *job, void *arg, const struct child_limits *limits,
                struct err *e)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, errno, "make a pipe");
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    switch (pid) {
    case -1: {
        int code = errno;
        close(fds[0]);
        close(fds[1]);
        return err_sys(e, code, "fork");
    }
    case 0: /* the child */ close(fds[0]); child_main(fds[1], parent, job, arg, limits);
    default: /* the parent */ close(fds[1]);
    }
    struct child *c = xcalloc(1, sizeof *c);
    *c = (struct child){.pid = pid, .fd = fds[0]};
    if (limits->wall_ns != 0)
        c->deadline_ns = clock_ns() + limits->wall_ns;
    *out = c;
    return 0;
}

int child_fd(const struct child *c)
{
    return c->fd;
}

static void check_deadline(struct child *c)
{
    if (c->deadline_ns == 0 || c->is_late || clock_ns() < c->deadline_ns)
        return;
    c->is_late = true;
    c->is_over = true;
    kill(c->pid, SIGKILL);
}

/* Milliseconds to wait in poll, -1 for ever. */
static int patience(const struct child *c)
{
    if (c->deadline_ns == 0)
        return -1;
    uint64_t now = clock_ns();
    return now >= c->deadline_ns ? 0 : (int)((c->deadline_ns - now) / 1000000) + 1;
}

/* Reads once; returns false when nothing is there now. */
static bool take_in(struct child *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (poll(&p, 1, timeout_ms) <= 0)
        return false;
    char bytes[16384];
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n > 0)
        buf_put(&c->in, bytes, (size_t)n);
    else if (n == 0 || errno != EINTR)
        c->is_over = true;
    return !c->is_over;
}

int child_step(struct child *c)
{
    while (!c->is_over && take_in(c, 0))
        continue;
    check_deadline(c);
    return c->is_over;
}

static int reap(struct child *c)
{
    int status = 0;
    while (waitpid(c->pid, &status, 0) == -1) {
        if (errno != EINTR) {
            status = -1;
            break;
        }
    }
    c->pid = -1;
    return status;
}

static void child_free(struct child *c)
{
    fd_close(&c->fd);
    buf_fini(&c->in);
    free(c);
}

static int answer_of(const struct child *c, int status, struct buf *out, struct err *e)
{
    if (c->is_late)
        return err_set(e, ETIMEDOUT, "it took too long and was killed");
    if (status != 0 || c->in.len == 0) {
        struct buf how = {0};
        status_format(status, &how);
        int result = err_set(e, ECHILD, "its process failed: %s", how.data);
        buf_fini(&how);
        return result;
    }
    if (c->in.data[0] == ANSWER_RESULT) {
        buf_put(out, c->in.data + 1, c->in.len - 1);
        return 0;
    }
    struct cursor at = {.at = (const uint8_t *)c->in.data + 1,
                        .end = (const uint8_t *)c->in.data + c->in.len};
    int code = (int)cursor_varint(&at);
    return err_set(e, code, "%s", (const char *)at.at);
}

int child_finish(struct child *c, struct buf *out, struct err *e)
{
    while (!c->is_over) {
        take_in(c, patience(c));
        check_deadline(c);
    }
    int status = reap(c);
    int result = answer_of(c, status, out, e);
    child_free(c);
    return result;
}

void child_kill(struct child *c)
{
    if (c == NULL)
        return;
    kill(c->pid, SIGKILL);
    reap(c);
    child_free(c);
}

int child_run(struct buf *out, child_job *job, void *arg, const struct child_limits *limits,
              struct err *e)
{
    struct child *c = NULL;
    int result = child_start(&c, job, arg, limits, e);
    return result < 0 ? result : child_finish(c, out, e);
}
