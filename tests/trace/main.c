/* test_traps NAME: runs one test. test_traps --list: the names. test_traps --tracee NAME: the
 * program that is traced in it. */
#include "traced.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct row *const tables[] = {rows_order,  rows_signal, rows_exec, rows_gap,
                                           rows_memory, rows_quiet,  rows_call};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct row *row = tables[i]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    fprintf(stderr, "no test %s\n", name);
    exit(2);
}

static void list(void)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct row *row = tables[i]; row->name; row++)
            puts(row->name);
}

static void run(const struct row *row)
{
    struct traced t;
    if (row->whole) {
        row->whole(row);
        return;
    }
    traced_run(&t, row, -1);
    CHECK_EQ(t.status, 0);
    row->check(&t);
    traced_fini(&t);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        list();
    else if (argc == 3 && strcmp(argv[1], "--tracee") == 0)
        return find_row(argv[2])->tracee();
    else if (argc == 2)
        run(find_row(argv[1]));
    else
        return 2;
    return 0;
}
