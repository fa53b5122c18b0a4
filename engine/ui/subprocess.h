/* A child process of the runner, in a process group of its own, read through pipes.
 *
 * It dies with the runner (PR_SET_PDEATHSIG), starts with default signal dispositions and an empty
 * mask, and its standard input is /dev/null, or a socket on which it is told things. */
#ifndef IPCLAB_UI_SUBPROCESS_H
#define IPCLAB_UI_SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct subprocess {
    pid_t pid;          /* -1: none, or reaped */
    int out_fd, err_fd; /* non-blocking, -1 at end of file: poll them */
    int in_fd;          /* its standard input; -1: none */
    struct buf out, err;
    int wait_status; /* once pid is -1 */
};

void subprocess_init(struct subprocess *c); /* no child */
int subprocess_start(struct subprocess *c, char *const argv[], struct err *e);
/* The same with a standard input that subprocess_tell() writes to. */
int subprocess_start_told(struct subprocess *c, char *const argv[], struct err *e);
/* Never blocks and raises no signal; -errno when the child does not listen any more. */
int subprocess_tell(struct subprocess *c, const char *text);
/* Reads what there is and reaps; true once the child has ended and all its output is here. Never
 * blocks. */
bool subprocess_step(struct subprocess *c);
/* Ends it if it still runs: SIGTERM to its group, SIGKILL to what is left half a second later.
 * Frees. */
void subprocess_stop(struct subprocess *c);

/* Runs a program in the terminal and waits. `is_over` is asked whenever a signal arrives on
 * signal_fd; when it says so the program is sent SIGHUP. Returns its wait status or -errno. */
int subprocess_foreground(char *const argv[], int signal_fd, bool (*is_over)(void *arg), void *arg);

#endif
