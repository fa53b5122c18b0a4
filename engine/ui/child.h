/* A child process of the runner, in a process group of its own, read through pipes.
 *
 * It dies with the runner (PR_SET_PDEATHSIG), starts with default signal dispositions and an empty
 * mask, and its standard input is /dev/null. */
#ifndef IPCLAB_UI_CHILD_H
#define IPCLAB_UI_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct child {
    pid_t pid;          /* -1: none, or reaped */
    int out_fd, err_fd; /* non-blocking, -1 at end of file: poll them */
    struct buf out, err;
    int wait_status; /* once pid is -1 */
};

void child_init(struct child *c); /* no child */
int child_start(struct child *c, char *const argv[], struct err *e);
/* Reads what there is and reaps; true once the child has ended and all its output is here. Never
 * blocks. */
bool child_step(struct child *c);
/* Ends it if it still runs: SIGTERM to its group, SIGKILL to what is left half a second later.
 * Frees. */
void child_stop(struct child *c);

/* Runs a program in the terminal and waits. `is_over` is asked whenever a signal arrives on
 * signal_fd; when it says so the program is sent SIGHUP. Returns its wait status or -errno. */
int child_foreground(char *const argv[], int signal_fd, bool (*is_over)(void *arg), void *arg);

#endif
