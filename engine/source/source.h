/* Addresses to file:line, lazily.
 *
 * Only what somebody looks at is resolved, through libdw, once for each address; the recording
 * holds module paths, build ids and offsets. A module that is missing, or is not the one that ran
 * (its build id differs), gives no line and never a wrong one. */
#ifndef IPCLAB_SOURCE_SOURCE_H
#define IPCLAB_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/recording.h"

struct source; /* a resolver with its cache */

struct source_line {
    const char *file;     /* as the compiler wrote it; borrowed from the resolver */
    const char *base;     /* its last component */
    const char *function; /* "" when not known */
    int line;             /* 1-based */
};

struct source *source_new(const struct recording *rec); /* borrows rec */
void source_free(struct source *s);

/* The user's own innermost line of an event: false when it has no stack or no line is known. */
bool source_of_event(struct source *s, const struct event *ev, struct source_line *out);
bool source_of_frame(struct source *s, const struct frame *frame, struct source_line *out);

/* Lines of a source file, for showing: the text of line n (1-based), NULL past the end or when the
 * file cannot be read or is newer than the program. Copies that the recording carries win. Borrowed
 * until source_free. */
const char *source_text(struct source *s, const char *file, int line);
int source_text_count(struct source *s, const char *file);

/* Writes what a reader on another machine needs into a recording that is about to be closed: the
 * lines of all own frames that `rec` (the same recording, flushed and read) has, as entries
 * "line:MODULE:OFFSET", and the texts of the files they lie in, as "source:FILE". */
void source_embed(const struct recording *rec, struct recorder *w);

#endif
