/* The calls, family by family: the tracee prints the trace that it expects, from the values that it
 * really got; the recording, printed, must have these lines in this order. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

/* ---- both sides ---- */

static struct buf expected;

__attribute__((format(printf, 1, 2))) static void expect(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&expected, format, ap);
    va_end(ap);
    buf_putc(&expected, '\n');
}

/* The expectations leave in one write, at the end: it is no part of them. */
static int say(void)
{
    TRY(write(1, expected.data, expected.len));
    return 0;
}

static void lines_check(struct traced *t)
{
    uint32_t id = 0;
    struct buf text = {0};
    char *rest = NULL;
    CHECK_EQ(t->result.wait_status, 0);
    CHECK(*t->output);
    for (char *line = strtok_r(t->output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool is_found = false;
        for (; id < recording_event_count(t->rec) && !is_found; id++) {
            const struct event *ev = recording_event(t->rec, id);
            if (ev->kind != EVENT_CALL || ev->tid != command(t))
                continue;
            buf_reset(&text);
            call_format(t->rec, ev, false, &text);
            is_found = strcmp(text.data, line) == 0;
        }
        if (!is_found)
            fail_at(__FILE__, __LINE__, line);
    }
    buf_fini(&text);
}

/* ---- the families ---- */

static int descriptors_tracee(void)
{
    int fd = (int)TRY(open("/dev/null", O_RDWR | O_CLOEXEC));
    expect("openat(AT_FDCWD, \"/dev/null\", O_RDWR|O_CLOEXEC) = %d", fd);
    expect("dup(%d) = %ld", fd, TRY(dup(fd)));
    expect("dup3(%d, 51, O_CLOEXEC) = %ld", fd, TRY(dup3(fd, 51, O_CLOEXEC)));
    expect("fcntl(%d, F_DUPFD_CLOEXEC, 60) = %ld", fd, TRY(fcntl(fd, F_DUPFD_CLOEXEC, 60)));
    expect("fcntl(%d, F_SETFD, FD_CLOEXEC) = %ld", fd, TRY(fcntl(fd, F_SETFD, FD_CLOEXEC)));
    expect("fcntl(%d, F_GETFL) = %ld", fd, TRY(fcntl(fd, F_GETFL)));
    expect("lseek(%d, 0, 0) = %ld", fd, TRY(lseek(fd, 0, SEEK_SET)));
    expect("close_range(50, 51, 0) = %ld", TRY(syscall(SYS_close_range, 50, 51, 0)));
    expect("close(%d) = %d", fd, close(fd));
    expect("close(%d) = %d EBADF (%s)", fd, close(fd), strerror(EBADF));
    int memory = (int)TRY(memfd_create("name", 0));
    expect("memfd_create(\"name\", 0) = %d", memory);
    expect("eventfd2(3, O_NONBLOCK) = %ld", TRY(eventfd(3, EFD_NONBLOCK)));
    expect("pidfd_open(%d, 0) = %ld", (int)getpid(), TRY(syscall(SYS_pidfd_open, getpid(), 0)));
    expect("openat(AT_FDCWD, \"/nonexistent\", O_RDONLY) = %d ENOENT (%s)",
           open("/nonexistent", O_RDONLY), strerror(ENOENT));
    return say();
}

static int pipes_tracee(void)
{
    int p[2], waiting;
    char bytes[10];
    struct iovec out[2] = {{(char[]){"ab"}, 2}, {(char[]){"cd"}, 2}}, in = {bytes, 10};
    TRY(pipe2(p, O_CLOEXEC));
    expect("pipe2([%d, %d], O_CLOEXEC) = 0", p[0], p[1]);
    expect("fcntl(%d, F_SETPIPE_SZ, 8192) = %ld", p[1], TRY(fcntl(p[1], F_SETPIPE_SZ, 8192)));
    expect("fcntl(%d, F_GETPIPE_SZ) = %ld", p[1], TRY(fcntl(p[1], F_GETPIPE_SZ)));
    expect("write(%d, \"hello\\n\", 6) = %ld", p[1], TRY(write(p[1], "hello\n", 6)));
    TRY(ioctl(p[0], FIONREAD, &waiting));
    expect("ioctl(%d, FIONREAD, [%d]) = 0", p[0], waiting);
    expect("read(%d, \"hello\\n\", 10) = %ld", p[0], TRY(read(p[0], bytes, 10)));
    expect("writev(%d, \"abcd\", 2) = %ld", p[1], TRY(writev(p[1], out, 2)));
    expect("readv(%d, \"abcd\", 1) = %ld", p[0], TRY(readv(p[0], &in, 1)));
    TRY(close(p[1]));
    expect("read(%d, \"\", 10) = %ld", p[0], TRY(read(p[0], bytes, 10)));
    TRY(close(p[0]));
    return say();
}

static int processes_tracee(void)
{
    int status;
    pid_t pid = (pid_t)TRY(fork());
    if (pid == 0)
        _exit(3);
    expect("wait4(%d, [exited %d], 0, NULL) = %d", (int)pid, 3, (int)waitpid(pid, &status, 0));
    CHECK_EQ(WEXITSTATUS(status), 3);
    expect("wait4(-1, ..., WNOHANG, NULL) = %d ECHILD (%s)", (int)waitpid(-1, &status, WNOHANG),
           strerror(ECHILD));
    pid = (pid_t)TRY(fork());
    if (pid == 0)
        for (;;)
            pause();
    TRY(kill(pid, SIGKILL));
    expect("kill(%d, SIGKILL) = 0", (int)pid);
    expect("wait4(%d, [killed by SIGKILL], 0, NULL) = %d", (int)pid, (int)waitpid(pid, &status, 0));
    char *argv[] = {(char[]){"a"}, (char[]){"b c"}, NULL};
    expect("execve(\"/nonexistent\", [\"a\", \"b c\"], %p) = %d ENOENT (%s)", (void *)environ,
           execve("/nonexistent", argv, environ), strerror(ENOENT));
    return say();
}

static void handler(int sig)
{
    (void)sig;
}

static int signals_tracee(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART};
    struct timespec now = {0};
    sigset_t set;
    TRY(sigaction(SIGPIPE, &action, NULL));
    expect("rt_sigaction(SIGPIPE, {SIG_IGN, SA_RESTART}, NULL, 8) = 0");
    signal(SIGUSR2, handler);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    TRY(kill(getpid(), SIGUSR2));
    expect("kill(%d, SIGUSR2) = 0", (int)getpid());
    TRY(sigprocmask(SIG_BLOCK, &set, NULL));
    TRY(kill(getpid(), SIGUSR1));
    expect("kill(%d, SIGUSR1) = 0", (int)getpid());
    TRY(sigpending(&set));
    expect("rt_sigpending([SIGUSR1], 8) = 0");
    expect("rt_sigtimedwait([SIGUSR1], NULL, 0 s, 8) = %ld", TRY(sigtimedwait(&set, NULL, &now)));
    TRY(syscall(SYS_tgkill, getpid(), getpid(), 0));
    expect("tgkill(%d, %d, 0) = 0", (int)getpid(), (int)getpid());
    expect("signalfd4(-1, [SIGUSR1], 8, O_CLOEXEC) = %ld", TRY(signalfd(-1, &set, SFD_CLOEXEC)));
    return say();
}

static int waits_tracee(void)
{
    int p[2];
    TRY(pipe(p));
    TRY(write(p[1], "x", 1));
    struct pollfd list[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    struct timespec second = {1, 0};
    TRY(ppoll(list, 2, &second, NULL));
    expect("ppoll([%d POLLIN: POLLIN, %d POLLOUT: POLLOUT], 2, 1 s, NULL, 8) = 2", p[0], p[1]);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    TRY(syscall(SYS_pselect6, p[0] + 1, &set, NULL, NULL, NULL, NULL));
    expect("pselect6(%d, [%d]: [%d], NULL, NULL, NULL, NULL) = 1", p[0] + 1, p[0], p[0]);
    int e = (int)TRY(epoll_create1(EPOLL_CLOEXEC));
    expect("epoll_create1(O_CLOEXEC) = %d", e);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};
    TRY(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    expect("epoll_ctl(%d, EPOLL_CTL_ADD, %d, {EPOLLIN, 7}) = 0", e, p[0]);
    TRY(syscall(SYS_epoll_pwait, e, &event, 1, 0, NULL, 8));
    expect("epoll_pwait(%d, [{EPOLLIN, 7}], 1, 0, NULL, 8) = 1", e);
    int timer = (int)TRY(timerfd_create(CLOCK_MONOTONIC, 0));
    struct itimerspec when = {.it_value = {.tv_sec = 1}};
    TRY(timerfd_settime(timer, 0, &when, NULL));
    expect("timerfd_settime(%d, 0, 1 s, NULL) = 0", timer);
    struct timespec little = {.tv_nsec = 1000};
    TRY(syscall(SYS_nanosleep, &little, NULL));
    expect("nanosleep(1 us, NULL) = 0");
    return say();
}

const struct row rows_call[] = {
    {.name = "call-descriptors", .tracee = descriptors_tracee, .check = lines_check},
    {.name = "call-pipes", .tracee = pipes_tracee, .check = lines_check},
    {.name = "call-processes", .tracee = processes_tracee, .check = lines_check},
    {.name = "call-signals", .tracee = signals_tracee, .check = lines_check},
    {.name = "call-waits", .tracee = waits_tracee, .check = lines_check},
    {0},
};
