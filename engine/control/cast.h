/* The cast of an exploration: logical names of tasks, and their numbers in one exploration.
 *
 * P is the command, P.1 its first child, P.1.2 that one's second, P/2 P's second thread. A name has
 * the same number in all runs that share the table. */
#ifndef IPCLAB_CONTROL_CAST_H
#define IPCLAB_CONTROL_CAST_H

#include <stddef.h>
#include <stdint.h>

enum { CAST_NAME_MAX = 64 };

struct cast;

struct cast *cast_new(void);
void cast_free(struct cast *c);
/* The number of a name; a new one gets the next. "P" is always 0. */
uint16_t cast_index(struct cast *c, const char *name);
const char *cast_name(const struct cast *c, uint16_t index); /* borrowed */
size_t cast_count(const struct cast *c);

#endif
