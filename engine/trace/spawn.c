#include "trace/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/sanitizer.h"

/* Everything that the child needs, made before fork: the child only makes system calls. */
struct plan {
    const struct spawn_options *options;
    char *path;
    char **shell_argv; /* for a script without "#!" */
    char *const *env;
    char **own_env; /* env, when it had to be changed */
    int release[2], error[2];
};

/* Signals that were ignored when this program began: the user's wish (nohup), and kept for the
 * command. Whatever ipclab itself did to signals is not. */
static sigset_t ignored_at_start;

__attribute__((constructor)) static void remember_signals(void)
{
    sigemptyset(&ignored_at_start);
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction action;
        if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored_at_start, sig);
    }
}

static void restore_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, sigismember(&ignored_at_start, sig) == 1 ? SIG_IGN : SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the child ---- */

static _Noreturn void fail(const struct plan *p, int code, const char *verb, const char *object)
{
    struct buf text = {0}; /* fork has copied the heap, and there is one thread here */
    buf_put(&text, &code, sizeof code);
    buf_printf(&text, "%s %s: %s", verb, object, strerror(code));
    fd_write_full(p->error[1], text.data, text.len);
    _exit(127);
}

/* First all out of the way, then all into place: they may be each other's numbers. */
static void take_stdio(const struct plan *p)
{
    int copies[3];
    for (int i = 0; i < 3; i++) {
        int fd = p->options->stdio[i];
        copies[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd >= 0 && copies[i] < 0)
            fail(p, errno, "redirect", "standard descriptors");
    }
    for (int i = 0; i < 3; i++)
        if (copies[i] >= 0)
            dup2(copies[i], i);
}

static _Noreturn void run_child(const struct plan *p)
{
    close(p->release[1]);
    close(p->error[0]);
    restore_signals();
    take_stdio(p);
    if (p->options->cwd && chdir(p->options->cwd) < 0)
        fail(p, errno, "enter", p->options->cwd);
    int ready = 0;
    char go;
    fd_write_full(p->error[1], &ready, sizeof ready);
    if (fd_read_full(p->release[0], &go, 1) != 1)
        _exit(127);
    int status = filter_install(p->options->is_stepped);
    if (status < 0)
        fail(p, -status, "install", "the seccomp filter");
    execve(p->path, p->options->argv, p->env);
    if (errno == ENOEXEC)
        execve("/bin/sh", p->shell_argv, p->env);
    fail(p, errno, "run", p->options->argv[0]);
}

/* ---- the parent ---- */

static const char *look_up_env(char *const *env, const char *name)
{
    size_t length = strlen(name);
    for (; *env; env++)
        if (strncmp(*env, name, length) == 0 && (*env)[length] == '=')
            return *env + length + 1;
    return NULL;
}

/* 0 when path can be run, else the reason. */
static int check_program(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EACCES;
    return access(path, X_OK) < 0 ? errno : 0;
}

/* As execvp(3) looks: a name with a slash is a path (in the command's own directory); else PATH.
 * One exec is then enough, and the recording does not begin with failures. */
static int find_program(char **out, const struct spawn_options *o, char *const *env, struct err *e)
{
    const char *name = o->argv[0];
    int reason = ENOENT;
    if (strchr(name, '/')) {
        *out = xstrdup(name); /* the child finds out: it stands in its own directory */
        return 0;
    }
    const char *path = look_up_env(env, "PATH");
    char *copy = xstrdup(path ? path : "/bin:/usr/bin");
    char *found = NULL;
    char *rest = copy;
    for (char *dir; *name && !found && (dir = strsep(&rest, ":"));) {
        char *full = xasprintf("%s/%s", *dir ? dir : ".", name);
        int why = check_program(full);
        if (why == 0)
            found = full;
        else
            free(full);
        if (why == EACCES)
            reason = EACCES;
    }
    free(copy);
    if (!found)
        return err_sys(e, reason, "run %s", name);
    *out = found;
    return 0;
}

static char **make_shell_argv(char *path, char *const *argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **shell = xcalloc(count + 2, sizeof *shell);
    static char name[] = "sh";
    shell[0] = name;
    shell[1] = path;
    for (size_t i = 1; i < count; i++)
        shell[1 + i] = argv[i];
    return shell;
}

/* Close-on-exec, and out of the way of descriptors 0 to 2, which the child may lack. */
static int make_pipe(int out[2])
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        out[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
        close(raw[i]);
    }
    return out[0] < 0 || out[1] < 0 ? -EMFILE : 0;
}

/* Until the child stands before exec, with its descriptors in place; or has said why it cannot. */
static int wait_until_ready(const struct plan *p, struct err *e)
{
    int code = ECHILD;
    if (fd_read_full(p->error[0], &code, sizeof code) == sizeof code && code == 0)
        return 0;
    char text[300] = "the new process ended at once";
    ssize_t size = fd_read_full(p->error[0], text, sizeof text - 1);
    if (size > 0)
        text[size] = '\0';
    return err_set(e, code, "%s", text);
}

static void plan_fini(struct plan *p)
{
    free(p->path);
    free(p->shell_argv);
    sanitizer_env_free(p->own_env);
    for (int i = 0; i < 2; i++) {
        fd_close(&p->release[i]);
        fd_close(&p->error[i]);
    }
}

int spawn_command(struct target *out, const struct spawn_options *options, struct err *e)
{
    extern char **environ;
    struct plan p = {.options = options,
                     .env = options->env ? options->env : environ,
                     .release = {-1, -1},
                     .error = {-1, -1}};
    size_t instructions;
    int status = filter_program(options->is_stepped, &instructions, e) ? 0 : -EIO;
    if (status == 0)
        status = find_program(&p.path, options, p.env, e);
    if (status < 0)
        goto out;
    p.shell_argv = make_shell_argv(p.path, options->argv);
    if (sanitizer_is_in(p.path))
        p.env = p.own_env = sanitizer_env(p.env);
    status = make_pipe(p.release);
    if (status == 0)
        status = make_pipe(p.error);
    if (status < 0) {
        err_sys(e, -status, "make a pipe");
        goto out;
    }
    pid_t pid = fork();
    switch (pid) {
    case -1: status = err_sys(e, errno, "start a process"); break;
    case 0: run_child(&p);
    default:
        fd_close(&p.error[1]);
        status = wait_until_ready(&p, e);
        if (status < 0) {
            waitpid(pid, NULL, 0);
            break;
        }
        *out = (struct target){.pid = pid, .release_fd = p.release[1], .error_fd = p.error[0]};
        p.release[1] = p.error[0] = -1;
    }
out:
    plan_fini(&p);
    return status;
}

/* ---- letting go of the command's standard descriptors ---- */

int spawn_let_go(bool keep, int saved[2])
{
    saved[0] = saved[1] = -1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        if (keep)
            saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
        if (null != i)
            dup2(null, i);
    }
    if (null > 1)
        close(null);
    return 0;
}

void spawn_take_back(int saved[2])
{
    for (int i = 0; i < 2; i++) {
        if (saved[i] >= 0)
            dup2(saved[i], i);
        fd_close(&saved[i]);
    }
}
