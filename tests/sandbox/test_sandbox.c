/* The life of a sandbox: it opens or says why not, runs, ends in every way, and leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "harness.h"
#include "machines.h"
#include "sandbox/sandbox_internal.h"
#include "trace/recording.h"

static const uint64_t long_enough = 20000000000, short_time = 100000000;

/* A folder of our own on the host: 0700, with the file "private", 0600. */
static char *folder;
static struct sandbox_mount mounts[2]; /* the same folder, read-only at /in and writable at /out */

static char *world;

static int remember(void **state)
{
    (void)state;
    world = world_state();
    return 0;
}

/* After every test: nothing is left. */
static int compare(void **state)
{
    (void)state;
    char *now = world_state();
    int differs = strcmp(world, now);
    if (differs)
        fprintf(stderr, "before:\n%s\nafter:\n%s\n", world, now);
    free(now);
    free(world);
    return differs;
}

static void shell(struct outcome *o, const char *script, uint64_t limit_ns)
{
    char *const argv[] = {"/bin/sh", "-c", (char *)script, NULL};
    const struct sandbox_options options = {.argv = argv, .mounts = mounts, .mount_count = 2};
    outcome_of(o, &options, limit_ns);
    assert_false(o->is_held);
    assert_int_equal(o->alive, 0);
}

static void ends_as_the_program_ends(void **state)
{
    (void)state;
    static const struct {
        const char *script, *out;
        int status;
    } cases[] = {
        {"exit 0", "", 0},
        {"echo hello; exit 3", "hello\n", 3 << 8},
        {"echo oops >&2; kill -SEGV $$", "oops\n", SIGSEGV},
        {"trap '' TERM; kill -TERM $$; exit 1", "", 1 << 8},
        {"exec /usr/bin/true", "", 0},
        {"sleep 1000 & sleep 1000 & exit 0", "", 0},
        {"(setsid sleep 1000 &) & wait; exit 0", "", 0},
        {"cat", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o;
        shell(&o, cases[i].script, long_enough);
        assert_int_equal(o.rc, 0);
        assert_int_equal(o.status & 0xff7f, cases[i].status);
        assert_string_equal(o.out.data, cases[i].out);
        outcome_fini(&o);
    }
}

static void says_what_exec_said(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int code;
    } cases[] = {
        {"/none", ENOENT}, {"/tmp", EACCES}, {"/in/private", EACCES}, {"/etc/passwd/x", ENOTDIR}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o;
        char *const argv[] = {(char *)cases[i].path, NULL};
        const struct sandbox_options options = {.argv = argv, .mounts = mounts, .mount_count = 2};
        outcome_of(&o, &options, long_enough);
        assert_int_equal(o.rc, -cases[i].code);
        char *text = xasprintf("run %s: %s", cases[i].path, strerror(cases[i].code));
        assert_string_equal(o.e.text, text);
        free(text);
        outcome_fini(&o);
    }
}

static void says_why_it_cannot_open(void **state)
{
    (void)state;
    static const struct {
        struct sandbox_mount mount;
        const char *cwd;
        int code;
    } cases[] = {
        {{"/none", "/x", false}, NULL, ENOENT},
        {{"/usr", "x", false}, NULL, EINVAL},
        {{"/usr", "/", false}, NULL, EINVAL},
        {{"/usr", "/usr/none/x", false}, NULL, EROFS},
        {{"/usr/bin", "/x", false}, "/nowhere", ENOENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o;
        char *const argv[] = {"/bin/true", NULL};
        const struct sandbox_options options = {
            .argv = argv, .mounts = &cases[i].mount, .mount_count = 1, .cwd = cases[i].cwd};
        outcome_of(&o, &options, long_enough);
        assert_int_equal(o.rc, -cases[i].code);
        assert_true(strlen(o.e.text) > 0);
        outcome_fini(&o);
    }
}

static void init_is_missing(void **state)
{
    (void)state;
    struct outcome o;
    char *const argv[] = {"/bin/true", NULL};
    const struct sandbox_options options = {.argv = argv};
    init_use("/none/ipclab-init");
    outcome_of(&o, &options, long_enough);
    init_use(NULL);
    assert_int_equal(o.rc, -ENOENT);
    outcome_fini(&o);
    init_use("/etc/passwd"); /* not a program */
    outcome_of(&o, &options, long_enough);
    init_use(NULL);
    assert_true(o.rc == -ENOEXEC || o.rc == -EACCES);
    outcome_fini(&o);
}

static void the_limit_ends_it(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "sleep 1000",
        "while :; do :; done",
        "kill -STOP $$",
        "trap '' TERM INT HUP; sleep 1000",
        "setsid sleep 1000 & setsid sleep 1000 & wait",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct outcome o;
        shell(&o, scripts[i], short_time);
        assert_int_equal(o.rc, -ETIMEDOUT);
        outcome_fini(&o);
    }
}

static void files_of_the_caller(void **state)
{
    (void)state;
    struct outcome o;
    struct stat made;
    shell(&o, "cat /in/private && echo new > /out/made && cat /in/made && stat -c %u /in/private",
          long_enough);
    assert_string_equal(o.out.data, "secret\nnew\n1000\n");
    outcome_fini(&o);
    char *path = xasprintf("%s/made", folder);
    assert_int_equal(stat(path, &made), 0);
    assert_int_equal(made.st_uid, geteuid()); /* also where the program ran as somebody else */
    shell(
        &o,
        "echo x > /in/other; chmod u+s /out/made; chmod g+s /out/made; ln -s /etc/passwd /out/link",
        long_enough);
    assert_int_equal(stat(path, &made), 0);
    assert_int_equal(made.st_mode & (S_ISUID | S_ISGID), 0);
    outcome_fini(&o);
    unlink(path);
    free(path);
    path = xasprintf("%s/link", folder);
    unlink(path);
    free(path);
}

static bool refuse_to_wait(void *arg)
{
    (void)arg;
    return false;
}

static void the_caller_gives_up(void **state)
{
    (void)state;
    struct sandbox *s;
    struct target target;
    struct err e = {0};
    int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *const argv[] = {"/bin/sleep", "1000", NULL};
    const struct sandbox_options options = {.argv = argv, .stdio = {null, null, null}};
    assert_int_equal(sandbox_open(&s, &target, &options, &e), 0);
    assert_int_equal(sandbox_wait(s, &target, 0, &status, refuse_to_wait, NULL, &e), -ECANCELED);
    sandbox_close(s);
    /* Never released at all. */
    assert_int_equal(sandbox_open(&s, &target, &options, &e), 0);
    assert_int_equal(kill(target.pid, 0), 0);
    assert_int_equal(sandbox_init_pid(s), getpgid(sandbox_init_pid(s)));
    sandbox_drop_target(&target);
    sandbox_close(s);
    close(null);
}

/* A tracer that gave up leaves its tracees to be reaped. */
static void a_tracer_left_tasks(void **state)
{
    (void)state;
    struct sandbox *s;
    struct target target;
    struct err e = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *const argv[] = {"/bin/sleep", "1000", NULL};
    const struct sandbox_options options = {.argv = argv, .stdio = {null, null, null}};
    assert_int_equal(sandbox_open(&s, &target, &options, &e), 0);
    assert_int_equal(ptrace(PTRACE_SEIZE, target.pid, 0, PTRACE_O_EXITKILL), 0);
    sandbox_drop_target(&target);
    sandbox_close(s);
    close(null);
}

static void supervise(int out_fd)
{
    struct sandbox *s;
    struct target target;
    int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *const argv[] = {"/bin/sh", "-c", "setsid sleep 1000 & echo up; wait", NULL};
    const struct sandbox_options options = {.argv = argv, .stdio = {null, out_fd, null}};
    if (sandbox_open(&s, &target, &options, NULL) == 0)
        sandbox_wait(s, &target, 0, &status, NULL, NULL, NULL);
}

static void supervise_traced(int out_fd)
{
    struct sandbox *s;
    struct target target;
    struct tracer *tracer;
    struct tracer_result result;
    struct recorder *recorder;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *const argv[] = {"/bin/sh", "-c", "setsid sleep 1000 & echo up; wait", NULL};
    const struct sandbox_options options = {
        .argv = argv, .stdio = {null, out_fd, null}, .is_traced = true};
    const struct tracer_options plain = {0};
    if (recorder_open_fd(&recorder, memfd_create("recording", MFD_CLOEXEC), NULL) == 0 &&
        sandbox_open(&s, &target, &options, NULL) == 0 &&
        tracer_new(&tracer, &target, recorder, &plain, NULL) == 0)
        tracer_run(tracer, &result, NULL);
}

/* Who opened the sandbox is killed: the end of file on its stdout says that all are gone. */
static void kill_supervisor(void (*function)(int out_fd))
{
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        function(out[1]);
        _exit(1);
    }
    close(out[1]);
    char text[8] = "";
    assert_int_equal(read(out[0], text, sizeof text), 3);
    assert_string_equal(text, "up\n");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(out[0], text, sizeof text), 0);
    close(out[0]);
}

static void the_supervisor_dies(void **state)
{
    (void)state;
    kill_supervisor(supervise);
    kill_supervisor(supervise_traced);
}

/* Two at once have the same port, the same names, the same pids. */
static void two_do_not_meet(void **state)
{
    (void)state;
    struct sandbox *s[2];
    struct target target[2];
    struct err e = {0};
    int fds[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    char *const argv[] = {"/bin/sh", "-c",
                          "[ ! -e /dev/shm/x ] && echo $$ > /dev/shm/x && cat /dev/shm/x", NULL};
    const struct sandbox_options options = {.argv = argv, .stdio = {null, fds[1], null}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(sandbox_open(&s[i], &target[i], &options, &e), 0);
    for (int i = 0; i < 2; i++) {
        int status = -1;
        assert_int_equal(sandbox_wait(s[i], &target[i], long_enough, &status, NULL, NULL, &e), 0);
        assert_int_equal(status, 0);
    }
    char text[8] = "";
    assert_int_equal(read(fds[0], text, sizeof text), 4);
    assert_string_equal(text, "2\n2\n");
    sandbox_close(s[0]);
    sandbox_close(s[1]);
    close(fds[0]);
    close(fds[1]);
    close(null);
}

/* The caller's descriptors may be any, its own 0 to 2 may be closed, its stdio crossed. */
static void odd_descriptors(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox *s;
        struct target target;
        int fds[2], status;
        close(0);
        close(1);
        if (pipe2(fds, 0) < 0 || fds[0] != 0 || fds[1] != 1)
            _exit(10);
        int copy = dup2(1, 5);
        char *const argv[] = {"/bin/sh", "-c",
                              "echo in >&0; echo err >&2; ls /proc/self/fd | wc -l >&2", NULL};
        const struct sandbox_options options = {.argv = argv, .stdio = {copy, 0, 1}};
        if (sandbox_open(&s, &target, &options, NULL) < 0 ||
            sandbox_wait(s, &target, long_enough, &status, NULL, NULL, NULL) < 0)
            _exit(11);
        sandbox_close(s);
        char text[32] = "";
        _exit(read(0, text, sizeof text - 1) > 0 && strcmp(text, "in\nerr\n4\n") == 0 ? 0 : 12);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Without namespaces: never as root; otherwise paths are translated and daemons hunted down. */
static void without_namespaces(void **state)
{
    (void)state;
    struct outcome o;
    char *const argv[] = {"/bin/sh", "/in/script", NULL};
    const struct sandbox_options options = {.argv = argv, .mounts = mounts, .mount_count = 2};
    char *path = xasprintf("%s/script", folder);
    static const char script[] =
        "(setsid sleep 1000 &) & (setsid sleep 1000 &) & kill -9 $PPID || echo here; exit 5\n";
    assert_int_equal(file_write(path, script, sizeof script - 1, NULL), 0);
    outcome_of_bare(&o, &options, long_enough);
    if (geteuid() == 0) {
        assert_int_equal(o.rc, -EPERM);
    } else if (o.rc == 0) {
        assert_int_equal(o.status, 5 << 8);
        assert_non_null(strstr(o.out.data, "here\n")); /* the shell complains, too */
    } else {
        assert_non_null(strstr(o.e.text, "Landlock")); /* before Linux 6.12 */
    }
    assert_false(o.is_held);
    assert_int_equal(o.alive, 0);
    outcome_fini(&o);
    unlink(path);
    free(path);
}

static int without_idmaps(unsigned uid, unsigned gid)
{
    (void)gid;
    return machine_without_idmaps(uid, folder);
}

static void in_child(int (*function)(unsigned uid, unsigned gid))
{
    int status;
    unsigned uid = geteuid(), gid = getegid();
    pid_t pid = fork();
    if (pid == 0)
        _exit(function(uid, gid));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status == MACHINE_SKIPPED << 8)
        skip();
    assert_int_equal(status, 0);
}

static void a_machine_without_namespaces(void **state)
{
    (void)state;
    in_child(machine_without_namespaces);
}

static void a_file_system_without_idmaps(void **state)
{
    (void)state;
    in_child(without_idmaps);
}

static void a_machine_without_proc(void **state)
{
    (void)state;
    in_child(machine_without_proc);
}

static void the_probe_finds_what_is_here(void **state)
{
    (void)state;
    struct sandbox_tier tier;
    sandbox_probe(&tier);
    assert_true(tier.has_namespaces);
    assert_true(tier.has_nested_user);
    assert_true(tier.has_proc);
    init_use("/none");
    sandbox_probe(&tier);
    init_use(NULL);
    assert_false(tier.has_namespaces);
    assert_int_equal(tier.why.code, ENOENT);
}

static int make_folder(void **state)
{
    (void)state;
    folder = xstrdup("/tmp/ipclab-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    char *path = xasprintf("%s/private", folder);
    int rc = file_write(path, "secret\n", 7, NULL);
    chmod(path, 0600);
    free(path);
    mounts[0] = (struct sandbox_mount){.from = folder, .to = "/in"};
    mounts[1] = (struct sandbox_mount){.from = folder, .to = "/out", .is_writable = true};
    return rc;
}

static int remove_folder(void **state)
{
    (void)state;
    char *path = xasprintf("%s/private", folder);
    unlink(path);
    int rc = rmdir(folder);
    free(path);
    free(folder);
    return rc;
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, remember, compare)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ends_as_the_program_ends),
        CASE(says_what_exec_said),
        CASE(says_why_it_cannot_open),
        CASE(init_is_missing),
        CASE(the_limit_ends_it),
        CASE(files_of_the_caller),
        CASE(the_caller_gives_up),
        CASE(a_tracer_left_tasks),
        CASE(the_supervisor_dies),
        CASE(two_do_not_meet),
        CASE(odd_descriptors),
        CASE(without_namespaces),
        CASE(a_machine_without_namespaces),
        CASE(a_machine_without_proc),
        CASE(a_file_system_without_idmaps),
        CASE(the_probe_finds_what_is_here),
    };
    need_namespaces();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
