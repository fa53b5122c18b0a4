#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/steer_json.h"

enum { LINE_MOST = 200 };

/* What is there to be obeyed. */
struct scope {
    size_t choices; /* 0: the run has ended */
    uint32_t step;
};

/* ---- lines ---- */

/* More input; false at its end, and when a signal ends the program. */
static bool read_more(struct steer_input *in)
{
    char bytes[4096];
    ssize_t n;
    do
        n = read(STDIN_FILENO, bytes, sizeof bytes);
    while (n < 0 && errno == EINTR && !cli_stopped_by());
    if (n <= 0)
        return false;
    buf_put(&in->text, bytes, (size_t)n);
    return true;
}

/* The next line without its end; NULL at the end of the input. The caller frees. */
static char *read_line(struct steer_input *in)
{
    char *end;
    while (!(end = in->text.len ? memchr(in->text.data, '\n', in->text.len) : NULL))
        if (in->is_over || !read_more(in)) {
            in->is_over = true;
            return in->text.len ? buf_take(&in->text) : NULL;
        }
    struct buf line = {0};
    buf_put(&line, in->text.data, (size_t)(end - in->text.data));
    size_t used = line.len + 1;
    memmove(in->text.data, in->text.data + used, in->text.len - used);
    in->text.len -= used;
    return buf_take(&line);
}

/* ---- orders ---- */

/* The command's number, from least to most; what is wrong with it is told to the partner. */
static bool number_of(const char *command, const char *text, uint64_t least, uint64_t most,
                      size_t *out)
{
    uint64_t number;
    if (cli_number(text, least, most, &number)) {
        *out = (size_t)number;
        return true;
    }
    struct buf error = {0};
    buf_printf(&error, "%s %s: a number from %llu to %llu is expected", command, text,
               (unsigned long long)least, (unsigned long long)most);
    steer_say_text("error", error.data);
    buf_fini(&error);
    return false;
}

static bool take_go(const char *text, const struct scope *scope, struct steer_order *out)
{
    out->command = STEER_GO;
    if (!number_of("go", text, 1, scope->choices, &out->number))
        return false;
    out->number--;
    return true;
}

static bool take_back(const char *text, const struct scope *scope, struct steer_order *out)
{
    (void)text;
    *out = (struct steer_order){STEER_REWIND, scope->step - 1};
    if (scope->step > 0)
        return true;
    steer_say_text("error", "back: no move has been made yet");
    return false;
}

static bool take_rewind(const char *text, const struct scope *scope, struct steer_order *out)
{
    out->command = STEER_REWIND;
    return number_of("rewind", text, 0, scope->step, &out->number);
}

static bool take_finish(const char *text, const struct scope *scope, struct steer_order *out)
{
    (void)text;
    (void)scope;
    out->command = STEER_FINISH;
    return true;
}

static bool take_quit(const char *text, const struct scope *scope, struct steer_order *out)
{
    (void)text;
    (void)scope;
    out->command = STEER_QUIT;
    return true;
}

static const struct {
    const char *name;
    bool has_number;
    bool needs_run; /* means nothing once the run has ended */
    bool (*take)(const char *text, const struct scope *scope, struct steer_order *out);
} commands[] = {
    {"go", true, true, take_go},          {"back", false, false, take_back},
    {"rewind", true, false, take_rewind}, {"finish", false, true, take_finish},
    {"quit", false, false, take_quit},
};

static void refuse(const char *format, const char *line)
{
    struct buf quoted = {0}, error = {0};
    buf_quoted(&quoted, line, strlen(line), LINE_MOST);
    buf_printf(&error, "%s: %s", quoted.data, format);
    steer_say_text("error", error.data);
    buf_fini(&quoted);
    buf_fini(&error);
}

static bool parse(char *line, const struct scope *scope, struct steer_order *out)
{
    line[strcspn(line, "\r")] = '\0';
    size_t length = strcspn(line, " ");
    const char *rest = line + length + (line[length] == ' ');
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strlen(commands[i].name) != length || strncmp(commands[i].name, line, length) != 0)
            continue;
        if (commands[i].has_number != (rest[0] != '\0')) {
            refuse(commands[i].has_number ? "a number is missing" : "takes no more words", line);
            return false;
        }
        if (commands[i].needs_run && scope->choices == 0) {
            refuse("the run has ended; back, rewind N and quit are left", line);
            return false;
        }
        return commands[i].take(rest, scope, out);
    }
    refuse("no such command; there are go N, back, rewind N, finish, quit", line);
    return false;
}

void steer_read_order(struct steer_input *in, size_t choices, uint32_t step,
                      struct steer_order *out)
{
    struct scope scope = {choices, step};
    for (;;) {
        char *line = read_line(in);
        *out = (struct steer_order){.command = STEER_QUIT};
        if (!line)
            return;
        bool is_order = parse(line, &scope, out);
        free(line);
        if (is_order)
            return;
    }
}
