/* What the commands share. Each command is a file cmd_NAME.c with one function, listed in
 * commands.def.
 *
 * Exit status: 0 done (or the verdict is pass), 1 the answer is no (a verdict that is not pass, a
 * proof that failed), 2 bad usage or something is missing. `trace` keeps the command's own status;
 * it gives 124 when the time limit ended the run, 125 when nobody could move any more, 126 and 127
 * as a shell does, 130 when the user ended it. */
#ifndef IPCLAB_CLI_CLI_H
#define IPCLAB_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "run/run.h"
#include "store/store.h"

enum {
    STATUS_OK,
    STATUS_NO,
    STATUS_USAGE,
    STATUS_TIMEOUT = 124,
    STATUS_STUCK = 125,
    STATUS_INTERRUPTED = 130
};

/* argv[0] is the command's name. The result is the exit status. */
typedef int command_main(int argc, char **argv);
#define COMMAND(name, arguments, text) command_main cmd_##name;
#include "cli/commands.def"
#undef COMMAND

/* Prints "ipclab NAME: text" and where help is, and returns STATUS_USAGE. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "ipclab: text" and returns STATUS_USAGE. */
int cli_error(const struct err *e);

/* Seconds ("2", "0.5") as nanoseconds; false when it is no positive number. */
bool cli_seconds(const char *text, uint64_t *out_ns);
/* A whole number from least to most. */
bool cli_number(const char *text, uint64_t least, uint64_t most, uint64_t *out);

/* Opens the learner's own store; prints its notice, if it has one, to standard error. -errno with
 * one line. The caller closes. */
int cli_store(struct store **out, struct err *e);

/* A path for a recording nobody asked to keep; the caller unlinks it and frees it. */
char *cli_temporary(struct err *e);

/* From now on SIGINT, SIGTERM and SIGHUP end the run (run_stop), unless the program was started
 * with them ignored. */
void cli_stop_on_signals(void);
/* The signal that came, 0 for none. */
int cli_stopped_by(void);

/* Opens a recording and prints what it says. */
struct cli_report {
    bool is_text; /* with every event */
    bool is_json;
    bool is_short;
};
int cli_report(FILE *out, const char *recording_path, const struct cli_report *how, struct err *e);

#endif
