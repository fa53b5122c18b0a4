#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "sandbox/sandbox.h"

static const char help[] =
    "ipclab doctor\n"
    "Tries what ipclab needs, each thing for real, and says what is lost without it.\n\n"
    "Exit status: 0 everything works; 1 something is lost.\n";

struct diagnosis_line {
    bool works;
    const char *what;
    const char *lost; /* without it */
};

static int print_line(const struct diagnosis_line *line)
{
    printf("  %s  %s%s%s\n", line->works ? "ok  " : "lost", line->what, line->works ? "" : ": ",
           line->works ? "" : line->lost);
    return line->works ? STATUS_OK : STATUS_NO;
}

static bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    bool is_found = false;
    char *copy = strdup(path ? path : "/usr/bin:/bin");
    for (char *save, *dir = strtok_r(copy, ":", &save); dir && !is_found;
         dir = strtok_r(NULL, ":", &save)) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", dir, name);
        is_found = access(file, X_OK) == 0;
    }
    free(copy);
    return is_found;
}

static void print_machine(void)
{
    struct utsname u;
    uname(&u);
    printf("%s %s, %s, running as uid %d\n", u.sysname, u.release, u.machine, (int)getuid());
    struct err e = {0};
    const char *root = paths_root(&e);
    printf("labs: %s\n", root ? root : e.text);
}

int cmd_doctor(int argc, char **argv)
{
    if (argc > 1) {
        bool is_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        if (!is_help)
            return cli_usage("doctor", "takes no argument, not '%s'", argv[1]);
        fputs(help, stdout);
        return STATUS_OK;
    }
    print_machine();
    struct err trace_error = {0};
    bool can_trace = tracer_probe(&trace_error) == 0;
    struct sandbox_tier tier;
    sandbox_probe(&tier);
    const struct diagnosis_line lines[] = {
        {can_trace, "tracing (ptrace, seccomp)",
         "nothing can be recorded; recordings can still be viewed"},
        {tier.has_namespaces, "namespaces", "labs and grading cannot run hermetically"},
        {tier.has_nested_user, "a second user namespace",
         "a program could reach the sandbox's own init"},
        {tier.has_proc, "a private /proc", "lessons that read /proc do not work"},
        {tier.has_ptrace, "tracing into the sandbox", "labs and grading cannot be recorded"},
        {tier.has_ipc_limits, "limits on System V and POSIX IPC",
         "a program may take more shared memory than it should"},
        {tier.has_cgroup, "memory and process limits by cgroup v2",
         "a run's memory is watched instead, and stopped some milliseconds late"},
        {has_program("gcc"), "gcc", "exercises cannot be compiled"},
    };
    int status = STATUS_OK;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (print_line(&lines[i]) != STATUS_OK)
            status = STATUS_NO;
    if (!can_trace)
        printf("  why: %s\n", trace_error.text);
    if (tier.why.text[0])
        printf("  why: %s\n", tier.why.text);
    return status;
}
