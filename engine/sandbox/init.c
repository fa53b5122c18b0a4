#include "sandbox/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void report(enum report_kind kind, int code, const char *text)
{
    struct report r = {.kind = (int32_t)kind, .code = code};
    snprintf(r.text, sizeof r.text, "%s", text);
    /* Nobody listens any more: then nobody needs to know. */
    send(PLAN_CONTROL_FD, &r, sizeof r, MSG_NOSIGNAL);
}

void fail(const char *verb, const char *object)
{
    int code = errno;
    char text[200];
    snprintf(text, sizeof text, "%s %s", verb, object);
    report(REPORT_FAILED, code, text);
    _exit(1);
}

/* The program's descriptors arrive while our own 0 to 2 are taken, so that none of them lands
 * there. */
static void own_descriptors(void)
{
    close_range(0, 2, 0);
    close_range(PLAN_CONTROL_FD + 1, ~0U, 0);
    for (int fd = 0; fd <= 2; fd++)
        if (open("/dev/null", O_RDWR) != fd)
            fail("open", "/dev/null");
}

static void keep_descriptors(struct job *job, const int *fds, size_t count)
{
    size_t next = PLAN_FIXED_FDS;
    for (uint32_t i = 0; i < job->plan.mount_count; i++) {
        bool is_sent = job->plan.mounts[i].is_open && next < count;
        job->mount_fds[i] = is_sent ? fds[next++] : -1;
    }
    memcpy(job->fds, fds, sizeof job->fds);
}

static void receive_header(struct job *job)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * (PLAN_FIXED_FDS + PLAN_MOUNTS_MAX))];
    } control;
    struct iovec block = {.iov_base = &job->plan, .iov_len = sizeof job->plan};
    struct msghdr message = {.msg_iov = &block,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(PLAN_CONTROL_FD, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
    if (n == 0)
        _exit(1); /* the supervisor is gone */
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    size_t size = head ? head->cmsg_len - CMSG_LEN(0) : 0;
    if (n != sizeof job->plan || size < sizeof(int) * PLAN_FIXED_FDS) {
        errno = EPROTO;
        fail("receive", "the plan");
    }
    keep_descriptors(job, (const int *)(void *)CMSG_DATA(head), size / sizeof(int));
}

static char *receive_payload(size_t size)
{
    char *block = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        fail("make room for", "the plan");
    for (size_t done = 0; done < size;) {
        ssize_t n = read(PLAN_CONTROL_FD, block + done, size - done);
        if (n <= 0)
            _exit(1);
        done += (size_t)n;
    }
    return block; /* the byte after the last is NUL */
}

static char *next_text(char **at)
{
    char *text = *at;
    *at += strlen(text) + 1;
    return text;
}

static char **next_texts(char **at, uint32_t count)
{
    char **list = calloc(count + 1, sizeof *list);
    if (!list)
        fail("make room for", "arguments");
    for (uint32_t i = 0; i < count; i++)
        list[i] = next_text(at);
    return list;
}

static void receive_plan(struct job *job)
{
    receive_header(job);
    char *at = receive_payload(job->plan.size);
    job->refuse = (struct sock_filter *)(void *)at;
    job->trace = job->refuse + job->plan.refuse_count;
    at = (char *)(job->trace + job->plan.trace_count);
    job->cwd = next_text(&at);
    job->mask = next_text(&at);
    for (uint32_t i = 0; i < job->plan.mount_count; i++) {
        job->from[i] = next_text(&at);
        job->to[i] = next_text(&at);
    }
    job->argv = next_texts(&at, job->plan.argc);
    job->env = next_texts(&at, job->plan.envc);
}

static void drop_own_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) < 0)
        fail("drop", "init's capabilities");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Reaps until nobody is left; the pid namespace then ends with us. */
static void reap(pid_t program)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid == program)
            report(REPORT_ENDED, status, "");
        if (pid < 0 && errno == ECHILD)
            return;
    }
}

int main(void)
{
    struct job job = {.host_proc_fd = -1};
    /* Before the first read: a supervisor that died earlier is then seen as an end of file. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "init");
    setsid(); /* its own process group: kill(0, sig) inside must not reach the supervisor's */
    own_descriptors();
    receive_plan(&job);
    if (job.plan.is_bare)
        bare_begin();
    else
        root_build(&job);
    pid_t program = fork();
    switch (program) {
    case -1: fail("start", "the program's process");
    case 0: program_run(&job);
    default: break;
    }
    close_range(0, 2, 0);
    close_range(PLAN_CONTROL_FD + 1, ~0U, 0);
    drop_own_rights();
    if (job.plan.is_bare)
        bare_reap(program);
    else
        reap(program);
    return 0;
}
