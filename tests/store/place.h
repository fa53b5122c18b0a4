/* A folder of its own for each test of the store, and what lies in it. */
#ifndef IPCLAB_TESTS_STORE_PLACE_H
#define IPCLAB_TESTS_STORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "store/store.h"

struct place {
    char folder[64]; /* temporary */
    char store[80];  /* folder/ipclab, where the store lies; not made */
    char db[100];    /* its progress.db */
    char backups[100];
};
void place_make(struct place *p);
void place_remove(struct place *p);

/* Copies the files of one store, with its backups, to where none is. */
void place_copy(const struct place *from, const struct place *to);
/* Removes the store, keeps the place. */
void place_empty(const struct place *p);

/* Opens with asserts; no notice is expected when `is_quiet`. */
struct store *place_open(const struct place *p, enum store_journal journal, bool is_quiet);

/* Names in a folder, sorted, joined by spaces; "" when there is no such folder. The caller frees.
 */
char *place_list(const char *folder);
/* The first name in the folder that has this in it; the caller frees. NULL: none. */
char *place_find(const char *folder, const char *part);
/* Fails the test when anything lies there that a closed store does not have, or a backup is not
 * whole. */
void place_check_clean(const struct place *p, bool may_have_damaged);
/* PRAGMA integrity_check says ok. */
void place_check_whole(const char *db);

void place_read(struct buf *out, const char *path);
void place_write(const char *path, const void *bytes, size_t size);
/* A number from SQL on the database file. */
long long place_number(const char *db, const char *sql);
void place_sql(const char *db, const char *sql);

/* An attempt with source at that exercise. 0 or -errno. */
int place_attempt(struct store *s, const char *exercise, const char *verdict, struct err *e);
/* What store_labs says of one lab; found: at all. The caller ends *labs. */
const struct store_lab *place_lab(struct store *s, struct store_labs *labs, const char *lab);

#endif
