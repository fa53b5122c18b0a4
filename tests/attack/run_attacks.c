/* Runs attacks, each in a sandbox of its own, and compares what came of them with what the head of
 * their source says:
 *
 *   EXPECT: exit N | killed SIG | timeout | memory | fails      alternatives are joined by "or";
 *                                    "fails" is for sources: the compiler gives no program
 *   SAYS: LINE                       a whole line of its output; any number of these
 *
 * Afterwards nothing may be left: no process, nobody at its stdout, no IPC object, and our own
 * descriptors, children and mounts as before.
 *
 * Usage: run_attacks programs|sources FOLDER [--traced] [NAME...] */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "harness.h"

static const uint64_t soon = 400000000, late = 30000000000;
static const char secret[] = "/tmp/" ATTACK_NAME "-secret";

struct attack {
    char *name;
    char *source; /* path */
    struct buf text;
    char *expected; /* after EXPECT: */
    bool is_source; /* compiled in the sandbox, not run */
    bool is_traced;
};

/* What stands after a tag, up to the end of the line or of the comment; the caller frees. NULL: no
 * more. *from is moved on. */
static char *next_tag(const char **from, const char *tag)
{
    const char *at = strstr(*from, tag);
    if (!at)
        return NULL;
    at += strlen(tag);
    size_t size = strcspn(at, "\n");
    const char *end = memmem(at, size, " */", 3);
    *from = at + size;
    return strndup(at, end ? (size_t)(end - at) : size);
}

/* "exit 0 or memory" has "memory". */
static bool is_expected(const struct attack *a, const char *what)
{
    char *copy = xstrdup(a->expected);
    bool found = false;
    for (char *rest = copy, *word; rest && !found; rest = word ? word + 4 : NULL) {
        word = strstr(rest, " or ");
        if (word)
            *word = '\0';
        found = strcmp(rest, what) == 0;
    }
    free(copy);
    return found;
}

static void name_outcome(char *out, size_t size, const struct attack *a, const struct outcome *o)
{
    if (a->is_source && !(o->rc == 0 && o->status == 0))
        snprintf(out, size, "fails");
    else if (o->rc == -ETIMEDOUT)
        snprintf(out, size, "timeout");
    else if (o->rc == -ENOMEM)
        snprintf(out, size, "memory");
    else if (o->rc < 0)
        snprintf(out, size, "%s", o->e.text);
    else if (WIFSIGNALED(o->status))
        snprintf(out, size, "killed SIG%s", sigabbrev_np(WTERMSIG(o->status)));
    else
        snprintf(out, size, "exit %d", WEXITSTATUS(o->status));
}

static bool has_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at += size)
        if ((at == text || at[-1] == '\n') && at[size] == '\n')
            return true;
    return false;
}

static int complain(const struct attack *a, const char *what, const char *detail)
{
    printf("not ok %s: %s %s\n", a->name, what, detail);
    return 1;
}

static int judge(const struct attack *a, const struct outcome *o)
{
    char seen[512];
    int bad = 0;
    name_outcome(seen, sizeof seen, a, o);
    if (!is_expected(a, seen))
        bad += complain(a, "came to", seen);
    const char *from = a->text.data;
    for (char *line; (line = next_tag(&from, "SAYS: ")) != NULL; free(line))
        if (!has_line(o->out.data, line))
            bad += complain(a, "does not say", line);
    if (a->is_traced && o->rc == 0 && o->steps == 0)
        bad += complain(a, "was not", "recorded");
    if (o->is_held)
        bad += complain(a, "somebody", "still holds its stdout");
    if (o->alive)
        bad += complain(a, "processes of it", "are still there");
    if (bad)
        printf("%s\n", o->out.data);
    else
        printf("ok %s: %s\n", a->name, seen);
    return bad;
}

static void attack_run(struct outcome *o, const struct attack *a)
{
    char *program = xasprintf("/box/attack_%s", a->name);
    char *const run[] = {program, NULL};
    char *const compile[] = {"/usr/bin/gcc", "-fmax-errors=20", "-o",
                             "/tmp/program", "/in/main.c",      NULL};
    const struct sandbox_mount box = {.from = programs_folder(), .to = "/box"};
    const struct sandbox_mount in = {.from = a->source, .to = "/in/main.c"};
    const struct sandbox_options options = {
        .argv = a->is_source ? compile : run,
        .mounts = a->is_source ? &in : &box,
        .mount_count = 1,
        .files_max = 48,
        .file_max = a->is_source ? 32 << 20 : 0,
        .tmp_max = a->is_source ? 64 << 20 : 0,
        .memory_total = 512 << 20,
        .cpu_seconds = a->is_source ? 2 : 0,
    };
    uint64_t limit = is_expected(a, "timeout") ? soon : late;
    (a->is_traced ? outcome_of_traced : outcome_of)(o, &options, limit);
    free(program);
}

static int attack_try(struct attack *a)
{
    struct err e = {0};
    struct outcome o;
    if (file_read(&a->text, a->source, 1 << 20, &e) < 0)
        return complain(a, "cannot be read:", e.text);
    const char *from = a->text.data;
    a->expected = next_tag(&from, "EXPECT: ");
    if (!a->expected)
        return complain(a, "has no", "EXPECT tag");
    char *before = world_state();
    attack_run(&o, a);
    char *after = world_state();
    int bad = judge(a, &o);
    if (strcmp(before, after) != 0) {
        bad += complain(a, "changed the world:", "");
        printf("before:\n%s\nafter:\n%s\n", before, after);
    }
    free(before);
    free(after);
    outcome_fini(&o);
    return bad;
}

static int is_c_file(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 2 && strcmp(entry->d_name + size - 2, ".c") == 0;
}

static bool is_wanted(const char *name, char **names)
{
    bool found = !names[0];
    for (; names[0] && !found; names++)
        found = strcmp(names[0], name) == 0;
    return found;
}

static int run_all(const char *folder, bool is_source, bool is_traced, char **names)
{
    struct dirent **entries;
    int bad = 0, count = scandir(folder, &entries, is_c_file, alphasort);
    if (count <= 0)
        die("read %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *file = entries[i]->d_name;
        struct attack a = {.name = strndup(file, strlen(file) - 2),
                           .source = xasprintf("%s/%s", folder, file),
                           .is_source = is_source,
                           .is_traced = is_traced};
        if (is_wanted(a.name, names))
            bad += attack_try(&a);
        free(a.name);
        free(a.source);
        free(a.expected);
        buf_fini(&a.text);
        free(entries[i]);
    }
    free(entries);
    return bad;
}

/* Things on the host that attacks look for: a file, a socket, an open descriptor. */
static void lay_bait(int fds[2])
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0" ATTACK_NAME "-host"};
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + sizeof ATTACK_NAME "-host";
    fds[0] = open(secret, O_CREAT | O_RDWR, 0644);
    if (fds[0] < 0 || write(fds[0], "int secret;\n", 12) != 12)
        die("write %s: %s", secret, strerror(errno));
    fds[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fds[1], (struct sockaddr *)&name, size) < 0 || listen(fds[1], 1) < 0)
        die("bind: %s", strerror(errno));
}

int main(int argc, char **argv)
{
    int fds[2];
    if (argc < 3)
        die("usage: run_attacks programs|sources FOLDER [--traced] [NAME...]");
    bool is_traced = argc > 3 && strcmp(argv[3], "--traced") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    need_namespaces();
    lay_bait(fds);
    int bad = run_all(argv[2], strcmp(argv[1], "sources") == 0, is_traced, argv + 3 + is_traced);
    unlink(secret);
    close(fds[0]);
    close(fds[1]);
    return bad ? 1 : 0;
}
