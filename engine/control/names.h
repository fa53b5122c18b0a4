/* Logical names of tasks, and their numbers in one exploration.
 *
 * P is the command, P.1 its first child, P.1.2 that one's second, P/2 P's second thread. A name has
 * the same number in all runs that share the table. */
#ifndef IPCLAB_CONTROL_NAMES_H
#define IPCLAB_CONTROL_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum { NAMES_LENGTH_MAX = 64 };

struct names;

struct names *names_new(void);
void names_free(struct names *n);
/* The number of a name; a new one gets the next. "P" is always 0. */
uint16_t names_index(struct names *n, const char *name);
const char *names_text(const struct names *n, uint16_t index); /* borrowed */
size_t names_count(const struct names *n);

#endif
