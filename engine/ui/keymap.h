/* Which key means what on which screen: the bindings of keys.def, and the help made from them. */
#ifndef IPCLAB_UI_KEYMAP_H
#define IPCLAB_UI_KEYMAP_H

#include "ui/view.h"

enum { KEYMAP_PRESSES = 9 };

struct key_row {
    enum screen_id screen;
    enum action action;
    const char *keys; /* as shown */
    const char *word; /* for the key line; "" when it is not shown there */
    const char *text; /* for the help */
    uint32_t presses[KEYMAP_PRESSES];
};

/* ACTION_NONE when the screen does not use that key. */
enum action keymap_action(enum screen_id screen, uint32_t press);

/* The rows of one screen in the order of keys.def; NULL past the last. */
const struct key_row *keymap_row(enum screen_id screen, size_t index);

/* Draws the key line of a screen in row y; rows whose action is in `without` (a bit set of
 * UINT64_C(1) << ACTION_...) are left out, because they mean nothing now. */
void keymap_draw(struct grid *g, int y, enum screen_id screen, uint64_t without);

#endif
