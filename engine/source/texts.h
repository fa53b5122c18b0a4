/* The texts of source files, by line: embedded copies first, then the files of this machine. */
#ifndef IPCLAB_SOURCE_TEXTS_H
#define IPCLAB_SOURCE_TEXTS_H

#include "trace/recording.h"

struct texts;

struct texts *texts_new(const struct recording *rec); /* borrows rec */
void texts_free(struct texts *t);

/* Line n (1-based), without its newline; NULL past the end or when there is no text. A file that
 * was changed after `not_after_ns` is not what was compiled: it has no text. */
const char *texts_line(struct texts *t, const char *file, uint64_t not_after_ns, int line);
int texts_count(struct texts *t, const char *file, uint64_t not_after_ns);

/* The whole text, NULL when there is none or when it comes from the recording already. */
const char *texts_own(struct texts *t, const char *file, uint64_t not_after_ns);

#endif
