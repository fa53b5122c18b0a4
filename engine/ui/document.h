/* A text in Markdown, laid out for any width. */
#ifndef IPCLAB_UI_DOCUMENT_H
#define IPCLAB_UI_DOCUMENT_H

#include <stddef.h>

#include "ui/grid.h"

struct document;

/* Parses (md4c: CommonMark and tables). Copies what it needs. */
struct document *document_new(const char *text, size_t size);
void document_free(struct document *d);

/* Lays the text out in `width` columns and returns the number of rows. `gap` empty rows are kept at
 * the place of the comment <!-- prediction -->, or at the end where there is none; *gap_row gets
 * the first of them. Draws rows skip .. skip + rows - 1 at (x, y); with rows 0 it only measures. */
int document_draw(const struct document *d, struct grid *g, int x, int y, int width, int skip,
                  int rows, int gap, int *gap_row);

#endif
