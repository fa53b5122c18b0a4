#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "ui/ui.h"

static const struct {
    const char *name;
    const char *arguments;
    const char *text;
    command_main *run;
} commands[] = {
#define COMMAND(name, arguments, text) {#name, arguments, text, cmd_##name},
#include "cli/commands.def"
#undef COMMAND
};

static void help(FILE *out)
{
    fputs("ipclab: learn inter-process communication by running it\n\n"
          "  ipclab [--ascii]                the runner: labs, lessons, exercises\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char left[80];
        if (!commands[i].text[0])
            continue;
        snprintf(left, sizeof left, "ipclab %s %s", commands[i].name, commands[i].arguments);
        if (strlen(left) > 30)
            fprintf(out, "  %s\n  %-30s  %s\n", left, "", commands[i].text);
        else
            fprintf(out, "  %-30s  %s\n", left, commands[i].text);
    }
    fputs(
        "\n`ipclab COMMAND --help` tells more. Screens: [?] shows the keys. docs/ has the rest.\n",
        out);
}

static int runner(bool is_ascii)
{
    struct err e = {0};
    struct ui_options options = {.is_ascii = is_ascii};
    return ui_main(&options, &e) < 0 ? cli_error(&e) : STATUS_OK;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return STATUS_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("ipclab %s\n", IPCLAB_VERSION);
        return STATUS_OK;
    }
    if (argc == 1 || (argc == 2 && strcmp(name, "--ascii") == 0))
        return runner(argc == 2);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "ipclab: no command '%s'; `ipclab --help` lists them\n", name);
    return STATUS_USAGE;
}
