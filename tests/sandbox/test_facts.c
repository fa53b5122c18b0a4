/* What a sandboxed program sees, line for line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

static struct outcome seen;

/* Each must be a whole line of what the program `facts` says. */
static const char *const expected[] = {
    "descriptors 0 1 2 3", /* 3 is the listing itself */
    "ids 2 1 uid 1000 gid 1000 groups 0",
    "session own",
    "host lab",
    "cwd /tmp umask 022",
    "environment A=1 B=",
    "personality fixed addresses",
    "signals not default 0x1000 masked 0",
    "TracerPid 0",
    "SigPnd 0000000000000000",
    "CapInh 0000000000000000",
    "CapPrm 0000000000000000",
    "CapEff 0000000000000000",
    "CapBnd 0000000000000000",
    "CapAmb 0000000000000000",
    "NoNewPrivs 1",
    "Seccomp 2",
    "limit core 1 1",
    "limit processes 64 64",
    "limit files 256 256",
    "limit file 8388608 8388608",
    "limit memory 1073741824 1073741824",
    "limit cpu 10 11",
    "limit queues 819200 819200",
    "limit realtime 0 0",
    "dev fd full mqueue null random shm stderr stdin stdout urandom zero",
    "processes 1 2",
    "open /new EROFS",
    "open /usr/new EROFS",
    "open /tmp/new ok",
    "open /box/new EROFS",
    "open /dev/null ok",
    "open /dev/tty ENOENT",
    "open /proc/self/comm EROFS",
    "open /proc/self/oom_score_adj EROFS",
    "open /proc/sysvipc/shm ok",
    "open /tmp/link ELOOP",
    "open /proc/1/environ EACCES",
    "open /proc/1/maps EACCES",
    "open /proc/1/root EACCES",
    "open /proc/1/cwd EACCES",
    "open /proc/1/fd/3 EACCES",
    "open /proc/1/exe EACCES",
    "init read EPERM",
    "init descriptor EPERM",
    "init limits EPERM",
    "init command init",
    "ipc shmget ok",
    "ipc semget ok",
    "ipc msgget ok",
    "ipc shm_open ok",
    "ipc mq_open ok",
    "ipc sem_open ok",
    "shm sem.s x",
    "mqueue x",
    "network loopback ok",
    "network outside ENETUNREACH",
    "network vsock EAFNOSUPPORT",
    "network netlink EAFNOSUPPORT",
    "network unix ok",
    "network inet6 ok",
    "end",
};

static bool has_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at += size)
        if ((at == text || at[-1] == '\n') && at[size] == '\n')
            return true;
    return false;
}

static int look_inside(void **state)
{
    (void)state;
    static char *const argv[] = {"/box/sandbox_facts", NULL};
    const struct sandbox_mount box = {.from = programs_folder(), .to = "/box"};
    struct sandbox_options options = {.argv = argv,
                                      .env = (char *const[]){"A=1", "B=", NULL},
                                      .mounts = &box,
                                      .mount_count = 1,
                                      .ignored_signals = 1 << 12 /* SIGPIPE */};
    outcome_of(&seen, &options, 20000000000);
    if (seen.rc < 0)
        fprintf(stderr, "%s\n", seen.e.text);
    return seen.rc;
}

static void everything_is_as_said(void **state)
{
    (void)state;
    int missing = 0;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!has_line(seen.out.data, expected[i])) {
            fprintf(stderr, "not seen: %s\n", expected[i]);
            missing++;
        }
    if (missing)
        fprintf(stderr, "seen:\n%s", seen.out.data);
    assert_int_equal(missing, 0);
    assert_true(WIFEXITED(seen.status) && WEXITSTATUS(seen.status) == 7);
}

/* The host's own folders: none but those that every program needs. */
static void host_is_not_seen(void **state)
{
    (void)state;
    static const char *const folders[] = {"home", "root", "var", "run",
                                          "sys",  "opt",  "mnt", "boot"};
    const char *line = strstr(seen.out.data, "\nroot ");
    assert_non_null(line);
    char *root = strndup(line + 1, strcspn(line + 1, "\n"));
    for (char *rest = root, *word; (word = strtok_r(rest, " ", &rest)) != NULL && word != root;)
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
            assert_string_not_equal(word, folders[i]);
    free(root);
}

static int forget(void **state)
{
    (void)state;
    outcome_fini(&seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_as_said),
        cmocka_unit_test(host_is_not_seen),
    };
    need_namespaces();
    return cmocka_run_group_tests(tests, look_inside, forget);
}
