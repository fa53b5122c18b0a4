#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "cli/cli.h"

enum { FILE_MOST = 1 << 28 };

static const char help[] =
    "ipclab import FILE\n"
    "Merges a file that `ipclab export` wrote, or a backup of progress (a .db file), into yours.\n"
    "Nothing is lost and nothing counted twice: importing again changes nothing.\n"
    "All of the file is taken, or nothing of it.\n";

int cmd_import(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return STATUS_OK;
    }
    if (argc != 2)
        return cli_usage("import", argc < 2 ? "no file was named" : "takes one file");
    if (argv[1][0] == '-')
        return cli_usage("import", "has no option '%s'", argv[1]);
    struct err e = {0};
    struct store *store = NULL;
    struct buf text = {0};
    struct store_merge sum;
    int rc = file_read(&text, argv[1], FILE_MOST, &e);
    if (rc == 0)
        rc = cli_store(&store, &e);
    if (rc == 0)
        rc = store_import(store, argv[1], text.data ? text.data : "", text.len, &sum, &e);
    buf_fini(&text);
    store_close(store);
    if (rc < 0)
        return cli_error(&e);
    printf("%zu records are new, %zu were here already\n", sum.added, sum.known);
    return STATUS_OK;
}
