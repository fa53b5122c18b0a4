#include <errno.h>
#include <linux/filter.h>
#include <string.h>

#include "base/paths.h"
#include "sandbox/refuse.h"
#include "sandbox/sandbox_internal.h"
#include "trace/spawn.h"

static char *const default_env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp",
                                    "LANG=C.UTF-8", NULL};

static uint64_t or_else(uint64_t given, uint64_t otherwise)
{
    return given ? given : otherwise;
}

static uint32_t put_texts(struct buf *out, char *const *texts)
{
    uint32_t count = 0;
    for (; texts[count]; count++)
        buf_put(out, texts[count], strlen(texts[count]) + 1);
    return count;
}

static int put_filters(struct buf *out, struct plan *plan, const struct sandbox_options *options,
                       struct err *e)
{
    size_t count;
    const void *filter = refuse_program(&count, e);
    if (!filter)
        return -e->code;
    plan->refuse_count = (uint32_t)count;
    buf_put(out, filter, count * sizeof(struct sock_filter));
    if (!options->is_traced)
        return 0;
    filter = filter_program(options->is_stepped, &count, e);
    if (!filter)
        return -e->code;
    plan->trace_count = (uint32_t)count;
    buf_put(out, filter, count * sizeof(struct sock_filter));
    return 0;
}

/* What is under /usr is seen inside. Labs' solutions must not be, where they are installed there.
 */
static const char *mask_of(void)
{
    const char *root = paths_root(NULL);
    return root && strncmp(root, "/usr/", 5) == 0 ? root : "";
}

static int put_mounts(struct buf *out, struct plan *plan, const struct sandbox_options *options,
                      struct err *e)
{
    if (options->mount_count > PLAN_MOUNTS_MAX)
        return err_set(e, E2BIG, "start sandbox: %zu mounts, at most %d", options->mount_count,
                       PLAN_MOUNTS_MAX);
    plan->mount_count = (uint32_t)options->mount_count;
    for (size_t i = 0; i < options->mount_count; i++) {
        const struct sandbox_mount *m = &options->mounts[i];
        if (m->to[0] != '/' || !m->to[1])
            return err_set(e, EINVAL, "start sandbox: mount at '%s': not an absolute path", m->to);
        plan->mounts[i].is_writable = m->is_writable;
        buf_put(out, m->from, strlen(m->from) + 1);
        buf_put(out, m->to, strlen(m->to) + 1);
    }
    return 0;
}

static void set_limits(struct plan *plan, const struct sandbox_options *options)
{
    plan->processes_max = (uint32_t)or_else(options->processes_max, 64);
    plan->files_max = (uint32_t)or_else(options->files_max, 256);
    plan->cpu_seconds = (uint32_t)or_else(options->cpu_seconds, 10);
    plan->memory_max = or_else(options->memory_max, 1 << 30);
    plan->file_max = or_else(options->file_max, 8 << 20);
    plan->tmp_max = or_else(options->tmp_max, 16 << 20);
    plan->ignored_signals = options->ignored_signals;
    plan->may_lack_proc = options->allow_degraded;
}

int plan_build(struct buf *out, const struct sandbox_options *options, bool is_bare, struct err *e)
{
    struct err own;
    e = e ? e : &own;
    struct plan plan = {.is_bare = is_bare};
    set_limits(&plan, options);
    buf_put(out, &plan, sizeof plan); /* its place; filled below */
    int rc = put_filters(out, &plan, options, e);
    const char *cwd = options->cwd ? options->cwd : "/tmp";
    buf_put(out, cwd, strlen(cwd) + 1);
    const char *mask = mask_of();
    buf_put(out, mask, strlen(mask) + 1);
    if (rc == 0)
        rc = put_mounts(out, &plan, options, e);
    plan.argc = put_texts(out, options->argv);
    plan.envc = put_texts(out, options->env ? options->env : default_env);
    if (rc == 0 && out->len - sizeof plan > PLAN_PAYLOAD_MAX)
        rc = err_set(e, E2BIG, "start sandbox: arguments too long");
    plan.size = (uint32_t)(out->len - sizeof plan);
    memcpy(out->data, &plan, sizeof plan);
    return rc;
}
