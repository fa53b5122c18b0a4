#include "grade/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "grade/cache.h"
#include "sandbox/sandbox.h"

enum {
    SOURCES_MAX = 8,
    SOURCE_MAX = 1 << 20,
    TEXT_MAX = 64 << 10,
    PROGRAM_MAX = 32 << 20,
};
static const uint64_t limit_ns = 10000000000;

/* What does not depend on the sources; part of a program's name in the cache. */
static const char *const compiler[] = {
    "/usr/bin/gcc",
    "-std=gnu17",
    "-g",
    "-O0", /* each line does what it says, and compiling is fastest */
    "-fno-omit-frame-pointer",
    "-Wall",
    "-Wextra",
    "-pipe",
    "-fmax-errors=20",
    "-fdiagnostics-color=never",
    "-ftrack-macro-expansion=0",
    "-fmacro-prefix-map=/src/=", /* __FILE__ is the bare name */
    "-Wl,--build-id",
    NULL,
};

struct compile {
    const struct compile_options *options;
    char *cache;              /* folder */
    char *paths[SOURCES_MAX]; /* absolute */
    size_t count;
    struct buf input; /* all that the program depends on */
    char *entry;      /* folder of the program in the cache */
    char *work;       /* folder that becomes it */
    int text_fd;      /* the compiler's output */
    struct buf text;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The program is called like its first source, without ".c". */
static char *program_name(const struct compile *c)
{
    const char *base = base_name(c->paths[0]);
    size_t length = strlen(base);
    if (length > 2 && strcmp(base + length - 2, ".c") == 0)
        length -= 2;
    return xasprintf("%.*s", (int)length, base);
}

/* Takes a regular file of sane size: a FIFO or a device would hold us up. */
static int take_source(struct compile *c, const char *path, struct err *e)
{
    char real[PATH_MAX];
    struct stat st;
    if (realpath(path, real) == NULL || stat(real, &st) != 0)
        return err_sys(e, errno, "read %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, EINVAL, "read %s: not a regular file", path);
    if (st.st_size > SOURCE_MAX)
        return err_set(e, EFBIG, "read %s: larger than 1 MiB", path);
    buf_printf(&c->input, "%s\n", real);
    int result = file_read(&c->input, real, SOURCE_MAX, e);
    buf_putc(&c->input, '\0');
    if (result == 0)
        c->paths[c->count++] = xstrdup(real);
    return result;
}

/* Names the cache entry. Two 32-bit halves of an FNV-1a hash would do; the input kept beside the
 * program is what decides. */
static void name_entry(struct compile *c)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < c->input.len; i++)
        hash = (hash ^ (unsigned char)c->input.data[i]) * 0x100000001b3u;
    c->entry = xasprintf("%s/%016llx", c->cache, (unsigned long long)hash);
}

static int prepare(struct compile *c, struct err *e)
{
    int result = 0;
    if (c->options->cache != NULL) {
        c->cache = xstrdup(c->options->cache);
    } else {
        char *dir = NULL;
        result = paths_cache_dir(&dir, e);
        if (result < 0)
            return result;
        c->cache = xasprintf("%s/bin", dir);
        free(dir);
    }
    result = paths_make_dirs(c->cache, e);
    for (const char *const *word = compiler; *word != NULL; word++)
        buf_printf(&c->input, "%s\n", *word);
    const char *const *source = c->options->sources;
    for (; result == 0 && *source != NULL && c->count < SOURCES_MAX; source++)
        result = take_source(c, *source, e);
    if (result == 0)
        name_entry(c);
    return result;
}

/* Is the entry there, whole, and really made from this input? */
static bool is_in_cache(const struct compile *c)
{
    struct buf known = {0};
    char *path = xasprintf("%s/.input", c->entry);
    char *name = program_name(c), *program = xasprintf("%s/%s", c->entry, name);
    bool is_it = access(program, X_OK) == 0 &&
                 file_read(&known, path, c->input.len + 1, NULL) == 0 &&
                 known.len == c->input.len && memcmp(known.data, c->input.data, known.len) == 0;
    free(path);
    free(name);
    free(program);
    buf_fini(&known);
    return is_it;
}

/* ---- the compiler's run ---- */

static bool drain(void *arg)
{
    struct compile *c = arg;
    char bytes[16384];
    ssize_t n;
    while ((n = read(c->text_fd, bytes, sizeof bytes)) > 0) {
        size_t room = c->text.len < TEXT_MAX ? TEXT_MAX - c->text.len : 0;
        buf_put(&c->text, bytes, (size_t)n < room ? (size_t)n : room);
    }
    return true;
}

struct place {
    char *argv[sizeof compiler / sizeof *compiler + SOURCES_MAX + 4];
    char *names[SOURCES_MAX + 2]; /* strings of ours in argv and mounts */
    size_t name_count;
    struct sandbox_mount mounts[SOURCES_MAX + 1];
    size_t mount_count;
};

static char *keep(struct place *p, char *take)
{
    return p->names[p->name_count++] = take;
}

/* The sources are seen at /src, one by one; debug information says where they really are. */
static void lay_out(struct place *p, const struct compile *c)
{
    size_t n = 0;
    for (const char *const *word = compiler; *word != NULL; word++)
        p->argv[n++] = (char *)(uintptr_t)*word;
    const char *base = base_name(c->paths[0]);
    p->argv[n++] = keep(
        p, xasprintf("-fdebug-prefix-map=/src=%.*s", (int)(base - c->paths[0] - 1), c->paths[0]));
    p->argv[n++] = (char *)(uintptr_t) "-o";
    p->argv[n++] = (char *)(uintptr_t) "/out/program";
    p->mounts[p->mount_count++] =
        (struct sandbox_mount){.from = c->work, .to = "/out", .is_writable = true};
    for (size_t i = 0; i < c->count; i++) {
        char *inside = keep(p, xasprintf("/src/%s", base_name(c->paths[i])));
        p->mounts[p->mount_count++] = (struct sandbox_mount){.from = c->paths[i], .to = inside};
        p->argv[n++] = inside;
    }
    p->argv[n] = NULL;
}

static void place_fini(struct place *p)
{
    for (size_t i = 0; i < p->name_count; i++)
        free(p->names[i]);
}

static int run_compiler(struct compile *c, int *status, struct err *e)
{
    int fds[2], null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd == -1 || pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, errno, "run the compiler");
    c->text_fd = fds[0];
    fcntl(c->text_fd, F_SETFL, O_NONBLOCK);

    struct place place = {0};
    lay_out(&place, c);
    struct sandbox_options options = {
        .argv = place.argv,
        .cwd = "/src",
        .stdio = {null_fd, fds[1], fds[1]},
        .mounts = place.mounts,
        .mount_count = place.mount_count,
        .memory_max = (uint64_t)2 << 30,
        .file_max = PROGRAM_MAX,
        .allow_degraded = true,
    };
    struct sandbox *sandbox = NULL;
    struct target target = {.pid = -1, .release_fd = -1, .error_fd = -1};
    int result = sandbox_open(&sandbox, &target, &options, e);
    fd_close(&null_fd);
    fd_close(&fds[1]);
    if (result == 0) {
        result = sandbox_wait(sandbox, &target, limit_ns, status, drain, c, e);
        drain(c);
        sandbox_close(sandbox);
    }
    fd_close(&c->text_fd);
    place_fini(&place);
    return result;
}

/* ---- the result ---- */

/* Takes the program that the compiler's sandbox left: a regular file, whatever else lies there. */
static int take_program(const struct compile *c, const char *name, struct err *e)
{
    char *from = xasprintf("%s/program", c->work), *to = xasprintf("%s/%s", c->work, name);
    struct stat st;
    int result = 0;
    if (lstat(from, &st) != 0)
        result = err_sys(e, errno, "take the compiled program");
    else if (!S_ISREG(st.st_mode))
        result = err_set(e, EINVAL, "take the compiled program: not a regular file");
    else if (chmod(from, 0755) != 0 || (strcmp(from, to) != 0 && rename(from, to) != 0))
        result = err_sys(e, errno, "take the compiled program");
    free(from);
    free(to);
    return result;
}

static int write_beside(const char *folder, const char *name, const struct buf *bytes,
                        struct err *e)
{
    char *path = xasprintf("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    int result = fd == -1 ? -errno : fd_write_full(fd, bytes->data, bytes->len);
    if (result < 0)
        err_sys(e, -result, "write %s", path);
    fd_close(&fd);
    free(path);
    return result;
}

/* Makes the working folder the cache entry. Somebody else may have done the same meanwhile; that is
 * as good. An entry of other input goes away. */
static int publish(struct compile *c, const char *name, struct err *e)
{
    int result = take_program(c, name, e);
    if (result == 0)
        result = write_beside(c->work, ".text", &c->text, e);
    if (result == 0)
        result = write_beside(c->work, ".input", &c->input, e);
    if (result < 0 || rename(c->work, c->entry) == 0)
        return result;
    if (!is_in_cache(c)) {
        cache_remove(c->entry);
        if (rename(c->work, c->entry) != 0)
            return err_sys(e, errno, "keep the compiled program");
    }
    return 0;
}

/* The compiler's words, with control characters made visible and our /src/ taken away. */
static char *printable_text(const struct buf *raw)
{
    struct buf out = {0};
    buf_puts(&out, "");
    for (size_t i = 0; i < raw->len;) {
        const char *at = raw->data + i;
        size_t left = raw->len - i, width = text_printable(at, left);
        if (left >= 5 && memcmp(at, "/src/", 5) == 0)
            width = 5;
        else if (*at == '\n' || width > 0)
            buf_put(&out, at, width > 0 ? width : 1);
        else if (*at == '\t')
            buf_puts(&out, "    ");
        else
            buf_printf(&out, "\\x%02X", (unsigned char)*at);
        i += width > 0 ? width : 1;
    }
    if (raw->len >= TEXT_MAX)
        buf_puts(&out, "\n... and more\n");
    return buf_take(&out);
}

static int compile_now(struct compile *c, struct compile_result *out, const char *name,
                       struct err *e)
{
    int status = 0;
    c->work = xasprintf("%s/new-XXXXXX", c->cache);
    if (mkdtemp(c->work) == NULL)
        return err_sys(e, errno, "make a folder in %s", c->cache);
    struct err why = {0};
    int result = run_compiler(c, &status, &why);
    if (result == -ETIMEDOUT || result == -ENOMEM) {
        /* The source is to blame: it does not compile within the limits. */
        buf_printf(&c->text, "\nthe compiler was stopped: %s\n", why.text);
        status = -1;
        result = 0;
    } else if (result < 0) {
        return err_set(e, -result, "%s", why.text);
    }
    out->is_ok = status == 0;
    if (!out->is_ok && c->text.len == 0) /* gcc always has something to say about a source */
        return err_set(e, EPROTO, "run the compiler: it failed (status %#x) and said nothing",
                       (unsigned)status);
    if (out->is_ok)
        result = publish(c, name, e);
    cache_prune(c->cache);
    return result;
}

static void read_text(struct compile *c)
{
    char *path = xasprintf("%s/.text", c->entry);
    file_read(&c->text, path, TEXT_MAX, NULL);
    free(path);
}

static void compile_fini(struct compile *c)
{
    if (c->work != NULL)
        cache_remove(c->work); /* what is left of it, if it was not published */
    for (size_t i = 0; i < c->count; i++)
        free(c->paths[i]);
    free(c->cache);
    free(c->entry);
    free(c->work);
    buf_fini(&c->input);
    buf_fini(&c->text);
}

int compile_program(struct compile_result *out, const struct compile_options *options,
                    struct err *e)
{
    struct compile c = {.options = options, .text_fd = -1};
    struct compile_result done = {0};
    uint64_t started = clock_ns();
    int result = prepare(&c, e);
    char *name = result == 0 ? program_name(&c) : xstrdup("");
    if (result == 0 && is_in_cache(&c)) {
        done.is_ok = done.is_cached = true;
        cache_touch(c.entry);
        read_text(&c);
    } else if (result == 0) {
        result = compile_now(&c, &done, name, e);
    }
    if (result == 0) {
        done.program = done.is_ok ? xasprintf("%s/%s", c.entry, name) : xstrdup("");
        done.text = printable_text(&c.text);
        done.elapsed_ns = clock_ns() - started;
        *out = done;
    }
    compile_fini(&c);
    free(name);
    return result;
}

void compile_result_fini(struct compile_result *r)
{
    free(r->program);
    free(r->text);
    *r = (struct compile_result){0};
}
