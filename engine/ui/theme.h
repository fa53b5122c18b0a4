/* Colours and attributes by role.
 *
 * The palette keeps apart what must not be confused for people who see no difference between red
 * and green (after Okabe and Ito: orange, sky blue, bluish green, yellow, vermilion); no view
 * relies on it alone. */
#ifndef IPCLAB_UI_THEME_H
#define IPCLAB_UI_THEME_H

#include <stdbool.h>

#include "ui/grid.h"

enum { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8 };

/* Colour numbers as terminals have them; -1: the terminal's own. */
struct theme_colours {
    int fore, back;
};

/* `colours`: how many the terminal has (8, 16, 256). */
struct theme_colours theme_colours(enum style style, int colours);

/* The same on the row that the reader is at, for terminals with 256 colours. With fewer, and
 * without colours, that row is shown in reverse, whatever the styles in it. */
struct theme_colours theme_here(enum style style);

/* THEME_... */
unsigned theme_attributes(enum style style, bool is_coloured);

#endif
