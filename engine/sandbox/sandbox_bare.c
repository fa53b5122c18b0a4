/* Where namespaces are not to be had: limits, filter, a session and a subreaper of its own. The
 * program sees the host's files under the host's names, so that names under a mount are translated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sandbox/sandbox_internal.h"

/* The host's name of a path inside; the caller frees. The last mount that fits wins, as inside. */
static char *host_path(const char *inside, const struct sandbox_options *options)
{
    for (size_t i = options->mount_count; i-- > 0;) {
        const struct sandbox_mount *m = &options->mounts[i];
        size_t size = strlen(m->to);
        if (strncmp(inside, m->to, size) == 0 && (inside[size] == '/' || inside[size] == '\0'))
            return xasprintf("%s%s", m->from, inside + size);
    }
    return xstrdup(inside);
}

static char **host_paths(char *const *texts, const struct sandbox_options *options)
{
    size_t count = 0;
    while (texts[count])
        count++;
    char **out = xcalloc(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = host_path(texts[i], options);
    return out;
}

int sandbox_bare_open(struct sandbox **out, struct target *target,
                      const struct sandbox_options *options, struct err *e)
{
    struct sandbox_options bare = *options;
    char **argv = host_paths(options->argv, options);
    char *cwd = host_path(options->cwd ? options->cwd : "/tmp", options);
    bare.argv = argv;
    bare.cwd = cwd;
    bare.mount_count = 0;
    int rc = sandbox_open_as(out, target, &bare, true, e);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    free(argv);
    free(cwd);
    return rc;
}
