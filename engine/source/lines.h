/* The line table of one module, through libdw. Opened only when an address in it is asked for. */
#ifndef IPCLAB_SOURCE_LINES_H
#define IPCLAB_SOURCE_LINES_H

#include <stdbool.h>
#include <stdint.h>

struct lines;

/* What an address is; strings are borrowed from the lines. */
struct line_found {
    const char *file;
    const char *function;
    int line;
};

/* NULL when the module is missing or is not the one that ran: another build id, or, without one, a
 * file that is newer than ran_at_ns (nanoseconds since 1970). */
struct lines *lines_open(const char *path, const char *build_id, uint64_t ran_at_ns);
void lines_free(struct lines *l);

/* address: as the module's DWARF counts. */
bool lines_find(struct lines *l, uint64_t address, struct line_found *out);

/* When the module's file was last changed. */
uint64_t lines_changed_ns(const struct lines *l);

#endif
