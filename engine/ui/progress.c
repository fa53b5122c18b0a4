#include "ui/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

enum { FILE_MOST = 16 << 20 };

static const char *const words[] = {
#define X(NAME, word) [DEED_##NAME] = word,
    DEEDS(X)
#undef X
};

struct record {
    char *lab;
    unsigned deeds; /* bit set */
};

struct progress {
    char *path;
    struct record *record;
    size_t record_count, record_cap;
};

static struct record *record_of(struct progress *p, const char *lab)
{
    for (size_t i = 0; i < p->record_count; i++)
        if (strcmp(p->record[i].lab, lab) == 0)
            return &p->record[i];
    struct record *record = PUSH(p->record);
    *record = (struct record){.lab = xstrdup(lab)};
    return record;
}

static void read_line(struct progress *p, const char *line)
{
    char word[32], lab[256];
    if (sscanf(line, "%*s %31s %255s", word, lab) != 2)
        return;
    for (unsigned i = 0; i < DEED_COUNT; i++)
        if (strcmp(words[i], word) == 0)
            record_of(p, lab)->deeds |= 1u << i;
}

struct progress *progress_open(const char *path)
{
    struct progress *p = xcalloc(1, sizeof *p);
    struct buf text = {0};
    p->path = xstrdup(path);
    if (file_read(&text, path, FILE_MOST, NULL) == 0 && text.data) {
        char *rest = text.data;
        for (char *line; (line = strsep(&rest, "\n"));)
            read_line(p, line);
    }
    buf_fini(&text);
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->record_count; i++)
        free(p->record[i].lab);
    free(p->record);
    free(p->path);
    free(p);
}

bool progress_has(const struct progress *p, const char *lab, enum deed deed)
{
    for (size_t i = 0; p && i < p->record_count; i++)
        if (strcmp(p->record[i].lab, lab) == 0)
            return p->record[i].deeds >> deed & 1;
    return false;
}

static int append_line(const char *path, const char *lab, enum deed deed, struct err *e)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, errno, "open %s", path);
    /* One write to an O_APPEND file: two runners never tear each other's lines. */
    char *line = xasprintf("%s %s %s\n", stamp, words[deed], lab);
    int r = fd_write_full(fd, line, strlen(line));
    free(line);
    fd_close(&fd);
    return r < 0 ? err_sys(e, -r, "write %s", path) : 0;
}

int progress_add(struct progress *p, const char *lab, enum deed deed, struct err *e)
{
    struct record *record = record_of(p, lab);
    if (record->deeds >> deed & 1)
        return 0;
    record->deeds |= 1u << deed;
    return append_line(p->path, lab, deed, e);
}
