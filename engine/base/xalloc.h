/* Allocation that never returns NULL: out of memory ends the program through die(). Free with
 * free(). */
#ifndef IPCLAB_BASE_XALLOC_H
#define IPCLAB_BASE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
/* Resizes to count elements of size bytes; dies on overflow too. */
void *xrealloc(void *block, size_t count, size_t size);
char *xstrdup(const char *text);
void *xmemdup(const void *bytes, size_t size);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Grows *array (of *cap elements of size bytes) so that it holds at least `need`; doubles. */
void xgrow(void *array, size_t *cap, size_t need, size_t size);

/* Appends one element to a triple {T *NAME; size_t NAME_count, NAME_cap}, and yields a pointer to
 * it:
 * `*PUSH(m->procs) = (struct proc){...}`. */
#define PUSH(array) \
    (xgrow(&(array), &array##_cap, array##_count + 1, sizeof *(array)), &(array)[array##_count++])

#endif
