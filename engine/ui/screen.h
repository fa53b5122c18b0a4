/* The terminal: draws grids, reads keys, and gives itself back as it was found.
 *
 * There is one. However the program ends (return, die(), a deadly signal), the terminal's modes,
 * cursor and screen are restored; after SIGSEGV and the like only async-signal-safe calls are made
 * for it; and a runner that was killed has a guardian (guardian.h). */
#ifndef IPCLAB_UI_SCREEN_H
#define IPCLAB_UI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ui/grid.h"

/* -ENOTTY when standard input or output is no terminal, -ENOTSUP when its type is not known. */
int screen_open(bool is_ascii, struct err *e);
void screen_close(void);

/* Whether only ASCII may be drawn: asked for, or the locale is not UTF-8. */
bool screen_is_ascii(void);
void screen_size(int *width, int *height);
/* To be called after SIGWINCH. */
void screen_resize(void);

/* Shows the grid: only what differs from the last one goes to the terminal. */
void screen_draw(const struct grid *g);

/* The next key press that is already there, 0 when there is none. */
uint32_t screen_press(void);

/* Lends the terminal to another program, and takes it back. */
void screen_lend(void);
void screen_take_back(void);

#endif
