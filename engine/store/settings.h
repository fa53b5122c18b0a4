/* Settings: $XDG_CONFIG_HOME/ipclab/settings, one `key = value` on a line, # begins a comment
 * (docs/progress.md). ipclab reads the file and never writes it. */
#ifndef IPCLAB_STORE_SETTINGS_H
#define IPCLAB_STORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* X(NAME, key, values, value without a line, what it does); values: those allowed, separated by
 * spaces; "" allows any text. */
#define SETTINGS(X)                                                                               \
    X(SKIN, "skin", "auto ascii", "auto", "the glyphs of the screen; auto: as the locale allows") \
    X(EDITOR, "editor", "", "", "the command that opens an exercise; else VISUAL, EDITOR, vi")

enum setting {
#define X(NAME, key, values, otherwise, text) SETTING_##NAME,
    SETTINGS(X)
#undef X
        SETTING_COUNT
};

struct settings {
    char *value[SETTING_COUNT];
    /* One line each, "FILE:3: ...": lines that say nothing, keys that are not known. Their lines
     * have no effect, all others have. */
    char **trouble;
    size_t trouble_count, trouble_cap;
};

/* Reads the file; one that is not there is empty. The caller ends with settings_fini. Never fails:
 * trouble tells. path NULL: the user's own. */
void settings_read(struct settings *out, const char *path);
void settings_fini(struct settings *settings);

#endif
