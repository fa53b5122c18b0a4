/* Draws a line of C, its words coloured. */
#ifndef IPCLAB_UI_CCODE_H
#define IPCLAB_UI_CCODE_H

#include <stdbool.h>

#include "ui/grid.h"

/* Draws at most `most` columns; *in_comment says whether the line begins inside a block comment,
 * and is set to whether it ends in one. Tabs go to the next multiple of 4. Returns the columns
 * used. */
int ccode_draw(struct grid *g, int x, int y, int most, const char *line, bool *in_comment);

/* Only follows the comments of a line that is not shown. */
void ccode_skip(const char *line, bool *in_comment);

#endif
