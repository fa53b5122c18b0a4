/* Where things are: the tree of labs (a clone, or an installed share/ipclab), and the learner's own
 * files.
 *
 * The root is the folder that holds labs/order: $IPCLAB_ROOT, or the nearest such folder above the
 * program, or share/ipclab beside its bin/. The learner's own copies of exercises lie in the root
 * where it is writable (a clone), else in $XDG_DATA_HOME/ipclab. */
#ifndef IPCLAB_BASE_PATHS_H
#define IPCLAB_BASE_PATHS_H

#include "base/err.h"

/* The root, absolute, without a final slash. Borrowed; the same for the whole life of the program.
 * NULL when there is none: *e says what was looked for. */
const char *paths_root(struct err *e);

/* "ROOT/relative"; the caller frees. Dies when there is no root. */
char *paths_in_root(const char *relative);

/* The learner's file of an exercise "PART/LAB", made from the starter when it is not there yet. The
 * caller frees *out. */
int paths_exercise(char **out, const char *exercise, struct err *e);

/* $XDG_CACHE_HOME/ipclab or ~/.cache/ipclab: made if missing. The caller frees *out. Where it
 * cannot be written, the cache lies in $TMPDIR. */
int paths_cache_dir(char **out, struct err *e);

/* $XDG_DATA_HOME/ipclab or ~/.local/share/ipclab, $XDG_CONFIG_HOME/ipclab or ~/.config/ipclab,
 * $XDG_STATE_HOME/ipclab or ~/.local/state/ipclab: named, not made. The caller frees *out. -ENOENT
 * without a home. */
int paths_data_name(char **out, struct err *e);
int paths_config_name(char **out, struct err *e);
int paths_state_name(char **out, struct err *e);

/* This program's own file, for starting it again. Borrowed. */
const char *paths_program(void);

/* mkdir -p. 0 or -errno. */
int paths_make_dirs(const char *path, struct err *e);

#endif
