#include "control/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

struct schedule *schedule_new(void)
{
    struct schedule *s = xcalloc(1, sizeof *s);
    s->what = xstrdup("");
    s->found_by = xstrdup("");
    s->why = xstrdup("");
    s->is_fair = true;
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->steps_count; i++)
        free(s->steps[i].note);
    free(s->steps);
    free(s->holds);
    free(s->order);
    free(s->faults);
    free(s->what);
    free(s->found_by);
    free(s->why);
    free(s);
}

void schedule_add(struct schedule *s, struct move move, uint32_t op, const char *note)
{
    char *copy = note ? xstrdup(note) : NULL;
    *PUSH(s->steps) = (struct schedule_step){.move = move, .op = op, .note = copy};
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

struct schedule *schedule_copy(const struct schedule *s)
{
    struct schedule *copy = schedule_new();
    set_text(&copy->what, s->what);
    set_text(&copy->found_by, s->found_by);
    set_text(&copy->why, s->why);
    copy->is_fair = s->is_fair;
    copy->then = s->then;
    copy->seed = s->seed;
    for (size_t i = 0; i < s->steps_count; i++)
        schedule_add(copy, s->steps[i].move, s->steps[i].op, s->steps[i].note);
    for (size_t i = 0; i < s->holds_count; i++)
        *PUSH(copy->holds) = s->holds[i];
    for (size_t i = 0; i < s->order_count; i++)
        *PUSH(copy->order) = s->order[i];
    for (size_t i = 0; i < s->faults_count; i++)
        *PUSH(copy->faults) = s->faults[i];
    return copy;
}

/* ---- words ---- */

static const char *const move_words[] = {
#define X(NAME, word) word,
    MOVE_KINDS(X)
#undef X
};

static int find_word(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

enum { ERRORS_MAX = 133, SIGNALS_MAX = 64 };

/* Every name that print_fault may write. */
static int64_t value_by_name(const char *text)
{
    for (int i = 1; i <= ERRORS_MAX; i++)
        if (strcmp(errno_name(i), text) == 0)
            return i;
    for (int i = 1; i <= SIGNALS_MAX; i++)
        if (strcmp(signal_name(i), text) == 0)
            return i;
    char *end;
    long long value = strtoll(text, &end, 10);
    return *text && !*end ? value : -1;
}

/* An error or a signal that has a name, or at least one byte. */
static bool is_value_of(const struct fault *f)
{
    if (f->kind == FAULT_SHORT)
        return f->value > 0;
    bool is_small = f->value > 0 && f->value <= ERRORS_MAX;
    return is_small &&
           value_by_name(f->kind == FAULT_ERROR ? errno_name((int)f->value)
                                                : signal_name((int)f->value)) == f->value;
}

/* ---- reading ---- */

struct reader {
    struct schedule *s;
    struct cast *cast;
    const char *name; /* of the file */
    unsigned line;
    struct err *e;
};

static int complain(struct reader *r, const char *what, const char *text, const char *instead)
{
    return err_set(r->e, EINVAL, "%s:%u: %s \"%.40s\"; write %s", r->name, r->line, what, text,
                   instead);
}

/* P, and then any number of ".2" or "/2". */
static bool is_name(const char *word)
{
    if (word[0] != 'P' || strlen(word) >= CAST_NAME_MAX)
        return false;
    for (word++; *word;) {
        size_t digits = strspn(word + 1, "0123456789");
        if ((*word != '.' && *word != '/') || digits == 0 || word[1] == '0')
            return false;
        word += 1 + digits;
    }
    return true;
}

static int read_task(struct reader *r, const char *word, uint16_t *out)
{
    if (!word || !is_name(word))
        return complain(r, "no task is called", word ? word : "",
                        "P for the command, P.1 for its first child");
    *out = cast_index(r->cast, word);
    return 0;
}

static int read_number(struct reader *r, const char *word, uint32_t *out)
{
    char *end;
    unsigned long value = word ? strtoul(word, &end, 10) : 0;
    if (!word || !*word || *end || value == 0 || value > UINT32_MAX)
        return complain(r, "not the number of a call:", word ? word : "", "1 for its first call");
    *out = (uint32_t)value;
    return 0;
}

enum { WORDS_MAX = 64 };

static size_t split(char *line, char *words[WORDS_MAX])
{
    size_t count = 0;
    char *rest = line;
    for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " \t", &rest));)
        words[count++] = word;
    return count;
}

/* fault NAME OP KIND[=VALUE] */
static int read_fault(struct reader *r, char **words, size_t count)
{
    struct fault fault = {0};
    if (count != 4)
        return complain(r, "incomplete:", "fault", "fault P.1 3 error=EMFILE");
    int rc = read_task(r, words[1], &fault.task);
    if (rc == 0)
        rc = read_number(r, words[2], &fault.op);
    if (rc < 0)
        return rc;
    char *given = xstrdup(words[3]); /* for the complaint */
    char *value = strchr(words[3], '=');
    if (value)
        *value++ = '\0';
    int kind = -1;
    for (int i = 0; i < FAULT_KIND_COUNT; i++)
        if (strcmp(fault_word((enum fault_kind)i), words[3]) == 0)
            kind = i;
    if (kind == FAULT_SMALL)
        kind = -1;
    bool needs_value = kind >= 0 && kind <= FAULT_SIGNAL;
    fault.kind = (uint8_t)kind;
    fault.value = value ? value_by_name(value) : 0;
    if (kind < 0 || needs_value != (value != NULL) || (value && !is_value_of(&fault)))
        rc = complain(r, "no fault is called", given,
                      "error=EMFILE, short=1, signal=SIGCHLD, kill or kill-after");
    else
        *PUSH(r->s->faults) = fault;
    free(given);
    return rc;
}

/* hold NAME until OTHER passes N | hold NAME until OTHER ends */
static int read_hold(struct reader *r, char **words, size_t count)
{
    struct schedule_hold hold = {0};
    bool is_pass = count == 6 && strcmp(words[4], "passes") == 0;
    bool is_end = count == 5 && strcmp(words[4], "ends") == 0;
    if ((!is_pass && !is_end) || strcmp(words[2], "until") != 0)
        return complain(r, "incomplete:", "hold", "hold P until P.1 passes 3, or: until P.1 ends");
    int rc = read_task(r, words[1], &hold.task);
    if (rc == 0)
        rc = read_task(r, words[3], &hold.other);
    if (rc == 0 && is_pass)
        rc = read_number(r, words[5], &hold.op);
    if (rc == 0)
        *PUSH(r->s->holds) = hold;
    return rc;
}

static int read_order(struct reader *r, char **words, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint16_t task;
        int rc = read_task(r, words[i], &task);
        if (rc < 0)
            return rc;
        *PUSH(r->s->order) = task;
    }
    return 0;
}

static int read_then(struct reader *r, const char *text)
{
    char *copy = xstrdup(text);
    char *last = strrchr(copy, ' ');
    char *end = NULL;
    bool is_too_big = false;
    int kind = -1;
    for (int pass = 0; pass < 2 && kind < 0; pass++) {
        for (int i = 0; i < STRATEGY_KIND_COUNT; i++)
            if (strcmp(strategy_word((enum strategy_kind)i), copy) == 0)
                kind = i;
        if (kind < 0 && pass == 0 && last) {
            errno = 0;
            r->s->seed = strtoull(last + 1, &end, 10);
            is_too_big = errno == ERANGE;
            *last = '\0';
        }
    }
    bool is_bad = kind < 0 || is_too_big || (end && *end);
    free(copy);
    if (is_bad)
        return complain(r, "no strategy is called", text,
                        "parent first, child first, round robin, urw 17, pos 17, pct 2 17");
    r->s->then = (enum strategy_kind)kind;
    return 0;
}

static int read_pipes(struct reader *r, const char *text)
{
    uint32_t size;
    int rc = read_number(r, text, &size);
    if (rc == 0)
        *PUSH(r->s->faults) = (struct fault){.kind = FAULT_SMALL, .value = size};
    return rc;
}

static int read_time(struct reader *r, const char *text)
{
    r->s->is_fair = strcmp(text, "fair") == 0;
    if (!r->s->is_fair && strcmp(text, "any") != 0)
        return complain(r, "no such time:", text, "fair or any");
    return 0;
}

static int read_move(struct reader *r, char **words, size_t count, const char *note)
{
    struct move move = {0};
    uint32_t op = 0;
    int rc = read_task(r, words[0], &move.task);
    if (rc == 0)
        rc = read_number(r, count > 1 ? words[1] : NULL, &op);
    if (rc < 0)
        return rc;
    int kind = count > 2 ? find_word(move_words, MOVE_KIND_COUNT, words[2]) : MOVE_GO;
    if (kind < 0 || count > 3)
        return complain(r, "no move is called", words[count - 1],
                        "go, signal, timeout, timer or report");
    move.kind = (uint8_t)kind;
    schedule_add(r->s, move, op, note);
    return 0;
}

/* The text after "key:" when the line begins so, without leading blanks; else NULL. */
static char *after(char *line, const char *key)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return NULL;
    line += length;
    return line + strspn(line, " \t");
}

static int read_line(struct reader *r, char *line, const char *note)
{
    char *text, *words[WORDS_MAX];
    if ((text = after(line, "for:"))) {
        set_text(&r->s->what, text);
        return 0;
    }
    if ((text = after(line, "found by:"))) {
        set_text(&r->s->found_by, text);
        return 0;
    }
    if ((text = after(line, "time:")))
        return read_time(r, text);
    if ((text = after(line, "pipes:")))
        return read_pipes(r, text);
    if ((text = after(line, "then:")))
        return read_then(r, text);
    size_t count = split(line, words);
    if (count == 0)
        return 0;
    if (strcmp(words[0], "fault") == 0)
        return read_fault(r, words, count);
    if (strcmp(words[0], "hold") == 0)
        return read_hold(r, words, count);
    if (strcmp(words[0], "order:") == 0)
        return read_order(r, words, count);
    if (strcmp(words[0], "ipclab-schedule") == 0) {
        if (count != 2 || strcmp(words[1], "1") != 0)
            return complain(r, "this ipclab reads schedules of version 1, not", words[count - 1],
                            "ipclab-schedule 1");
        return 0;
    }
    return read_move(r, words, count, note);
}

int schedule_parse(struct schedule **out, const char *text, const char *name, struct cast *cast,
                   struct err *e)
{
    struct reader r = {.s = schedule_new(), .cast = cast, .name = name, .e = e};
    char *copy = xstrdup(text), *rest = copy;
    int rc = 0;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n"));) {
        r.line++;
        char *note = strchr(line, '#');
        if (note)
            *note++ = '\0';
        size_t length = strlen(line);
        while (length && strchr(" \t\r", line[length - 1]))
            line[--length] = '\0';
        line += strspn(line, " \t");
        if (note)
            note += strspn(note, " \t");
        if (!*line && note && r.s->steps_count == 0 && !*r.s->why)
            set_text(&r.s->why, note);
        else
            rc = read_line(&r, line, note);
    }
    free(copy);
    if (rc < 0)
        schedule_free(r.s);
    else
        *out = r.s;
    return rc;
}

/* Bytes of another kind of file would come out on the user's terminal. */
static bool is_text(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        if ((c < ' ' && !strchr("\t\r\n", c)) || c == 0x7f || c == '\0')
            return false;
    }
    return true;
}

int schedule_read(struct schedule **out, const char *path, struct cast *cast, struct err *e)
{
    struct buf text = {0};
    int rc = file_read(&text, path, 4 << 20, e);
    if (rc == 0 && !is_text(&text))
        rc = err_set(e, EINVAL, "read %s: it is not text; a schedule is (docs/control.md)", path);
    if (rc == 0)
        rc = schedule_parse(out, text.data ? text.data : "", path, cast, e);
    buf_fini(&text);
    return rc;
}

/* ---- writing ---- */

static void print_fault(const struct fault *f, const struct cast *cast, struct buf *out)
{
    if (f->kind == FAULT_SMALL) {
        buf_printf(out, "pipes: %lld\n", (long long)f->value);
        return;
    }
    buf_printf(out, "fault %s %u %s", cast_name(cast, f->task), f->op,
               fault_word((enum fault_kind)f->kind));
    switch ((enum fault_kind)f->kind) {
    case FAULT_ERROR: buf_printf(out, "=%s", errno_name((int)f->value)); break;
    case FAULT_SIGNAL: buf_printf(out, "=%s", signal_name((int)f->value)); break;
    case FAULT_SHORT: buf_printf(out, "=%lld", (long long)f->value); break;
    default: break;
    }
    buf_puts(out, "\n");
}

static void print_step(const struct schedule_step *step, const struct cast *cast, struct buf *out)
{
    size_t start = out->len;
    buf_printf(out, "%s %u", cast_name(cast, step->move.task), step->op);
    if (step->move.kind != MOVE_GO)
        buf_printf(out, " %s", move_words[step->move.kind]);
    if (step->note && *step->note) {
        for (size_t width = out->len - start; width < 16; width++)
            buf_puts(out, " ");
        buf_printf(out, " # %s", step->note);
    }
    buf_puts(out, "\n");
}

void schedule_print(const struct schedule *s, const struct cast *cast, struct buf *out)
{
    if (*s->why)
        buf_printf(out, "# %s\n", s->why);
    buf_puts(out, "ipclab-schedule 1\n");
    if (*s->what)
        buf_printf(out, "for: %s\n", s->what);
    if (*s->found_by)
        buf_printf(out, "found by: %s\n", s->found_by);
    buf_printf(out, "time: %s\n", s->is_fair ? "fair" : "any");
    for (size_t i = 0; i < s->faults_count; i++)
        print_fault(&s->faults[i], cast, out);
    for (size_t i = 0; i < s->steps_count; i++)
        print_step(&s->steps[i], cast, out);
    for (size_t i = 0; i < s->holds_count; i++) {
        const struct schedule_hold *h = &s->holds[i];
        buf_printf(out, "hold %s until %s ", cast_name(cast, h->task), cast_name(cast, h->other));
        if (h->op)
            buf_printf(out, "passes %u\n", h->op);
        else
            buf_puts(out, "ends\n");
    }
    if (s->order_count)
        buf_puts(out, "order:");
    for (size_t i = 0; i < s->order_count; i++)
        buf_printf(out, " %s", cast_name(cast, s->order[i]));
    if (s->order_count)
        buf_puts(out, "\n");
    buf_printf(out, "then: %s", strategy_word(s->then));
    if (s->then >= STRATEGY_URW)
        buf_printf(out, " %llu", (unsigned long long)s->seed);
    buf_puts(out, "\n");
}

int schedule_write(const struct schedule *s, const struct cast *cast, const char *path,
                   struct err *e)
{
    struct buf text = {0};
    schedule_print(s, cast, &text);
    int rc = file_write(path, text.data, text.len, e);
    buf_fini(&text);
    return rc;
}
