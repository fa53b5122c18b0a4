/* A small child that outlives the runner and gives the terminal back when nobody else can: when the
 * runner was killed (SIGKILL, the OOM killer) while it had the terminal.
 *
 * It hears from the runner through a socket, a byte for each change: has the terminal, has lent it,
 * goodbye. The end of file without a goodbye is the runner's death. It then writes the farewell and
 * sets the terminal's modes, the latter only if they are still the runner's: a shell may have set
 * its own already. There is one. */
#ifndef IPCLAB_UI_GUARDIAN_H
#define IPCLAB_UI_GUARDIAN_H

#include <stddef.h>
#include <termios.h>

struct guarded {
    struct termios before, ours; /* modes of standard input */
    const char *farewell;        /* written to standard output */
    size_t farewell_size;
};

/* Without one (no process to be had) the runner does its work all the same. */
void guardian_start(const struct guarded *what);
/* All three are async-signal-safe. */
void guardian_lent(void);
void guardian_taken_back(void);
void guardian_goodbye(void); /* the terminal is as it was */
/* Says goodbye and waits for its end. */
void guardian_stop(void);

#endif
