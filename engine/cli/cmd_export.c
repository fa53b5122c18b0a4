#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "cli/cli.h"

static const char help[] =
    "ipclab export FILE\n"
    "Writes all of your progress to a file (docs/progress.md); - is standard output.\n"
    "`ipclab import FILE` merges it into the progress of another machine.\n";

static int write_out(const char *path, const struct buf *text, struct err *e)
{
    if (strcmp(path, "-") != 0)
        return file_write(path, text->data, text->len, e);
    fwrite(text->data, 1, text->len, stdout);
    return fflush(stdout) == 0 ? 0 : err_sys(e, errno, "write the export");
}

int cmd_export(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return STATUS_OK;
    }
    if (argc != 2)
        return cli_usage("export", argc < 2 ? "no file was named" : "takes one file");
    if (argv[1][0] == '-' && argv[1][1])
        return cli_usage("export", "has no option '%s'", argv[1]);
    struct err e = {0};
    struct store *store = NULL;
    struct buf text = {0};
    int rc = cli_store(&store, &e);
    if (rc == 0)
        rc = store_export(store, &text, &e);
    if (rc == 0)
        rc = write_out(argv[1], &text, &e);
    buf_fini(&text);
    store_close(store);
    return rc < 0 ? cli_error(&e) : STATUS_OK;
}
