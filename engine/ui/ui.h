/* The runner: labs, lessons, the stage and the exercises, on a terminal.
 *
 * The runner never traces: it starts this same executable as child processes (`ipclab run`,
 * `ipclab grade`) and reads what they write. Whatever happens, the terminal is given back as it was
 * found, and no child outlives the runner. */
#ifndef IPCLAB_UI_UI_H
#define IPCLAB_UI_UI_H

#include <stdbool.h>

#include "base/err.h"

struct ui_options {
    bool is_ascii;   /* no glyph outside ASCII; also set by IPCLAB_ASCII=1 or a locale that is not
                        UTF-8 */
    const char *lab; /* open this lab's lesson first; NULL: the list of labs */
};

/* The whole runner, until the user quits. options may be NULL. Returns 0, or -errno with one line
 * when there is no terminal to draw on (-ENOTTY) or its type is not known (-ENOTSUP). */
int ui_main(const struct ui_options *options, struct err *e);

/* The stage alone, on a finished recording, or on one that is being written. */
int ui_view(const char *path, const struct ui_options *options, struct err *e);

#endif
