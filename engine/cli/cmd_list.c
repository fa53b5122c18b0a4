#include <string.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "script/lab.h"

static int print_lab(const struct lab *lab, const char *part_before)
{
    if (strcmp(lab->part, part_before) != 0)
        printf("%s%s\n", part_before[0] ? "\n" : "", lab->part);
    if (lab->error) {
        printf("  %-16s cannot be loaded: %s\n", lab->name, lab->error);
        return STATUS_NO;
    }
    printf("  %-16s %3d min  %s\n", lab->name, lab->minutes, lab->title);
    return STATUS_OK;
}

int cmd_list(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("ipclab list\nLists the labs by part, with the time they take.");
        return STATUS_OK;
    }
    if (argc > 1)
        return cli_usage("list", "takes no argument, not '%s'", argv[1]);
    struct err e = {0};
    const char *root = paths_root(&e);
    struct lab_list list;
    if (!root || lab_list(&list, root, &e) < 0)
        return cli_error(&e);
    int status = STATUS_OK;
    const char *part = "";
    for (size_t i = 0; i < list.count; i++) {
        if (print_lab(list.labs[i], part) != STATUS_OK)
            status = STATUS_NO;
        part = list.labs[i]->part;
    }
    lab_list_fini(&list);
    return status;
}
