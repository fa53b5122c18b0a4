#include "store/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"

enum { FILE_MOST = 1 << 16, SHOWN_MOST = 40 };

static const struct {
    const char *key, *values, *otherwise;
} known[] = {
#define X(NAME, key, values, otherwise, text) {key, values, otherwise},
    SETTINGS(X)
#undef X
};

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static bool is_one_of(const char *values, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = values; *p; p += strspn(p, " ")) {
        size_t word = strcspn(p, " ");
        if (word == length && strncmp(p, value, length) == 0)
            return true;
        p += word;
    }
    return values[0] == '\0';
}

static void complain(struct settings *s, const char *path, int line, struct buf *take_text)
{
    *PUSH(s->trouble) = xasprintf("%s:%d: %s", path, line, take_text->data);
    buf_fini(take_text);
}

static void refuse_key(struct settings *s, const char *path, int line, const char *key)
{
    struct buf text = {0};
    buf_puts(&text, "no setting is called ");
    buf_quoted(&text, key, strlen(key), SHOWN_MOST);
    buf_puts(&text, "; there are:");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        buf_printf(&text, "%s %s", i ? "," : "", known[i].key);
    complain(s, path, line, &text);
}

static void refuse_value(struct settings *s, const char *path, int line, size_t i,
                         const char *value)
{
    struct buf text = {0};
    buf_printf(&text, "%s cannot be ", known[i].key);
    buf_quoted(&text, value, strlen(value), SHOWN_MOST);
    buf_printf(&text, "; it is one of: %s", known[i].values);
    complain(s, path, line, &text);
}

static void take_line(struct settings *s, const char *path, int number, char *line)
{
    char *text = trim(line), *equals = strchr(text, '=');
    struct buf what = {0};
    if (!text[0] || text[0] == '#')
        return;
    if (!equals) {
        buf_puts(&what, "a line is `key = value`, or begins with #");
        complain(s, path, number, &what);
        return;
    }
    *equals = '\0';
    char *key = trim(text), *value = trim(equals + 1);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(known[i].key, key) != 0)
            continue;
        if (!is_one_of(known[i].values, value)) {
            refuse_value(s, path, number, i, value);
            return;
        }
        free(s->value[i]);
        s->value[i] = xstrdup(value);
        return;
    }
    refuse_key(s, path, number, key);
}

void settings_read(struct settings *out, const char *path)
{
    struct buf text = {0};
    struct err e = {0};
    char *folder = NULL, *own = NULL;
    *out = (struct settings){0};
    for (size_t i = 0; i < SETTING_COUNT; i++)
        out->value[i] = xstrdup(known[i].otherwise);
    if (!path && paths_config_name(&folder, NULL) == 0)
        path = own = xasprintf("%s/settings", folder);
    int rc = path ? file_read(&text, path, FILE_MOST, &e) : -ENOENT;
    if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
        *PUSH(out->trouble) = xstrdup(e.text);
    char *rest = text.data;
    for (int number = 1; rest; number++)
        take_line(out, path, number, strsep(&rest, "\n"));
    buf_fini(&text);
    free(folder);
    free(own);
}

void settings_fini(struct settings *settings)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        free(settings->value[i]);
    for (size_t i = 0; i < settings->trouble_count; i++)
        free(settings->trouble[i]);
    free(settings->trouble);
    *settings = (struct settings){0};
}
