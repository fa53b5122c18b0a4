#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/cli.h"

static const char help[] = "ipclab reset LAB | --all [OPTION]...\n"
                           "Forgets what you have done in one lab (pipe-eof, 2-pipes/pipe-eof), or "
                           "in all. It asks first,\n"
                           "and keeps a backup, which `ipclab import` brings back. Your exercise "
                           "files stay as they are.\n\n"
                           "      --all         all labs\n"
                           "      --yes         do not ask\n\n"
                           "Exit status: 0 done; 1 you said no; 2 it could not be done.\n";

struct reset_request {
    const char *name; /* NULL: all */
    bool is_all, is_agreed;
};

static int parse(struct reset_request *q, int argc, char **argv)
{
    static const struct option options[] = {{"all", no_argument, NULL, 'a'},
                                            {"yes", no_argument, NULL, 'y'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'a': q->is_all = true; break;
        case 'y': q->is_agreed = true; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (argc - optind > 1)
        return cli_usage("reset", "takes one lab");
    q->name = argv[optind];
    if (q->is_all == (q->name != NULL))
        return cli_usage("reset", "name a lab, or --all");
    if (!q->is_agreed && !isatty(STDIN_FILENO))
        return cli_usage("reset", "it asks first, and there is no terminal; --yes answers");
    return -1;
}

static bool is_meant(const char *lab, const char *name)
{
    const char *slash = strrchr(lab, '/');
    return strcmp(lab, name) == 0 || (slash && strcmp(slash + 1, name) == 0);
}

/* The lab as progress knows it; the caller frees. */
static int find(char **out, struct store *store, const char *name, struct err *e)
{
    struct store_labs labs;
    int rc = store_labs(store, &labs, e);
    *out = NULL;
    for (size_t i = 0; rc == 0 && i < labs.lab_count && !*out; i++)
        if (is_meant(labs.lab[i].lab, name))
            *out = xstrdup(labs.lab[i].lab);
    store_labs_fini(&labs);
    if (rc == 0 && !*out)
        rc = err_set(e, ENOENT,
                     "reset %s: nothing is known of such a lab; `ipclab progress` tells "
                     "of which ones",
                     name);
    return rc;
}

static bool ask(const char *lab)
{
    char answer[16] = "";
    printf("Forget all you have done in %s? A backup is kept. [y/N] ", lab ? lab : "all labs");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int reset(const struct reset_request *q, struct store *store, struct err *e)
{
    char *lab = NULL, *backup = NULL;
    int rc = q->name ? find(&lab, store, q->name, e) : 0, status = STATUS_USAGE;
    if (rc == 0 && !q->is_agreed && !ask(lab)) {
        status = STATUS_NO;
        puts("Nothing was changed.");
    } else if (rc == 0 && store_reset(store, lab, &backup, e) == 0) {
        status = STATUS_OK;
        printf("Done. `ipclab import %s` brings it back.\n", backup);
    }
    free(backup);
    free(lab);
    return status;
}

int cmd_reset(int argc, char **argv)
{
    struct reset_request q = {0};
    int status = parse(&q, argc, argv);
    if (status >= 0)
        return status;
    struct err e = {0};
    struct store *store = NULL;
    if (cli_store(&store, &e) < 0)
        return cli_error(&e);
    status = reset(&q, store, &e);
    store_close(store);
    return status == STATUS_USAGE ? cli_error(&e) : status;
}
