/* The folder of compiled programs: entries named by a hash, each a folder of plain files. */
#ifndef IPCLAB_GRADE_CACHE_H
#define IPCLAB_GRADE_CACHE_H

/* Marks an entry as used now. */
void cache_touch(const char *entry);

/* Removes an entry, or a folder that was to become one: its files and itself. Nothing below is
 * followed. */
void cache_remove(const char *entry);

/* Keeps the folder small: once there are more than 256 entries, the 128 that were not used for
 * longest go. */
void cache_prune(const char *folder);

#endif
