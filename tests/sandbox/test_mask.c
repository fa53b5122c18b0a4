/* An ipclab that is installed below /usr: its solutions are not to be seen from inside, though /usr
 * is, and the caller may still mount something there. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "harness.h"

enum { SKIPPED = 77 };
static const char base[] = "/usr/share";

static bool install(void)
{
    char path[256], root[128];
    static const char *const folders[] = {"", "/labs", "/solutions"};
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", base, "tmpfs", 0, "mode=755") < 0)
        return false;
    snprintf(root, sizeof root, "%s/ipclab", base);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        mkdir(path, 0755);
    }
    snprintf(path, sizeof path, "%s/labs/order", root);
    bool is_made = file_write(path, "", 0, NULL) == 0;
    snprintf(path, sizeof path, "%s/solutions/answer.c", root);
    return is_made && file_write(path, "42\n", 3, NULL) == 0 && setenv("IPCLAB_ROOT", root, 1) == 0;
}

int main(void)
{
    if (geteuid() != 0 || !install()) {
        puts("skipped: needs root and a mount namespace");
        return SKIPPED;
    }
    need_namespaces();
    struct outcome o;
    char *const argv[] = {"/bin/sh", "-c",
                          "cd /usr/share/ipclab && echo * && cat given/labs/order && : > x", NULL};
    const struct sandbox_mount given = {.from = "/usr/share/ipclab",
                                        .to = "/usr/share/ipclab/given"};
    const struct sandbox_options options = {.argv = argv, .mounts = &given, .mount_count = 1};
    outcome_of(&o, &options, 20000000000);
    bool is_good = o.rc == 0 && o.status != 0 && strncmp(o.out.data, "given\n", 6) == 0 &&
                   strstr(o.out.data, "Read-only") != NULL;
    if (!is_good)
        printf("%s\n%s\n", o.e.text, o.out.data);
    outcome_fini(&o);
    return is_good ? 0 : 1;
}
