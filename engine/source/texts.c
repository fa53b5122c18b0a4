#include "source/texts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

enum { TEXT_MAX = 4 << 20 };

struct text {
    char *file;
    char *whole; /* as read; NULL when there is no text, or when it is in the recording */
    char *split; /* the same, a NUL after each line */
    const char **line;
    size_t line_count, line_cap;
};

struct texts {
    const struct recording *rec;
    struct text *text;
    size_t text_count, text_cap;
};

struct texts *texts_new(const struct recording *rec)
{
    struct texts *t = xcalloc(1, sizeof *t);
    t->rec = rec;
    return t;
}

void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->text_count; i++) {
        free(t->text[i].file);
        free(t->text[i].whole);
        free(t->text[i].split);
        free(t->text[i].line);
    }
    free(t->text);
    free(t);
}

/* Is one path the end of the other, from a whole component on? A program compiled in another
 * directory names the same file by another path. */
static bool is_tail(const char *a, const char *b)
{
    size_t long_size = strlen(a), short_size = strlen(b);
    if (long_size < short_size)
        return is_tail(b, a);
    const char *tail = a + long_size - short_size;
    return strcmp(tail, b) == 0 && (tail == a || tail[-1] == '/');
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Steps over "./" and "../" in front. */
static const char *plain(const char *path)
{
    while (strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0)
        path += path[1] == '/' ? 2 : 3;
    return path;
}

enum likeness { IS_OTHER, IS_BASE, IS_TAIL, IS_SAME };

static int likeness(const char *file, const char *embedded)
{
    if (strcmp(file, embedded) == 0)
        return IS_SAME;
    if (is_tail(plain(file), plain(embedded)))
        return IS_TAIL;
    return strcmp(base_of(file), base_of(embedded)) == 0 ? IS_BASE : IS_OTHER;
}

/* The embedded copy that fits best, if it fits at least so well; none when two fit equally. */
static const char *embedded_text(const struct recording *rec, const char *file, int at_least)
{
    static const char prefix[] = "source:";
    const char *key, *value, *best = NULL;
    int best_like = at_least - 1;
    for (size_t i = 0; recording_meta_at(rec, i, &key, &value); i++) {
        if (strncmp(key, prefix, sizeof prefix - 1) != 0)
            continue;
        int like = likeness(file, key + sizeof prefix - 1);
        if (like > best_like)
            best = value;
        else if (like == best_like && best && strcmp(best, value) != 0)
            best = NULL;
        if (like > best_like)
            best_like = like;
    }
    return best;
}

static char *read_own(const char *file, uint64_t not_after_ns)
{
    struct stat st;
    if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    uint64_t changed_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    if (changed_ns > not_after_ns)
        return NULL;
    struct buf whole = {0};
    if (file_read(&whole, file, TEXT_MAX, NULL) == 0)
        return buf_take(&whole);
    buf_fini(&whole);
    return NULL;
}

static void split(struct text *t)
{
    for (char *at = t->split; *at;) {
        *PUSH(t->line) = at;
        at += strcspn(at, "\n");
        if (*at)
            *at++ = '\0';
    }
}

static struct text *find(struct texts *t, const char *file, uint64_t not_after_ns)
{
    for (size_t i = 0; i < t->text_count; i++)
        if (strcmp(t->text[i].file, file) == 0)
            return &t->text[i];
    struct text *new = PUSH(t->text);
    *new = (struct text){.file = xstrdup(file)};
    const char *embedded = embedded_text(t->rec, file, IS_TAIL);
    if (!embedded)
        new->whole = read_own(file, not_after_ns);
    if (!embedded && !new->whole)
        embedded = embedded_text(t->rec, file, IS_BASE);
    if (embedded || new->whole) {
        new->split = xstrdup(embedded ? embedded : new->whole);
        split(new);
    }
    return new;
}

const char *texts_line(struct texts *t, const char *file, uint64_t not_after_ns, int line)
{
    const struct text *text = find(t, file, not_after_ns);
    return line >= 1 && (size_t)line <= text->line_count ? text->line[line - 1] : NULL;
}

int texts_count(struct texts *t, const char *file, uint64_t not_after_ns)
{
    return (int)find(t, file, not_after_ns)->line_count;
}

const char *texts_own(struct texts *t, const char *file, uint64_t not_after_ns)
{
    return find(t, file, not_after_ns)->whole;
}
