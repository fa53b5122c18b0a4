#include "ui/exercise.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ui/keymap.h"

enum { PAGE = 10, ROWS_MOST = 2000 };

static size_t check_count(const struct exercise *x)
{
    return x->verdict ? x->verdict->check_count : 0;
}

static const struct verdict_check *marked(const struct exercise *x)
{
    return x->check < check_count(x) ? &x->verdict->checks[x->check] : NULL;
}

static const struct verdict_run *stopped_run(const struct exercise *x)
{
    for (size_t i = 0; x->verdict && i < x->verdict->run_count; i++)
        if (x->verdict->runs[i].kind != VERDICT_PASS)
            return &x->verdict->runs[i];
    return x->verdict && x->verdict->run_count ? &x->verdict->runs[0] : NULL;
}

bool exercise_evidence(const struct exercise *x, struct evidence *out)
{
    const struct verdict_check *check = marked(x);
    const struct verdict_run *run = stopped_run(x);
    *out = (struct evidence){0};
    if (run)
        *out = (struct evidence){run->recording, run->seq, run->reason};
    if (check && check->state == CHECK_FAILED && check->run < x->verdict->run_count)
        *out = (struct evidence){x->verdict->runs[check->run].recording, check->seq, check->text};
    return out->recording && out->recording[0];
}

/* ---- keys ---- */

static void mark(struct exercise *x, size_t check)
{
    if (check >= check_count(x))
        check = check_count(x) ? check_count(x) - 1 : 0;
    x->check = check;
    x->shows_why = false;
}

static enum request act(void *state, enum action action)
{
    struct exercise *x = state;
    const struct verdict_check *check = marked(x);
    switch (action) {
    case ACTION_UP: mark(x, x->check ? x->check - 1 : 0); break;
    case ACTION_DOWN: mark(x, x->check + 1); break;
    case ACTION_FIRST: mark(x, 0); break;
    case ACTION_LAST: mark(x, SIZE_MAX); break;
    case ACTION_PAGE_UP: x->scrolled -= x->scrolled > PAGE ? PAGE : x->scrolled; break;
    case ACTION_PAGE_DOWN: x->scrolled += PAGE; break;
    case ACTION_WHY: x->shows_why = !x->shows_why; break;
    case ACTION_HINT:
        if (check && check->state != CHECK_PASSED && x->hints[x->check] < check->hint_count)
            x->hints[x->check]++;
        break;
    case ACTION_GO: return REQUEST_EVIDENCE;
    case ACTION_EDIT: return REQUEST_EDIT;
    case ACTION_GRADE: return REQUEST_GRADE;
    case ACTION_LESSON: return REQUEST_LESSON;
    case ACTION_HELP: return REQUEST_HELP;
    case ACTION_BACK: return REQUEST_BACK;
    default: return REQUEST_NONE;
    }
    return REQUEST_DRAW;
}

/* ---- drawing: everything goes into a tall page, of which the screen shows a part ---- */

struct page {
    struct grid grid;
    int row;
    int marked_first, marked_last; /* rows of the marked check */
};

static void put(struct page *p, int indent, enum style style, const char *text)
{
    int room = p->grid.height - p->row;
    p->row += grid_wrap(&p->grid, indent, p->row, p->grid.width - indent - 1, room, 0, style, text);
}

static void put_printf(struct page *p, int indent, enum style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void put_printf(struct page *p, int indent, enum style style, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    put(p, indent, style, text.data);
    buf_fini(&text);
}

static void put_failure(const struct exercise *x, struct page *p, size_t index)
{
    const struct verdict_check *check = &x->verdict->checks[index];
    if (check->text && check->text[0])
        put(p, 6, STYLE_TEXT, check->text);
    if (check->file && check->file[0])
        put_printf(p, 6, STYLE_LINK, "%s:%d", check->file, check->line);
    for (size_t i = 0; i < x->hints[index] && i < check->hint_count; i++)
        put_printf(p, 6, STYLE_STRING, "hint %zu: %s", i + 1, check->hints[i]);
    if (index != x->check)
        return;
    if (check->next && check->next[0])
        put(p, 6, STYLE_DIM, check->next);
    size_t left = check->hint_count - x->hints[index];
    if (left > 0)
        put_printf(p, 6, STYLE_HERE, "[Enter] see it happen   [h] hint %zu of %zu",
                   x->hints[index] + 1, check->hint_count);
    else
        put(p, 6, STYLE_HERE, "[Enter] see it happen");
}

static void put_check(const struct exercise *x, struct page *p, size_t index)
{
    static const struct {
        const char *glyph;
        enum style style;
    } looks[] = {[CHECK_PASSED] = {"✓", STYLE_PASS},
                 [CHECK_FAILED] = {"✗", STYLE_FAIL},
                 [CHECK_OPEN] = {"·", STYLE_DIM}};
    const struct verdict_check *check = &x->verdict->checks[index];
    bool is_marked = index == x->check;
    int first = p->row, points_x = p->grid.width - 9;
    grid_text(&p->grid, 2, p->row, looks[check->state].style, 1, looks[check->state].glyph);
    if (points_x > 20)
        grid_printf(&p->grid, points_x, p->row, looks[check->state].style, 8, "%3d/%-3d",
                    check->earned, check->points);
    int room = p->grid.height - p->row, width = points_x > 20 ? points_x - 6 : p->grid.width - 5;
    p->row += grid_wrap(&p->grid, 4, p->row, width, room, 0, is_marked ? STYLE_STRONG : STYLE_TEXT,
                        check->title);
    if (is_marked)
        grid_reverse(&p->grid, 1, first, p->grid.width - 2, true);
    if (check->state == CHECK_OPEN && is_marked)
        put(p, 6, STYLE_DIM, "not judged: the run did not get so far");
    if (check->state == CHECK_FAILED)
        put_failure(x, p, index);
    if (is_marked && x->shows_why && check->why)
        put_printf(p, 6, STYLE_TEXT, "why: %s", check->why);
    if (is_marked) {
        p->marked_first = first;
        p->marked_last = p->row;
    }
}

/* The compiler's lines; those that say what is wrong stand out. */
static void put_compiler(const struct exercise *x, struct page *p)
{
    const char *text = x->verdict->compiler_text;
    bool is_broken = !x->verdict->is_compiled;
    if (!text || !text[0])
        return;
    put(p, 1, is_broken ? STYLE_FAIL : STYLE_STRONG,
        is_broken ? "✗ It does not compile:" : "The compiler warns:");
    while (*text) {
        size_t length = strcspn(text, "\n");
        char line[400];
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        enum style style = strstr(line, "error:")     ? STYLE_ERROR
                           : strstr(line, "warning:") ? STYLE_STRING
                           : strchr(line, '|')        ? STYLE_CODE
                                                      : STYLE_DIM;
        grid_text(&p->grid, 3, p->row++, style, -1, line);
        text += length + (text[length] == '\n');
    }
    p->row++;
}

static void put_verdict(const struct exercise *x, struct page *p)
{
    const struct verdict *v = x->verdict;
    size_t passed = 0;
    for (size_t i = 0; i < v->check_count; i++)
        passed += v->checks[i].state == CHECK_PASSED;
    if (v->kind == VERDICT_PASS)
        put(p, 1, STYLE_PASS, "✓ Passed: every check, in every run.");
    else if (v->kind == VERDICT_NOT_JUDGED)
        put_printf(p, 1, STYLE_ERROR, "! Not judged, and it does not count: %s", v->reason);
    else if (v->kind == VERDICT_FAIL && v->is_compiled)
        put_printf(p, 1, STYLE_FAIL, "✗ Not yet: %zu of %zu checks pass.", passed, v->check_count);
    else if (v->is_compiled)
        put_printf(p, 1, STYLE_FAIL, "✗ %s: %s", verdict_kind_name(v->kind), v->reason);
    p->row++;
    put_compiler(x, p);
    for (size_t i = 0; i < v->check_count; i++)
        put_check(x, p, i);
}

static void put_invitation(const struct exercise *x, struct page *p)
{
    put(p, 1, STYLE_TEXT, "Edit this file, here with e or in any editor; saving it grades it:");
    put(p, 3, STYLE_STRONG, x->path ? x->path : "");
    p->row++;
    if (x->is_grading)
        put(p, 1, STYLE_RUNNING, "▶ compiling and running it");
    else
        put(p, 1, STYLE_DIM, "r grades it as it is.");
}

static void draw_title(const struct exercise *x, struct grid *g)
{
    static const char spinner[] = {'|', '/', '-', '\\'};
    struct buf right = {0};
    const char *path = x->path ? x->path : "";
    grid_fill(g, 0, 0, g->width, 1, STYLE_BAR, ' ');
    int used = 1 + grid_text(g, 1, 0, STYLE_TITLE, -1, x->lab->name);
    used += 2 + grid_text(g, used + 2, 0, STYLE_BAR, -1, "exercise");
    if (x->is_grading)
        buf_printf(&right, "%c grading", spinner[x->tick % sizeof spinner]);
    else if (x->verdict && x->wait_ns)
        buf_printf(&right, "graded in %.2f s", (double)x->wait_ns / 1e9);
    if (x->verdict && x->verdict->points_max)
        buf_printf(&right, "   %d of %d points", x->verdict->points, x->verdict->points_max);
    int width = right.data ? (int)right.len : 0;
    int room = g->width - used - width - 6, long_path = (int)text_width(path);
    if (long_path > room) {
        path = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        long_path = (int)text_width(path);
    }
    if (long_path <= room)
        grid_text(g, used + 3, 0, STYLE_BAR, room, path);
    if (width && g->width - width - 1 > used)
        grid_text(g, g->width - width - 1, 0, x->is_grading ? STYLE_KEY : STYLE_BAR, -1,
                  right.data);
    buf_fini(&right);
}

static uint64_t keys_without(const struct exercise *x)
{
    uint64_t without = 0;
    const struct verdict_check *check = marked(x);
    struct evidence evidence;
    if (!check || check->state == CHECK_PASSED)
        without |= UINT64_C(1) << ACTION_HINT;
    if (!check)
        without |= UINT64_C(1) << ACTION_WHY | UINT64_C(1) << ACTION_DOWN;
    if (!exercise_evidence(x, &evidence))
        without |= UINT64_C(1) << ACTION_GO;
    return without;
}

/* The first row to show: as scrolled, but the marked check stays in sight. */
static int first_row(const struct exercise *x, const struct page *p, int rows)
{
    int first = x->scrolled;
    if (first == 0 && p->marked_last > rows)
        first = p->marked_last - rows < p->marked_first ? p->marked_last - rows : p->marked_first;
    if (first > p->row - 1)
        first = p->row - 1;
    return first < 0 ? 0 : first;
}

static void draw(const void *state, struct grid *g)
{
    const struct exercise *x = state;
    struct page page = {.row = 1};
    int rows = g->height - 2;
    draw_title(x, g);
    keymap_draw(g, g->height - 1, SCREEN_EXERCISE, keys_without(x));
    if (rows < 1)
        return;
    grid_init(&page.grid, g->width > 110 ? 110 : g->width, ROWS_MOST, g->is_ascii);
    if (x->trouble) {
        put(&page, 1, STYLE_ERROR, x->trouble);
        page.row++;
    }
    if (x->verdict)
        put_verdict(x, &page);
    else
        put_invitation(x, &page);
    grid_copy(g, 0, 1, &page.grid, 0, first_row(x, &page, rows), g->width, rows);
    grid_fini(&page.grid);
}

const struct view view_exercise = {.screen = SCREEN_EXERCISE, .draw = draw, .act = act};
