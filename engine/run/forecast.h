/* What a move would do, in words: for people who choose who moves.
 *
 * The model stands at the moment before the move, so the words carry its facts: "reads 4 of the 8
 * bytes in pipe 1", "would wait: pipe 1 is empty". They say what is sure and no more: a call of
 * which the model knows nothing gets no words. Pure: asks no process. */
#ifndef IPCLAB_RUN_FORECAST_H
#define IPCLAB_RUN_FORECAST_H

#include "control/chooser.h"
#include "run/footprint.h"

/* The call of an event as long as it is short, without result: "write(4, 65537 B)", "read(3)".
 * Appended. */
void forecast_call(const struct model *m, uint32_t event, struct buf *out);

/* What the move is called: the call, or "SIGCHLD is delivered", "its end is told to P". Appended.
 */
void forecast_move(const struct model *m, const struct footprint_move *move, struct buf *out);

/* What it would do now. `enabled` is enum enabled. Appended; nothing when that is not known. */
void forecast_effect(const struct model *m, const struct footprint_move *move, uint8_t enabled,
                     struct buf *out);

#endif
