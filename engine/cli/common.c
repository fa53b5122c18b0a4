#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/cli.h"
#include "diagnose/finding.h"
#include "export/export.h"

int cli_usage(const char *command, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "ipclab %s: ", command);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "; `ipclab %s --help` tells how\n", command);
    va_end(ap);
    return STATUS_USAGE;
}

int cli_error(const struct err *e)
{
    fprintf(stderr, "ipclab: %s\n", e->text);
    return STATUS_USAGE;
}

bool cli_seconds(const char *text, uint64_t *out_ns)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > 1e9)
        return false;
    *out_ns = (uint64_t)(seconds * 1e9);
    return true;
}

bool cli_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || text[0] == '-' || errno || value < least || value > most)
        return false;
    *out = value;
    return true;
}

int cli_store(struct store **out, struct err *e)
{
    struct store_options options;
    int rc = store_default_options(&options, e);
    if (rc == 0)
        rc = store_open(out, &options, e);
    if (rc == 0 && store_notice(*out))
        fprintf(stderr, "ipclab: %s\n", store_notice(*out));
    return rc;
}

char *cli_temporary(struct err *e)
{
    const char *folder = getenv("TMPDIR");
    char *path = xasprintf("%s/ipclab-XXXXXX", folder && folder[0] ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0) {
        err_sys(e, errno, "make a temporary file %s", path);
        free(path);
        return NULL;
    }
    close(fd);
    return path;
}

static volatile sig_atomic_t stopped_by;

static void on_signal(int sig)
{
    stopped_by = sig;
    run_stop();
}

void cli_stop_on_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before, ours = {.sa_handler = on_signal};
        sigaction(signals[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(signals[i], &ours, NULL);
    }
}

int cli_stopped_by(void)
{
    return stopped_by;
}

int cli_report(FILE *out, const char *recording_path, const struct cli_report *how, struct err *e)
{
    struct recording *rec = NULL;
    int rc = recording_open(&rec, recording_path, e);
    if (rc < 0)
        return rc;
    struct diagnosis *diagnosis = diagnosis_new(rec);
    diagnosis_extend(diagnosis, 1);
    struct source *source = source_new(rec);
    struct export_input in = {.recording = rec, .diagnosis = diagnosis, .source = source};
    struct export_text_options options = {.has_events = how->is_text, .is_short = how->is_short};
    if (how->is_json)
        export_json(out, &in);
    else
        export_text(out, &in, &options);
    source_free(source);
    diagnosis_free(diagnosis);
    recording_free(rec);
    return fflush(out) == 0 ? 0 : err_sys(e, errno, "write the report");
}
