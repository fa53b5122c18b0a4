/* Any moment of a recording, fast: keyframes, and folding on from the nearest.
 *
 * Keyframes come from the file when its model layout is ours, else they are made in one pass when
 * the recording is opened. Distance grows with the length of the recording, memory stays bounded.
 */
#ifndef IPCLAB_MODEL_HISTORY_H
#define IPCLAB_MODEL_HISTORY_H

#include "model/model.h"

struct history;

struct history *
history_new(const struct recording *rec); /* borrows rec; folds it once if it must */
void history_free(struct history *h);

/* Takes in steps that recording_refresh() added. */
void history_extend(struct history *h);

/* The state after step seq (0: before everything). Borrowed until the next call. */
const struct model *history_at(struct history *h, uint32_t seq);

/* Writes this history's keyframes into a closed recording file, so that the next open need not
 * fold. */
int history_save(const struct history *h, const char *path, struct err *e);

#endif
