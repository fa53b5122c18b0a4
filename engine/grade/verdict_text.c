/* Verdicts as text for a terminal or a file: readable without colour. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "grade/verdict.h"

enum { WIDTH = 100, POINTS_COLUMN = 90 };

static const char *glyph(enum check_state state)
{
    return state == CHECK_PASSED ? "✓" : state == CHECK_FAILED ? "✗" : "?";
}

/* Wraps at words, each line begun by `indent` blanks; the first one by `label` after them. */
static void put_wrapped(struct buf *out, int indent, const char *label, const char *text)
{
    size_t column = (size_t)indent + text_width(label);
    buf_printf(out, "%*s%s", indent, "", label);
    size_t left = column; /* where words begin */
    while (*text != '\0') {
        size_t word = strcspn(text, " \n");
        char copy[512];
        size_t kept = word < sizeof copy - 1 ? word : sizeof copy - 1;
        memcpy(copy, text, kept);
        copy[kept] = '\0';
        size_t width = text_width(copy);
        if (column > left && column + 1 + width > WIDTH) {
            buf_printf(out, "\n%*s", indent + 2, "");
            column = left = (size_t)indent + 2;
        }
        if (column > left) {
            buf_putc(out, ' ');
            column++;
        }
        buf_puts(out, copy);
        column += width;
        text += kept;
        if (*text == '\n') {
            buf_printf(out, "\n%*s", indent + 2, "");
            column = left = (size_t)indent + 2;
        }
        if (kept == word && *text != '\0')
            text++;
    }
    buf_putc(out, '\n');
}

static void put_indented(struct buf *out, int indent, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        buf_printf(out, "%*s%.*s\n", indent, "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void put_head(const struct verdict *v, struct buf *out)
{
    buf_printf(out, "%s   %s   %s   %d of %d points   %.2f s   seed %llu\n", v->exercise, v->file,
               verdict_kind_name(v->kind), v->points, v->points_max, (double)v->elapsed_ns / 1e9,
               (unsigned long long)v->seed);
}

/* Where to look: the recording and the moment, once more in words. */
static void put_place(const struct verdict_run *run, uint32_t seq, struct buf *out)
{
    if (run->recording[0] != '\0')
        buf_printf(out, "    see it: moment %u of run \"%s\": ipclab view %s\n", seq, run->name,
                   run->recording);
    if (run->schedule[0] != '\0')
        buf_printf(out, "    again: ipclab replay %s\n", run->schedule);
}

static void put_failure(const struct verdict *v, const struct verdict_check *check, size_t hints,
                        struct buf *out)
{
    put_wrapped(out, 4, "", check->text);
    if (check->next[0] != '\0')
        put_wrapped(out, 4, "next: ", check->next);
    put_wrapped(out, 4, "why: ", check->why);
    for (size_t i = 0; i < hints && i < check->hint_count; i++) {
        char label[64];
        snprintf(label, sizeof label, "hint %zu of %zu: ", i + 1, check->hint_count);
        put_wrapped(out, 4, label, check->hints[i]);
    }
    buf_printf(out, "    rule: %s", check->rule);
    if (check->file[0] != '\0')
        buf_printf(out, "   at: %s:%d", check->file, check->line);
    buf_putc(out, '\n');
    if (check->run < v->run_count)
        put_place(&v->runs[check->run], check->seq, out);
}

static void put_check(const struct verdict *v, const struct verdict_check *check, size_t hints,
                      struct buf *out)
{
    size_t width = text_width(check->title) + 2;
    buf_printf(out, "%s %s", glyph(check->state), check->title);
    buf_printf(out, "%*s%d/%d\n", width < POINTS_COLUMN ? (int)(POINTS_COLUMN - width) : 2, "",
               check->earned, check->points);
    if (check->state == CHECK_FAILED)
        put_failure(v, check, hints, out);
    else if (check->state == CHECK_OPEN && check->text[0] != '\0')
        put_wrapped(out, 4, "not judged: ", check->text);
}

static void put_run(const struct verdict_run *run, struct buf *out)
{
    char label[160];
    if (run->kind == VERDICT_PASS)
        return;
    snprintf(label, sizeof label, "run \"%s\": %s%s%s: ", run->name, verdict_kind_name(run->kind),
             run->kind == VERDICT_TIMEOUT ? ", " : "",
             run->kind == VERDICT_TIMEOUT ? run->how : "");
    put_wrapped(out, 0, label, run->reason);
    if (run->file[0] != '\0')
        buf_printf(out, "    at: %s:%d\n", run->file, run->line);
    if (run->kind != VERDICT_NOT_JUDGED)
        put_place(run, run->seq, out);
}

void verdict_text(const struct verdict *v, size_t hints, struct buf *out)
{
    put_head(v, out);
    if (v->compiler_text[0] != '\0') {
        buf_puts(out, v->is_compiled ? "the compiler warns:\n" : "it does not compile:\n");
        put_indented(out, 4, v->compiler_text);
    }
    if (v->run_count == 0 && v->kind == VERDICT_NOT_JUDGED)
        put_wrapped(out, 0, "not judged, which does not count: ", v->reason);
    if (v->run_count == 0)
        return;
    for (size_t i = 0; i < v->run_count; i++)
        put_run(&v->runs[i], out);
    for (size_t i = 0; i < v->check_count; i++)
        put_check(v, &v->checks[i], hints, out);
}
