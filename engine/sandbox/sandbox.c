#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"

enum { SETUP_LIMIT_MS = 20000 };

static const uint64_t namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
                                   CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP;

/* What is needed while it is being built. All are ours and closed at the end, whatever happens. */
struct building {
    struct ids ids;
    int executable_fd;
    int far_control_fd;
    int release_fds[2], error_fds[2];
    int mount_fds[PLAN_MOUNTS_MAX];
    size_t mount_count;
};

static void building_fini(struct building *b)
{
    fd_close(&b->executable_fd);
    fd_close(&b->far_control_fd);
    for (int i = 0; i < 2; i++) {
        fd_close(&b->release_fds[i]);
        fd_close(&b->error_fds[i]);
    }
    for (size_t i = 0; i < b->mount_count; i++)
        fd_close(&b->mount_fds[i]);
}

static int building_init(struct building *b, struct sandbox *s, bool is_bare, struct err *e)
{
    int pair[2];
    int rc = ids_choose(&b->ids, e);
    if (rc == 0)
        rc = init_open(&b->ids, e);
    if (rc < 0)
        return rc;
    b->executable_fd = rc;
    if (is_bare && b->ids.is_other)
        return err_set(e, EPERM, "start sandbox: without namespaces, programs are not run as root");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, errno, "start sandbox: socketpair");
    s->control_fd = pair[0];
    b->far_control_fd = pair[1];
    int on = 1; /* the kernel names the pid of whoever reports, as we know it: unix(7) */
    if (setsockopt(s->control_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
        pipe2(b->release_fds, O_CLOEXEC) < 0 || pipe2(b->error_fds, O_CLOEXEC) < 0)
        return err_sys(e, errno, "start sandbox: pipe");
    return 0;
}

/* In the new namespaces, with the caller's memory: only system calls here, since the caller may
 * have threads. Waits until its ids are mapped, becomes the sandbox's user if that is another, and
 * is gone. */
static _Noreturn void become_init(const struct building *b, int near_control_fd)
{
    static char name[] = "init";
    char *const argv[] = {name, NULL};
    char *const env[] = {NULL};
    char byte;
    close(near_control_fd);
    if (read(b->far_control_fd, &byte, 1) != 1)
        _exit(1);
    if (b->ids.is_other &&
        (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
         syscall(SYS_setresuid, 0, 0, 0) < 0))
        _exit(1);
    int rc = b->far_control_fd == PLAN_CONTROL_FD ? fcntl(PLAN_CONTROL_FD, F_SETFD, 0)
                                                  : dup2(b->far_control_fd, PLAN_CONTROL_FD);
    if (rc >= 0)
        syscall(SYS_execveat, b->executable_fd, "", argv, env, AT_EMPTY_PATH);
    struct report r = {.kind = REPORT_FAILED, .code = errno, .text = "run ipclab-init"};
    send(b->far_control_fd, &r, sizeof r, MSG_NOSIGNAL);
    _exit(1);
}

static long read_number(const char *path)
{
    struct buf text = {0};
    long value = file_read(&text, path, 64, NULL) == 0 && text.len ? atol(text.data) : -1;
    buf_fini(&text);
    return value;
}

/* The setting that forbids namespaces on this machine, where it is a known one. */
static const char *forbidden_by(void)
{
    if (read_number("/proc/sys/user/max_user_namespaces") == 0)
        return " (user.max_user_namespaces is 0)";
    if (read_number("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        return " (kernel.unprivileged_userns_clone is 0)";
    if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        return " (kernel.apparmor_restrict_unprivileged_userns is 1)";
    return "";
}

static int start_init(struct sandbox *s, struct building *b, struct err *e)
{
    struct clone_args args = {.flags = CLONE_PIDFD | (s->is_bare ? 0 : namespaces),
                              .pidfd = (uintptr_t)&s->init_fd,
                              .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    switch (pid) {
    case -1: {
        int code = errno;
        return err_set(e, code, "create namespaces: %s%s", strerror(code), forbidden_by());
    }
    case 0: become_init(b, s->control_fd);
    default: break;
    }
    s->init_pid = (pid_t)pid;
    fd_close(&b->far_control_fd);
    return s->is_bare ? 0 : ids_map(&b->ids, s->init_pid, e);
}

static int send_header(int fd, const struct plan *plan, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * (PLAN_FIXED_FDS + PLAN_MOUNTS_MAX))];
    } control;
    struct iovec block = {.iov_base = (void *)plan, .iov_len = sizeof *plan};
    struct msghdr message = {.msg_iov = &block,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    memset(&control, 0, sizeof control);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *plan ? 0 : -EPIPE;
}

static int send_payload(int fd, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, bytes + done, size - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* A failure here means that init has ended: why is in its report. */
static void send_plan(struct sandbox *s, struct building *b, const struct buf *plan,
                      const struct sandbox_options *options)
{
    int fds[PLAN_FIXED_FDS + PLAN_MOUNTS_MAX];
    memcpy(fds, options->stdio, sizeof options->stdio);
    fds[PLAN_RELEASE] = b->release_fds[0];
    fds[PLAN_ERROR] = b->error_fds[1];
    memcpy(fds + PLAN_FIXED_FDS, b->mount_fds, sizeof(int) * b->mount_count);
    const struct plan *header = (const void *)plan->data;
    if (send_payload(s->control_fd, "m", 1) == 0 &&
        send_header(s->control_fd, header, fds, PLAN_FIXED_FDS + b->mount_count) == 0)
        send_payload(s->control_fd, plan->data + sizeof *header, header->size);
}

int report_read(int control_fd, struct report *out, pid_t *sender)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec block = {.iov_base = out, .iov_len = sizeof *out};
    struct msghdr message = {.msg_iov = &block,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(control_fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof *out)
        return n < 0 ? -errno : 0;
    out->text[sizeof out->text - 1] = '\0';
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h && sender; h = CMSG_NXTHDR(&message, h))
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS)
            *sender = ((const struct ucred *)(const void *)CMSG_DATA(h))->pid;
    return 1;
}

/* The process that reports READY is the program-to-be. */
static int await_ready(struct sandbox *s, pid_t *program, struct err *e)
{
    struct report r;
    struct pollfd fds[2] = {{.fd = s->control_fd, .events = POLLIN},
                            {.fd = s->init_fd, .events = POLLIN}};
    int n;
    do
        n = poll(fds, 2, SETUP_LIMIT_MS);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return err_set(e, ETIMEDOUT, "start sandbox: init gave no answer");
    if (!fds[0].revents || report_read(s->control_fd, &r, program) <= 0)
        return err_set(e, EPROTO, "start sandbox: init ended before it was ready");
    if (r.kind != REPORT_READY) {
        /* Some systems give the namespace, and refuse what it is for: the first mount fails. */
        int code = r.code > 0 ? r.code : EPROTO;
        return err_set(e, code, "start sandbox: %s: %s%s", r.text, strerror(code),
                       code == EACCES || code == EPERM ? forbidden_by() : "");
    }
    s->facts = r.code;
    return 0;
}

static int build(struct sandbox *s, struct building *b, struct target *target,
                 const struct sandbox_options *options, struct err *e)
{
    struct buf plan = {0};
    pid_t program = -1;
    int rc = plan_build(&plan, options, s->is_bare, e);
    if (rc == 0)
        rc = building_init(b, s, s->is_bare, e);
    if (rc == 0)
        rc = start_init(s, b, e);
    if (rc == 0 && b->ids.is_other)
        rc = mounts_open(s, b->mount_fds, &b->mount_count, (struct plan *)(void *)plan.data,
                         options, &b->ids, e);
    if (rc == 0) {
        send_plan(s, b, &plan, options);
        rc = await_ready(s, &program, e);
    }
    buf_fini(&plan);
    if (rc < 0)
        return rc;
    *target = (struct target){
        .pid = program, .release_fd = b->release_fds[1], .error_fd = b->error_fds[0]};
    b->release_fds[1] = b->error_fds[0] = -1;
    return 0;
}

int sandbox_open_as(struct sandbox **out, struct target *target,
                    const struct sandbox_options *options, bool is_bare, struct err *e)
{
    struct sandbox *s = xcalloc(1, sizeof *s);
    *s = (struct sandbox){.init_pid = -1, .init_fd = -1, .control_fd = -1, .is_bare = is_bare};
    s->memory_total = options->memory_total ? options->memory_total : 1 << 30;
    struct building b = {
        .executable_fd = -1, .far_control_fd = -1, .release_fds = {-1, -1}, .error_fds = {-1, -1}};
    int rc = build(s, &b, target, options, e);
    building_fini(&b);
    if (rc < 0)
        sandbox_close(s);
    else
        *out = s;
    return rc;
}

int sandbox_open(struct sandbox **out, struct target *target, const struct sandbox_options *options,
                 struct err *e)
{
    struct err why = {0};
    int rc = sandbox_open_as(out, target, options, false, &why);
    if (rc < 0 && options->allow_degraded && sandbox_bare_open(out, target, options, e) == 0)
        return 0;
    if (rc < 0)
        err_set(e, why.code, "%s", why.text);
    return rc;
}

void sandbox_kill(struct sandbox *s)
{
    /* Init dies, and with it its pid namespace. Without one, it hunts its descendants down. */
    if (s->init_fd >= 0)
        syscall(SYS_pidfd_send_signal, s->init_fd, s->is_bare ? SIGTERM : SIGKILL, NULL, 0);
}

void sandbox_close(struct sandbox *s)
{
    if (!s)
        return;
    sandbox_kill(s);
    if (s->init_fd >= 0)
        reap_init(s);
    mounts_return(s);
    fd_close(&s->init_fd);
    fd_close(&s->control_fd);
    free(s);
}

void sandbox_drop_target(struct target *target)
{
    fd_close(&target->release_fd);
    fd_close(&target->error_fd);
}

pid_t sandbox_init_pid(const struct sandbox *s)
{
    return s->init_pid;
}

const char *sandbox_isolation(const struct sandbox *s)
{
    if (s->is_bare)
        return "limits only";
    return s->facts & REPORT_HAS_PROC ? "namespaces" : "namespaces without /proc";
}
