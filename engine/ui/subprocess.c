#include "ui/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"

enum { OUTPUT_MOST = 16 << 20, GRACE_MS = 500 };

void subprocess_init(struct subprocess *c)
{
    *c = (struct subprocess){.pid = -1, .out_fd = -1, .err_fd = -1, .in_fd = -1};
}

static void reset_signals(void)
{
    sigset_t none;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void be_child(char *const argv[], pid_t parent, int in_fd, int out_fd, int err_fd)
{
    setpgid(0, 0);
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127); /* the runner died before prctl */
    if (in_fd < 0)
        in_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0)
        _exit(127);
    execv(argv[0], argv);
    _exit(127);
}

/* A socket for what it is told: writing to it can be asked to raise no SIGPIPE (send(2)). */
static int start(struct subprocess *c, char *const argv[], bool is_told, struct err *e)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, r = 0;
    pid_t parent = getpid();
    subprocess_init(c);
    if (is_told && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0) {
        r = err_sys(e, errno, "make a socket");
        goto out;
    }
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
        r = err_sys(e, errno, "make a pipe");
        goto out;
    }
    switch ((c->pid = fork())) {
    case -1: r = err_sys(e, errno, "fork"); goto out;
    case 0: be_child(argv, parent, in[0], out[1], err[1]);
    default: break;
    }
    setpgid(c->pid, c->pid); /* both sides: whoever is first */
    c->out_fd = out[0];
    c->err_fd = err[0];
    c->in_fd = in[1];
    fcntl(c->out_fd, F_SETFL, O_NONBLOCK);
    fcntl(c->err_fd, F_SETFL, O_NONBLOCK);
    out[0] = err[0] = in[1] = -1;
out:
    fd_close(&in[0]);
    fd_close(&in[1]);
    fd_close(&out[0]);
    fd_close(&out[1]);
    fd_close(&err[0]);
    fd_close(&err[1]);
    return r;
}

int subprocess_start(struct subprocess *c, char *const argv[], struct err *e)
{
    return start(c, argv, false, e);
}

int subprocess_start_told(struct subprocess *c, char *const argv[], struct err *e)
{
    return start(c, argv, true, e);
}

int subprocess_tell(struct subprocess *c, const char *text)
{
    size_t size = strlen(text);
    if (c->in_fd < 0)
        return -EBADF;
    ssize_t sent = send(c->in_fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)size ? 0 : sent < 0 ? -errno : -EAGAIN;
}

static void take_output(int *fd, struct buf *out)
{
    char bytes[16384];
    while (*fd >= 0) {
        ssize_t size = read(*fd, bytes, sizeof bytes);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size <= 0)
            fd_close(fd);
        else if (out->len < OUTPUT_MOST)
            buf_put(out, bytes, (size_t)size);
    }
}

static void reap(struct subprocess *c, int options)
{
    if (c->pid > 0 && waitpid(c->pid, &c->wait_status, options) == c->pid)
        c->pid = -1;
}

bool subprocess_step(struct subprocess *c)
{
    reap(c, WNOHANG);
    take_output(&c->out_fd, &c->out);
    take_output(&c->err_fd, &c->err);
    /* A descendant that holds the pipe does not keep us: the child itself has said all it had to.
     */
    if (c->pid < 0) {
        fd_close(&c->out_fd);
        fd_close(&c->err_fd);
    }
    return c->pid < 0;
}

static void wait_for_end(pid_t pid, int timeout_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    if (fd >= 0)
        poll(&wanted, 1, timeout_ms);
    fd_close(&fd);
}

void subprocess_stop(struct subprocess *c)
{
    if (c->pid > 0) {
        pid_t group = c->pid;
        kill(-group, SIGTERM);
        wait_for_end(c->pid, GRACE_MS);
        kill(-group, SIGKILL);
        reap(c, 0);
    }
    fd_close(&c->in_fd);
    fd_close(&c->out_fd);
    fd_close(&c->err_fd);
    buf_fini(&c->out);
    buf_fini(&c->err);
    subprocess_init(c);
}

int subprocess_foreground(char *const argv[], int signal_fd, bool (*is_over)(void *arg), void *arg)
{
    int status = 0;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        reset_signals();
        execvp(argv[0], argv);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd wanted = {.fd = signal_fd, .events = POLLIN};
        poll(&wanted, 1, -1);
        if (is_over(arg))
            kill(pid, SIGHUP);
    }
    return status;
}
