#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ui/ui.h"

static const char help[] = "ipclab view FILE [OPTION]...\n"
                           "Looks at a recording: on the stage, or as text.\n\n"
                           "      --summary   print how it ended, processes, pipes, findings\n"
                           "      --text      the same, and every event\n"
                           "      --json      everything as JSON (docs/trace-json.md)\n"
                           "      --ascii     the stage without glyphs outside ASCII\n\n"
                           "Without a terminal it prints the summary.\n";

int cmd_view(int argc, char **argv)
{
    static const struct option options[] = {
        {"summary", no_argument, NULL, 's'}, {"text", no_argument, NULL, 't'},
        {"json", no_argument, NULL, 'j'},    {"ascii", no_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},    {0}};
    struct cli_report how = {0};
    struct ui_options ui = {0};
    bool is_printed = !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 's': is_printed = true; break;
        case 't': is_printed = how.is_text = true; break;
        case 'j': is_printed = how.is_json = true; break;
        case 'a': ui.is_ascii = true; break;
        case 'h': fputs(help, stdout); return STATUS_OK;
        default: return STATUS_USAGE;
        }
    }
    if (optind + 1 != argc)
        return cli_usage("view", optind == argc ? "no recording was named" : "takes one recording");
    struct err e = {0};
    if (!is_printed)
        return ui_view(argv[optind], &ui, &e) < 0 ? cli_error(&e) : STATUS_OK;
    return cli_report(stdout, argv[optind], &how, &e) < 0 ? cli_error(&e) : STATUS_OK;
}
