#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "source/lines.h"
#include "source/texts.h"

enum { EMBED_FRAMES_MAX = 20000, EMBED_TEXT_MAX = 256 << 10, EMBED_TOTAL_MAX = 4 << 20 };

/* An address that was looked up; line 0: it has none. */
struct known {
    uint64_t offset;
    uint32_t module; /* 0: an empty slot */
    int line;
    const char *function;
    const char *file;
};

struct module_state {
    bool was_tried;
    struct lines *lines; /* NULL: not to be had */
};

struct source_file {
    char *name;
    uint64_t not_after_ns; /* a text that was changed later is not what was compiled */
};

struct source {
    const struct recording *rec;
    struct texts *texts;
    size_t meta_done;   /* embedded lines up to here are known */
    struct known *slot; /* a hash table, a power of two, at most half full */
    size_t slot_cap, known_count;
    struct module_state *module; /* by id */
    size_t module_count, module_cap;
    struct source_file *file;
    size_t file_count, file_cap;
    char **name; /* functions */
    size_t name_count, name_cap;
};

/* ---- the cache ---- */

static struct known *find_slot(struct known *slots, size_t cap, const struct frame *f)
{
    uint64_t hash = (f->offset ^ (uint64_t)f->module << 48) * 0x9e3779b97f4a7c15u;
    size_t at = (hash >> 20) & (cap - 1);
    while (slots[at].module && (slots[at].module != f->module || slots[at].offset != f->offset))
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static void grow(struct source *s)
{
    size_t cap = 2 * s->slot_cap;
    struct known *slots = xcalloc(cap, sizeof *slots);
    for (size_t i = 0; i < s->slot_cap; i++) {
        const struct known *k = &s->slot[i];
        if (k->module)
            *find_slot(slots, cap, &(struct frame){k->module, k->offset}) = *k;
    }
    free(s->slot);
    s->slot = slots;
    s->slot_cap = cap;
}

static struct known *add(struct source *s, const struct frame *f)
{
    if (2 * (s->known_count + 1) > s->slot_cap)
        grow(s);
    struct known *k = find_slot(s->slot, s->slot_cap, f);
    if (!k->module)
        s->known_count++;
    *k = (struct known){.module = f->module, .offset = f->offset};
    return k;
}

static const char *keep_name(struct source *s, const char *text)
{
    for (size_t i = s->name_count; i-- > 0;)
        if (strcmp(s->name[i], text) == 0)
            return s->name[i];
    return *PUSH(s->name) = xstrdup(text);
}

static struct source_file *keep_file(struct source *s, const char *name, uint64_t not_after_ns)
{
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->file[i].name, name) == 0)
            return &s->file[i];
    struct source_file *f = PUSH(s->file);
    *f = (struct source_file){xstrdup(name), not_after_ns};
    return f;
}

/* ---- lines that the recording carries: "line:MODULE:OFFSET" = "LINE FUNCTION FILE" ---- */

static void take_embedded(struct source *s, const char *key, const char *value)
{
    struct frame f;
    int line, function_at = 0, function_end = 0, file_at = 0;
    if (sscanf(key, "line:%" SCNu32 ":%" SCNx64, &f.module, &f.offset) != 2 || !f.module)
        return;
    if (sscanf(value, "%d %n%*s%n %n", &line, &function_at, &function_end, &file_at) != 1 ||
        line <= 0 || !file_at || !value[file_at])
        return;
    char *function = xmemdup(value + function_at, (size_t)(function_end - function_at) + 1);
    function[function_end - function_at] = '\0';
    struct known *k = add(s, &f);
    k->line = line;
    k->function = keep_name(s, strcmp(function, "?") == 0 ? "" : function);
    k->file = keep_file(s, value + file_at, recording_realtime_ns(s->rec))->name;
    free(function);
}

static void take_all_embedded(struct source *s)
{
    const char *key, *value;
    for (; recording_meta_at(s->rec, s->meta_done, &key, &value); s->meta_done++)
        if (strncmp(key, "line:", 5) == 0)
            take_embedded(s, key, value);
}

/* ---- looking up ---- */

/* Where a module that a sandboxed program saw at `path` lies outside (run.c notes it). */
static const char *host_path(const struct recording *rec, const char *path)
{
    char *key = xasprintf("module:%s", path);
    const char *outside = recording_meta(rec, key);
    free(key);
    return outside ? outside : path;
}

static struct lines *lines_of(struct source *s, uint32_t module)
{
    while (s->module_count <= module)
        *PUSH(s->module) = (struct module_state){0};
    struct module_state *state = &s->module[module];
    const struct module *m = recording_module(s->rec, module);
    if (!state->was_tried && m)
        state->lines =
            lines_open(host_path(s->rec, m->path), m->build_id, recording_realtime_ns(s->rec));
    state->was_tried = true;
    return state->lines;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void look_up(struct source *s, const struct frame *f, struct known *k)
{
    struct lines *lines = lines_of(s, f->module);
    struct line_found found;
    if (!lines || !lines_find(lines, f->offset - 1, &found)) /* the call, not what it returns to */
        return;
    uint64_t not_after = earlier(lines_changed_ns(lines), recording_realtime_ns(s->rec));
    k->line = found.line;
    k->function = keep_name(s, found.function);
    k->file = keep_file(s, found.file, not_after)->name;
}

bool source_of_frame(struct source *s, const struct frame *frame, struct source_line *out)
{
    if (!frame->module)
        return false;
    take_all_embedded(s);
    struct known *k = find_slot(s->slot, s->slot_cap, frame);
    if (!k->module) {
        k = add(s, frame);
        look_up(s, frame, k);
    }
    if (!k->line)
        return false;
    const char *slash = strrchr(k->file, '/');
    *out = (struct source_line){.file = k->file,
                                .base = slash ? slash + 1 : k->file,
                                .function = k->function,
                                .line = k->line};
    return true;
}

bool source_of_event(struct source *s, const struct event *ev, struct source_line *out)
{
    const struct frame *frames;
    size_t count = recording_stack(s->rec, ev->stack, &frames);
    for (size_t i = 0; i < count; i++) {
        const struct module *m = recording_module(s->rec, frames[i].module);
        if (m && m->is_own && source_of_frame(s, &frames[i], out))
            return true;
    }
    return false;
}

/* ---- texts ---- */

static uint64_t not_after(const struct source *s, const char *file)
{
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->file[i].name, file) == 0)
            return s->file[i].not_after_ns;
    return recording_realtime_ns(s->rec);
}

const char *source_text(struct source *s, const char *file, int line)
{
    return texts_line(s->texts, file, not_after(s, file), line);
}

int source_text_count(struct source *s, const char *file)
{
    return texts_count(s->texts, file, not_after(s, file));
}

/* ---- embedding ---- */

static void embed_line(struct recorder *w, const struct frame *f, const struct source_line *line)
{
    struct buf key = {0}, value = {0};
    buf_printf(&key, "line:%" PRIu32 ":%" PRIx64, f->module, f->offset);
    buf_printf(&value, "%d %s %s", line->line, line->function[0] ? line->function : "?",
               line->file);
    recorder_meta(w, key.data, value.data);
    buf_fini(&key);
    buf_fini(&value);
}

static void embed_lines(struct source *s, struct recorder *w, uint32_t stack_count)
{
    for (uint32_t id = 1; id <= stack_count; id++) {
        const struct frame *frames;
        size_t count = recording_stack(s->rec, id, &frames);
        for (size_t i = 0; i < count && s->known_count < EMBED_FRAMES_MAX; i++) {
            const struct module *m = recording_module(s->rec, frames[i].module);
            struct source_line line;
            size_t before = s->known_count;
            bool has_line = m && m->is_own && source_of_frame(s, &frames[i], &line);
            if (has_line && s->known_count > before)
                embed_line(w, &frames[i], &line);
        }
    }
}

void source_embed(const struct recording *rec, struct recorder *w)
{
    struct source *s = source_new(rec);
    size_t total = 0;
    embed_lines(s, w, recording_stack_count(rec));
    for (size_t i = 0; i < s->file_count; i++) {
        const char *text = texts_own(s->texts, s->file[i].name, s->file[i].not_after_ns);
        size_t size = text ? strlen(text) : 0;
        if (!size || size > EMBED_TEXT_MAX || total + size > EMBED_TOTAL_MAX)
            continue;
        total += size;
        struct buf key = {0};
        buf_printf(&key, "source:%s", s->file[i].name);
        recorder_meta(w, key.data, text);
        buf_fini(&key);
    }
    source_free(s);
}

/* ---- life ---- */

struct source *source_new(const struct recording *rec)
{
    struct source *s = xcalloc(1, sizeof *s);
    s->rec = rec;
    s->texts = texts_new(rec);
    s->slot_cap = 256;
    s->slot = xcalloc(s->slot_cap, sizeof *s->slot);
    return s;
}

void source_free(struct source *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->module_count; i++)
        lines_free(s->module[i].lines);
    for (size_t i = 0; i < s->file_count; i++)
        free(s->file[i].name);
    for (size_t i = 0; i < s->name_count; i++)
        free(s->name[i]);
    texts_free(s->texts);
    free(s->module);
    free(s->file);
    free(s->name);
    free(s->slot);
    free(s);
}
